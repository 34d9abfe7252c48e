package mle

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
)

// Times of a parent (OpenThread mle.hpp).
const (
	parentRequestDuplicate  = 700 * time.Millisecond
	parentResponseRouters   = 500  // ms
	parentResponseAll       = 1000 // ms
	childIDRequestTimeout   = 5    // s
	minLinkMarginToUpgrade  = linkRequestMinMargin
	mostRequestTLVs         = 6
	olderSupervisionDefault = 129 // s; what a child of version 1.3 and before gets without asking
)

// parentResponse is what a Parent Response answers.
type parentResponse struct {
	ext       ieee802154.ExtAddr
	challenge [8]byte
	length    uint8
}

// receiveParentRequest offers ourselves as a parent. The answer comes after a random time, since all that hear the request
// answer.
func (m *MLE) receiveParentRequest(now machine.Time, r *rx) {
	f := &m.ftd
	if !m.RouterEligible() || !m.role.Attached() || m.Attaching() {
		return
	}
	if m.table.LeaderAge(now) >= time.Duration(f.networkIDTimeout)*time.Second ||
		m.table.PathCostToLeader() >= neighbor.MaxRouteCost {
		return
	}
	version, err := r.Version()
	if err != nil {
		return
	}
	scan, err := r.ScanMask()
	if err != nil {
		return
	}
	if m.role == Child {
		if scan&ScanEndDevices == 0 || m.table.RouterCount() >= neighbor.MaxRouters {
			return
		}
	} else if scan&ScanRouters == 0 {
		return
	}
	challenge, err := r.Challenge()
	if err != nil {
		return
	}
	if m.role == Child && !m.neededAsRouter(now, r.ext) {
		return
	}
	c := m.table.ChildByExt(r.ext, neighbor.InAny)
	if c == nil {
		if c = m.table.NewChild(r.ext); c == nil {
			f.counters.ChildTableFull++
			return
		}
		m.initNeighbor(now, &c.Neighbor, r)
		if mode, err := r.Mode(); err == nil {
			c.Mode, c.Version = mode, version
		}
	} else if now.Sub(c.LastHeard) < parentRequestDuplicate {
		f.counters.DuplicateRequest++
		return
	}
	if !c.State.ValidOrRestoring() {
		c.LastHeard, c.Timeout = now, childIDRequestTimeout
	}
	r.class = classPeer
	m.followKeySequence(now, r)
	delay := uint32(parentResponseAll)
	if scan&ScanEndDevices == 0 {
		delay = parentResponseRouters
	}
	p := parentResponse{ext: r.ext, length: uint8(len(challenge))}
	copy(p.challenge[:], challenge)
	dst := linkLocal(r.ext)
	m.unschedule(delayedParentResponse, dst)
	m.schedule(now, m.randomDelay(delay), delayedParentResponse, dst, p)
}

func (m *MLE) sendParentResponse(now machine.Time, p *parentResponse) {
	c := m.table.ChildByExt(p.ext, neighbor.InAny)
	if c == nil || !m.role.Attached() {
		return
	}
	b := AppendSourceAddress(m.begin(ParentResponse), m.rloc16)
	b = AppendLeaderData(b, m.LeaderData())
	b = m.appendFrameCounters(b)
	b = AppendResponse(b, p.challenge[:p.length])
	if c.Version >= neighbor.Version1p2 && !c.Mode.RxOn() {
		b = AppendCSLClockAccuracy(b, ourCSLAccuracy, ourCSLUncertainty)
	}
	c.Challenge = m.randomChallenge()
	b = AppendChallenge(b, c.Challenge[:])
	b = AppendLinkMargin(b, c.Link.Margin())
	b = AppendConnectivity(b, m.Connectivity())
	m.sendTo(now, AppendVersion(b, Version), p.ext)
}

// What we say of our clock to a child that could use CSL: what OpenThread says on its simulation platform (radio.c there;
// the uncertainty is the default of src/core/radio/radio_platform.cpp).
const (
	ourCSLAccuracy    = 0   // ppm
	ourCSLUncertainty = 255 // 10 us
)

// Connectivity returns what we say of ourselves as a parent.
func (m *MLE) Connectivity() Connectivity {
	c := Connectivity{
		ParentPriority: m.ftd.parentPriority,
		LeaderCost:     min(m.table.PathCostToLeader(), neighbor.MaxRouteCost),
		IDSequence:     m.table.IDSequence(), ActiveRouters: uint8(m.table.RouterCount()),
		SEDBufferSize: defaultSEDBufferSize, SEDDatagramCount: defaultSEDDatagramCount,
	}
	if c.ParentPriority == parentPriorityUnspecified {
		c.ParentPriority = 0
		// Nearly full: others are to be preferred.
		if most := m.table.MaxChildren(); most-m.table.ChildCount(neighbor.InValid) < most/3 {
			c.ParentPriority = -1
		}
	}
	count := func(quality uint8) {
		switch quality {
		case 1:
			c.LinkQuality1++
		case 2:
			c.LinkQuality2++
		case 3:
			c.LinkQuality3++
		}
	}
	if m.role == Child {
		count(m.table.Parent.Link.QualityIn())
	}
	for r := range m.table.Routers() {
		if r.RLOC16 != m.rloc16 && r.State == neighbor.Valid {
			count(r.Link.TwoWay())
		}
	}
	return c
}

// receiveChildIDRequest takes in a child, at once or, where we are no router yet, as soon as we are one.
func (m *MLE) receiveChildIDRequest(now machine.Time, r *rx) {
	if !m.RouterEligible() || !m.role.Attached() {
		return
	}
	c := m.table.ChildByExt(r.ext, neighbor.InAny)
	if c == nil {
		return
	}
	version, err := r.Version()
	if err != nil {
		return
	}
	if response, err := r.Response(); err != nil || string(response) != string(c.Challenge[:]) || c.Challenge == [8]byte{} {
		m.ftd.counters.BadResponse++
		return
	}
	m.env.DropMLEForChild(now, c, false)
	link, mle, err := r.FrameCounters()
	if err != nil {
		return
	}
	mode, err := r.Mode()
	if err != nil {
		return
	}
	timeout, err := r.Timeout()
	if err != nil {
		return
	}
	requested, err := r.RequestedTLVs()
	if err != nil {
		return
	}
	var list tlvList
	for _, t := range requested {
		list.add(TLV(t))
	}
	supervision, err := r.SupervisionInterval()
	switch err {
	case nil:
		list.add(TLVSupervisionInterval)
	case ErrNotFound:
		supervision = supervisionOf(version)
	default:
		return
	}
	if m.wantsDatasets(r, &list) != nil || list.n > mostRequestTLVs {
		return
	}
	if !mode.FTD() && m.registerAddresses(now, r, c) != nil {
		return
	}
	if router := m.table.RouterByExt(r.ext); router != nil {
		m.removeNeighbor(now, &router.Neighbor) // it was a router
	}
	if c.State == neighbor.Valid {
		m.forgetChild(now, c) // it comes anew, with the RLOC16 that it had
	}
	c.SetState(now, neighbor.ChildIDRequest)
	c.LastHeard = now
	c.SetLinkCounters(link)
	c.MLECounter, c.KeySeq = r.next(mle), r.keySequence
	c.Mode, c.Version = mode, version
	c.Link.AddRSS(r.RSSI)
	c.Timeout, c.Supervision = timeout, supervision
	c.DataVersion = m.LeaderData().Version(mode.FullNetworkData())
	c.RequestTLVs = append([]byte(nil), list.types()...)
	r.class = classAuthoritative
	m.followKeySequence(now, r)
	if m.role == Child {
		m.BecomeRouter(now, SolicitHaveChildIDRequest)
		return
	}
	m.sendChildIDResponse(now, c)
}

func supervisionOf(version uint16) uint16 {
	if version <= neighbor.Version1p3 {
		return olderSupervisionDefault
	}
	return 0
}

// wantsDatasets adds the datasets that a requester lacks, by the timestamps that it told of.
func (m *MLE) wantsDatasets(r *rx, list *tlvList) error {
	for i, t := range [2][2]TLV{{TLVActiveTimestamp, TLVActiveDataset}, {TLVPendingTimestamp, TLVPendingDataset}} {
		switch ts, err := r.Timestamp(t[0]); {
		case err == ErrParse:
			return err
		case err != nil || ts != m.env.DatasetTimestamp(i == 1):
			list.add(t[1])
		}
	}
	return nil
}

func (m *MLE) sendChildIDResponse(now machine.Time, c *neighbor.Child) {
	if m.retrieveData { // what we have is not the data of our partition (mle.cpp, AppendNetworkDataTlv); it tries again
		return
	}
	if c.RLOC16 == 0 || !neighbor.SameRouter(c.RLOC16, m.rloc16) {
		m.table.SetChildRLOC16(c, m.table.FreeChildRLOC16())
	}
	m.childValid(now, c)
	if !c.Mode.RxOn() {
		m.env.ChildUsesShort(now, c, false) // it does not know its RLOC16 yet, and polls from its extended address
	}
	b := AppendSourceAddress(m.begin(ChildIDResponse), m.rloc16)
	b = AppendLeaderData(b, m.LeaderData())
	b = m.appendTimestamps(b)
	b = AppendAddress16(b, c.RLOC16)
	for _, t := range c.RequestTLVs {
		switch t := TLV(t); t {
		case TLVNetworkData:
			b = m.appendNetworkData(b, c.Mode)
		case TLVRoute:
			b = m.appendRoute(b, nil)
		case TLVActiveDataset, TLVPendingDataset:
			b = m.appendDataset(b, t == TLVPendingDataset)
		case TLVSupervisionInterval:
			b = AppendSupervisionInterval(b, c.Supervision)
		}
	}
	if !c.Mode.FTD() {
		b = m.appendChildAddresses(b, c)
	}
	c.RequestTLVs = nil
	m.sendTo(now, b, c.Ext)
}

// childValid makes a child one that is on disk.
func (m *MLE) childValid(now machine.Time, c *neighbor.Child) {
	if c.State == neighbor.Valid {
		return
	}
	c.SetState(now, neighbor.Valid)
	m.storeChild(now, c)
	m.ftd.now = now
	m.table.Signal(neighbor.ChildAdded, &c.Neighbor)
}

func (m *MLE) storeChild(now machine.Time, c *neighbor.Child) {
	m.env.StoreChild(now, ChildInfo{c.Ext, c.RLOC16, c.Timeout, c.Mode, c.Version})
}
