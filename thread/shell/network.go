package shell

import (
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

func state(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		s.Line("%s", s.node.Role())
		return nil
	case a[0] == "detached":
		return s.node.BecomeDetached(s.now)
	case a[0] == "child":
		return s.node.BecomeChild(s.now)
	case a[0] == "router" && s.node.FTD():
		return s.node.BecomeRouter(s.now)
	case a[0] == "leader" && s.node.FTD():
		return s.node.BecomeLeader(s.now)
	}
	return status.InvalidArgs
}

func threadCommand(s *Shell, a args) error {
	switch a.at(0) {
	case "start":
		return s.node.Start(s.now, s.cause)
	case "stop":
		return s.node.Stop(s.now, s.cause)
	case "version":
		s.Line("%d", threadVersion)
		return nil
	}
	return status.InvalidCommand
}

func detach(s *Shell, a args) error {
	op, err := s.node.Detach(s.now, s.cause)
	if err == nil && a.is(0, "async") {
		return nil
	}
	return s.begin(op, err)
}

func mode(s *Shell, a args) error {
	if len(a) == 0 {
		s.Line("%s", s.node.Mode())
		return nil
	}
	var m info.Mode
	for _, c := range a[0] {
		switch {
		case a[0] == "-":
		case c == 'r':
			m.RxOnWhenIdle = true
		case c == 'd':
			m.FullThread = true
		case c == 'n':
			m.FullNetData = true
		default:
			return status.InvalidArgs
		}
	}
	return s.node.SetMode(s.now, m)
}

func rloc16(s *Shell, _ args) error {
	s.Line("%04x", s.node.RLOC16())
	return nil
}

func attachTime(s *Shell, a args) error {
	return get(s, a, func() string { return duration(uint64(s.node.AttachTime(s.now))) })
}

func singleton(s *Shell, _ args) error {
	s.Line("%t", s.node.Singleton())
	return nil
}

func leaderData(s *Shell, _ args) error {
	d, err := s.node.LeaderData()
	if err != nil {
		return err
	}
	s.Line("Partition ID: %d", d.Partition)
	s.Line("Weighting: %d", d.Weighting)
	s.Line("Data Version: %d", d.DataVersion)
	s.Line("Stable Data Version: %d", d.StableVersion)
	s.Line("Leader Router ID: %d", d.RouterID)
	return nil
}

func parent(s *Shell, a args) error {
	switch {
	case a.is(0, "search"):
		return s.node.SearchParent(s.now)
	case len(a) > 0:
		return status.InvalidArgs
	}
	p, err := s.node.Parent(s.now)
	if err != nil {
		return err
	}
	s.Line("Ext Addr: %s", hexOf(p.Ext[:]))
	s.Line("Rloc: %x", p.RLOC16)
	s.Line("Link Quality In: %d", p.LinkQualityIn)
	s.Line("Link Quality Out: %d", p.LinkQualityOut)
	s.Line("Age: %d", p.Age)
	s.Line("Version: %d", p.Version)
	s.Line("CSL clock accuracy: %d", p.CSLAccuracy)
	s.Line("CSL uncertainty: %d", p.CSLUncertainty)
	return nil
}

func childTimeout(s *Shell, a args) error {
	return getset(s, a, s.node.ChildTimeout, at(s, s.node.SetChildTimeout))
}

func childSupervision(s *Shell, a args) error {
	switch {
	case a.is(0, "checktimeout"):
		return getset(s, a[1:], func() uint16 { _, c := s.node.Supervision(); return c }, at(s, s.node.SetSupervisionCheck))
	case a.is(0, "interval"):
		return getset(s, a[1:], func() uint16 { i, _ := s.node.Supervision(); return i }, at(s, s.node.SetSupervisionInterval))
	case a.is(0, "failcounter") && len(a) == 1:
		s.Line("%d", s.node.SupervisionFailures())
		return nil
	case a.is(0, "failcounter") && a[1] == "reset":
		s.node.ResetSupervisionFailures()
		return nil
	}
	return status.InvalidArgs
}

func keySequence(s *Shell, a args) error {
	switch a.at(0) {
	case "counter":
		return getset(s, a[1:], s.node.KeySequence, at(s, s.node.SetKeySequence))
	case "guardtime":
		return getset(s, a[1:], s.node.KeyGuardTime, s.node.SetKeyGuardTime)
	}
	return status.InvalidArgs
}

func networkKey(s *Shell, a args) error {
	return secret(s, a, s.node.NetworkKey(), at(s, s.node.SetNetworkKey))
}

func secret(s *Shell, a args, now [16]byte, write func([16]byte) error) error {
	if len(a) == 0 {
		s.Line("%s", hexOf(now[:]))
		return nil
	}
	var k [16]byte
	if err := a.hexInto(0, k[:]); err != nil {
		return err
	}
	return write(k)
}

func pskc(s *Shell, a args) error {
	if len(a) > 1 {
		if a[0] != "-p" {
			return status.InvalidArgs
		}
		k, err := s.node.DerivePSKc(a[1], s.node.NetworkName(), s.node.ExtPANID())
		if err != nil {
			return err
		}
		return s.node.SetPSKc(s.now, k)
	}
	return secret(s, a, s.node.PSKc(), at(s, s.node.SetPSKc))
}

func networkName(s *Shell, a args) error {
	return text(s, a, s.node.NetworkName, at(s, s.node.SetNetworkName))
}

func extPANID(s *Shell, a args) error {
	if len(a) == 0 {
		id := s.node.ExtPANID()
		s.Line("%s", hexOf(id[:]))
		return nil
	}
	id, err := a.ext(0)
	if err != nil {
		return err
	}
	return s.node.SetExtPANID(s.now, id)
}

func mlIID(s *Shell, a args) error {
	iid, err := a.ext(0)
	if len(a) > 1 {
		err = status.InvalidArgs
	}
	if err != nil {
		return err
	}
	return s.node.SetMeshLocalIID(s.now, iid)
}

// meshLocal is `prefix meshlocal`.
func meshLocal(s *Shell, a args) error {
	if len(a) == 0 {
		s.Line("%s", s.node.MeshLocal())
		return nil
	}
	p, err := a.prefix(0)
	if err == nil && p.Bits != 64 {
		err = status.InvalidArgs
	}
	if err != nil {
		return err
	}
	return s.node.SetMeshLocal(s.now, ip6.Network(p.Addr[:8]))
}
