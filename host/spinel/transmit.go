package spinel

import (
	"encoding/binary"
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// Transmit sends a frame; Handler.Sent says how it ended. Properties that were set before are set when it leaves.
func (c *Client) Transmit(now machine.Time, t *radio.Transmit) {
	own := *t
	own.PSDU = slices.Clone(t.PSDU)
	c.sending = &own
	if c.state != ready {
		c.sent(now, radio.Sent{Err: radio.Aborted})
		return
	}
	if c.early = t.Secure && !c.want.hasKeys; c.early {
		return // the commit that lets it go lets the keys come, too: with the next Configure
	}
	// The request for it is answered when the frame has left and was acknowledged: others go on meanwhile.
	c.queue = append(c.queue, request{command: cmdSet, prop: propStreamRaw})
	c.next(now)
}

func (c *Client) transmit(now machine.Time) {
	t := c.sending
	if t == nil {
		return
	}
	c.tid = c.nextTID()
	c.sendTID = c.tid
	c.sendUntil = now.Add(transmitTimeout)
	c.have.state.Channel = t.Channel // where the radio is afterwards
	v := appendData(nil, t.PSDU)
	v = append(v, t.Channel, t.Backoffs, t.Retries)
	v = appendBool(v, t.CCA || t.Backoffs > 0)
	v = appendBool(v, !t.Secure)               // the header is as it shall be sent
	v = appendBool(v, t.Retry > 0)             // again
	v = appendBool(v, !t.Secure)               // sealed, or not to be
	v = binary.LittleEndian.AppendUint32(v, 0) // no delay
	v = binary.LittleEndian.AppendUint32(v, 0)
	after := t.Channel
	if c.want.state.Mode == radio.Receive && c.want.state.Channel != 0 {
		after = c.want.state.Channel
		c.have.state.Channel = after
	}
	v = append(v, after, byte(t.Power))
	m := message{c.sendTID, cmdSet, propStreamRaw, v}
	c.out = m.append(c.out[:0])
	c.handler.Write(c.out)
}

// transmitted reads how a transmission ended.
func (c *Client) transmitted(now machine.Time, m *message) {
	t := c.sending
	r := reader{b: m.value}
	status := r.packed()
	if m.prop != propLastStatus || r.err() != nil {
		c.sent(now, radio.Sent{Err: radio.Aborted})
		return
	}
	r.bool() // frame pending, which the ack says as well
	updated := r.bool()
	var s radio.Sent
	switch status {
	case statusOK:
		if t.AckRequest {
			f := radio.Frame{Air: &c.ack, At: now}
			if c.readFrame(&r, &f) {
				s.Ack = &f
			} else {
				s.Err = radio.NoAck
			}
		} else if c.skipFrame(&r) != nil {
			updated = false
		}
	case statusNoAck:
		s.Err = radio.NoAck
	case statusCCAFailure:
		s.Err = radio.ChannelBusy
	default:
		s.Err = radio.Aborted
	}
	if t.Secure && updated {
		r.uint8() // key index
		if n := r.uint32(); r.err() == nil {
			s.Counter = n
			c.want.counter = max(c.want.counter, n+1)
			c.have.counter = max(c.have.counter, n+1)
		}
	}
	c.sent(now, s)
}

func (c *Client) sent(now machine.Time, s radio.Sent) {
	s.ID = c.sending.ID
	c.early = false
	c.sending, c.sendUntil, c.tries = nil, machine.Never, 0
	c.queue = slices.DeleteFunc(c.queue, func(q request) bool { return q.prop == propStreamRaw })
	c.handler.Sent(now, s)
	c.next(now)
}

// readFrame reads a frame that was received into f, and says whether there is a good one.
func (c *Client) readFrame(r *reader, f *radio.Frame) bool {
	psdu := r.data()
	rssi, _ := int8(r.uint8()), r.uint8()
	flags := r.uint16()
	phy := r.within()
	channel, lqi := phy.uint8(), phy.uint8()
	phy.uint64() // the co-processor's clock
	vendor := r.within()
	fault := vendor.packed()
	if c.Info.Caps&radio.CapTransmitSec != 0 {
		mac := r.within()
		mac.uint8()
		counter := mac.uint32()
		if f.AckedSecured = flags&flagAckedSecured != 0 && mac.err() == nil; f.AckedSecured {
			f.AckCounter = counter
			c.want.counter = max(c.want.counter, counter+1)
			c.have.counter = max(c.have.counter, counter+1)
		}
	}
	if r.err() != nil || phy.err() != nil || vendor.err() != nil || fault != 0 || len(psdu) < ieee802154.FCSLen ||
		len(psdu) > ieee802154.MaxPSDU {
		return false
	}
	f.Set(channel, psdu)
	f.RSSI, f.LQI = rssi, lqi
	f.AckedPending = flags&flagAckedPending != 0
	return true
}

// skipFrame reads over what stands for the ack of a frame that asked for none: nothing, mostly.
func (c *Client) skipFrame(r *reader) error {
	if len(r.b) == 0 {
		return errFrame
	}
	var f radio.Frame
	f.Air = &c.ack
	c.readFrame(r, &f)
	return r.err()
}

// Scan measures the energy on a channel.
func (c *Client) Scan(now machine.Time, s *radio.EnergyScan) {
	if c.state != ready {
		c.handler.Energy(now, radio.NoRSSI)
		return
	}
	c.scanning = true
	c.set(propScanMask, s.Channel)
	c.set16(propScanPeriod, uint16(max(s.Duration.Milliseconds(), 1)))
	c.set(propScanState, scanEnergy)
	c.have.state.Channel = 0 // set it again
	c.next(now)
}
