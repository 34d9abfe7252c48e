package shell

import (
	"bytes"
	"strings"

	"heddle.example/thread/srp"
	"heddle.example/thread/status"
)

// srpServerCommands is the table of `srp server` (cli_srp_server.cpp).
var srpServerCommands = []entry{
	{name: "addrmode", run: srpAddressMode},
	{name: "auto", run: func(s *Shell, a args) error {
		r := s.node.SRPServer()
		return showOnOff(s, a, r.Auto, func(on bool) error { return s.do(func() error { r.SetAuto(s.now, on); return nil }) })
	}},
	{name: "disable", run: func(s *Shell, _ args) error { return srpEnable(s, false) }},
	{name: "domain", run: func(s *Shell, a args) error {
		r := s.node.SRPServer()
		return text(s, a, r.Domain, r.SetDomain)
	}},
	{name: "enable", run: func(s *Shell, _ args) error { return srpEnable(s, true) }},
	{name: "faststart", run: func(s *Shell, a args) error {
		r := s.node.SRPServer()
		switch {
		case !a.has(0):
			s.enabled(r.FastStart())
			return nil
		case a.is(0, "enable"):
			return r.EnableFastStart()
		}
		return status.InvalidArgs
	}},
	{name: "host", run: srpServerHosts},
	{name: "lease", run: srpLeases},
	{name: "port", run: func(s *Shell, a args) error { return get(s, a, s.node.SRPServer().Port) }},
	{name: "seqnum", run: func(s *Shell, a args) error {
		r := s.node.SRPServer()
		return getset(s, a, r.Sequence, r.SetSequence)
	}},
	{name: "service", run: srpServerServices},
	{name: "state", run: func(s *Shell, _ args) error { s.Line("%s", s.node.SRPServer().State()); return nil }},
	{name: "ttl", run: srpTTLs},
}

func srpEnable(s *Shell, on bool) error {
	return s.do(func() error { s.node.SRPServer().SetEnabled(s.now, on); return nil })
}

func srpAddressMode(s *Shell, a args) error {
	r := s.node.SRPServer()
	if !a.has(0) {
		s.Line("%s", r.Mode())
		return nil
	}
	m, ok := srp.ParseMode(a[0])
	if !ok {
		return status.InvalidArgs
	}
	return r.SetMode(m)
}

// numbers parses exactly as many numbers as there are places for them.
func (a args) numbers(to ...*uint32) (err error) {
	for i, v := range to {
		if *v, err = a.u32(i); err != nil {
			return err
		}
	}
	if a.has(len(to)) {
		return status.InvalidArgs
	}
	return nil
}

func srpTTLs(s *Shell, a args) error {
	r := s.node.SRPServer()
	least, most := r.TTLs()
	if !a.has(0) {
		s.Line("min ttl: %d", least)
		s.Line("max ttl: %d", most)
		return nil
	}
	if err := a.numbers(&least, &most); err != nil {
		return err
	}
	return r.SetTTLs(least, most)
}

func srpLeases(s *Shell, a args) error {
	r := s.node.SRPServer()
	l := r.Limits()
	if !a.has(0) {
		s.Line("min lease: %d", l.MinLease)
		s.Line("max lease: %d", l.MaxLease)
		s.Line("min key-lease: %d", l.MinKeyLease)
		s.Line("max key-lease: %d", l.MaxKeyLease)
		return nil
	}
	if err := a.numbers(&l.MinLease, &l.MaxLease, &l.MinKeyLease, &l.MaxKeyLease); err != nil {
		return err
	}
	return r.SetLimits(l)
}

func srpServerHosts(s *Shell, a args) error {
	if a.has(0) {
		return status.InvalidArgs
	}
	for _, h := range s.node.SRPServer().Hosts() {
		s.Line("%s.", h.Name.Text())
		s.Line("    deleted: %t", h.Deleted())
		if !h.Deleted() {
			s.Line("    addresses: %s", addressList(h.Addresses))
		}
	}
	return nil
}

func srpServerServices(s *Shell, a args) error {
	if a.has(0) {
		return status.InvalidArgs
	}
	for _, h := range s.node.SRPServer().Hosts() {
		for _, x := range h.Services {
			s.Line("%s.", x.Instance.Text())
			s.Line("    deleted: %t", x.Deleted)
			if x.Deleted {
				continue
			}
			subtypes := make([]string, 0, len(x.Subtypes))
			for _, t := range x.Subtypes {
				label, _ := t.Label()
				subtypes = append(subtypes, label)
			}
			if len(subtypes) == 0 {
				subtypes = append(subtypes, "(null)")
			}
			s.Line("    subtypes: %s", strings.Join(subtypes, ","))
			s.Line("    port: %d", x.Port)
			s.Line("    priority: %d", x.Priority)
			s.Line("    weight: %d", x.Weight)
			s.Line("    ttl: %d", x.TTL)
			s.Line("    lease: %d", x.Lease)
			s.Line("    key-lease: %d", x.KeyLease)
			s.Line("    TXT: %s", textData(x.Text))
			s.Line("    host: %s.", h.Name.Text())
			s.Line("    addresses: %s", addressList(h.Addresses))
		}
	}
	return nil
}

// maxTextKey is the longest key that is told from its value (OT_DNS_TXT_KEY_ITER_MAX_LENGTH).
const maxTextKey = 64

// textData prints the strings of a TXT record: keys, with their values in hexadecimal (Utils::OutputDnsTxtData).
func textData(b []byte) string {
	var all []string
	for len(b) > 0 && len(b) > int(b[0]) {
		t := b[1 : 1+b[0]]
		b = b[1+len(t):]
		key, value, has := bytes.Cut(t, []byte{'='})
		switch {
		case len(t) == 0 || t[0] == '=': // nobody could ask for it
		case len(key) > maxTextKey:
			all = append(all, "["+hexOf(t)+"]")
		case has:
			all = append(all, string(key)+"="+hexOf(value))
		default:
			all = append(all, string(key))
		}
	}
	return "[" + strings.Join(all, ", ") + "]"
}
