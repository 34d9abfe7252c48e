package mle

import (
	"errors"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
)

var errDrop = errors.New("mle: not for us")

// Restore takes in what the settings know of the time before the reset. It is called once, before Start.
func (m *MLE) Restore(now machine.Time) {
	m.table.Self.Boot = now
	n := m.config.Restored
	if n == nil {
		return
	}
	m.saved = n
	if m.mode = n.Mode; m.config.MTD {
		m.mode &^= neighbor.ModeFTD
	}
	if n.Version != Version {
		return // attach anew after an update
	}
	if m.savedRole = n.Role; !n.Role.Attached() {
		return
	}
	router := n.RLOC16 != InvalidRLOC16 && neighbor.IsRouterRLOC16(n.RLOC16)
	if !m.config.MTD || !router {
		m.rloc16 = n.RLOC16
		m.table.Self.RLOC16 = n.RLOC16
		m.env.SetShortAddress(now, n.RLOC16)
	}
	m.meshLocalIID = n.MeshLocalIID
	switch {
	case n.RLOC16 == InvalidRLOC16:
	case router:
		m.restoreRouter(now, n)
	case m.config.RestoredParent != nil:
		p := &m.table.Parent
		p.Reset(m.table.Noise())
		p.Ext, p.Version = m.config.RestoredParent.Ext, m.config.RestoredParent.Version
		p.Mode = neighbor.RouterMode
		p.RLOC16 = neighbor.ParentRLOC16(n.RLOC16)
		p.State = neighbor.Restored
		m.previousParent = p.RLOC16
	}
}

// store keeps what makes us the same node after a reset. It is called when one of it changes.
func (m *MLE) store(now machine.Time) {
	if !m.role.Attached() {
		if m.saved != nil { // what was kept of the last network stays
			m.saved.Mode = m.mode
			m.env.Store(now, m.saved)
		}
		return
	}
	m.savedRole = m.role
	m.saved = &NetworkInfo{
		Role: m.role, Mode: m.mode, RLOC16: m.rloc16, PreviousPartitionID: m.leaderData.PartitionID,
		Ext: m.env.ExtAddress(), MeshLocalIID: m.meshLocalIID, Version: Version,
	}
	m.env.Store(now, m.saved)
	if m.role == Child {
		m.env.StoreParent(now, ParentInfo{m.table.Parent.Ext, m.table.Parent.Version})
	}
}

// Start begins to look for a network: `thread start`.
func (m *MLE) Start(now machine.Time) error {
	if !m.env.InterfaceUp() {
		return status.InvalidState
	}
	m.start(now, false)
	return nil
}

func (m *MLE) start(now machine.Time, announced bool) {
	m.table.Self.Ext = m.env.ExtAddress()
	if m.env.PANID() == ieee802154.BroadcastPAN {
		m.env.SetPANID(now, m.randomPAN())
	}
	m.setDetached(now)
	m.setRLOC16(now, m.rloc16)
	m.attachCounter = 0
	m.keys.Start(now)
	if !announced {
		m.reattach = reattachStop
		if m.env.RestoreDataset(now, false) {
			m.reattach = reattachActive
		}
		if m.restorer.start(m, now) {
			return
		}
	}
	m.startAttach(now, AnyPartition)
}

func (m *MLE) randomPAN() ieee802154.PANID {
	return ieee802154.PANID(m.randomIn(1, uint32(ieee802154.BroadcastPAN)))
}

// Stop leaves the network without a word: `thread stop`.
func (m *MLE) Stop(now machine.Time) { m.stop(now, true) }

func (m *MLE) stop(now machine.Time, datasets bool) {
	if datasets {
		m.env.RestoreDataset(now, false)
		m.env.RestoreDataset(now, true)
	}
	if m.role != Disabled {
		m.dropDelayed()
		m.restorer.stop(m)
		m.announcer.stop(m)
		m.keys.Stop()
		m.setDetached(now)
		if m.rloc16 != InvalidRLOC16 {
			m.env.Signal(now, RLOCRemoved)
		}
		m.setRole(now, Disabled)
		m.timers.stop(timerSupervision)
		m.announceRoleChanged(now)
	}
	m.detacher.stopped(m, now)
}

// setRole changes the role and what hangs on it alone.
func (m *MLE) setRole(now machine.Time, r Role) {
	old := m.role
	if old == r {
		return
	}
	m.countRole(now, old)
	m.role = r
	m.table.Self.Role = r
	m.env.Signal(now, RoleChanged)
	if old == Detached && r.Attached() {
		m.lastAttach = now
	}
	m.counters.Roles[r]++
	// A parent that was restored waits for its child to start.
	if r != Child && old != Disabled {
		m.table.Parent.State = neighbor.Invalid
	}
	if old == Detached && r == Child {
		m.attachedSleepy = !m.mode.RxOn()
	}
}

// setDetached takes the role away and everything that went with it.
func (m *MLE) setDetached(now machine.Time) {
	m.setRole(now, Detached)
	m.attach = attachIdle
	m.timers.stop(timerAttach)
	m.unschedule(delayedChildUpdateRequest, linkLocal(m.table.Parent.Ext))
	m.retransmit.stop(m)
	m.attachedSleepy = false
	m.env.SetRxOnWhenIdle(now, true)
	m.detachedFTD(now)
}

// setChild makes us a child of table.Parent.
func (m *MLE) setChild(now machine.Time, rloc16 uint16) {
	m.setRLOC16(now, rloc16)
	m.setRole(now, Child)
	m.attach = attachIdle
	m.timers.startMS(timerAttach, now, attachCounterReset)
	m.reattach = reattachStop
	m.retransmit.becameChild(m, now)
	m.restorer.stop(m)
	if m.mode.FTD() {
		m.becameChildFTD(now, m.attachMode)
	}
	if m.announcer.state == announceAttaching {
		m.announceAttached(now)
	}
	m.search.update(m, now)
	p := m.table.Parent.RLOC16
	if m.previousParent != InvalidRLOC16 && m.previousParent != p {
		m.counters.ParentChanges++
		m.env.InformPreviousParent(now, m.previousParent)
	}
	m.previousParent = p
}

// setRLOC16 changes our short address.
func (m *MLE) setRLOC16(now machine.Time, rloc16 uint16) {
	old := m.rloc16
	m.rloc16 = rloc16
	m.table.Self.RLOC16 = rloc16
	m.env.SetShortAddress(now, rloc16)
	switch {
	case rloc16 == InvalidRLOC16:
		if old != rloc16 {
			m.env.Signal(now, RLOCRemoved)
		}
		m.clearAlternate(now)
	case old != rloc16 && old != InvalidRLOC16:
		m.env.Signal(now, RLOCRemoved|RLOCAdded)
	default:
		m.env.Signal(now, RLOCAdded)
	}
}

// BecomeDetached gives the role up and looks for a network anew.
func (m *MLE) BecomeDetached(now machine.Time) error {
	if m.role == Disabled {
		return status.InvalidState
	}
	if m.role == Detached && m.attach == attachStart {
		return nil // about to do just that
	}
	if m.reattach == reattachStop {
		m.env.RestoreDataset(now, true)
	}
	m.search.detached = true
	m.restorer.stop(m)
	m.setDetached(now)
	m.table.Parent.State = neighbor.Invalid
	m.setRLOC16(now, InvalidRLOC16)
	m.startAttach(now, AnyPartition)
	return nil
}

// BecomeChild looks for a parent in any partition: `state child`.
func (m *MLE) BecomeChild(now machine.Time) error {
	switch {
	case m.role == Disabled:
		return status.InvalidState
	case m.Attaching():
		return status.Busy
	}
	m.startAttach(now, AnyPartition)
	return nil
}

// SearchForBetterParent looks whether another router would be a better parent: `parent search`.
func (m *MLE) SearchForBetterParent(now machine.Time) error {
	if m.role != Child {
		return status.InvalidState
	}
	m.startAttach(now, BetterParent)
	return nil
}

// SetMode changes what sort of device we are.
func (m *MLE) SetMode(now machine.Time, mode Mode) error {
	if m.config.MTD && mode.FTD() || !mode.Valid() {
		return status.InvalidArgs
	}
	old := m.mode
	if old == mode {
		return nil
	}
	m.mode = mode
	m.store(now)
	if !mode.FTD() {
		m.clearAlternate(now)
	}
	if m.role.Attached() {
		// Who came as a sleepy child may wake and sleep by a Child Update; who came awake attaches anew to sleep.
		if old.FTD() != mode.FTD() || !m.attachedSleepy && old.RxOn() && !mode.RxOn() {
			m.attachCounter = 0
			return m.BecomeDetached(now)
		}
	}
	switch m.role {
	case Detached:
		m.attachCounter = 0
		m.setDetached(now)
		m.startAttach(now, AnyPartition)
	case Child:
		m.setChild(now, m.rloc16)
		m.sendChildUpdateRequest(now, updateNormal)
	}
	return nil
}

// SetTimeout changes after how many seconds a parent forgets us: `childtimeout`.
func (m *MLE) SetTimeout(now machine.Time, seconds uint32) { m.setTimeout(now, seconds, true) }

func (m *MLE) setTimeout(now machine.Time, seconds uint32, tell bool) {
	seconds = min(max(seconds, minTimeoutSeconds), maxTimeoutSeconds)
	if m.timeout == seconds {
		return
	}
	m.timeout = seconds
	m.env.RecalculatePollPeriod(now)
	if tell && m.role == Child {
		m.sendChildUpdateRequest(now, updateNormal)
	}
}

// SetMeshLocalPrefix changes the prefix of the addresses in the mesh: a dataset has another.
func (m *MLE) SetMeshLocalPrefix(now machine.Time, n ip6.Network) {
	if m.meshLocal == n {
		return
	}
	m.meshLocal = n
	m.table.SetMeshLocal(n)
	m.env.Signal(now, MeshLocalAddressChanged)
}

// SetMeshLocalIID changes the interface identifier of our mesh-local EID: `mliid`.
func (m *MLE) SetMeshLocalIID(now machine.Time, iid ip6.IID) error {
	if m.role != Disabled {
		return status.InvalidState
	}
	m.meshLocalIID = iid
	m.env.Signal(now, MeshLocalAddressChanged)
	return nil
}

// NewMeshLocalIID draws another interface identifier, when somebody else has our address.
func (m *MLE) NewMeshLocalIID(now machine.Time) {
	m.rand.Fill(m.meshLocalIID[:])
	m.env.Signal(now, MeshLocalAddressChanged)
}

// ExtAddressChanged says that we have another link-local address.
func (m *MLE) ExtAddressChanged(now machine.Time) {
	m.table.Self.Ext = m.env.ExtAddress()
	m.env.Signal(now, LinkLocalAddressChanged)
}

// ContextChanged says that the compression context of one of our addresses is another: a minimal device registers its
// addresses with its parent again.
func (m *MLE) ContextChanged(now machine.Time) { m.scheduleChildUpdateOfMTD(now) }

// HandleEvents takes in what changed in the node during an input.
func (m *MLE) HandleEvents(now machine.Time, e Event) {
	if m.role == Disabled {
		return
	}
	if e.Has(RoleChanged) {
		m.announceRoleChanged(now)
	}
	if e.Has(RoleChanged) && m.shortRegistration {
		m.shortRegistration = false // the other addresses follow the short Child ID Request
		m.scheduleChildUpdateOfMTD(now)
	}
	if e.Has(AddressAdded | AddressRemoved) {
		m.scheduleChildUpdateOfMTD(now)
	}
	if e.Has(MulticastSubscribed|MulticastUnsubscribed) &&
		(!m.mode.RxOn() || m.table.Parent.Version != version1p1) {
		m.scheduleChildUpdateOfMTD(now)
	}
	if e.Has(NetworkDataChanged) {
		if m.mode.FTD() {
			m.networkDataChangedFTD(now)
		} else if !e.Has(RoleChanged) && m.role == Child {
			m.scheduleChildUpdate(now)
		}
	}
	if e.Has(KeySequenceChanged) || e.Has(RoleChanged) && m.role.Attached() {
		m.store(now)
	}
	if e.Has(SecurityPolicyChanged) && !m.config.MTD {
		m.securityPolicyChanged(now)
	}
	if e.Has(SupportedChannelsChanged) && m.config.SupportedChannels>>m.env.Channel()&1 == 0 {
		m.Detach(now, nil)
	}
}
