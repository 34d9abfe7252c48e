package joining

import (
	"encoding/binary"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
)

// CommissionerState is how far a commissioner is.
type CommissionerState uint8

// The states, in OpenThread's order.
const (
	CommissionerDisabled CommissionerState = iota
	Petitioning
	Active
)

func (s CommissionerState) String() string {
	return [...]string{"disabled", "petitioning", "active"}[min(s, Active)]
}

// JoinerEvent is what happened to a joiner, in the shell's words.
type JoinerEvent string

// The events of a joiner.
const (
	JoinerStart    JoinerEvent = "start"
	JoinerConnect  JoinerEvent = "connect"
	JoinerFinalize JoinerEvent = "finalize"
	JoinerEnd      JoinerEvent = "end"
	JoinerRemove   JoinerEvent = "remove"
)

// CommissionerEnv is what a Commissioner needs of its node.
type CommissionerEnv interface {
	Poster
	Attached() bool
	MeshLocal() ip6.Network
	CommissionerChanged(now machine.Time, s CommissionerState)
	JoinerEvent(now machine.Time, e JoinerEvent, id *meshcop.JoinerID)
}

// Times of a commissioner (OpenThread commissioner.hpp).
const (
	petitionRetry   = time.Second
	petitionTries   = 2
	keepAlive       = 25 * time.Second
	removeDelay     = 20 * time.Second
	sessionTimeout  = 45 * time.Second
	aloc16Leader    = 0xfc00
	commissionerID0 = "OpenThread Commissioner"
)

// Commissioner lets joiners in. One joins at a time, as with OpenThread's.
type Commissioner struct {
	env     CommissionerEnv
	rand    machine.Rand
	max     int
	state   CommissionerState
	name    string
	url     string
	session uint16
	tries   int
	timer   machine.Time
	entries []*Entry
	dtls    *secure
	active  *Entry
	iid     ip6.IID
	port    uint16
	router  uint16
	kek     [16]byte
	// Certify, where set, is told of what OpenThread's reference devices log.
	Certify Certify
	withKEK bool // the datagram that is sent now brings the key-encryption key to the router
	until   machine.Time
}

// NewCommissioner returns a disabled one with room for some joiners.
func NewCommissioner(r machine.Rand, entries int, env CommissionerEnv) *Commissioner {
	return &Commissioner{env: env, rand: r, max: entries, name: commissionerID0, timer: machine.Never, until: machine.Never}
}

// State returns how far it is.
func (c *Commissioner) State() CommissionerState { return c.state }

// Session returns the number of the commissioner's session.
func (c *Commissioner) Session() uint16 { return c.session }

// Name returns who it says that it is; SetName changes that while it is disabled.
func (c *Commissioner) Name() string { return c.name }

// SetName changes who it says that it is.
func (c *Commissioner) SetName(s string) error {
	switch {
	case len(s) > 64:
		return status.InvalidArgs
	case c.state != CommissionerDisabled:
		return status.InvalidState
	}
	c.name = s
	return nil
}

// URL returns the provisioning URL that joiners must name; SetURL changes it.
func (c *Commissioner) URL() string { return c.url }

// SetURL changes the provisioning URL.
func (c *Commissioner) SetURL(s string) error {
	if len(s) > 64 {
		return status.InvalidArgs
	}
	c.url = s
	return nil
}

func (c *Commissioner) leader() ip6.Address { return ip6.RLOC(c.env.MeshLocal(), aloc16Leader) }

func (c *Commissioner) set(now machine.Time, s CommissionerState) {
	if c.state != s {
		c.state = s
		c.env.CommissionerChanged(now, s)
	}
}

// Start asks the leader to be the network's commissioner.
func (c *Commissioner) Start(now machine.Time) error {
	switch {
	case !c.env.Attached():
		return status.InvalidState
	case c.state != CommissionerDisabled:
		return status.Already
	}
	s, err := newSecure(c.rand, func() []byte {
		if c.active == nil {
			return nil
		}
		return []byte(c.active.Password)
	})
	if err != nil {
		return err
	}
	c.dtls = s
	s.out, s.up, s.down, s.message = c.relay, c.connected, c.ended, c.received
	c.tries = 0
	c.set(now, Petitioning)
	c.petition(now)
	return nil
}

func (c *Commissioner) petition(now machine.Time) {
	c.tries++
	c.env.Post(now, c.leader(), uriPetition, tlv.Append(nil, tlvCommissionerID, []byte(c.name)), true, c.petitioned)
}

func (c *Commissioner) petitioned(now machine.Time, answer []byte, err error) {
	if c.state == Active {
		return
	}
	if err != nil {
		if c.state == Petitioning {
			if c.tries >= petitionTries {
				c.stop(now, false)
				return
			}
			c.timer = now.Add(petitionRetry)
		}
		return
	}
	session, ok := tlv.Uint16(answer, tlvCommissionerSession)
	if state, _ := tlv.Uint8(answer, tlvState); state != stateAccept || !ok {
		c.stop(now, false)
		return
	}
	c.session = session
	if c.state == CommissionerDisabled { // stopped meanwhile
		c.keepAlive(now)
		return
	}
	c.timer, c.tries = now.Add(keepAlive), 0
	c.set(now, Active)
}

func (c *Commissioner) keepAlive(now machine.Time) {
	b := []byte{tlvState, 1, stateReject}
	if c.state == Active {
		b[2] = stateAccept
	}
	b = binary.BigEndian.AppendUint16(append(b, tlvCommissionerSession, 2), c.session)
	c.env.Post(now, c.leader(), uriKeepAlive, b, true, func(now machine.Time, answer []byte, err error) {
		if state, _ := tlv.Uint8(answer, tlvState); c.state == Active && (err != nil || state != stateAccept) {
			c.stop(now, false)
		}
	})
}

// Stop resigns.
func (c *Commissioner) Stop(now machine.Time) error {
	if c.state == CommissionerDisabled {
		return status.Already
	}
	c.stop(now, true)
	return nil
}

// lost stops without a word: the way to the network is gone.
func (c *Commissioner) lost(now machine.Time) { c.stop(now, false) }

func (c *Commissioner) stop(now machine.Time, tell bool) {
	if c.state == CommissionerDisabled {
		return
	}
	was := c.state
	if c.active != nil {
		c.dtls.close(now)
		c.end(now)
	}
	c.entries, c.timer, c.until, c.tries = nil, machine.Never, machine.Never, 0
	c.set(now, CommissionerDisabled)
	if was == Active && tell {
		c.keepAlive(now)
	}
}

// Deadline says when Expire wants to be called.
func (c *Commissioner) Deadline() machine.Time {
	if c.state == CommissionerDisabled {
		return machine.Never
	}
	d := min(c.timer, c.until, c.dtls.deadline())
	for _, e := range c.entries {
		d = min(d, e.Expires)
	}
	return d
}

// Expire fires what is due.
func (c *Commissioner) Expire(now machine.Time) {
	if c.state == CommissionerDisabled {
		return
	}
	c.dtls.expire(now)
	if c.timer <= now {
		c.timer = machine.Never
		if c.state == Petitioning {
			c.petition(now)
		} else {
			c.timer = now.Add(keepAlive)
			c.keepAlive(now)
		}
	}
	if c.until <= now { // a joiner that takes too long makes room for others
		c.dtls.close(now)
		c.end(now)
	}
	for _, e := range slices.Clone(c.entries) {
		if e.Expires <= now {
			c.remove(now, e)
		}
	}
}
