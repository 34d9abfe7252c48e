package shell

import (
	"slices"
	"strings"

	"heddle.example/thread/ip6"
	"heddle.example/thread/srp"
	"heddle.example/thread/status"
)

// Registry is the node's part in the service registration.
type Registry interface {
	SRPClient() *srp.Client
	SRPServer() *srp.Server
}

func srpCommand(s *Shell, a args) error {
	switch {
	case !a.has(0):
		s.Line("client")
		s.Line("server")
		return nil
	case a.is(0, "client"):
		return s.group(srpClientCommands, a.from(1))
	case a.is(0, "server"):
		return s.group(srpServerCommands, a.from(1))
	}
	return status.InvalidCommand
}

// srpClientCommands is the table of `srp client` (cli_srp_client.cpp).
var srpClientCommands = []entry{
	{name: "autostart", run: srpAutoStart},
	{name: "callback", run: func(s *Shell, a args) error {
		return showOnOff(s, a, func() bool { return s.srpCallback }, always(func(on bool) { s.srpCallback = on }))
	}},
	{name: "host", run: srpHost},
	{name: "keyleaseinterval", run: func(s *Shell, a args) error {
		c := s.node.SRPClient()
		return getset(s, a, func() uint32 { _, k := c.Leases(); return k }, always(c.SetKeyLease))
	}},
	{name: "leaseinterval", run: func(s *Shell, a args) error {
		c := s.node.SRPClient()
		return getset(s, a, func() uint32 { l, _ := c.Leases(); return l }, always(c.SetLease))
	}},
	{name: "server", run: srpClientServer},
	{name: "service", run: srpService},
	{name: "start", run: srpStart},
	{name: "state", run: func(s *Shell, a args) error {
		if a.has(0) {
			return status.InvalidArgs
		}
		s.enabled(s.node.SRPClient().Running())
		return nil
	}},
	{name: "stop", run: func(s *Shell, a args) error {
		if a.has(0) {
			return status.InvalidArgs
		}
		return s.do(func() error { s.node.SRPClient().Stop(s.now); return nil })
	}},
	{name: "ttl", run: func(s *Shell, a args) error {
		c := s.node.SRPClient()
		return getset(s, a, c.TTL, always(c.SetTTL))
	}},
}

func srpAutoStart(s *Shell, a args) error {
	c := s.node.SRPClient()
	return showOnOff(s, a, c.AutoStart, func(on bool) error {
		return s.do(func() error {
			if on {
				c.EnableAutoStart(s.now)
			} else {
				c.DisableAutoStart()
			}
			return nil
		})
	})
}

func srpStart(s *Shell, a args) error {
	ip, port, err := socketAddress(a)
	if err != nil {
		return err
	}
	return s.do(func() error { return s.node.SRPClient().Start(s.now, ip, port) })
}

func srpClientServer(s *Shell, a args) error {
	ip, port := s.node.SRPClient().Server()
	switch {
	case !a.has(0):
		s.Line("%s", sockAddr(ip, port))
	case a.has(1):
		return status.InvalidArgs
	case a.is(0, "address"):
		s.Line("%s", ip)
	case a.is(0, "port"):
		s.Line("%d", port)
	default:
		return status.InvalidCommand
	}
	return nil
}

func srpHost(s *Shell, a args) error {
	c := s.node.SRPClient()
	switch {
	case !a.has(0):
		s.srpHostLine("", c.Host())
	case a.is(0, "name") && !a.has(1):
		name := c.Host().Name
		if name == "" {
			name = "(null)"
		}
		s.Line("%s", name)
	case a.is(0, "name") && !a.has(2):
		return s.do(func() error { return c.SetHostName(s.now, a[1]) })
	case a.is(0, "state") && !a.has(1):
		s.Line("%s", c.Host().State)
	case a.is(0, "address"):
		return srpHostAddress(s, a.from(1))
	case a.is(0, "remove"):
		return srpHostRemove(s, a.from(1))
	case a.is(0, "clear") && !a.has(1):
		return s.do(func() error { c.ClearHost(s.now); return nil })
	case a.is(0, "name"), a.is(0, "state"), a.is(0, "clear"):
		return status.InvalidArgs
	default:
		return status.InvalidCommand
	}
	return nil
}

func srpHostAddress(s *Shell, a args) error {
	c := s.node.SRPClient()
	switch {
	case a.is(0, "auto"):
		return s.do(func() error { return c.EnableAutoAddress(s.now) })
	case a.has(0):
		var list []ip6.Address
		for i := range a {
			ip, err := a.ip(i)
			if err != nil {
				return err
			}
			list = append(list, ip)
		}
		return s.do(func() error { return c.SetHostAddresses(s.now, list) })
	case c.Host().Auto:
		s.Line("auto")
	default:
		for _, ip := range c.Host().Addresses {
			s.Line("%s", ip)
		}
	}
	return nil
}

// srpHostRemove takes whether the key lease goes, too, and whether the server is told in any case.
func srpHostRemove(s *Shell, a args) error {
	var flags [2]bool
	for i := range min(len(a), 2) {
		v, err := a.bool(i)
		if err != nil {
			return err
		}
		flags[i] = v
	}
	if a.has(2) {
		return status.InvalidArgs
	}
	return s.do(func() error { return s.node.SRPClient().RemoveHost(s.now, flags[0], flags[1]) })
}

func srpService(s *Shell, a args) error {
	c := s.node.SRPClient()
	switch {
	case !a.has(0):
		s.srpServiceLines("", c.Services())
		return nil
	case a.is(0, "add"):
		return srpServiceAdd(s, a.from(1))
	case a.is(0, "key"):
		return showOnOff(s, a.from(1), c.KeyRecord, always(c.SetKeyRecord))
	case !a.is(0, "remove") && !a.is(0, "clear"):
		return status.InvalidCommand
	case !a.has(2) || a.has(3):
		return status.InvalidArgs
	case a.is(0, "remove"):
		return s.do(func() error { return c.RemoveService(s.now, a[1], a[2]) })
	}
	return s.do(func() error { return c.ClearService(s.now, a[1], a[2]) })
}

// srpServiceAdd takes instance, name with subtypes, port, priority, weight, TXT data, lease and key lease.
func srpServiceAdd(s *Shell, a args) (err error) {
	n := srp.Service{Instance: a.at(0)}
	if n.Port, err = a.u16(2); err != nil {
		return err
	}
	n.Name, n.Subtypes = srp.SplitSubtypes(a[1])
	for i, v := range []*uint16{&n.Priority, &n.Weight} {
		if a.has(3 + i) {
			if *v, err = a.u16(3 + i); err != nil {
				return err
			}
		}
	}
	if a.has(5) && a[5] != "-" {
		if n.Text, err = a.hex(5, srp.MaxText); err != nil {
			return err
		}
	}
	for i, v := range []*uint32{&n.Lease, &n.KeyLease} {
		if a.has(6 + i) {
			if *v, err = a.u32(6 + i); err != nil {
				return err
			}
		}
	}
	if a.has(8) {
		return status.InvalidArgs
	}
	return s.do(func() error { return s.node.SRPClient().AddService(s.now, n) })
}

func (s *Shell) srpHostLine(indent string, h srp.Host) {
	name := "(null)"
	if h.Name != "" {
		name = `"` + h.Name + `"`
	}
	addresses := "auto"
	if !h.Auto {
		addresses = addressList(h.Addresses)
	}
	s.Line("%sname:%s, state:%s, addrs:%s", indent, name, h.State, addresses)
}

func addressList(list []ip6.Address) string {
	var t []string
	for _, a := range list {
		t = append(t, a.String())
	}
	return "[" + strings.Join(t, ", ") + "]"
}

func (s *Shell) srpServiceLines(indent string, list []srp.Service) {
	for _, x := range list {
		name := strings.Join(slices.Insert(slices.Clone(x.Subtypes), 0, x.Name), ",")
		s.Line("%sinstance:\"%s\", name:\"%s\", state:%s, port:%d, priority:%d, weight:%d", indent, x.Instance, name, x.State, x.Port, x.Priority, x.Weight)
	}
}

// srpUpdated prints how an update has ended, if the user wants to know.
func (s *Shell) srpUpdated(u *srp.Update) {
	if !s.srpCallback {
		return
	}
	name := "OK"
	if u.Err != nil {
		name = number(u.Err).Name()
	}
	s.Line("SRP client callback - error:%s", name)
	s.Line("Host info:")
	s.srpHostLine(indent, u.Host)
	s.Line("Service list:")
	s.srpServiceLines(indent, u.Services)
	if len(u.Removed) > 0 {
		s.Line("Removed service list:")
		s.srpServiceLines(indent, u.Removed)
	}
}
