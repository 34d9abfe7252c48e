package shell

import (
	"heddle.example/border/routing"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// prefixKinds says which of a pair of prefixes are wanted.
func prefixKinds(a args) (local, favored bool, err error) {
	switch {
	case len(a) == 0:
		return true, true, nil
	case len(a) > 1 || !a.is(0, "local") && !a.is(0, "favored"):
		return false, false, status.InvalidArgs
	}
	return a[0] == "local", a[0] == "favored", nil
}

// brPair prints what this router would offer and what is used, with a name in front of each if both are wanted.
func (s *Shell) brPair(a args, local func() (ip6.Prefix, error), favored func() (ip6.Prefix, string, error)) error {
	wantLocal, wantFavored, err := prefixKinds(a)
	if err != nil {
		return err
	}
	name := func(n string) string {
		if wantLocal && wantFavored {
			return n
		}
		return ""
	}
	if wantLocal {
		p, err := local()
		if err != nil {
			return err
		}
		s.Line("%s%s", name("Local: "), p)
	}
	if wantFavored {
		p, more, err := favored()
		if err != nil {
			return err
		}
		s.Line("%s%s%s", name("Favored: "), p, more)
	}
	return nil
}

func brOMRPrefix(s *Shell, a args) error {
	m := s.routing()
	return s.brPair(a, m.OMRPrefix, func() (ip6.Prefix, string, error) {
		p, prf, err := m.FavoredOMRPrefix()
		return p, " prf:" + preferences[prf], err
	})
}

func brNAT64Prefix(s *Shell, a args) error {
	m := s.routing()
	return s.brPair(a, m.NAT64Prefix, func() (ip6.Prefix, string, error) {
		p, prf, err := m.FavoredNAT64Prefix()
		return p, " prf:" + preferences[prf], err
	})
}

func brOnLinkPrefix(s *Shell, a args) error {
	m := s.routing()
	if a.is(0, "test") {
		p, err := a.prefix(1)
		if err != nil {
			return err
		}
		return s.border(func(m *routing.Manager) error { m.SetOnLinkPrefix(p); return nil })
	}
	return s.brPair(a, m.OnLinkPrefix, func() (ip6.Prefix, string, error) {
		p, err := m.FavoredOnLinkPrefix()
		return p, "", err
	})
}

func brOMRConfig(s *Shell, a args) error {
	if len(a) == 0 {
		switch c, p, prf := s.routing().OMRConfig(); c {
		case routing.OMRCustom:
			s.Line("custom (%s, prf:%s)", p, preferences[prf])
		default:
			s.Line("%s", c)
		}
		return nil
	}
	var p ip6.Prefix
	var prf int8
	var c routing.OMRConfig
	switch a[0] {
	case "auto":
		if len(a) > 1 {
			return status.InvalidArgs
		}
	case "custom":
		c = routing.OMRCustom
		var err error
		if p, err = a.prefix(1); err != nil {
			return err
		}
		var ok bool
		if prf, ok = preference(a.at(2)); !ok || len(a) > 3 {
			return status.InvalidArgs
		}
	case "disable":
		c = routing.OMRDisabled
	default:
		return status.InvalidArgs
	}
	return s.border(func(m *routing.Manager) error { return m.SetOMRConfig(s.now, c, p, prf) })
}
