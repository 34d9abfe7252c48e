package shell

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/status"
)

// Factory is the radio by itself.
type Factory interface {
	Factory() (on, asleep bool, channel uint8, power int8, s info.FactoryStats)
	StartFactory(now machine.Time, cause machine.Cause) error
	StopFactory(now machine.Time, cause machine.Cause)
	SetFactory(now machine.Time, cause machine.Cause, channel uint8, power int8, asleep bool) error
	ClearFactory()
	SendFactory(now machine.Time, cause machine.Cause, count uint32, length uint16, period time.Duration) (machine.OpID, error)
	SetFactoryFrame(psdu []byte) error
	StopRepeat()
}

// diag is OpenThread's factory diagnostics.
func diag(s *Shell, a args) error {
	on, asleep, channel, power, stats := s.node.Factory()
	state := "disabled"
	if on {
		state = "enabled"
	}
	switch {
	case len(a) == 0:
		s.Line("diagnostics mode is %s", state)
		return nil
	case a[0] == "start":
		return s.node.StartFactory(s.now, s.cause)
	case !on:
		s.Line("diagnostics mode is disabled")
		return status.InvalidState
	}
	name := a[0]
	switch a = a[1:]; name {
	case "stop":
		s.node.StopFactory(s.now, s.cause)
	case "channel":
		return getset(s, a, func() uint8 { return channel }, func(c uint8) error {
			return s.node.SetFactory(s.now, s.cause, c, power, asleep)
		})
	case "power":
		if len(a) == 0 {
			s.Line("%d", power)
			return nil
		}
		p, err := a.i8(0)
		if err != nil {
			return err
		}
		return s.node.SetFactory(s.now, s.cause, channel, p, asleep)
	case "stats":
		return diagStats(s, a, &stats)
	case "radio":
		return diagRadio(s, a, asleep, channel, power)
	case "send":
		return diagSend(s, a)
	case "repeat":
		return diagRepeat(s, a)
	case "frame":
		return diagFrame(s, a)
	default:
		if err, known := diagBench(s, name, a); known {
			return err
		}
		if len(a) > 0 {
			s.Line("diag feature '%s' is not supported", name)
		}
		return status.InvalidCommand
	}
	return nil
}

func diagStats(s *Shell, a args, c *info.FactoryStats) error {
	switch {
	case a.is(0, "clear"):
		s.node.ClearFactory()
		return nil
	case len(a) > 0:
		return status.InvalidArgs
	}
	s.Line("received packets: %d", c.Received)
	s.Line("sent success packets: %d", c.Sent)
	s.Line("sent error cca packets: %d", c.Busy)
	s.Line("sent error abort packets: %d", c.Aborted)
	s.Line("sent error invalid state packets: 0")
	s.Line("sent error others packets: %d", c.Others)
	s.Line("first received packet: rssi=%d, lqi=%d", c.FirstRSSI, c.FirstLQI)
	s.Line("last received packet: rssi=%d, lqi=%d", c.LastRSSI, c.LastLQI)
	return nil
}

func diagRadio(s *Shell, a args, asleep bool, channel uint8, power int8) error {
	switch {
	case len(a) == 1 && (a[0] == "sleep" || a[0] == "receive"):
		return s.node.SetFactory(s.now, s.cause, channel, power, a[0] == "sleep")
	case a.is(0, "state"):
		if asleep {
			s.Line("sleep")
		} else {
			s.Line("receive")
		}
		return nil
	}
	return status.InvalidArgs
}

func diagSend(s *Shell, a args) error {
	async := a.is(0, "async")
	if async {
		a = a[1:]
	}
	count, e1 := a.u32(0)
	length, e2 := a.frameLength(1)
	if err := first(e1, e2); err != nil {
		return err
	}
	op, err := s.node.SendFactory(s.now, s.cause, count, length, 0)
	if async {
		return err
	}
	return s.begin(op, err)
}

func diagRepeat(s *Shell, a args) error {
	if a.is(0, "stop") {
		s.node.StopRepeat()
		return nil
	}
	period, e1 := a.u32(0)
	length, e2 := a.frameLength(1)
	if err := first(e1, e2); err != nil {
		return err
	}
	_, err := s.node.SendFactory(s.now, s.cause, 0, length, msec(int64(period)))
	return err
}

// frameLength reads a length; none is 0: that of the frame that was set.
func (a args) frameLength(i int) (uint16, error) {
	if !a.has(i) {
		return 0, nil
	}
	n, err := a.u16(i)
	if err == nil && n == 0 {
		err = status.InvalidArgs
	}
	return n, err
}
