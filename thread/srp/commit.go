package srp

import (
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/status"
)

// Receive takes in a message, and reports whether it was an update.
func (s *Server) Receive(now machine.Time, from Peer, b []byte) bool {
	m, _, err := dns.ParseAll(b)
	if s.state != ServerRunning || len(b) < dns.HeaderSize || b[2]&0x80 != 0 || b[2]>>3&15 != dns.OpUpdate {
		return false
	}
	id := uint16(b[0])<<8 | uint16(b[1])
	if err != nil {
		s.answer(now, from, id, status.Parse, nil)
		return true
	}
	h, err := parseUpdate(now, &m, s.lower)
	if err == nil && s.conflicts(h) {
		err = status.Duplicated
	}
	if err == nil {
		err = s.room(h)
	}
	if err != nil {
		s.answer(now, from, id, err, nil)
		return true
	}
	if h.Lease != 0 {
		s.env.Registered(now, from, h.Addresses)
	}
	s.answer(now, from, id, nil, s.commit(now, h))
	return true
}

// conflicts reports whether a name is another key's.
func (s *Server) conflicts(h *RegisteredHost) bool {
	for _, o := range s.hosts {
		if o.Key == h.Key {
			continue
		}
		if o.lower == h.lower || slices.ContainsFunc(h.Services, func(x *RegisteredService) bool { return o.service(x.lower) != nil }) {
			return true
		}
	}
	return false
}

func (s *Server) host(n dns.Name) *RegisteredHost {
	for _, h := range s.hosts {
		if h.lower == n {
			return h
		}
	}
	return nil
}

// room reports whether an update fits: what it says of its host, and what the host keeps besides.
func (s *Server) room(h *RegisteredHost) error {
	host, others := len(h.Services), 0
	old := s.host(h.lower)
	for _, o := range s.hosts {
		if o != old {
			others += len(o.Services)
			continue
		}
		for _, x := range old.Services {
			if h.service(x.lower) == nil {
				host++
			}
		}
	}
	if old == nil && len(s.hosts) >= maxHosts || host > 2*maxPerHost || others+host > maxAll {
		return status.NoBufs
	}
	return nil
}

func grant(asked, least, most uint32) uint32 {
	if asked == 0 {
		return 0
	}
	return min(max(asked, least), most)
}

// granted is what an answer tells a client that did not get what it has asked for.
type granted struct {
	lease, keyLease uint32
	short           bool
}

// commit puts an update in the place of what there is of its host.
func (s *Server) commit(now machine.Time, h *RegisteredHost) (g *granted) {
	lease, keyLease := grant(h.Lease, s.limits.MinLease, s.limits.MaxLease), grant(h.KeyLease, s.limits.MinKeyLease, s.limits.MaxKeyLease)
	if h.shortLease {
		keyLease = lease
	}
	if lease != h.Lease || keyLease != h.KeyLease {
		g = &granted{lease, keyLease, h.shortLease}
	}
	old := s.host(h.lower)
	if h.Lease == 0 {
		h.Addresses = nil
	}
	removed := h.Lease == 0
	h.TTL = min(max(min(h.TTL, lease), s.ttl[0]), s.ttl[1])
	h.Lease, h.KeyLease = lease, keyLease
	if old != nil {
		s.hosts = slices.DeleteFunc(s.hosts, func(o *RegisteredHost) bool { return o == old })
	}
	if keyLease == 0 {
		s.Expire(now)
		return g
	}
	for _, x := range h.Services {
		x.KeyLease, x.TTL, x.Lease = keyLease, h.TTL, 0
		if !x.Deleted {
			x.Lease = lease
		}
	}
	if old != nil {
		for _, x := range old.Services {
			if h.service(x.lower) != nil {
				continue
			}
			if removed {
				x.delete()
			}
			h.push(x)
		}
	}
	s.hosts = append([]*RegisteredHost{h}, s.hosts...)
	if !s.saved && s.mode != Anycast {
		s.saved = true
		s.env.StoreSetting(settingPort, []byte{byte(s.port >> 8), byte(s.port)})
	}
	s.Expire(now)
	return g
}

// answer sends an answer: a code, or the leases that were granted.
func (s *Server) answer(now machine.Time, to Peer, id uint16, err error, g *granted) {
	code := uint16(dns.CodeRefused)
	switch err {
	case nil:
		code = dns.CodeOK
		s.Success++
	case status.NoBufs:
		code = dns.CodeServFail
		s.ServerFailure++
	case status.Parse:
		code = dns.CodeFormat
		s.FormatError++
	case status.Duplicated:
		code = dns.CodeNameExists
		s.NameExists++
	default:
		s.Refused++
	}
	var w dns.Writer
	w.Header(id, flagsAnswer|code)
	if g != nil {
		w.Section(dns.Additional)
		w.Begin("\x00", dns.TypeOPT, payloadSize, flagDNSSEC)
		w.U16(optionLease)
		if g.short {
			w.U16(4)
		} else {
			w.U16(8)
		}
		w.U32(g.lease)
		if !g.short {
			w.U32(g.keyLease)
		}
		w.End()
	}
	s.env.Answer(now, to, w.Bytes())
}
