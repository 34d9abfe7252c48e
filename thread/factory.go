package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/info"
	"heddle.example/thread/radio"
	"heddle.example/thread/status"
)

// factory is the state of factory diagnostics: the radio by itself, without any layer above it (OpenThread's
// src/core/diags/factory_diags.cpp).
type factory struct {
	on      bool
	asleep  bool
	channel uint8
	power   int8
	stats   info.FactoryStats

	left   uint32        // frames to send; repeating: for ever
	length uint16        // of a frame
	frame  []byte        // that is sent where no length is asked for; nil: none was set
	period time.Duration // between repeated frames; 0: one after the other
	at     machine.Time
	id     uint32 // of the transmission under way; 0: none
	last   uint32
	op     machine.OpID // ends with the last frame
}

const (
	factoryChannel = 20 // OpenThread's
	factoryFirstID = 1 << 31
	factoryForever = ^uint32(0)
	factoryShort   = 3 // OT_RADIO_FRAME_MIN_SIZE
)

func (n *Node) factory() *factory {
	if n.diags == nil {
		n.diags = &factory{channel: factoryChannel, at: machine.Never, last: factoryFirstID}
	}
	return n.diags
}

// Factory reports whether factory diagnostics are on, and what they have counted.
func (n *Node) Factory() (on, asleep bool, channel uint8, power int8, s info.FactoryStats) {
	f := n.factory()
	return f.on, f.asleep, f.channel, f.power, f.stats
}

// StartFactory takes the radio away from the MAC; the interface must be down.
func (n *Node) StartFactory(now machine.Time, cause machine.Cause) error {
	return n.try(now, cause, func() error {
		if n.up {
			return status.InvalidState
		}
		f := n.factory()
		f.on, f.stats = true, info.FactoryStats{}
		n.mac.SetEnabled(now, true)
		n.mac.SetPromiscuous(now, true)
		n.factoryRadio(false)
		return nil
	})
}

// StopFactory gives it back.
func (n *Node) StopFactory(now machine.Time, cause machine.Cause) {
	n.Do(now, cause, func() {
		f := n.factory()
		f.on, f.at, f.left = false, machine.Never, 0
		n.mac.SetPromiscuous(now, false)
		n.mac.SetEnabled(now, false)
	})
}

// factoryRadio has the radio listen on the channel, or sleep.
func (n *Node) factoryRadio(sleep bool) {
	f := n.factory()
	s := &radio.State{Mode: radio.Receive, Channel: f.channel}
	if f.asleep = sleep; sleep {
		s.Mode = radio.Sleep
	}
	n.out.Push(machine.Action{Kind: machine.Ask, Cause: n.cause, Value: s})
}

// SetFactory changes channel and power, and whether the radio sleeps.
func (n *Node) SetFactory(now machine.Time, cause machine.Cause, channel uint8, power int8, asleep bool) error {
	return n.try(now, cause, func() error {
		if !n.mac.Supported(channel) {
			return status.InvalidArgs
		}
		f := n.factory()
		f.channel, f.power = channel, power
		n.factoryRadio(asleep)
		return nil
	})
}

// ClearFactory sets the counters to 0.
func (n *Node) ClearFactory() { n.factory().stats = info.FactoryStats{} }

// SetFactoryFrame keeps a frame to be sent, with its check sum, in the place of one of a length.
func (n *Node) SetFactoryFrame(psdu []byte) error {
	if len(psdu) < factoryShort || len(psdu) > 127 {
		return status.InvalidArgs
	}
	n.factory().frame = append([]byte(nil), psdu...)
	return nil
}

// SendFactory sends so many frames of a length; with a period, for ever. A length of 0 is the frame that was set, which another
// length forgets. The Result of a finite number is an *info.Done.
func (n *Node) SendFactory(now machine.Time, cause machine.Cause, count uint32, length uint16, period time.Duration) (op machine.OpID, err error) {
	err = n.try(now, cause, func() error {
		f := n.factory()
		switch {
		case f.left > 0:
			return status.InvalidState
		case length == 0 && f.frame == nil, length != 0 && (length < factoryShort || length > 127), count == 0 && period == 0:
			return status.InvalidArgs
		}
		if length != 0 {
			f.frame = nil
		}
		f.left, f.length, f.period = count, length, period
		if period > 0 {
			f.left, f.at = factoryForever, now.Add(period)
			return nil
		}
		n.lastOp++
		op, f.op = n.lastOp, n.lastOp
		n.factoryTransmit()
		return nil
	})
	return op, err
}

// StopRepeat ends the repeated frames.
func (n *Node) StopRepeat() {
	f := n.factory()
	f.left, f.at = 0, machine.Never
}

func (n *Node) factoryTransmit() {
	f := n.factory()
	b := append([]byte(nil), f.frame...)
	if b == nil {
		b = make([]byte, f.length)
		for i := range b {
			b[i] = byte(i)
		}
	}
	ieee802154.SetFCS(b)
	if f.last++; f.last < factoryFirstID {
		f.last = factoryFirstID
	}
	f.id = f.last
	n.out.Push(machine.Action{Kind: machine.Send, Cause: n.cause, Value: &radio.Transmit{ID: f.id, PSDU: b, Channel: f.channel, Power: f.power}})
}

// factorySent takes in how a frame of ours ended, and reports whether it was one.
func (n *Node) factorySent(now machine.Time, s *radio.Sent) bool {
	f := n.diags
	if f == nil || s.ID != f.id || f.id == 0 {
		return false
	}
	f.id = 0
	switch s.Err {
	case radio.OK:
		f.stats.Sent++
	case radio.ChannelBusy:
		f.stats.Busy++
	case radio.Aborted:
		f.stats.Aborted++
	default:
		f.stats.Others++
	}
	switch {
	case f.left == 0 || f.period > 0:
	case f.left > 1:
		f.left--
		n.factoryTransmit()
	default:
		f.left = 0
		n.result(f.op, n.cause, &info.Done{})
	}
	return true
}

// factoryHeard counts a frame, and reports whether nobody else wants it.
func (n *Node) factoryHeard(fr *radio.Frame) bool {
	f := n.diags
	if f == nil || !f.on {
		return false
	}
	if f.stats.Received++; f.stats.Received == 1 {
		f.stats.FirstRSSI, f.stats.FirstLQI = fr.RSSI, fr.LQI
	}
	f.stats.LastRSSI, f.stats.LastLQI = fr.RSSI, fr.LQI
	return true
}

func (n *Node) factoryDeadline() machine.Time {
	if n.diags == nil {
		return machine.Never
	}
	return n.diags.at
}

func (n *Node) expireFactory(now machine.Time) {
	f := n.diags
	f.at = now.Add(f.period)
	if f.id == 0 {
		n.factoryTransmit()
	}
}
