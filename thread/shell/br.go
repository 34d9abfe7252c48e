package shell

import (
	"time"

	"heddle.example/border/routing"
	"heddle.example/thread/status"
)

// br is the command line of OpenThread's border routing manager (cli_br.cpp).
func br(s *Shell, a args) error { return s.group(brCommands, a) }

var brCommands []entry

func init() {
	brCommands = []entry{
		{name: "counters", run: brCounters},
		{name: "disable", run: func(s *Shell, a args) error { return s.brEnable(a, false) }},
		{name: "enable", run: func(s *Shell, a args) error { return s.brEnable(a, true) }},
		{name: "ifaddrs", run: brAddresses},
		{name: "infraif", run: brLink},
		{name: "init", run: brInit},
		{name: "multiail", run: brMultiAIL},
		{name: "nat64prefix", run: brNAT64Prefix},
		{name: "nat64prefixtable", run: brNAT64Table},
		{name: "omrconfig", run: brOMRConfig},
		{name: "omrprefix", run: brOMRPrefix},
		{name: "onlinkprefix", run: brOnLinkPrefix},
		{name: "pd", run: brPD},
		{name: "peers", run: brPeers},
		{name: "prefixtable", run: brPrefixTable},
		{name: "raoptions", run: brOptions},
		{name: "rdnsstable", run: brDNSTable},
		{name: "rioprf", run: func(s *Shell, a args) error {
			m := s.routing()
			return s.brPreference(a, m.RIOPreference(), func(p int8) { m.SetRIOPreference(s.now, p) }, func() { m.ClearRIOPreference(s.now) })
		}},
		{name: "routeprf", run: func(s *Shell, a args) error {
			m := s.routing()
			return s.brPreference(a, m.RoutePreference(), func(p int8) { m.SetRoutePreference(s.now, p) }, func() { m.ClearRoutePreference(s.now) })
		}},
		{name: "routers", run: brRouters},
		{name: "state", run: func(s *Shell, a args) error { return get(s, a, s.routing().State) }},
	}
}

func (s *Shell) routing() *routing.Manager { return s.cfg.Border.Routing() }

// border runs f as an input of the border router.
func (s *Shell) border(f func(m *routing.Manager) error) error {
	return s.cfg.Border.Do(s.now, s.cause, f)
}

func none(a args) error {
	if len(a) > 0 {
		return status.InvalidArgs
	}
	return nil
}

func brCounters(s *Shell, a args) error {
	if len(a) > 0 {
		return status.InvalidArgs
	}
	s.borderCounters()
	return nil
}

func (s *Shell) brEnable(a args, on bool) error {
	if len(a) > 0 {
		return status.InvalidArgs
	}
	return s.border(func(m *routing.Manager) error { return m.SetEnabled(s.now, on) })
}

func brInit(s *Shell, a args) error {
	index, err := a.u32(0)
	if err != nil {
		return err
	}
	up, err := a.bool(1)
	if err != nil {
		return err
	}
	if len(a) > 2 {
		return status.InvalidArgs
	}
	return s.border(func(m *routing.Manager) error { return m.Init(s.now, index, up) })
}

func brLink(s *Shell, a args) error {
	if len(a) > 0 {
		return status.InvalidArgs
	}
	index, up, err := s.routing().Link()
	if err == nil {
		s.Line("if-index:%d, is-running:%s", index, yesNo(up))
	}
	return err
}

// brAddresses prints our addresses on the infrastructure link, with the time since the last message from there.
func brAddresses(s *Shell, a args) error {
	if len(a) > 0 {
		return status.InvalidArgs
	}
	if address, silent, ok := s.routing().LinkAddress(s.now); ok {
		s.Line("%s secs-since-use:%d", address, silent/time.Second)
	}
	return nil
}

func brMultiAIL(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		if s.routing().SeveralAILs() {
			s.Line("detected")
		} else {
			s.Line("not detected")
		}
		return nil
	case a.is(0, "callback"):
		on, err := a.enable(1)
		if err == nil {
			s.tellAILs = on
		}
		return err
	}
	return status.InvalidArgs
}

// brPreference prints, sets or clears a preference.
func (s *Shell) brPreference(a args, is int8, set func(int8), unset func()) error {
	switch {
	case len(a) == 0:
		s.Line("%s", preferences[is])
		return nil
	case a[0] == "clear":
		return s.border(func(*routing.Manager) error { unset(); return nil })
	}
	p, ok := preference(a[0])
	if !ok {
		return status.InvalidArgs
	}
	return s.border(func(*routing.Manager) error { set(p); return nil })
}

func brOptions(s *Shell, a args) error {
	var b []byte
	if !a.is(0, "clear") {
		var err error
		if b, err = a.hex(0, 800); err != nil {
			return err
		}
	}
	return s.border(func(m *routing.Manager) error { return m.SetExtraOptions(b) })
}
