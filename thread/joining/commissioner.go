package joining

import (
	"encoding/binary"
	"slices"
	"time"

	"heddle.example/coap"
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

// Kind says how an entry names its joiner.
type Kind uint8

// The kinds of entry.
const (
	Anybody Kind = iota
	ByEUI64
	ByDiscerner
)

// Entry is a joiner that may join.
type Entry struct {
	Kind      Kind
	EUI64     [8]byte
	Discerner Discerner
	Password  string
	Expires   machine.Time
}

// ID returns what the entry's joiner calls itself, if it is one in particular.
func (e *Entry) id() *meshcop.JoinerID {
	if e.Kind != ByEUI64 {
		return nil
	}
	id := meshcop.NewJoinerID(e.EUI64)
	return &id
}

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

// Entries returns the joiners that may join.
func (c *Commissioner) Entries() []*Entry { return c.entries }

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

// AddJoiner lets a joiner in for a time.
func (c *Commissioner) AddJoiner(now machine.Time, e Entry, timeout time.Duration) error {
	switch {
	case c.state != Active:
		return status.InvalidState
	case !ValidPassword(e.Password):
		return status.InvalidArgs
	}
	e.Expires = now.Add(timeout)
	if old := c.find(&e); old != nil {
		*old = e
	} else if len(c.entries) >= c.max {
		return status.NoBufs
	} else {
		c.entries = append(c.entries, &e)
	}
	c.steer(now)
	return nil
}

func (c *Commissioner) find(e *Entry) *Entry {
	for _, o := range c.entries {
		if o.Kind == e.Kind && o.EUI64 == e.EUI64 && o.Discerner == e.Discerner {
			return o
		}
	}
	return nil
}

// RemoveJoiner lets a joiner in no more.
func (c *Commissioner) RemoveJoiner(now machine.Time, e Entry) error {
	if c.state != Active {
		return status.InvalidState
	}
	old := c.find(&e)
	if old == nil {
		return status.NotFound
	}
	c.remove(now, old)
	return nil
}

func (c *Commissioner) remove(now machine.Time, e *Entry) {
	c.entries = slices.DeleteFunc(c.entries, func(o *Entry) bool { return o == e })
	if c.active == e {
		c.active = nil
	}
	c.env.JoinerEvent(now, JoinerRemove, e.id())
	c.steer(now)
}

// steer tells the leader whom to let in.
func (c *Commissioner) steer(now machine.Time) {
	b := binary.BigEndian.AppendUint16([]byte{tlvCommissionerSession, 2}, c.session)
	filter := meshcop.NewSteeringData(16)
	for _, e := range c.entries {
		switch e.Kind {
		case Anybody:
			filter = meshcop.SteeringData{0xff}
		case ByEUI64:
			filter.Add(meshcop.NewJoinerID(e.EUI64))
		case ByDiscerner:
			filter.Add(meshcop.Discerner(e.Discerner.Value, e.Discerner.Length))
		}
		if e.Kind == Anybody {
			break
		}
	}
	if i := slices.IndexFunc(c.entries, func(e *Entry) bool { return e.Kind == Anybody }); i >= 0 {
		filter = meshcop.SteeringData{0xff}
	}
	c.env.Post(now, c.leader(), uriSet, tlv.Append(b, tlvSteeringData, filter), true, nil)
}

// entryFor returns the entry for a joiner that calls itself so: its own before one for all.
func (c *Commissioner) entryFor(id meshcop.JoinerID) *Entry {
	var best *Entry
	for _, e := range c.entries {
		switch e.Kind {
		case ByEUI64:
			if meshcop.NewJoinerID(e.EUI64) == id {
				return e
			}
		case ByDiscerner:
			mask := ^uint64(0) >> (64 - e.Discerner.Length)
			if binary.BigEndian.Uint64(id[:])&mask == e.Discerner.Value&mask {
				if best == nil || best.Kind == Anybody || best.Discerner.Length < e.Discerner.Length {
					best = e
				}
			}
		case Anybody:
			if best == nil {
				best = e
			}
		}
	}
	return best
}

// RelayRx takes in what a joiner router relays.
func (c *Commissioner) RelayRx(now machine.Time, b []byte) {
	port, ok := tlv.Uint16(b, tlvJoinerPort)
	iid, ok2 := tlv.Find(b, tlvJoinerIID)
	router, ok3 := tlv.Uint16(b, tlvJoinerRouter)
	datagram, ok4 := tlv.Find(b, tlvDTLS)
	if c.state != Active || !ok || !ok2 || len(iid) != 8 || !ok3 || !ok4 {
		return
	}
	if c.active == nil || c.until == machine.Never {
		e := c.entryFor(meshcop.JoinerID(ip6.IID(iid).Ext()))
		if e == nil {
			return
		}
		c.active, c.iid = e, ip6.IID(iid)
		c.until = now.Add(sessionTimeout)
		c.signal(now, JoinerStart)
	} else if c.iid != ip6.IID(iid) {
		return // one after the other
	}
	c.port, c.router = port, router
	c.dtls.aim(ip6.Join(ip6.LinkLocalNetwork, c.iid), port)
	c.dtls.receive(now, datagram)
}

func (c *Commissioner) signal(now machine.Time, e JoinerEvent) {
	id := meshcop.JoinerID(c.iid.Ext())
	c.env.JoinerEvent(now, e, &id)
}

// relay sends a datagram to the joiner by way of its router.
func (c *Commissioner) relay(now machine.Time, datagram []byte) {
	b := binary.BigEndian.AppendUint16([]byte{tlvJoinerPort, 2}, c.port)
	b = tlv.Append(b, tlvJoinerIID, c.iid[:])
	b = binary.BigEndian.AppendUint16(append(b, tlvJoinerRouter, 2), c.router)
	if c.withKEK {
		b = tlv.Append(b, tlvJoinerRouterKEK, c.kek[:])
	}
	b = appendExtended(b, tlvDTLS, datagram)
	c.env.Post(now, ip6.RLOC(c.env.MeshLocal(), c.router), uriRelayTx, b, false, nil)
}

// appendExtended appends a TLV with the long form of its length, whatever that is.
func appendExtended(dst []byte, typ byte, v []byte) []byte {
	return append(append(dst, typ, 0xff, byte(len(v)>>8), byte(len(v))), v...)
}

func (c *Commissioner) connected(now machine.Time, keyHash [32]byte) {
	c.kek = [16]byte(keyHash[:16])
	c.signal(now, JoinerConnect)
}

func (c *Commissioner) ended(now machine.Time, _ error) { c.end(now) }

func (c *Commissioner) end(now machine.Time) {
	if c.until == machine.Never {
		return
	}
	c.until = machine.Never
	c.signal(now, JoinerEnd)
}

// received takes in JOIN_FIN.
func (c *Commissioner) received(now machine.Time, m *coap.Message) {
	if c.state != Active || m.Type != coap.CON || m.Code != coap.POST || m.Options.Path() != "/"+uriFinalize {
		return
	}
	state := byte(stateAccept)
	if url, ok := tlv.Find(m.Payload, tlvProvisioningURL); ok && string(url) != c.url {
		state = stateReject
	}
	c.withKEK = state == stateAccept // whom we refuse gets no key; OpenThread's commissioner is not so strict
	c.dtls.answer(now, &coap.Message{Type: coap.ACK, Code: coap.Changed, ID: m.ID, Token: m.Token, Payload: []byte{tlvState, 1, state}})
	c.withKEK = false
	c.signal(now, JoinerFinalize)
	if e := c.active; e != nil && e.Kind != Anybody {
		e.Expires = min(e.Expires, now.Add(removeDelay))
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
