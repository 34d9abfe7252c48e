package mle

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// registerAddresses takes in the addresses that a child is to be found under. It takes as many as it may; the response
// says which. ErrNotFound means that the message has none.
func (m *MLE) registerAddresses(now machine.Time, r *rx, c *neighbor.Child) error {
	b, err := r.Find(TLVAddressRegistration)
	if err != nil {
		return err
	}
	c.ClearAddresses()
	stored, limited, groups := 0, m.ftd.childAddresses, false
	for len(b) > 0 {
		a, known, rest, err := m.NextRegistered(b)
		if err != nil {
			return nil // OpenThread takes what came before the broken entry, too
		}
		if b = rest; !known {
			continue
		}
		if limited > 0 && stored >= limited || !c.AddAddress(a, m.mostChildAddresses()-1) {
			m.ftd.counters.AddressesRefused++
		} else {
			stored++
		}
		if a.IsMulticast() {
			groups = true
			continue
		}
		// The last one to register an address has it: a child that was wiped comes back with a new extended address.
		if o := m.otherWith(a, c); o != nil {
			o.RemoveAddress(a)
		}
		m.env.ForgetAddress(now, a)
	}
	if groups && m.config.OnChildGroups != nil {
		m.config.OnChildGroups(now)
	}
	return nil
}

func (m *MLE) otherWith(a ip6.Address, c *neighbor.Child) *neighbor.Child {
	for o := range m.table.Children(neighbor.InValidOrRestoring) {
		if o != c && o.HasAddress(a) {
			return o
		}
	}
	return nil
}

// appendChildAddresses appends the addresses that a child is registered with, but the mesh-local one.
func (m *MLE) appendChildAddresses(b []byte, c *neighbor.Child) []byte {
	b, at := beginTLV(b, TLVAddressRegistration)
	for _, a := range c.Addresses() {
		if len(b)-at > 255-17 {
			break
		}
		b = m.AppendRegistered(b, a)
	}
	return endTLV(b, at)
}

// appendNetworkData appends the network data, or its stable subset if mode wants that.
func (m *MLE) appendNetworkData(b []byte, mode Mode) []byte {
	var buf [256]byte
	return AppendTLV(b, TLVNetworkData, m.env.AppendData(buf[:0], mode.FullNetworkData()))
}

func (m *MLE) appendDataset(b []byte, pending bool) []byte {
	var buf [256]byte
	v, ok := m.env.AppendDataset(buf[:0], pending)
	if !ok {
		return b
	}
	t := TLVActiveDataset
	if pending {
		t = TLVPendingDataset
	}
	return AppendTLV(b, t, v)
}

// removeNeighbor ends the link to a neighbour, whatever it is to us.
func (m *MLE) removeNeighbor(now machine.Time, n *neighbor.Neighbor) {
	m.ftd.now = now
	switch {
	case n.State == neighbor.Invalid:
	case m.table.Parent.Is(n):
		if m.role == Child {
			m.BecomeDetached(now)
		}
		n.Link.Clear()
		n.State = neighbor.Invalid
	case m.table.Candidate.Is(n):
		m.candidate.clear(m)
	case n.Child() != nil:
		m.removeChild(now, n.Child())
	default:
		if r := n.Router(); n.State == neighbor.Valid {
			m.table.Signal(neighbor.RouterRemoved, n)
			m.table.RemoveRouterLink(now, r)
		}
		n.Link.Clear()
		n.State = neighbor.Invalid
	}
}

// removeChild forgets a child.
func (m *MLE) removeChild(now machine.Time, c *neighbor.Child) {
	m.forgetChild(now, c)
	m.table.RemoveChild(c)
}

// forgetChild ends what belongs to a child, but leaves its entry.
func (m *MLE) forgetChild(now machine.Time, c *neighbor.Child) {
	m.ftd.now = now
	if c.State.ValidOrRestoring() {
		m.table.Signal(neighbor.ChildRemoved, &c.Neighbor)
	}
	m.env.DropForChild(now, c)
	if c.Mode.FTD() {
		m.env.ForgetRLOC16(now, c.RLOC16)
	}
	if c.RLOC16 != 0 {
		m.env.RemoveStoredChild(now, c.RLOC16)
	}
	c.Link.Clear()
}

// RemoveChild drops a child by hand, as when too many frames to it failed.
func (m *MLE) RemoveChild(now machine.Time, c *neighbor.Child) {
	m.removeChild(now, c)
	m.tableChanged(now)
}

// RemoveRouterLink ends the link to a router, or to our parent: the MAC failed to reach it too often
// (OpenThread Mle::RemoveRouterLink).
func (m *MLE) RemoveRouterLink(now machine.Time, r *neighbor.Router) {
	m.ftd.now = now
	switch {
	case m.role == Child:
		if m.table.Parent.Is(&r.Neighbor) {
			m.BecomeDetached(now)
		}
	case m.role.RouterOrLeader():
		m.table.RemoveRouterLink(now, r)
	}
	m.tableChanged(now)
}

// How long a child that seems to have gone may take to say that it has not.
const (
	suspectAwake  = 10 * time.Second
	suspectAsleep = 60 * time.Second
)

// SuspectChild asks a child whether it is still ours, since it seems to be another router's, and drops it if it does not
// answer. OpenThread drops it at once, but what looks so may be a datagram of the child's that went to an old address and
// comes back through us (mesh_forwarder_ftd.cpp, UpdateRoutes): the child would learn of it no sooner than at its next
// keep-alive, minutes later.
func (m *MLE) SuspectChild(now machine.Time, c *neighbor.Child) {
	m.ftd.now = now
	wait := suspectAwake
	if !c.Mode.RxOn() {
		wait = suspectAsleep
	}
	c.LastHeard = min(c.LastHeard, now.Add(wait-time.Duration(c.Timeout)*time.Second))
	if c.State == neighbor.Valid {
		c.State = neighbor.Restored
		m.sendChildUpdateRequestToChild(now, c)
	}
}

// restoreChildren reads the children back after a reset. Each is asked, once we are a router again, whether it is still
// ours.
func (m *MLE) restoreChildren(now machine.Time) {
	stored := m.env.RestoredChildren()
	var bad []ChildInfo
	for _, i := range stored {
		c := m.table.ChildByExt(i.Ext, neighbor.InAny)
		if c != nil {
			bad = append(bad, ChildInfo{RLOC16: c.RLOC16})
		} else if c = m.table.NewChild(i.Ext); c == nil {
			bad = append(bad, i)
			continue
		}
		m.table.SetChildRLOC16(c, i.RLOC16)
		c.Timeout, c.Mode, c.Version = i.Timeout, i.Mode, i.Version
		c.State, c.LastHeard = neighbor.Restored, now
		c.Challenge = m.randomChallenge()
		m.env.ChildUsesShort(now, c, true)
		m.ftd.now = now
		m.table.Signal(neighbor.ChildAdded, &c.Neighbor)
	}
	for _, i := range bad {
		if m.table.ChildByShort(i.RLOC16, neighbor.InAny) == nil {
			m.env.RemoveStoredChild(now, i.RLOC16)
		}
	}
}
