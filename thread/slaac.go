package thread

import (
	"crypto/sha256"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// slaac gives the node an address in every on-mesh prefix that wants it (utils/slaac_address.cpp).
type slaac struct {
	off     bool
	entries []slaacEntry
}

// slaacEntry is an address of ours in an on-mesh prefix.
type slaacEntry struct {
	addr    ip6.Address
	bits    uint8
	context uint8        // of the prefix; noContext
	domain  uint8        // of the prefix, while the address is deprecated
	until   machine.Time // machine.Never while it is not deprecated
}

const noContext = 0xff

// settingSLAACKey is what makes the identifiers of this node stable and unguessable (RFC 7217).
const settingSLAACKey = "slaac"

// SLAAC reports whether addresses are made for on-mesh prefixes.
func (n *Node) SLAAC() bool { return !n.slaac.off }

// SetSLAAC turns that on or off.
func (n *Node) SetSLAAC(now machine.Time, cause machine.Cause, on bool) {
	if on == !n.slaac.off {
		return
	}
	n.begin(now, cause)
	defer n.finish(now)
	if n.slaac.off = !on; on {
		n.addSLAAC(now)
		return
	}
	for len(n.slaac.entries) > 0 {
		n.removeSLAAC(0)
	}
}

// updateSLAAC follows a change of the network data.
func (n *Node) updateSLAAC(now machine.Time) {
	if n.slaac.off {
		return
	}
	for i := 0; i < len(n.slaac.entries); {
		e := &n.slaac.entries[i]
		if p, ok := n.slaacPrefix(e.addr, e.bits); ok {
			if c := n.slaacContext(e.addr); c != e.context {
				e.context = c
				n.mle.ContextChanged(now)
			}
			e.domain, _ = n.data.Domain(p.Prefix)
		} else if e.until == machine.Never {
			a := n.address(e.addr)
			if a == nil || !a.Preferred {
				n.removeSLAAC(i)
				continue
			}
			e.until = now.Add(n.profile.SLAACDeprecation)
			n.preferAddress(a, false)
		}
		i++
	}
	n.addSLAAC(now)
}

// wantsSLAAC reports whether nodes make themselves addresses in a prefix.
func wantsSLAAC(p *netdata.OnMeshPrefix) bool { return p.SLAAC && !p.DP && p.Prefix.Bits == 64 }

// fits reports whether an address is one of a prefix: with its length, or 128 where the prefix is not on the mesh.
func fits(p *netdata.OnMeshPrefix, a ip6.Address, bits uint8) bool {
	return (p.OnMesh && bits == p.Prefix.Bits || !p.OnMesh && bits == 128) && p.Prefix.Contains(a)
}

func (n *Node) slaacPrefix(a ip6.Address, bits uint8) (netdata.OnMeshPrefix, bool) {
	for p := range n.data.Data().OnMeshPrefixes() {
		if wantsSLAAC(&p) && fits(&p, a, bits) {
			return p, true
		}
	}
	return netdata.OnMeshPrefix{}, false
}

func (n *Node) slaacContext(a ip6.Address) uint8 {
	if c, ok := n.data.ContextFor(a); ok {
		return c.ID
	}
	return noContext
}

// addSLAAC adds what is missing.
func (n *Node) addSLAAC(now machine.Time) {
	if n.slaac.off || !n.up {
		return
	}
next:
	for p := range n.data.Data().OnMeshPrefixes() {
		if !wantsSLAAC(&p) {
			continue
		}
		for i := range n.slaac.entries {
			if e := &n.slaac.entries[i]; fits(&p, e.addr, e.bits) {
				if e.until != machine.Never && p.Preferred {
					e.until = machine.Never
					n.preferAddress(n.address(e.addr), true)
				}
				continue next
			}
		}
		for i := range n.unicast {
			if fits(&p, n.unicast[i].Addr, n.unicast[i].PrefixLength) {
				continue next
			}
		}
		n.makeSLAAC(&p)
	}
}

// makeSLAAC makes an address in a prefix. With too many, the deprecated one that would go first has to go now.
func (n *Node) makeSLAAC(p *netdata.OnMeshPrefix) {
	if len(n.slaac.entries) >= n.profile.SLAACAddresses {
		first := 0
		for i := range n.slaac.entries {
			if n.slaac.entries[i].until < n.slaac.entries[first].until {
				first = i
			}
		}
		if n.slaac.entries[first].until == machine.Never {
			return
		}
		n.removeSLAAC(first)
	}
	bits := p.Prefix.Bits
	if !p.OnMesh {
		bits = 128
	}
	e := slaacEntry{bits: bits, until: machine.Never, addr: ip6.Join(p.Prefix.Addr.Network(), n.stableIID(p.Prefix.Addr, bits))}
	e.context = n.slaacContext(e.addr)
	e.domain, _ = n.data.Domain(p.Prefix)
	n.slaac.entries = append(n.slaac.entries, e)
	n.putAddress(Address{Addr: e.addr, PrefixLength: bits, Origin: OriginSLAAC, Preferred: p.Preferred, Valid: true})
}

// stableIID returns the identifier of this node in a prefix: SHA-256 over prefix, "wpan", a counter of attempts and a
// secret of the node.
func (n *Node) stableIID(prefix ip6.Address, bits uint8) ip6.IID {
	key := n.LoadSetting(settingSLAACKey)
	if len(key) != 32 {
		key = make([]byte, 32)
		n.config.Rand.Fill(key)
		n.StoreSetting(settingSLAACKey, key)
	}
	for attempt := 0; ; attempt++ {
		h := sha256.New()
		h.Write(prefix[:(int(bits)+7)/8])
		h.Write([]byte("wpan"))
		h.Write([]byte{byte(attempt)})
		h.Write(key)
		if iid := ip6.IID(h.Sum(nil)[:8]); !iid.IsReserved() || attempt == 255 {
			return iid
		}
	}
}

func (n *Node) removeSLAAC(i int) {
	a := n.slaac.entries[i].addr
	if n.slaac.entries = append(n.slaac.entries[:i], n.slaac.entries[i+1:]...); len(n.slaac.entries) == 0 {
		n.slaac.entries = nil
	}
	n.dropAddress(a)
}

// preferAddress makes an address preferred, or deprecates it. For others that is an address gone and one come.
func (n *Node) preferAddress(a *Address, preferred bool) {
	if a != nil && a.Preferred != preferred {
		a.Preferred = preferred
		n.signal(AddressAdded | AddressRemoved)
	}
}

func (n *Node) slaacDeadline() machine.Time {
	d := machine.Never
	for i := range n.slaac.entries {
		d = min(d, n.slaac.entries[i].until)
	}
	return d
}

func (n *Node) expireSLAAC(now machine.Time) {
	for i := 0; i < len(n.slaac.entries); {
		if n.slaac.entries[i].until <= now {
			n.removeSLAAC(i)
			continue
		}
		i++
	}
}

// deprecatedDomain returns the domain of a prefix that is gone, but that we still have an address of.
func (n *Node) deprecatedDomain(source ip6.Address) (uint8, bool) {
	for i := range n.slaac.entries {
		if e := &n.slaac.entries[i]; e.until != machine.Never && source.Match(e.addr) >= 64 {
			return e.domain, true
		}
	}
	return 0, false
}
