package shell

import (
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

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
