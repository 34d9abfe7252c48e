package mle

import (
	"cmp"

	"heddle.example/machine"
	"heddle.example/thread/neighbor"
)

// candidate is what is known of table.Candidate beside its link: who may become our parent.
type candidate struct {
	challenge    [8]byte // of its Parent Response, which the Child ID Request answers
	challengeLen uint8
	connectivity Connectivity
	linkMargin   uint8 // of the worse direction
	leaderData   LeaderData
}

func (c *candidate) clear(m *MLE) {
	*c = candidate{}
	m.table.Candidate.Reset(m.table.Noise())
}

// better says whether a router is to be preferred to the candidate; both are in the same partition
// (Thread 1.4 section 4.7.1.2, OpenThread Mle::IsBetterParent).
func (m *MLE) better(rloc16 uint16, margin uint8, c Connectivity, version uint16, accuracy, uncertainty uint8) bool {
	old, p := &m.candidate, &m.table.Candidate
	order := func(new, old int) int { return cmp.Compare(new, old) }
	isRouter := func(rloc16 uint16) int {
		if neighbor.IsRouterRLOC16(rloc16) {
			return 1
		}
		return 0
	}
	r := cmp.Or(
		// What matters to the mesh.
		order(int(neighbor.QualityForMargin(margin)), int(p.Link.TwoWay())),
		order(isRouter(rloc16), isRouter(p.RLOC16)),
		order(int(c.ParentPriority), int(old.connectivity.ParentPriority)),
		order(int(c.LinkQuality3), int(old.connectivity.LinkQuality3)),
		// What matters to a child.
		order(int(version), int(p.Version)),
		order(int(c.SEDBufferSize), int(old.connectivity.SEDBufferSize)),
		order(int(c.SEDDatagramCount), int(old.connectivity.SEDDatagramCount)),
		order(int(c.LinkQuality2), int(old.connectivity.LinkQuality2)),
		order(int(c.LinkQuality1), int(old.connectivity.LinkQuality1)),
	)
	if r == 0 && !m.mode.RxOn() {
		// A parent with a good clock lets a CSL receiver sleep longer: less is better.
		r = cmp.Compare(m.cslMetric(p.CSLAccuracy, p.CSLUncertainty), m.cslMetric(accuracy, uncertainty))
	}
	if r == 0 {
		r = cmp.Compare(margin, old.linkMargin)
	}
	return r > 0
}

// cslMetric is for how long a CSL receiver would listen within its time-out (OpenThread Mle::CalcParentCslMetric).
func (m *MLE) cslMetric(accuracy, uncertainty uint8) uint64 {
	const second = 1_000_000
	period := uint64(minCSLPeriod) * 160
	k := uint64(m.cslTimeout) * second / period
	return k*(k+1)*period/second*uint64(accuracy) + uint64(uncertainty)*10*k
}

// minCSLPeriod is the shortest period in units of 160 us (OpenThread mle.hpp: 10 ms at least).
const minCSLPeriod = 10 * 1000 / 160

// receiveParentResponse takes in an offer to be our parent.
func (m *MLE) receiveParentResponse(now machine.Time, r *rx) {
	source, err := r.SourceAddress()
	if err != nil {
		return
	}
	version, err := r.Version()
	if err != nil {
		return
	}
	response, err := r.Response()
	if err != nil || string(response) != string(m.challenge[:]) {
		return
	}
	if m.role == Child && m.table.Parent.Ext == r.ext {
		m.heardParent = true
	}
	leaderData, err := r.LeaderData()
	if err != nil {
		return
	}
	marginOut, err := r.LinkMargin()
	if err != nil {
		return
	}
	margin := min(m.linkMargin(r.RSSI), marginOut)
	conn, err := r.Connectivity()
	if err != nil {
		return
	}
	accuracy, uncertainty, err := r.CSLClockAccuracy()
	switch err {
	case nil:
	case ErrNotFound:
		accuracy, uncertainty = 255, 255
	default:
		return
	}
	r.class = classAuthoritative
	if m.mode.FTD() && m.role != Detached && !m.suits(leaderData, conn) {
		return
	}
	if !neighbor.IsRouterRLOC16(source) && m.heldBack(now, leaderData.PartitionID, false) {
		return // an end device there promised what its leader did not keep
	}
	c, p := &m.candidate, &m.table.Candidate
	// A second response of the candidate brings a newer challenge and newer counters.
	if p.State == neighbor.ParentResponse && p.Ext != r.ext {
		order := 0
		if m.mode.FTD() {
			order = comparePartitions(conn.Singleton(), leaderData, c.connectivity.Singleton(), c.leaderData)
		}
		if order < 0 || order == 0 && !m.better(source, margin, conn, version, accuracy, uncertainty) {
			return
		}
	}
	link, mle, err := r.FrameCounters()
	if err != nil {
		return
	}
	challenge, err := r.Challenge()
	if err != nil {
		return
	}
	p.Reset(m.table.Noise())
	m.initNeighbor(now, &p.Neighbor, r)
	p.RLOC16, p.Version, p.Mode = source, version, neighbor.RouterMode
	p.SetLinkCounters(link)
	p.MLECounter, p.KeySeq = r.next(mle), r.keySequence
	p.Link.Out = neighbor.QualityForMargin(marginOut)
	p.State = neighbor.ParentResponse
	p.LeaderCost = conn.LeaderCost
	p.CSLAccuracy, p.CSLUncertainty = accuracy, uncertainty
	*c = candidate{connectivity: conn, linkMargin: margin, leaderData: leaderData, challengeLen: uint8(len(challenge))}
	copy(c.challenge[:], challenge)
}

// suits says whether a router may be our parent in the mode of this attach, while we are attached as a full Thread device.
func (m *MLE) suits(d LeaderData, c Connectivity) bool {
	same := d.PartitionID == m.leaderData.PartitionID
	equal := c.IDSequence == m.table.IDSequence()
	greater := newer(c.IDSequence, m.table.IDSequence())
	switch m.attachMode {
	case AnyPartition:
		return !same || greater
	case SamePartition:
		return same && greater
	case DowngradeToREED:
		return same && (equal || greater)
	case BetterPartition:
		return !same && !m.wouldLeaveBehind(int(c.ActiveRouters)) && comparePartitions(c.Singleton(), d, m.Singleton(), m.leaderData) > 0
	}
	return true
}

// initNeighbor notes what a message tells of its sender.
func (m *MLE) initNeighbor(now machine.Time, n *neighbor.Neighbor, r *rx) {
	if n.Child() == nil { // the address of a child is fixed
		n.Ext = r.ext
	}
	n.Link.Clear()
	n.Link.AddRSS(r.RSSI)
	n.LinkFailures = 0
	n.LastHeard = now
}
