package mle

import "heddle.example/thread/ip6"

// compressed marks an entry of the Address Registration TLV that is a context and an interface identifier.
const compressed = 1 << 7

// appendRegistration appends the Address Registration TLV of a minimal end device: its addresses, for which its parent
// answers, the mesh-local one first.
func (m *MLE) appendRegistration(b []byte, meshLocalOnly bool) []byte {
	b, at := beginTLV(b, TLVAddressRegistration)
	b = m.AppendRegistered(b, m.MeshLocalEID())
	n := 1
	if meshLocalOnly {
		return endTLV(b, at)
	}
	for _, a := range m.env.UnicastAddresses() {
		if n >= m.config.AddressesToRegister {
			return endTLV(b, at)
		}
		if m.needsRegistration(a) {
			b = m.AppendRegistered(b, a)
			n++
		}
	}
	// A sleepy child gets multicast only if its parent knows that it wants it; another one, since 1.2, tells of groups
	// beyond the mesh, for the border router's sake.
	if m.mode.RxOn() && m.table.Parent.Version <= version1p1 {
		return endTLV(b, at)
	}
	for _, a := range m.env.MulticastAddresses() {
		if n >= m.config.AddressesToRegister {
			break
		}
		if !m.mode.RxOn() || a.IsMulticastBeyondRealm() {
			b = m.AppendRegistered(b, a)
			n++
		}
	}
	return endTLV(b, at)
}

// needsRegistration says whether a unicast address is one that a parent should know, beside the mesh-local EID.
func (m *MLE) needsRegistration(a ip6.Address) bool {
	if a.IsLoopback() || a.IsLinkLocalUnicast() || a == m.MeshLocalEID() {
		return false
	}
	iid := a.IID()
	return a.Network() != m.meshLocal || !iid.IsRoutingLocator() && !iid.IsAnycastLocator()
}

// unregistered says whether there is more to register than the mesh-local EID.
func (m *MLE) unregistered() bool {
	for _, a := range m.env.UnicastAddresses() {
		if m.needsRegistration(a) {
			return true
		}
	}
	return !m.mode.RxOn() && len(m.env.MulticastAddresses()) > 0
}

// AppendRegistered appends an entry of the Address Registration TLV: compressed if the network data has a context for it.
func (m *MLE) AppendRegistered(b []byte, a ip6.Address) []byte {
	if !a.IsMulticast() {
		if id, compress, ok := m.env.Context(a); ok && compress {
			b = append(b, compressed|id&15)
			return append(b, a[8:]...)
		}
	}
	b = append(b, 0)
	return append(b, a[:]...)
}

// NextRegistered splits the first entry of an Address Registration TLV off. ok is false for one whose context is not
// known, which a parent leaves out.
func (m *MLE) NextRegistered(b []byte) (a ip6.Address, ok bool, rest []byte, err error) {
	if b[0]&compressed != 0 {
		if len(b) < 9 {
			return a, false, nil, ErrParse
		}
		n, ok := m.env.ContextPrefix(b[0] & 15)
		return ip6.Join(n, ip6.IID(b[1:9])), ok, b[9:], nil
	}
	if len(b) < 17 {
		return a, false, nil, ErrParse
	}
	return ip6.Address(b[1:17]), true, b[17:], nil
}

// appendSupervision appends the interval of supervision that a sleepy child wants.
func (m *MLE) appendSupervision(b []byte) []byte {
	if m.mode.RxOn() {
		return b
	}
	return AppendSupervisionInterval(b, m.supervision.interval)
}
