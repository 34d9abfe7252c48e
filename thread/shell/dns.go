package shell

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/dnssd"
	"heddle.example/thread/status"
)

// Resolver is a node's DNS client.
type Resolver interface {
	DNSSettings() dnssd.Settings
	SetDNSSettings(dnssd.Settings)
	// Resolve ends with a *thread.Resolved.
	Resolve(now machine.Time, cause machine.Cause, name string) (machine.OpID, error)
	// ResolveName and QueryRecords end with a Result that has a *dnssd.Response.
	ResolveName(now machine.Time, cause machine.Cause, name string, ip4 bool, s dnssd.Settings) (machine.OpID, error)
	QueryRecords(now machine.Time, cause machine.Cause, kind uint16, first, next string, s dnssd.Settings) (machine.OpID, error)
}

// dnsCommands is the table of `dns` (cli_dns.cpp).
var dnsCommands = []entry{
	{name: "browse", run: dnsBrowse},
	{name: "compression", run: dnsCompression},
	{name: "config", run: dnsConfig},
	{name: "query", run: dnsQuery},
	{name: "resolve", run: func(s *Shell, a args) error { return dnsResolve(s, a, false) }},
	{name: "resolve4", run: func(s *Shell, a args) error { return dnsResolve(s, a, true) }},
	{name: "server", run: dnsServer},
	{name: "service", run: func(s *Shell, a args) error { return dnsService(s, a, false) }},
	{name: "servicehost", run: func(s *Shell, a args) error { return dnsService(s, a, true) }},
}

// dnsCompression is kept and does nothing: what we send has one name, and names that we read may be compressed.
func dnsCompression(s *Shell, a args) error {
	return showOnOff(s, a, func() bool { return !s.uncompressed }, always(func(on bool) { s.uncompressed = !on }))
}

func dnsCommand(s *Shell, a args) error { return s.group(dnsCommands, a) }

// serviceModes are the names of otDnsServiceMode.
var serviceModes = []string{"unspec", "srv", "txt", "srv_txt", "srv_txt_sep", "srv_txt_opt"}

func dnsConfig(s *Shell, a args) error {
	if len(a) > 0 {
		set, err := s.dnsSettings(a)
		if err == nil {
			s.node.SetDNSSettings(set)
		}
		return err
	}
	c := s.node.DNSSettings()
	s.Line("Server: %s", sockAddr(c.Server, c.Port))
	s.Line("ResponseTimeout: %d ms", c.Timeout/time.Millisecond)
	s.Line("MaxTxAttempts: %d", c.Attempts)
	s.Line("RecursionDesired: %s", yesNo(c.Recursion == dnssd.Yes))
	s.Line("ServiceMode: %s", serviceModes[c.ServiceMode])
	mode := "disallow"
	if c.NAT64 == dnssd.Yes {
		mode = "allow"
	}
	s.Line("Nat64Mode: %s", mode)
	return nil
}

// dnsSettings parses server, port, time-out in milliseconds, attempts, recursion, service mode and transport.
func (s *Shell) dnsSettings(a args) (c dnssd.Settings, err error) {
	if !a.has(0) {
		return c, nil
	}
	if c.Server, err = s.destination(a, 0, "Synthesized"); err != nil {
		return c, err
	}
	if !a.has(1) {
		return c, nil
	}
	if c.Port, err = a.u16(1); err != nil || !a.has(2) {
		return c, err
	}
	ms, err := a.uint(2, 32)
	if c.Timeout = time.Duration(ms) * time.Millisecond; err != nil || !a.has(3) {
		return c, err
	}
	if c.Attempts, err = a.u8(3); err != nil || !a.has(4) {
		return c, err
	}
	recursion, err := a.uint(4, 32)
	if c.Recursion = dnssd.Yes; recursion == 0 {
		c.Recursion = dnssd.No
	}
	if err != nil || !a.has(5) {
		return c, err
	}
	for i, name := range serviceModes {
		if a.is(5, name) {
			c.ServiceMode, err = dnssd.ServiceMode(i), nil
			break
		}
		if err = status.InvalidArgs; a.is(5, "def") {
			err = nil
		}
	}
	if err == nil && a.has(6) && !a.is(6, "udp") && !a.is(6, "tcp") {
		err = status.InvalidArgs
	}
	return c, err
}

func dnsResolve(s *Shell, a args, ip4 bool) error {
	if !a.has(0) {
		return status.InvalidArgs
	}
	set, err := s.dnsSettings(a.from(1))
	if err != nil {
		return err
	}
	s.dnsPrint = s.dnsResolved
	return s.begin(s.node.ResolveName(s.now, s.cause, a[0], ip4, set))
}

func dnsQuery(s *Shell, a args) error {
	kind, err := a.u16(0)
	if err != nil {
		return err
	}
	if !a.has(2) {
		return status.InvalidArgs
	}
	set, err := s.dnsSettings(a.from(3))
	if err != nil {
		return err
	}
	s.dnsPrint = s.dnsQueried
	return s.begin(s.node.QueryRecords(s.now, s.cause, kind, a[1], a[2], set))
}

// dnsAnswer prints the end of a query.
func (s *Shell) dnsAnswer(r *dnssd.Response) {
	s.dnsPrint(r)
	s.end(r.Err)
}

func (s *Shell) dnsResolved(r *dnssd.Response) {
	s.Printf("DNS response for %s - ", r.Name)
	if r.Err == nil {
		for _, a := range r.Addresses {
			s.Printf("%s TTL:%d ", a.IP, a.TTL)
		}
		s.Line("")
	}
}

func (s *Shell) dnsQueried(r *dnssd.Response) {
	s.Line("DNS query response for %s ", r.Name)
	if r.Err == nil {
		s.dnsRecords(r)
	}
}

func (s *Shell) dnsRecords(r *dnssd.Response) {
	i := 0
	_ = r.Message.Each(func(x *dns.Record, section int) bool { // it was read before
		s.Line("%d)", i)
		i++
		data := x.Data
		if x.Type == dns.TypeCNAME || x.Type == dns.TypePTR || x.Type == typeNS {
			if n, _, _, err := dns.ReadName(r.Message.Bytes, x.At); err == nil {
				data = []byte(n)
			}
		}
		s.Line("    RecordType:%d, RecordLength:%d, TTL:%d, Section:%s", x.Type, len(data), x.TTL, [...]string{"answer", "authority", "additional"}[section])
		s.Line("    Name:%s.", x.Owner.Text())
		s.Line("    RecordData:[%s]", hexOf(data))
		return true
	})
}

const typeNS = 2
