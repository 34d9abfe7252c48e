package shell

import (
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/mac"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
)

var filterModes = []string{"Disabled", "Allowlist", "Denylist"}

func macFilter(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		s.Printf("Address Mode: ")
		s.filterAddresses()
		s.Line("RssIn List:")
		s.filterRSS()
		return nil
	case a[0] == "addr":
		return filterAddr(s, a[1:])
	case a[0] == "rss":
		return filterRSS(s, a[1:])
	}
	return status.InvalidCommand
}

func (s *Shell) filter() *mac.Filter { return &s.node.MAC().Filters }

func (s *Shell) filterAddresses() {
	s.Line("%s", filterModes[s.filter().Mode])
	for _, e := range s.filter().Entries() {
		if e.Listed {
			s.filterEntry(e)
		}
	}
}

func (s *Shell) filterRSS() {
	for _, e := range s.filter().Entries() {
		if e.RSS != mac.NoRSS {
			s.filterEntry(e)
		}
	}
	if rss := s.filter().Default; rss != mac.NoRSS {
		s.Line("Default rss: %d (lqi %d)", rss, s.quality(rss))
	}
}

func (s *Shell) filterEntry(e mac.FilterEntry) {
	s.Printf("%s", hexOf(e.Ext[:]))
	if e.RSS != mac.NoRSS {
		s.Printf(" : rss %d (lqi %d)", e.RSS, s.quality(e.RSS))
	}
	s.Line("")
}

func (s *Shell) quality(rss int8) uint8 {
	return neighbor.QualityForMargin(neighbor.Margin(s.node.NoiseFloor(), rss))
}

func filterAddr(s *Shell, a args) error {
	switch a.at(0) {
	case "":
		s.filterAddresses()
	case "add":
		e, err := a.ext(1)
		if err != nil {
			return err
		}
		if !s.filter().Add(e) {
			return status.NoBufs
		}
		if a.has(2) {
			rss, err := a.i8(2)
			if err != nil {
				return err
			}
			return s.fixRSS(e, rss)
		}
	case "remove":
		e, err := a.ext(1)
		if err != nil {
			return err
		}
		s.filter().Remove(e)
	case "clear":
		s.filter().Clear()
	default:
		for mode, name := range []string{"disable", "allowlist", "denylist"} {
			if a[0] == name {
				if len(a) > 1 {
					return status.InvalidArgs
				}
				s.filter().Mode = mac.FilterMode(mode)
				return nil
			}
		}
		return status.InvalidCommand
	}
	return nil
}

func filterRSS(s *Shell, a args) error {
	switch a.at(0) {
	case "":
		s.filterRSS()
	case "add-lqi":
		q, err := a.u8(2)
		if err == nil && q > 3 {
			err = status.InvalidArgs
		}
		if err != nil {
			return err
		}
		return s.setRSS(a, neighbor.TypicalRSS(s.node.NoiseFloor(), q))
	case "add":
		rss, err := a.i8(2)
		if err != nil {
			return err
		}
		return s.setRSS(a, rss)
	case "remove":
		if a.is(1, "*") {
			s.filter().Default = mac.NoRSS
			return nil
		}
		e, err := a.ext(1)
		if err != nil {
			return err
		}
		s.filter().RemoveRSS(e)
	case "clear":
		s.filter().ClearRSS()
	default:
		return status.InvalidCommand
	}
	return nil
}

func (s *Shell) setRSS(a args, rss int8) error {
	if a.is(1, "*") {
		s.filter().Default = rss
		return nil
	}
	e, err := a.ext(1)
	if err != nil {
		return err
	}
	return s.fixRSS(e, rss)
}

func (s *Shell) fixRSS(e ieee802154.ExtAddr, rss int8) error {
	if !s.filter().AddRSS(e, rss) {
		return status.NoBufs
	}
	return nil
}
