package shell

import (
	"errors"

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

func (s *Shell) filterAddresses() {
	s.Line("%s", filterModes[s.node.FilterMode()])
	for _, e := range s.node.FilterAddresses() {
		s.filterEntry(e)
	}
}

func (s *Shell) filterRSS() {
	for _, e := range s.node.FilterRSS() {
		s.filterEntry(e)
	}
	if rss, ok := s.node.FilterDefaultRSS(); ok {
		s.Line("Default rss: %d (lqi %d)", rss, s.quality(rss))
	}
}

func (s *Shell) filterEntry(e FilterEntry) {
	s.Printf("%s", hexOf(e.Ext[:]))
	if e.HasRSS {
		s.Printf(" : rss %d (lqi %d)", e.RSS, s.quality(e.RSS))
	}
	s.Line("")
}

// quality is the link quality of a signal: 20, 10 and 2 dB above the noise (thread/link_quality.hpp).
func (s *Shell) quality(rss int8) int {
	switch margin := int(rss) - int(s.node.NoiseFloor()); {
	case margin > 20:
		return 3
	case margin > 10:
		return 2
	case margin > 2:
		return 1
	}
	return 0
}

// strength is a signal that has a link quality (GetTypicalRssForLinkQuality).
func (s *Shell) strength(quality uint8) int8 {
	return s.node.NoiseFloor() + []int8{0, 3, 15, 50}[quality]
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
		if err := s.node.AddFilterAddress(e); err != nil && !errors.Is(err, status.Already) {
			return err
		}
		if a.has(2) {
			rss, err := a.i8(2)
			if err != nil {
				return err
			}
			return s.node.AddFilterRSS(e, rss)
		}
	case "remove":
		e, err := a.ext(1)
		if err != nil {
			return err
		}
		s.node.RemoveFilterAddress(e)
	case "clear":
		s.node.ClearFilterAddresses()
	default:
		for mode, name := range []string{"disable", "allowlist", "denylist"} {
			if a[0] == name {
				if len(a) > 1 {
					return status.InvalidArgs
				}
				s.node.SetFilterMode(FilterMode(mode))
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
		return s.setRSS(a, s.strength(q))
	case "add":
		rss, err := a.i8(2)
		if err != nil {
			return err
		}
		return s.setRSS(a, rss)
	case "remove":
		if a.is(1, "*") {
			s.node.ClearFilterDefaultRSS()
			return nil
		}
		e, err := a.ext(1)
		if err != nil {
			return err
		}
		s.node.RemoveFilterRSS(e)
	case "clear":
		s.node.ClearFilterRSS()
	default:
		return status.InvalidCommand
	}
	return nil
}

func (s *Shell) setRSS(a args, rss int8) error {
	if a.is(1, "*") {
		s.node.SetFilterDefaultRSS(rss)
		return nil
	}
	e, err := a.ext(1)
	if err != nil {
		return err
	}
	return s.node.AddFilterRSS(e, rss)
}
