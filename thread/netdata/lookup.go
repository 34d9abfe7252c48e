package netdata

import (
	"bytes"
	"encoding/binary"

	"heddle.example/thread/ip6"
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

func meshLocalContext(n ip6.Network) Context {
	return Context{Compress: true, Stable: true, Prefix: n.Prefix()}
}

// ContextFor returns the context with the longest prefix of an address. Number 0 is the mesh-local prefix.
func (m *Manager) ContextFor(addr ip6.Address) (c Context, ok bool) {
	if ml := m.env.MeshLocalPrefix(); addr.Network() == ml {
		c, ok = meshLocalContext(ml), true
	}
	d := m.Data()
	for t, found := d.nextMatch(0, &addr); found; t, found = d.nextMatch(t.end, &addr) {
		x, has := t.next(d, t.sub, kindContext)
		if has && (!ok || t.bits(d) > c.Prefix.Bits) {
			c, ok = t.context(d, x), true
			c.Prefix = t.ip6(d)
		}
	}
	return c, ok
}

// Context returns the context with a number.
func (m *Manager) Context(id uint8) (Context, bool) {
	if id == 0 {
		return meshLocalContext(m.env.MeshLocalPrefix()), true
	}
	d := m.Data()
	t, x, ok := d.contextPrefix(id)
	if !ok {
		return Context{}, false
	}
	c := t.context(d, x)
	c.Prefix = t.ip6(d)
	return c, true
}

// OnMesh reports whether an address is one of this mesh: mesh-local, or of an on-mesh prefix.
func (m *Manager) OnMesh(addr ip6.Address) bool {
	if addr.Network() == m.env.MeshLocalPrefix() {
		return true
	}
	d := m.Data()
	for t, ok := d.nextMatch(0, &addr); ok; t, ok = d.nextMatch(t.end, &addr) {
		for s, ok := t.next(d, t.sub, kindBorderRouter); ok; s, ok = t.next(d, s.end, kindBorderRouter) {
			for v := s.value(d); len(v) >= 4; v = v[4:] {
				if binary.BigEndian.Uint16(v[2:])&flagOnMesh != 0 {
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
	for t, ok := d.nextMatch(0, &source); ok; t, ok = d.nextMatch(t.end, &source) {
		if _, offered := t.next(d, t.sub, kindBorderRouter); !offered {
			continue
		}
		if r, ok := m.externalRoute(t.domain(d), destination); ok {
			return r, nil
		}
		if r, ok := m.bestBorderRouter(t, flagDefaultRoute); ok {
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
	for t, ok := d.nextMatch(0, &destination); ok; t, ok = d.nextMatch(t.end, &destination) {
		if t.domain(d) != domain || int(t.bits(d)) <= length {
			continue
		}
		for s, ok := t.next(d, t.sub, kindHasRoute); ok; s, ok = t.next(d, s.end, kindHasRoute) {
			for v := s.value(d); len(v) >= 3; v = v[3:] {
				p, r := preference(v[2]>>6), rloc(v)
				if int(t.bits(d)) > length || m.better(p, r, pref, best) {
					best, pref, length, found = r, p, int(t.bits(d)), true
				}
			}
		}
	}
	return best, found
}

// bestBorderRouter is the best of those with one of the flags.
func (m *Manager) bestBorderRouter(t item, flags uint16) (best uint16, found bool) {
	d := m.Data()
	var pref int8
	for s, ok := t.next(d, t.sub, kindBorderRouter); ok; s, ok = t.next(d, s.end, kindBorderRouter) {
		for v := s.value(d); len(v) >= 4; v = v[4:] {
			f := binary.BigEndian.Uint16(v[2:])
			if f&flags == 0 {
				continue
			}
			if p, r := preference(uint8(f>>14)), rloc(v); !found || m.better(p, r, pref, best) {
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
		r, ok = m.agent(uint8(aloc16-alocDHCPFirst+1), flagDHCP|flagConfigure)
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
		r, ok = m.agent(uint8(aloc16-alocNDFirst+1), flagNDDNS)
	default:
		return 0, status.Drop
	}
	if !ok || r == invalidRLOC16 {
		return 0, status.NoRoute
	}
	if parent := r &^ 0x1ff; r != parent && m.env.RLOC16() != parent {
		return parent, nil
	}
	return r, nil
}

func (m *Manager) agent(id uint8, flags uint16) (uint16, bool) {
	t, _, ok := m.Data().contextPrefix(id)
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
func (m *Manager) NAT64() (best ExternalRoute, found bool) {
	for r := range m.Data().ExternalRoutes() {
		if r.NAT64 && ValidNAT64(r.Prefix) && (!found || r.Preference > best.Preference ||
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
		if r.NAT64 && ValidNAT64(r.Prefix) && r.Prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// Domain returns the domain of a prefix in the network data.
func (m *Manager) Domain(p ip6.Prefix) (uint8, bool) {
	t, ok := m.Data().findPrefix(p.Addr[:], p.Bits)
	if !ok {
		return 0, false
	}
	return t.domain(m.Data()), true
}
