// Package spinel drives a real 802.15.4 radio: a co-processor that runs OpenThread's RCP firmware, over a serial line, TCP
// or a child process. Client is its protocol without a world: bytes go in and out, time comes with each call.
//
// The co-processor does what is urgent: acknowledgements, back-off, retries, frame counters and the sealing of frames. What
// it should be is kept here and pushed again when it was reset.
package spinel

import (
	"encoding/binary"
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

// caps translates the capabilities that the co-processor's radio has (OpenThread radio.h, OT_RADIO_CAPS).
func caps(v uint32) (c radio.Caps) {
	for bit, is := range [...]radio.Caps{radio.CapAckTimeout, radio.CapEnergyScan, radio.CapRetries, radio.CapCSMA,
		radio.CapSleepToTx, radio.CapTransmitSec} {
		if v>>bit&1 != 0 {
			c |= is
		}
	}
	return c
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

func (c *Client) set(prop uint32, value ...byte) {
	c.queue = append(c.queue, request{command: cmdSet, prop: prop, value: value})
}

func (c *Client) set16(prop uint32, v uint16) { c.set(prop, byte(v), byte(v>>8)) }

// Configure makes the radio accept and acknowledge by a filter, with keys if it seals frames.
func (c *Client) Configure(now machine.Time, f *radio.Config) {
	c.want.filter = f.Filter
	if c.Info.Caps&radio.CapTransmitSec != 0 {
		c.want.keys, c.want.index, c.want.hasKeys = f.Keys, f.KeyIndex, true
		c.want.counter = max(c.want.counter, f.MACCounter) // no counter goes back, with other keys neither
	}
	c.sync(now)
}

// SetState switches the receiver.
func (c *Client) SetState(now machine.Time, s radio.State) {
	c.want.state = s
	c.sync(now)
}

// sync queues what makes the co-processor what it should be.
func (c *Client) sync(now machine.Time) {
	if c.state != ready {
		return
	}
	if !c.fresh {
		c.set(propPHYEnabled, 1)
		c.have, c.fresh = wanted{}, true
		c.have.filter.PAN, c.have.filter.Short = ieee802154.BroadcastPAN, ieee802154.InvalidShort
	}
	w, h := &c.want, &c.have
	if w.filter.PAN != h.filter.PAN {
		c.set16(propPANID, uint16(w.filter.PAN))
	}
	if w.filter.Short != h.filter.Short {
		c.set16(propShortAddr, w.filter.Short)
	}
	if w.filter.Ext != h.filter.Ext {
		c.set(propExtAddr, slices.Clone(w.filter.Ext[:])...)
	}
	if w.filter.Promiscuous != h.filter.Promiscuous {
		c.set(propPromiscuous, appendBool(nil, w.filter.Promiscuous)...)
	}
	if w.hasKeys && (!h.hasKeys || w.keys != h.keys || w.index != h.index) {
		v := []byte{1 << 3, w.index}
		for _, k := range w.keys {
			v = appendData(v, k[:])
		}
		c.set(propMACKey, v...)
		ifLarger := byte(0)
		if h.hasKeys {
			ifLarger = 1 // it may have acknowledged meanwhile
		}
		c.set(propMACFrameCounter, append(binary.LittleEndian.AppendUint32(nil, w.counter), ifLarger)...)
	} else if w.hasKeys && w.counter > h.counter {
		c.set(propMACFrameCounter, append(binary.LittleEndian.AppendUint32(nil, w.counter), 1)...)
	}
	if w.filter.SourceMatch != h.filter.SourceMatch {
		c.set(propSrcMatchOn, appendBool(nil, w.filter.SourceMatch)...)
	}
	change(c, propSrcMatchShorts, h.filter.ShortMatch, w.filter.ShortMatch, func(v uint16) []byte {
		return binary.LittleEndian.AppendUint16(nil, v)
	})
	change(c, propSrcMatchExts, h.filter.ExtMatch, w.filter.ExtMatch, func(v ieee802154.ExtAddr) []byte {
		return slices.Clone(v[:])
	})
	if on := w.state.Mode == radio.Receive; true {
		if on && w.state.Channel != h.state.Channel && w.state.Channel != 0 {
			c.set(propPHYChannel, w.state.Channel)
		}
		if on != (h.state.Mode == radio.Receive) {
			c.set(propRawStream, appendBool(nil, on)...)
		}
	}
	channel := h.state.Channel
	*h = *w
	if h.state.Mode != radio.Receive {
		h.state.Channel = channel
	}
	c.next(now)
}

// change queues what makes a list of addresses another one.
func change[A comparable](c *Client, prop uint32, old, new []A, value func(A) []byte) {
	for _, a := range old {
		if !slices.Contains(new, a) {
			c.queue = append(c.queue, request{command: cmdRemove, prop: prop, value: value(a)})
		}
	}
	for _, a := range new {
		if !slices.Contains(old, a) {
			c.queue = append(c.queue, request{command: cmdInsert, prop: prop, value: value(a)})
		}
	}
}
