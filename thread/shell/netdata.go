package shell

import (
	"heddle.example/machine"
	"heddle.example/thread/backbone"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/netdata"
	"heddle.example/thread/offers"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
)

// Data is the network data: the partition's and the node's own part.
type Data interface {
	NetData() *offers.Manager
	AddPrefix(now machine.Time, p netdata.OnMeshPrefix) error
	RemovePrefix(now machine.Time, p ip6.Prefix) error
	NetDataFull() bool
	ResetNetDataFull()
	JoinerAllowed(ext [8]byte) error
	DiscernerAllowed(value uint64, bits uint8) error
}

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

var netdataCommands []entry

func init() {
	netdataCommands = []entry{
		{name: "full", run: netdataFull},
		{name: "length", run: func(s *Shell, a args) error {
			return get(s, a, func() int { return len(s.node.NetData().Data()) })
		}},
		{name: "maxlength", run: netdataMaxLength},
		{name: "publish", run: publish},
		{name: "register", run: func(s *Shell, _ args) error {
			return s.do(func() error { s.node.NetData().Register(s.now); return nil })
		}},
		{name: "show", run: netdataShow},
		{name: "steeringdata", run: steeringData},
		{name: "unpublish", run: unpublish},
	}
}

func netdataCommand(s *Shell, a args) error { return s.group(netdataCommands, a) }

func netdataFull(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		s.Line("%s", yesNo(s.node.NetDataFull()))
	case len(a) == 1 && a[0] == "reset":
		s.node.ResetNetDataFull()
	default:
		return status.InvalidArgs
	}
	return nil
}

func netdataMaxLength(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		s.Line("%d", s.node.NetData().MaxLength())
	case a[0] == "reset":
		s.node.NetData().ResetMaxLength()
	default:
		return status.InvalidArgs
	}
	return nil
}

func netdataShow(s *Shell, a args) error {
	const anyone = 0xffff
	var local, binary bool
	var rloc16 uint16 = anyone
	for i, w := range a {
		switch w {
		case "local":
			local = true
		case "-x":
			binary = true
		default:
			v, err := a.u16(i)
			if err != nil {
				return err
			}
			rloc16 = v
		}
	}
	if (local || binary) && rloc16 != anyone {
		return status.InvalidArgs
	}
	m := s.node.NetData()
	data := m.Data()
	if local {
		data = m.Local()
	}
	if binary {
		s.Line("%s", hexOf(data))
		return nil
	}
	s.Line("Prefixes:")
	for p := range data.OnMeshPrefixes() {
		if rloc16 == anyone || p.RLOC16 == rloc16 {
			s.prefix(p)
		}
	}
	s.Line("Routes:")
	for r := range data.ExternalRoutes() {
		if rloc16 == anyone || r.RLOC16 == rloc16 {
			s.route(r)
		}
	}
	s.Line("Services:")
	for v := range data.Services() {
		if rloc16 == anyone || v.RLOC16 == rloc16 {
			s.service(v)
		}
	}
	if local || rloc16 != anyone {
		return nil
	}
	s.Line("Contexts:")
	for c := range data.Contexts() {
		flags := letters([]flag{{'s', &c.Stable}, {'c', &c.Compress}})
		if flags == "" {
			flags = " -"
		}
		s.Line("%s %d%s", c.Prefix, c.ID, flags)
	}
	s.Line("Commissioning:")
	s.commissioning(m)
	return nil
}

// commissioning prints the commissioning data: session, locator, joiner port, steering data (OutputNetworkData).
func (s *Shell) commissioning(m *offers.Manager) {
	dash := func(v uint16, ok bool, format string) {
		if ok {
			s.Printf(format+" ", v)
		} else {
			s.Printf("- ")
		}
	}
	session, ok := m.CommissioningSession()
	dash(session, ok, "%d")
	agent, ok := m.BorderAgent()
	dash(agent, ok, "%04x")
	port, ok := m.JoinerUDPPort()
	dash(port, ok, "%d")
	if steering, ok := m.SteeringData(); ok {
		s.Printf("%s", hexOf(steering))
	} else {
		s.Printf("-")
	}
	all, _ := m.Data().Commissioning()
	for t := range tlv.All(all) {
		switch t {
		case meshcop.CommissionerSession, meshcop.BorderAgentLocator, meshcop.JoinerUDPPort, meshcop.SteeringDataTLV:
			continue
		}
		s.Printf(" e")
		break
	}
	s.Line("")
}

func steeringData(s *Shell, a args) error {
	if !a.is(0, "check") {
		return status.InvalidArgs
	}
	value, bits, err := discerner(a, 1)
	if err == nil {
		return s.node.DiscernerAllowed(value, bits)
	}
	if err != error(status.NotFound) {
		return err
	}
	ext, err := a.ext(1)
	if err != nil {
		return err
	}
	return s.node.JoinerAllowed(ext)
}

func publish(s *Shell, a args) error {
	m := s.node.NetData()
	switch {
	case a.is(0, "dnssrp") && a.is(1, "anycast"):
		sequence, err := a.u8(2)
		if err != nil {
			return err
		}
		var ver uint8
		if a.has(3) {
			if ver, err = a.u8(3); err == nil && a.has(4) {
				err = status.InvalidArgs
			}
			if err != nil {
				return err
			}
		}
		return s.do(func() error { m.PublishDNSSRPAnycast(s.now, sequence, ver); return nil })
	case a.is(0, "dnssrp") && a.is(1, "unicast"):
		return publishUnicast(s, a[2:])
	case a.is(0, "prefix"):
		p, err := s.parsePrefix(a[1:])
		if err != nil {
			return err
		}
		return s.do(func() error { return m.PublishOnMeshPrefix(s.now, p) })
	case a.is(0, "route"):
		r, err := parseRoute(a[1:])
		if err != nil {
			return err
		}
		return s.do(func() error { return m.PublishExternalRoute(s.now, r) })
	case a.is(0, "replace"):
		old, err := a.prefix(1)
		if err != nil {
			return err
		}
		r, err := parseRoute(a[2:])
		if err != nil {
			return err
		}
		return s.do(func() error { return m.ReplaceExternalRoute(s.now, old, r) })
	}
	return status.InvalidArgs
}

func publishUnicast(s *Shell, a args) error {
	var ip ip6.Address
	own := true
	if v, err := a.ip(0); err == nil {
		ip, own, a = v, false, a[1:]
	}
	port, err := a.u16(0)
	if err != nil {
		return err
	}
	var ver uint8
	if a.has(1) {
		if ver, err = a.u8(1); err != nil {
			return err
		}
	}
	if a.has(2) {
		return status.InvalidArgs
	}
	m := s.node.NetData()
	return s.do(func() error {
		if own {
			m.PublishDNSSRPMeshLocal(s.now, port, ver)
		} else {
			m.PublishDNSSRPUnicast(s.now, ip, port, ver)
		}
		return nil
	})
}

func unpublish(s *Shell, a args) error {
	m := s.node.NetData()
	if a.is(0, "dnssrp") {
		return s.do(func() error { m.UnpublishDNSSRP(s.now); return nil })
	}
	p, err := a.prefix(0)
	if err != nil {
		return status.InvalidArgs
	}
	return s.do(func() error { return m.UnpublishPrefix(s.now, p) })
}
