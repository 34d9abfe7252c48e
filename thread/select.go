package thread

import "heddle.example/thread/ip6"

// SourceFor chooses the source address for a destination, by the rules of RFC 6724 as OpenThread has them (ip6.cpp): same
// address, scope, not deprecated, longest prefix; and to an RLOC from the RLOC, to anything else from an identifier.
func (n *Node) SourceFor(dst ip6.Address) (ip6.Address, bool) {
	scope, toRLOC := dst.Scope(), n.isMeshLocal(dst) && dst.IID().IsRoutingLocator()
	var best *Address
	bestMatch := 0
	for i := range n.unicast {
		a := &n.unicast[i]
		if n.isMeshLocal(a.Addr) && a.Addr.IID().IsAnycastLocator() {
			continue
		}
		if a.Addr == dst {
			return dst, true
		}
		match, over := dst.Match(a.Addr), scope
		if match >= int(a.PrefixLength) {
			match, over = int(a.PrefixLength), a.Scope()
		}
		if best == nil || n.better(a, best, match, bestMatch, over, toRLOC) {
			if best, bestMatch = a, match; match >= int(a.PrefixLength) {
				scope = a.Scope()
			}
		}
	}
	if best == nil {
		return ip6.Address{}, false
	}
	return best.Addr, true
}

// better reports whether a is a better source than best.
func (n *Node) better(a, best *Address, match, bestMatch, scope int, toRLOC bool) bool {
	as, bs := a.Scope(), best.Scope()
	switch {
	case as < bs:
		return as >= scope
	case as > bs:
		return bs < scope
	case a.Preferred != best.Preferred:
		return a.Preferred
	case match != bestMatch:
		return match > bestMatch
	}
	return toRLOC == (n.isMeshLocal(a.Addr) && a.Addr.IID().IsRoutingLocator())
}

// isMeshLocal reports whether an address has the mesh-local prefix.
func (n *Node) isMeshLocal(a ip6.Address) bool { return a.Network() == n.meshLocal() }
