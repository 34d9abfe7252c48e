package shell

import (
	"heddle.example/thread/backbone"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

var preferences = map[int8]string{netdata.Low: "low", netdata.Medium: "med", netdata.High: "high"}

// preference parses a preference.
func preference(t string) (int8, bool) {
	switch t {
	case "high":
		return netdata.High, true
	case "med":
		return netdata.Medium, true
	case "low":
		return netdata.Low, true
	}
	return 0, false
}

// flag is a letter and what it stands for.
type flag struct {
	letter byte
	on     *bool
}

func prefixFlags(p *netdata.OnMeshPrefix) []flag {
	return []flag{{'p', &p.Preferred}, {'a', &p.SLAAC}, {'d', &p.DHCP}, {'c', &p.Configure}, {'r', &p.DefaultRoute},
		{'o', &p.OnMesh}, {'s', &p.Stable}, {'n', &p.NDDNS}, {'D', &p.DP}}
}

func routeFlags(r *netdata.ExternalRoute) []flag {
	return []flag{{'s', &r.Stable}, {'n', &r.NAT64}, {'a', &r.AdvPIO}}
}

// letters prints flags that are set, with a blank before them.
func letters(flags []flag) string {
	b := []byte{' '}
	for _, f := range flags {
		if *f.on {
			b = append(b, f.letter)
		}
	}
	if len(b) == 1 {
		return ""
	}
	return string(b)
}

// options parses the words after a prefix: a preference or letters, in any order.
func options(a args, flags []flag, pref *int8) error {
	for _, w := range a {
		if p, ok := preference(w); ok {
			*pref = p
			continue
		}
	letters:
		for i := range len(w) {
			if w[i] == '-' {
				continue
			}
			for _, f := range flags {
				if f.letter == w[i] {
					*f.on = true
					continue letters
				}
			}
			return status.InvalidArgs
		}
	}
	return nil
}

// parsePrefix reads a prefix and its flags. Only a full device can be a backbone router, and knows D.
func (s *Shell) parsePrefix(a args) (p netdata.OnMeshPrefix, err error) {
	if p.Prefix, err = a.prefix(0); err == nil {
		err = options(a[1:], prefixFlags(&p), &p.Preference)
	}
	if err == nil && p.DP && !s.node.FTD() {
		err = status.InvalidArgs
	}
	return p, err
}

func parseRoute(a args) (r netdata.ExternalRoute, err error) {
	if r.Prefix, err = a.prefix(0); err == nil {
		err = options(a[1:], routeFlags(&r), &r.Preference)
	}
	return r, err
}

func (s *Shell) prefix(p netdata.OnMeshPrefix) {
	s.Line("%s%s %s %04x", p.Prefix, letters(prefixFlags(&p)), preferences[p.Preference], p.RLOC16)
}

func (s *Shell) route(r netdata.ExternalRoute) {
	s.Line("%s%s %s %04x", r.Prefix, letters(routeFlags(&r)), preferences[r.Preference], r.RLOC16)
}

func (s *Shell) service(v netdata.Service) {
	stable := ""
	if v.Stable {
		stable = " s"
	}
	s.Line("%d %s %s%s %04x %d", v.Enterprise, hexOf(v.Data), hexOf(v.ServerData), stable, v.RLOC16, v.ID)
}

func prefixCommand(s *Shell, a args) error {
	m := s.node.NetData()
	switch a.at(0) {
	case "":
		for p := range m.Local().OnMeshPrefixes() {
			s.prefix(p)
		}
		if p, ok := s.node.Backbone().DomainPrefix(); ok && s.node.Backbone().State() == backbone.Disabled {
			s.print("- ") // kept, and not offered
			s.prefix(p)
		}
		return nil
	case "add":
		p, err := s.parsePrefix(a[1:])
		if err != nil {
			return err
		}
		return s.do(func() error { return s.node.AddPrefix(s.now, p) })
	case "remove":
		p, err := a.prefix(1)
		if err != nil {
			return err
		}
		return s.do(func() error { return s.node.RemovePrefix(s.now, p) })
	case "meshlocal":
		return meshLocal(s, a[1:])
	}
	return status.InvalidCommand
}

func routeCommand(s *Shell, a args) error {
	m := s.node.NetData()
	switch a.at(0) {
	case "":
		for r := range m.Local().ExternalRoutes() {
			s.route(r)
		}
		return nil
	case "add":
		r, err := parseRoute(a[1:])
		if err != nil {
			return err
		}
		return s.do(func() error { return m.AddExternalRoute(s.now, r) })
	case "remove":
		p, err := a.prefix(1)
		if err != nil {
			return err
		}
		return s.do(func() error { return m.RemoveExternalRoute(p) })
	}
	return status.InvalidCommand
}

// The longest data of a service and of a server (otServiceConfig).
const (
	maxServiceData = 252
	maxServerData  = 248
)

func serviceCommand(s *Shell, a args) error {
	m := s.node.NetData()
	if len(a) == 0 {
		for v := range m.Local().Services() {
			s.service(v)
		}
		return nil
	}
	enterprise, err := a.u32(1)
	if err != nil {
		return err
	}
	data, err := a.hex(2, maxServiceData)
	if err != nil {
		return err
	}
	switch a[0] {
	case "add":
		var server []byte
		if a.has(3) {
			if server, err = a.hex(3, maxServerData); err != nil {
				return err
			}
		}
		return s.do(func() error { return m.AddService(s.now, enterprise, data, true, server) })
	case "remove":
		return s.do(func() error { return m.RemoveService(enterprise, data) })
	}
	return nil // as OpenThread: the words were right, and there is nothing to do
}
