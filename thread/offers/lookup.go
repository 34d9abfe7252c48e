package offers

import (
	"bytes"
	"encoding/binary"

	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// Kinds of anycast locators (5.12).
const (
	alocLeader        = 0xfc00
	alocDHCPFirst     = 0xfc01
	alocDHCPLast      = 0xfc0f
	alocServiceFirst  = 0xfc10
	alocServiceLast   = 0xfc2f
	alocCommissioner  = 0xfc30
	alocCommissionerE = 0xfc37
	alocBBR           = 0xfc38
	alocNDFirst       = 0xfc40
	alocNDLast        = 0xfc4e
)

func meshLocalContext(n ip6.Network) netdata.Context {
	return netdata.Context{Compress: true, Stable: true, Prefix: n.Prefix()}
}

// ContextFor returns the context with the longest prefix of an address. Number 0 is the mesh-local prefix.
func (m *Manager) ContextFor(addr ip6.Address) (c netdata.Context, ok bool) {
	if ml := m.env.MeshLocalPrefix(); addr.Network() == ml {
		c, ok = meshLocalContext(ml), true
	}
	d := m.Data()
	for t, found := d.NextMatch(0, &addr); found; t, found = d.NextMatch(t.End, &addr) {
		x, has := t.Next(d, t.Sub, netdata.KindContext)
		if has && (!ok || t.Bits(d) > c.Prefix.Bits) {
			c, ok = t.Context(d, x), true
			c.Prefix = t.IP6(d)
		}
	}
	return c, ok
}

// Context returns the context with a number.
func (m *Manager) Context(id uint8) (netdata.Context, bool) {
	if id == 0 {
		return meshLocalContext(m.env.MeshLocalPrefix()), true
	}
	d := m.Data()
	t, x, ok := d.ContextPrefix(id)
	if !ok {
		return netdata.Context{}, false
	}
	c := t.Context(d, x)
	c.Prefix = t.IP6(d)
	return c, true
}

// OnMesh reports whether an address is one of this mesh: mesh-local, or of an on-mesh prefix.
func (m *Manager) OnMesh(addr ip6.Address) bool {
	if addr.Network() == m.env.MeshLocalPrefix() {
		return true
	}
	d := m.Data()
	for t, ok := d.NextMatch(0, &addr); ok; t, ok = d.NextMatch(t.End, &addr) {
		for s, ok := t.Next(d, t.Sub, netdata.KindBorderRouter); ok; s, ok = t.Next(d, s.End, netdata.KindBorderRouter) {
			for v := s.Value(d); len(v) >= 4; v = v[4:] {
				if binary.BigEndian.Uint16(v[2:])&netdata.FlagOnMesh != 0 {
					return true
				}
			}
		}
	}
	return false
}

// Route returns the border router that a datagram for the outside goes to: the longest external route in the domain of
// the source's prefix, else that prefix's default route.
func (m *Manager) Route(source, destination ip6.Address) (uint16, error) {
	d := m.Data()
	for t, ok := d.NextMatch(0, &source); ok; t, ok = d.NextMatch(t.End, &source) {
		if _, offered := t.Next(d, t.Sub, netdata.KindBorderRouter); !offered {
			continue
		}
		if r, ok := m.externalRoute(t.Domain(d), destination); ok {
			return r, nil
		}
		if r, ok := m.bestBorderRouter(t, netdata.FlagDefaultRoute); ok {
			return r, nil
		}
	}
	if domain, ok := m.env.DeprecatedDomain(source); ok {
		if r, ok := m.externalRoute(domain, destination); ok {
			return r, nil
		}
	}
	return 0, status.NoRoute
}

func (m *Manager) externalRoute(domain uint8, destination ip6.Address) (best uint16, found bool) {
	d := m.Data()
	var pref int8
	length := -1
	for t, ok := d.NextMatch(0, &destination); ok; t, ok = d.NextMatch(t.End, &destination) {
		if t.Domain(d) != domain || int(t.Bits(d)) <= length {
			continue
		}
		for s, ok := t.Next(d, t.Sub, netdata.KindHasRoute); ok; s, ok = t.Next(d, s.End, netdata.KindHasRoute) {
			for v := s.Value(d); len(v) >= 3; v = v[3:] {
				p, r := ip6.Preference(v[2]>>6), netdata.EntryRLOC16(v)
				if int(t.Bits(d)) > length || m.better(p, r, pref, best) {
					best, pref, length, found = r, p, int(t.Bits(d)), true
				}
			}
		}
	}
	return best, found
}

// bestBorderRouter is the best of those with one of the flags.
func (m *Manager) bestBorderRouter(t netdata.Item, flags uint16) (best uint16, found bool) {
	d := m.Data()
	var pref int8
	for s, ok := t.Next(d, t.Sub, netdata.KindBorderRouter); ok; s, ok = t.Next(d, s.End, netdata.KindBorderRouter) {
		for v := s.Value(d); len(v) >= 4; v = v[4:] {
			f := binary.BigEndian.Uint16(v[2:])
			if f&flags == 0 {
				continue
			}
			if p, r := ip6.Preference(uint8(f>>14)), netdata.EntryRLOC16(v); !found || m.better(p, r, pref, best) {
				best, pref, found = r, p, true
			}
		}
	}
	return best, found
}

// better reports whether an entry goes before another: by preference, then the shorter way, then a router before an end
// device (network_data_leader.cpp, CompareRouteEntries).
func (m *Manager) better(p int8, r uint16, otherP int8, other uint16) bool {
	if p != otherP {
		return p > otherP
	}
	if c, o := m.env.PathCost(r), m.env.PathCost(other); c != o {
		return c < o
	}
	return r&0x1ff == 0 && other&0x1ff != 0
}

// Anycast returns the locator that an anycast locator stands for. Of a child it is the parent's, unless this node is that.
func (m *Manager) Anycast(aloc16 uint16) (uint16, error) {
	r, ok := uint16(0), false
	switch {
	case aloc16 == alocLeader:
		r, ok = m.env.LeaderRLOC16(), true
	case aloc16 >= alocDHCPFirst && aloc16 <= alocDHCPLast:
		r, ok = m.agent(uint8(aloc16-alocDHCPFirst+1), netdata.FlagDHCP|netdata.FlagConfigure)
	case aloc16 >= alocServiceFirst && aloc16 <= alocServiceLast:
		r, ok = m.server(uint8(aloc16 - alocServiceFirst))
	case aloc16 >= alocCommissioner && aloc16 <= alocCommissionerE:
		if r, ok = m.BorderAgent(); !ok {
			return 0, status.NotFound
		}
	case aloc16 == alocBBR:
		b, is := m.Data().PrimaryBackboneRouter(m.env.LeaderRLOC16())
		if !is {
			return 0, status.Drop
		}
		r, ok = b.RLOC16, true
	case aloc16 >= alocNDFirst && aloc16 <= alocNDLast:
		r, ok = m.agent(uint8(aloc16-alocNDFirst+1), netdata.FlagNDDNS)
	default:
		return 0, status.Drop
	}
	if !ok || r == netdata.InvalidRLOC16 {
		return 0, status.NoRoute
	}
	if parent := r &^ 0x1ff; r != parent && m.env.RLOC16() != parent {
		return parent, nil
	}
	return r, nil
}

func (m *Manager) agent(id uint8, flags uint16) (uint16, bool) {
	t, _, ok := m.Data().ContextPrefix(id)
	if !ok {
		return 0, false
	}
	return m.bestBorderRouter(t, flags)
}

func (m *Manager) server(id uint8) (best uint16, found bool) {
	for s := range m.Data().Services() {
		if s.ID == id && (!found || m.better(0, s.RLOC16, 0, best)) {
			best, found = s.RLOC16, true
		}
	}
	return best, found
}

// ServiceID returns the leader's number of a service that has a server of that stability.
func (m *Manager) ServiceID(enterprise uint32, data []byte, stable bool) (uint8, error) {
	for s := range m.Data().Services() {
		if s.Enterprise == enterprise && s.Stable == stable && bytes.Equal(s.Data, data) {
			return s.ID, nil
		}
	}
	return 0, status.NotFound
}

// NAT64 returns the preferred route to the IPv4 world.
func (m *Manager) NAT64() (best netdata.ExternalRoute, found bool) {
	for r := range m.Data().ExternalRoutes() {
		if r.NAT64 && netdata.ValidNAT64(r.Prefix) && (!found || r.Preference > best.Preference ||
			r.Preference == best.Preference && less(r.Prefix, best.Prefix)) {
			best, found = r, true
		}
	}
	return best, found
}

// less orders prefixes as OpenThread does: by their common bits, then the shorter first.
func less(a, b ip6.Prefix) bool {
	if n := a.Addr.Match(b.Addr); n < int(min(a.Bits, b.Bits)) {
		return a.Addr[n/8] < b.Addr[n/8]
	}
	return a.Bits < b.Bits
}

// IsNAT64 reports whether an address stands for an IPv4 one.
func (m *Manager) IsNAT64(addr ip6.Address) bool {
	for r := range m.Data().ExternalRoutes() {
		if r.NAT64 && netdata.ValidNAT64(r.Prefix) && r.Prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// Domain returns the domain of a prefix in the network data.
func (m *Manager) Domain(p ip6.Prefix) (uint8, bool) {
	t, ok := m.Data().FindPrefix(p.Addr[:], p.Bits)
	if !ok {
		return 0, false
	}
	return t.Domain(m.Data()), true
}
