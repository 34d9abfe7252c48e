package thread

import (
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// Origin says where an address comes from.
type Origin uint8

// The origins.
const (
	OriginThread Origin = iota
	OriginSLAAC
	OriginDHCPv6
	OriginManual
)

// String returns the origin in the words of ipaddr -v.
func (o Origin) String() string {
	return [...]string{"thread", "slaac", "dhcp6", "manual"}[o&3]
}

// Address is a unicast address of the interface.
type Address struct {
	Addr         ip6.Address
	PrefixLength uint8
	Origin       Origin
	Preferred    bool
	Valid        bool
	RLOC         bool
	MeshLocal    bool // of the mesh-local prefix, with which it changes
}

// Scope returns the address's scope: that of mesh-local ones is the realm.
func (a *Address) Scope() int {
	if a.MeshLocal {
		return ip6.ScopeRealm
	}
	return a.Addr.Scope()
}

// Addresses returns the unicast addresses, the newest first, as ipaddr shows them. It is not to be changed.
func (n *Node) Addresses() []Address { return n.unicast }

// MulticastAddresses returns the multicast addresses that the interface listens to, in the order of ipmaddr.
func (n *Node) MulticastAddresses() []ip6.Address { return n.multicast }

// HasAddress reports whether a unicast address is the interface's.
func (n *Node) HasAddress(a ip6.Address) bool { return n.address(a) != nil }

func (n *Node) address(a ip6.Address) *Address {
	for i := range n.unicast {
		if n.unicast[i].Addr == a {
			return &n.unicast[i]
		}
	}
	return nil
}

// HasMulticast reports whether the interface listens to a multicast address.
func (n *Node) HasMulticast(a ip6.Address) bool {
	for _, m := range n.multicast {
		if m == a {
			return true
		}
	}
	return false
}

// putAddress adds an address at the head of the list, or changes nothing where it is there.
func (n *Node) putAddress(a Address) {
	if n.address(a.Addr) != nil {
		return
	}
	n.unicast = append(n.unicast, Address{})
	copy(n.unicast[1:], n.unicast)
	n.unicast[0] = a
	n.tellAddress(&a, false)
}

func (n *Node) dropAddress(a ip6.Address) {
	for i := range n.unicast {
		if u := n.unicast[i]; u.Addr == a {
			n.unicast = append(n.unicast[:i], n.unicast[i+1:]...)
			n.tellAddress(&u, true)
			return
		}
	}
}

// tellAddress remembers and signals that an address has come or gone.
func (n *Node) tellAddress(a *Address, gone bool) {
	n.rememberAddress(a, gone)
	switch {
	case a.RLOC && gone:
		n.signal(RLOCRemoved)
	case a.RLOC:
		n.signal(RLOCAdded)
	case gone:
		n.signal(AddressRemoved)
	default:
		n.signal(AddressAdded)
	}
}

// AddAddress adds an address of a user's, or of DHCPv6.
func (n *Node) AddAddress(a Address) error {
	if a.Addr.IsMulticast() || a.Addr.IsUnspecified() {
		return status.InvalidArgs
	}
	if old := n.address(a.Addr); old != nil {
		if old.Origin == OriginThread || old.Origin == OriginSLAAC {
			return status.InvalidArgs
		}
		old.PrefixLength, old.Origin, old.Preferred, old.Valid = a.PrefixLength, a.Origin, a.Preferred, a.Valid
		return nil
	}
	if a.Addr.IsLinkLocalUnicast() {
		return status.InvalidArgs
	}
	if n.external() >= n.profile.ExternalUnicast {
		return status.NoBufs
	}
	a.RLOC, a.MeshLocal = false, false
	n.putAddress(a)
	return nil
}

// external counts the addresses that are a user's.
func (n *Node) external() (count int) {
	for i := range n.unicast {
		if o := n.unicast[i].Origin; o == OriginManual || o == OriginDHCPv6 {
			count++
		}
	}
	return count
}

// RemoveAddress removes an address that AddAddress has added.
func (n *Node) RemoveAddress(a ip6.Address) error {
	u := n.address(a)
	if u == nil {
		return status.NotFound
	}
	if u.Origin != OriginManual && u.Origin != OriginDHCPv6 {
		return status.Rejected
	}
	n.dropAddress(a)
	return nil
}

// Subscribe listens to a multicast address of a user's.
func (n *Node) Subscribe(a ip6.Address) error {
	switch {
	case !a.IsMulticast():
		return status.InvalidArgs
	case n.HasMulticast(a):
		return status.Already
	case fixedMulticast(a):
		return status.Rejected
	case len(n.joined) >= n.profile.ExternalMulticast:
		return status.NoBufs
	}
	n.joined = append(n.joined, a)
	n.putMulticast(a)
	return nil
}

// Unsubscribe ends a subscription of Subscribe.
func (n *Node) Unsubscribe(a ip6.Address) error {
	if !n.HasMulticast(a) {
		return status.NotFound
	}
	for i, j := range n.joined {
		if j == a {
			n.joined = append(n.joined[:i], n.joined[i+1:]...)
			n.dropMulticast(a)
			return nil
		}
	}
	return status.Rejected
}

// Joined returns the multicast addresses of Subscribe.
func (n *Node) Joined() []ip6.Address { return n.joined }

func fixedMulticast(a ip6.Address) bool {
	switch a {
	case ip6.LinkLocalAllRouters, ip6.RealmLocalAllRouters, ip6.LinkLocalAllNodes, ip6.RealmLocalAllNodes, ip6.RealmLocalAllMPL:
		return true
	}
	return false
}

func (n *Node) putMulticast(a ip6.Address) {
	if n.HasMulticast(a) {
		return
	}
	at := 0
	if fixedMulticast(a) {
		// The fixed ones stand at the end, the routers' before the nodes'.
		at = len(n.multicast)
		if a == ip6.LinkLocalAllRouters || a == ip6.RealmLocalAllRouters {
			for at > 0 && fixedMulticast(n.multicast[at-1]) && n.multicast[at-1] != ip6.LinkLocalAllRouters {
				at--
			}
		}
	}
	n.multicast = append(n.multicast, a)
	copy(n.multicast[at+1:], n.multicast[at:])
	n.multicast[at] = a
	n.tellGroup(a, false)
}

func (n *Node) dropMulticast(a ip6.Address) {
	for i, m := range n.multicast {
		if m == a {
			n.multicast = append(n.multicast[:i], n.multicast[i+1:]...)
			n.tellGroup(a, true)
			return
		}
	}
}

func (n *Node) tellGroup(a ip6.Address, gone bool) {
	n.rememberGroup(a, gone)
	if gone {
		n.signal(MulticastUnsubscribed)
	} else {
		n.signal(MulticastSubscribed)
	}
}
