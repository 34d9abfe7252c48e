package shell

import (
	"heddle.example/machine"
	"heddle.example/thread/dnssd"
	"heddle.example/thread/ip6"
	"heddle.example/thread/sntp"
	"heddle.example/thread/status"
)

// Discovery is what of a node's DNS client finds services.
type Discovery interface {
	// Browse and ResolveService end with a Result that has a *dnssd.Response.
	Browse(now machine.Time, cause machine.Cause, service string, s dnssd.Settings) (machine.OpID, error)
	ResolveService(now machine.Time, cause machine.Cause, instance, service string, host bool, s dnssd.Settings) (machine.OpID, error)
	UpstreamDNS() bool
	// QueryTime ends with a Result that has a *sntp.Response.
	QueryTime(now machine.Time, cause machine.Cause, server ip6.Address, port uint16) (machine.OpID, error)
}

// maxTextShown is how much of a TXT record is printed.
const maxTextShown = 512

func dnsBrowse(s *Shell, a args) error {
	if !a.has(0) {
		return status.InvalidArgs
	}
	set, err := s.dnsSettings(a.from(1))
	if err != nil {
		return err
	}
	s.dnsPrint = s.dnsBrowsed
	return s.begin(s.node.Browse(s.now, s.cause, a[0], set))
}

func dnsService(s *Shell, a args, host bool) error {
	if !a.has(1) {
		return status.InvalidArgs
	}
	set, err := s.dnsSettings(a.from(2))
	if err != nil {
		return err
	}
	s.dnsPrint = s.dnsServiceAnswer
	return s.begin(s.node.ResolveService(s.now, s.cause, a[0], a[1], host, set))
}

// dnsServer is for what OpenThread's platforms decide at run time. Here a border router does: upstream shows whether it is there.
func dnsServer(s *Shell, a args) error {
	switch {
	case !a.has(0):
		return status.InvalidArgs
	case a.is(0, "upstream") && !a.has(1):
		s.enabled(s.node.UpstreamDNS())
		return nil
	}
	return status.InvalidCommand
}

func (s *Shell) dnsBrowsed(r *dnssd.Response) {
	s.Line("DNS browse response for %s", r.Name)
	if r.Err != nil {
		return
	}
	for i := range r.Instances {
		x := &r.Instances[i]
		s.Line("%s", x.Label)
		if x.Known {
			s.serviceInfo(indent, x)
		}
		s.Line("")
	}
}

func (s *Shell) dnsServiceAnswer(r *dnssd.Response) {
	s.Line("DNS service resolution response for %s for service %s", r.Label, r.Name)
	if r.Err == nil && len(r.Instances) > 0 {
		s.serviceInfo("", &r.Instances[0])
		s.Line("")
	}
}

func (s *Shell) serviceInfo(indent string, x *dnssd.Instance) {
	s.Line("%sPort:%d, Priority:%d, Weight:%d, TTL:%d", indent, x.Port, x.Priority, x.Weight, x.TTL)
	s.Line("%sHost:%s", indent, x.Host)
	s.Line("%sHostAddress:%s TTL:%d", indent, x.Address, x.AddressTTL)
	text := textData(x.Text)
	if len(x.Text) > maxTextShown {
		text = "[" + hexOf(x.Text[:maxTextShown]) + "...]"
	}
	s.Line("%sTXT:%s TTL:%d", indent, text, x.TextTTL)
}

func sntpCommand(s *Shell, a args) (err error) {
	if !a.is(0, "query") {
		return status.InvalidCommand
	}
	server, port := sntp.DefaultServer, uint16(sntp.DefaultPort)
	if a.has(1) {
		if server, err = a.ip(1); err != nil {
			return err
		}
	}
	if a.has(2) {
		if port, err = a.u16(2); err != nil {
			return err
		}
	}
	return s.begin(s.node.QueryTime(s.now, s.cause, server, port))
}

func (s *Shell) timeAnswer(r *sntp.Response) {
	if r.Err == nil {
		s.Line("SNTP response - Unix time: %d (era: %d)", uint32(r.Unix), r.Unix>>32)
	} else {
		s.Line("SNTP error - %s", number(r.Err).Name())
	}
	s.end(nil)
}
