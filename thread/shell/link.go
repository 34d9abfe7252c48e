package shell

import (
	"heddle.example/machine"
	"heddle.example/thread/status"
)

func eui64(s *Shell, a args) error {
	if len(a) > 0 {
		return status.InvalidArgs
	}
	e := s.node.EUI64()
	s.Line("%s", hexOf(e[:]))
	return nil
}

func extAddr(s *Shell, a args) error {
	if len(a) == 0 {
		e := s.node.ExtAddr()
		s.Line("%s", hexOf(e[:]))
		return nil
	}
	e, err := a.ext(0)
	if err != nil {
		return err
	}
	return s.node.SetExtAddr(s.now, e)
}

func panID(s *Shell, a args) error {
	if len(a) == 0 {
		s.Line("0x%04x", s.node.PANID())
		return nil
	}
	return set(a, at(s, s.node.SetPANID))
}

// at gives a setter the time of the input.
func at[T any](s *Shell, write func(machine.Time, T) error) func(T) error {
	return func(v T) error { return write(s.now, v) }
}

func pollPeriod(s *Shell, a args) error {
	return getset(s, a, s.node.PollPeriod, at(s, s.node.SetPollPeriod))
}

func txPower(s *Shell, a args) error {
	return dBm(s, a, s.node.TxPower, at(s, s.node.SetTxPower))
}

func ccaThreshold(s *Shell, a args) error {
	return dBm(s, a, s.node.CCAThreshold, at(s, s.node.SetCCAThreshold))
}

func dBm(s *Shell, a args, read func() int8, write func(int8) error) error {
	if len(a) == 0 {
		s.Line("%d dBm", read())
		return nil
	}
	v, err := a.i8(0)
	if err != nil {
		return err
	}
	return write(v)
}

func region(s *Shell, a args) error {
	if len(a) == 0 {
		r := s.node.Region()
		s.out = append(s.out, byte(r>>8), byte(r)) // two zero bytes while there is none, as OpenThread prints
		s.print("\r\n")
		return nil
	}
	if len(a[0]) != 2 {
		return status.InvalidArgs
	}
	return s.node.SetRegion(uint16(a[0][0])<<8 | uint16(a[0][1]))
}

func promiscuous(s *Shell, a args) error {
	return showOnOff(s, a, s.node.Promiscuous, at(s, s.node.SetPromiscuous))
}

func radioFilter(s *Shell, a args) error {
	return showOnOff(s, a, s.node.RadioFilter, at(s, s.node.SetRadioFilter))
}

// radioCommand has one error for all: OpenThread takes what it cannot switch for a word that it does not know.
func radioCommand(s *Shell, a args) error {
	if onOff(a, at(s, s.node.RadioEnabled)) != nil {
		return status.InvalidCommand
	}
	return nil
}

func macCommand(s *Shell, a args) error {
	switch {
	case a.is(0, "altshortaddr"):
		s.Line("0x%04x", s.node.MAC().AltShort())
		return nil
	case a.is(0, "retries") && a.is(1, "direct"):
		return getset(s, a[2:], func() uint8 { d, _ := s.node.MAC().Retries(); return d }, always(s.node.MAC().SetRetriesDirect))
	case a.is(0, "retries") && a.is(1, "indirect") && s.node.FTD():
		return getset(s, a[2:], func() uint8 { _, i := s.node.MAC().Retries(); return i }, always(s.node.MAC().SetRetriesIndirect))
	case a.is(0, "send") && len(a) == 2 && a[1] == "datarequest":
		return s.node.SendDataRequest(s.now)
	case a.is(0, "send") && len(a) == 2 && a[1] == "emptydata":
		return s.node.SendEmptyData(s.now)
	case a.is(0, "retries"), a.is(0, "send"):
		return status.InvalidArgs
	}
	return status.InvalidCommand
}

func timeInQueue(s *Shell, a args) error {
	switch {
	case a.is(0, "max"):
		s.Line("%d", s.node.MaxTimeInQueue())
		return nil
	case a.is(0, "reset"):
		s.node.ResetTimeInQueue()
		return nil
	case len(a) > 0:
		return status.InvalidArgs
	}
	s.table(column{"Min", 6}, column{"Max", 6}, column{"Msg Count", 9})
	bins, ms := s.node.TimeInQueue()
	for i, n := range bins {
		s.Printf("| %4d | ", uint32(i)*ms)
		if i < len(bins)-1 {
			s.Printf("%4d", uint32(i+1)*ms-1)
		} else {
			s.Printf("%4s", "inf")
		}
		s.Line(" | %7d |", n)
	}
	return nil
}
