package mesh

import (
	"heddle.example/machine"
	"heddle.example/sim"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// station is the radio of a node: what it does, on which channel, and by which filter it accepts and acknowledges.
type station struct {
	node    *Node
	mode    radio.Mode
	channel uint8
	since   machine.Time // when it began to hear this channel without a break
	filter  radio.Filter
	indexed bool // the filter's addresses are in the medium's indexes
	short   [2]uint16
	ext     ieee802154.ExtAddr
	timer   *sim.Timer
	step    step
	sending *flight     // the transmission under way, until its Sent
	acking  *flight     // the acknowledgement that it waits for, where that is on the air
	frame   radio.Frame // what the device sees: valid during one input
	ackSeen radio.Frame
	energy  Energy
	changed machine.Time // when energy was accounted last
	counts  Counts
}

// step says what the station's timer is for.
type step uint8

const (
	stepNone    step = iota
	stepArrive       // without air time: the frame arrives
	stepLook         // with it: the end of the look whether the channel is free
	stepSent         // the last bit is out
	stepAck          // the last bit of the acknowledgement is in
	stepTimeout      // no acknowledgement came
)

func (s *station) init(n *Node) {
	s.node, s.mode = n, radio.Off
	s.timer = n.medium.world.Timer(s.fire)
	s.changed = n.medium.world.Now()
}

// off is what a power cut does to a radio.
func (s *station) off() {
	m := s.node.medium
	s.account()
	s.setMode(radio.Off, 0)
	s.timer.Stop()
	s.unindex()
	m.promiscuous.remove(s.node.index)
	s.filter = radio.Filter{}
	// What is on the air already stays there, to disturb others, until its end.
	if f := s.sending; f != nil && !f.landing {
		f.orphan(m)
	}
	if f := s.acking; f != nil {
		f.orphan(m)
	}
	s.sending, s.acking, s.step = nil, nil, stepNone
}

// ask carries out what a device asks of its radio, and reports whether that was for the radio.
func (s *station) ask(a machine.Action) bool {
	switch v := a.Value.(type) {
	case *radio.Config:
		s.configure(v.Filter)
	case *radio.State:
		s.account()
		s.setMode(v.Mode, v.Channel)
	case *radio.EnergyScan:
		s.listenFor(v, a.Cause)
	default:
		return false
	}
	return true
}

func (s *station) setMode(mode radio.Mode, channel uint8) {
	m := s.node.medium
	if mode == s.mode && channel == s.channel {
		return
	}
	if s.mode == radio.Receive {
		m.listening[s.channel-firstChannel].remove(s.node.index)
	}
	if mode == radio.Receive {
		if channel < firstChannel || channel >= firstChannel+channels {
			mode = radio.Sleep
		} else {
			m.listening[channel-firstChannel].add(s.node.index)
			s.since = m.world.Now()
		}
	}
	s.mode, s.channel = mode, channel
}

func (s *station) configure(f radio.Filter) {
	m, i := s.node.medium, s.node.index
	if f.Promiscuous != s.filter.Promiscuous {
		if f.Promiscuous {
			m.promiscuous.add(i)
		} else {
			m.promiscuous.remove(i)
		}
	}
	s.filter.Update(f)
	if short := [2]uint16{f.Short, f.AltShort}; !s.indexed || short != s.short || f.Ext != s.ext {
		s.unindex()
		s.indexed, s.short, s.ext = true, short, f.Ext
		for _, a := range s.short {
			if a != ieee802154.InvalidShort && a != ieee802154.BroadcastShort {
				addIndex(m.byShort, a, i)
			}
		}
		addIndex(m.byExt, s.ext, i)
	}
}

func (s *station) unindex() {
	if !s.indexed {
		return
	}
	s.indexed = false
	for _, a := range s.short {
		dropIndex(s.node.medium.byShort, a, s.node.index)
	}
	dropIndex(s.node.medium.byExt, s.ext, s.node.index)
}

// hearing reports whether the station listens on a channel: it does while it waits for an acknowledgement, too.
func (s *station) hearing(channel uint8) bool { return s.mode == radio.Receive && s.channel == channel }

// transmit begins a transmission.
func (s *station) transmit(f *flight) {
	if s.sending != nil {
		panic("mesh: " + s.node.name + " sends while it sends: the MAC must wait for its RadioSent")
	}
	s.account()
	s.sending = f
	m := s.node.medium
	start := max(m.world.Now(), f.request.TxAt)
	switch {
	case !m.config.AirTime:
		s.step = stepArrive
		s.timer.Set(start.Add(m.config.Delay))
	case f.request.CCA && f.request.TxAt == 0:
		s.step = stepLook
		s.timer.Set(start.Add(ccaTime))
	case f.request.TxAt != 0:
		s.emit(start.Add(-synchronisation * byteTime))
	default:
		s.emit(start)
	}
}

// left counts a frame that leaves the antenna.
func (s *station) left(f *flight) {
	s.counts.Sent++
	if f.request.Retry > 0 {
		s.counts.Retries++
	}
	s.node.medium.stats.count(f)
}

// fire is what the station's timer does.
func (s *station) fire() {
	s.account()
	step := s.step
	s.step = stepNone
	switch step {
	case stepArrive:
		s.arrive()
	case stepLook:
		s.look()
	case stepSent:
		s.landed()
	case stepAck:
		s.acknowledged()
	case stepTimeout:
		s.finish(radio.NoAck, nil)
	}
}

// finish tells the device how its transmission ended.
func (s *station) finish(err radio.Err, ack *radio.Frame) {
	f := s.sending
	if f == nil {
		return
	}
	switch err {
	case radio.NoAck:
		s.counts.NoAck++
	case radio.ChannelBusy:
		s.counts.Busy++
	}
	s.followed(f, err)
	sent, cause := radio.Sent{ID: f.request.ID, Err: err, Ack: ack}, f.cause
	s.sending = nil
	s.node.device.RadioSent(s.node.medium.world.Now(), cause, sent)
	s.node.medium.release(f)
	s.node.drain()
}

// deliver gives an accepted frame to the device.
func (s *station) deliver(f *flight) {
	s.counts.Received++
	s.node.device.RadioReceived(s.node.medium.world.Now(), f.cause, &s.frame)
	s.node.drain()
}

// accept looks at a frame that reached the station, and makes its acknowledgement, where one is asked for.
func (s *station) accept(f *flight, rssi int8, dst []byte, at machine.Time) (ack []byte, ok bool) {
	m, h := s.node.medium, f.air.Parsed()
	if h == nil {
		if !s.filter.Promiscuous {
			return nil, false
		}
	} else if !s.filter.Accept(h) {
		return nil, false
	}
	s.frame = radio.Frame{Air: &f.air, RSSI: rssi, At: f.start.Add(m.sync)}
	if h != nil && h.AckRequest && !h.Dst.IsBroadcast() {
		ack = s.filter.Ack(dst, &s.frame, at)
	}
	return ack, true
}

// listenFor measures the energy on a channel.
func (s *station) listenFor(e *radio.EnergyScan, cause machine.Cause) {
	m := s.node.medium
	channel, boot := e.Channel, s.node.boots
	first := m.energy(s.node, channel)
	m.world.After(e.Duration, func() {
		if s.node.device == nil || s.node.boots != boot {
			return
		}
		s.node.device.RadioEnergy(m.world.Now(), cause, max(first, m.energy(s.node, channel)))
		s.node.drain()
	})
}

// account adds the time since the last change to what the radio did in it.
func (s *station) account() {
	now := s.node.medium.world.Now()
	d := now.Sub(s.changed)
	s.changed = now
	switch {
	case s.sending != nil && s.step == stepSent:
		s.energy.Transmit += d
	case s.mode == radio.Receive || s.sending != nil:
		s.energy.Receive += d
	case s.mode == radio.Sleep:
		s.energy.Sleep += d
	default:
		s.energy.Off += d
	}
}
