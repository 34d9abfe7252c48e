package spinel

import (
	"encoding/binary"
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

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

func (c *Client) set(prop uint32, value ...byte) {
	c.queue = append(c.queue, request{command: cmdSet, prop: prop, value: value})
}

func (c *Client) set16(prop uint32, v uint16) { c.set(prop, byte(v), byte(v>>8)) }

// Configure makes the radio accept and acknowledge by a filter, with keys if it seals frames.
func (c *Client) Configure(now machine.Time, f *radio.Config) {
	c.want.filter = f.Filter
	if c.Info.Caps&radio.CapTransmitSec != 0 && f.KeyIndex != 0 {
		c.want.keys, c.want.index, c.want.hasKeys = f.Keys, f.KeyIndex, true
		c.want.counter = max(c.want.counter, f.MACCounter) // no counter goes back, with other keys neither
	}
	c.sync(now)
	if c.early && c.want.hasKeys {
		c.early = false
		c.queue = append(c.queue, request{command: cmdSet, prop: propStreamRaw})
		c.next(now)
	}
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
