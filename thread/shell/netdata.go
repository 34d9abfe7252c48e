package shell

import (
	"heddle.example/machine"
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
