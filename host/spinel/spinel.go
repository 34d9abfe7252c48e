// Package spinel drives a real 802.15.4 radio: a co-processor that runs OpenThread's RCP firmware, over a serial line, TCP
// or a child process. Client is its protocol without a world: bytes go in and out, time comes with each call.
//
// The co-processor does what is urgent: acknowledgements, back-off, retries, frame counters and the sealing of frames. What
// it should be is kept here and pushed again when it was reset.
package spinel

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// How long answers may take (OpenThread radio_spinel.hpp).
const (
	answerTimeout   = 2 * time.Second
	transmitTimeout = 5 * time.Second
	resetTries      = 3
)

// Handler is told of what the radio does.
type Handler interface {
	// Write sends bytes of a frame to the co-processor.
	Write(frame []byte)
	// Received takes in a frame. It is borrowed.
	Received(now machine.Time, f *radio.Frame)
	// Sent says how the Transmit ended.
	Sent(now machine.Time, s radio.Sent)
	// Energy answers an energy scan.
	Energy(now machine.Time, rssi int8)
	// Ready is called once, when the co-processor is known and can be used.
	Ready(now machine.Time)
	// Failed says that the co-processor cannot be used, or not any more.
	Failed(err error)
}

// Info is what a co-processor says of itself.
type Info struct {
	Version     string
	EUI64       ieee802154.ExtAddr
	Caps        radio.Caps
	Sensitivity int8 // dBm
	Channels    uint32
}

type state uint8

const (
	stopped state = iota
	resetting
	asking // who it is
	ready
)

type request struct {
	command, prop uint32
	value         []byte
	done          func(now machine.Time, m *message)
}

// wanted is what the radio should be.
type wanted struct {
	filter  radio.Filter
	keys    [3][16]byte
	index   uint8
	counter uint32
	hasKeys bool
	state   radio.State
}

// Client is the host's side of a co-processor.
type Client struct {
	Info   Info
	Resets int // how often the co-processor was reset without being asked

	handler  Handler
	state    state
	tries    int
	known    bool // Ready was called
	queue    []request
	waiting  *request // one at a time: small devices have small buffers
	tid      uint8
	deadline machine.Time

	want, have wanted
	fresh      bool // have is what the co-processor has; else it has nothing
	sending    *radio.Transmit
	early      bool // sending is to be sealed and waits for keys
	sendTID    uint8
	sendUntil  machine.Time
	scanning   bool
	out        []byte
	air        radio.Air
	ack        radio.Air
}

// New returns a client that Start starts.
func New(h Handler) *Client {
	return &Client{handler: h, deadline: machine.Never, sendUntil: machine.Never}
}

// Start resets the co-processor and asks what it is.
func (c *Client) Start(now machine.Time) {
	c.tries = 0
	c.reset(now)
}

func (c *Client) reset(now machine.Time) {
	c.state, c.queue, c.waiting, c.fresh = resetting, nil, nil, false
	c.out = append(c.out[:0], 0x80, cmdReset, resetStack)
	c.handler.Write(c.out)
	c.deadline = now.Add(answerTimeout)
	c.abort(now)
}

// abort ends what was under way when the co-processor was lost.
func (c *Client) abort(now machine.Time) {
	if c.sending != nil {
		c.sent(now, radio.Sent{Err: radio.Aborted})
	}
	if c.scanning {
		c.scanning = false
		c.handler.Energy(now, radio.NoRSSI)
	}
}

// Deadline says when Expire wants to be called.
func (c *Client) Deadline() machine.Time { return min(c.deadline, c.sendUntil) }

// Expire deals with answers that did not come: the co-processor is reset and told everything again.
func (c *Client) Expire(now machine.Time) {
	if c.Deadline() > now {
		return
	}
	c.deadline, c.sendUntil = machine.Never, machine.Never
	if c.tries++; c.tries > resetTries {
		c.state = stopped
		c.handler.Failed(errors.New("spinel: the radio co-processor does not answer"))
		return
	}
	c.reset(now)
}

// Receive takes in a frame from the co-processor.
func (c *Client) Receive(now machine.Time, frame []byte) {
	m, err := parse(frame)
	if err != nil || m.command < cmdIs || m.command > cmdRemoved || c.state == stopped {
		return
	}
	if m.tid == 0 {
		c.notified(now, &m)
		return
	}
	if c.sending != nil && m.tid == c.sendTID {
		c.transmitted(now, &m)
		return
	}
	if w := c.waiting; w != nil && m.tid == c.tid {
		c.waiting, c.deadline, c.tries = nil, machine.Never, 0
		if w.done != nil {
			w.done(now, &m)
		}
		c.next(now)
	}
}

func (c *Client) notified(now machine.Time, m *message) {
	r := reader{b: m.value}
	switch m.prop {
	case propLastStatus:
		if s := r.packed(); s >= statusReset && s < statusResetEnd {
			c.wasReset(now)
		}
	case propStreamRaw:
		f := radio.Frame{Air: &c.air, At: now}
		if c.state == ready && c.readFrame(&r, &f) {
			c.handler.Received(now, &f)
		}
	case propEnergyResult:
		r.uint8()
		if rssi := int8(r.uint8()); c.scanning && r.err() == nil {
			c.scanning = false
			c.handler.Energy(now, rssi)
		}
	}
}

func (c *Client) wasReset(now machine.Time) {
	if c.state != resetting {
		c.Resets++
	}
	c.queue, c.waiting, c.fresh, c.deadline = nil, nil, false, machine.Never
	if c.known {
		c.state = ready
		c.abort(now)
		c.sync(now)
		return
	}
	c.state = asking
	c.ask()
	c.next(now)
}

// ask queues the questions of who the co-processor is.
func (c *Client) ask() {
	get := func(prop uint32, f func(r *reader) error) {
		c.queue = append(c.queue, request{cmdGet, prop, nil, func(now machine.Time, m *message) {
			r := reader{b: m.value}
			err := errFrame
			if m.prop == prop {
				err = f(&r)
			}
			if err == nil {
				err = r.err()
			}
			if err != nil && c.state != stopped {
				c.state = stopped
				c.handler.Failed(fmt.Errorf("spinel: property %#x: %w", prop, err))
			}
		}})
	}
	get(propProtocolVersion, func(r *reader) error {
		if v := r.packed(); v != protocolMajor {
			return fmt.Errorf("the co-processor speaks version %d of spinel, not %d", v, protocolMajor)
		}
		return nil
	})
	get(propNCPVersion, func(r *reader) error {
		c.Info.Version = string(r.b[:max(0, slices.Index(r.b, 0))])
		return nil
	})
	get(propCaps, func(r *reader) error {
		var isRadio, raw bool
		for len(r.b) > 0 {
			v := r.packed()
			isRadio, raw = isRadio || v == capRadio, raw || v == capMACRaw
		}
		if !isRadio || !raw {
			return errors.New("the co-processor is no radio co-processor (RCP)")
		}
		return nil
	})
	get(propHWAddr, func(r *reader) error { copy(c.Info.EUI64[:], r.take(8)); return nil })
	get(propRadioCaps, func(r *reader) error { c.Info.Caps = caps(r.packed()); return nil })
	get(propPHYRxSensitivity, func(r *reader) error { c.Info.Sensitivity = int8(r.uint8()); return nil })
	c.queue = append(c.queue, request{cmdSet, propPHYEnabled, []byte{1}, func(now machine.Time, m *message) {
		if c.state == asking {
			c.state, c.known, c.fresh = ready, true, true
			c.have = wanted{}
			c.handler.Ready(now)
			c.sync(now)
		}
	}})
}

// next sends the next request that waits, and transmissions before it.
func (c *Client) next(now machine.Time) {
	for c.waiting == nil && len(c.queue) > 0 && (c.state == asking || c.state == ready) {
		q := c.queue[0]
		c.queue = slices.Delete(c.queue, 0, 1)
		if q.prop == propStreamRaw {
			c.transmit(now)
			continue
		}
		c.waiting, c.tid = &q, c.nextTID()
		c.deadline = now.Add(answerTimeout)
		m := message{c.tid, q.command, q.prop, q.value}
		c.out = m.append(c.out[:0])
		c.handler.Write(c.out)
	}
}

func (c *Client) nextTID() uint8 {
	t := c.tid%15 + 1
	if c.sending != nil && t == c.sendTID {
		t = t%15 + 1
	}
	return t
}
