package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/neighbor"
)

// sendChildIDRequest asks the candidate to be our parent. It fails if it is already.
func (m *MLE) sendChildIDRequest(now machine.Time) bool {
	p := &m.table.Candidate
	if m.table.Parent.Ext == p.Ext {
		if m.role == Child {
			return false
		}
		// What is left of a former parent must not be taken for the one that answers.
		m.table.Parent.State = neighbor.Invalid
	}
	b := m.begin(ChildIDRequest)
	b = AppendResponse(b, m.candidate.challenge[:m.candidate.challengeLen])
	b = m.appendFrameCounters(b)
	b = AppendMode(b, m.mode)
	b = AppendTimeout(b, m.timeout)
	b = AppendVersion(b, Version)
	b = m.appendSupervision(b)
	if m.mode.FTD() {
		b = AppendRequest(b, TLVAddress16, TLVNetworkData, TLVRoute)
	} else {
		b = m.appendRegistration(b, m.shortRegistration)
		b = AppendRequest(b, TLVAddress16, TLVNetworkData)
	}
	b = m.appendTimestamps(b)
	p.SetState(now, neighbor.Valid)
	m.sendOut(now, b, &Outgoing{Dst: linkLocal(p.Ext), Tag: TagChildIDRequest})
	return true
}

// Sent takes in what became of a message with a Tag.
func (m *MLE) Sent(now machine.Time, s Sent) {
	switch s.Tag {
	case TagChildIDRequest:
		if s.OK && !m.mode.RxOn() {
			m.env.SetPollAttachMode(now, true)
			m.env.SetRxOnWhenIdle(now, false)
		}
		if s.LinkSecurity && m.attach == attachChildIDRequest {
			// It was too long for one frame, and fragments would have to be secured, which they cannot be yet.
			m.shortRegistration = true
			m.sendChildIDRequest(now)
		}
	case TagDiscovery:
		m.discoverySent(now, s)
	}
}

// receiveChildIDResponse makes us a child.
func (m *MLE) receiveChildIDResponse(now machine.Time, r *rx) {
	source, err := r.SourceAddress()
	if err != nil || !r.fromValid() || m.attach != attachChildIDRequest {
		return
	}
	short, err := r.Address16()
	if err != nil || !neighbor.SameRouter(source, short) {
		return
	}
	leaderData, err := r.LeaderData()
	if err != nil {
		return
	}
	data, err := r.Find(TLVNetworkData)
	if err != nil {
		return
	}
	switch ts, err := r.Timestamp(TLVActiveTimestamp); err {
	case nil:
		if d, err := r.Find(TLVActiveDataset); err == nil && m.env.SaveDataset(now, false, ts, d) != nil {
			return
		}
	case ErrParse:
		return
	}
	if m.reattach == reattachPending { // it was the right one, and is the active one from now on
		m.env.ClearPending(now)
	}
	switch ts, err := r.Timestamp(TLVPendingTimestamp); err {
	case nil:
		if d, err := r.Find(TLVPendingDataset); err == nil {
			m.env.SaveDataset(now, true, ts, d)
		}
	case ErrNotFound:
		m.env.ClearPending(now)
	default:
		return
	}

	m.forgive(leaderData.PartitionID)
	m.setDetached(now)
	m.setLeaderData(now, leaderData)
	if !m.config.MTD {
		if m.routeOnChild(now, r, neighbor.RouterID(source)) != nil {
			return
		}
	}
	m.table.Parent.Set(&m.table.Candidate)
	m.candidate.clear(m)
	m.table.Parent.RLOC16 = source
	m.env.SetData(now, leaderData.DataVersion, leaderData.StableDataVersion, m.mode.FullNetworkData(), data)
	m.setChild(now, short)
	m.settleSleep(now)
	r.class = classPeer
}

// settleSleep ends what an attach or an update needed: a sleepy child goes back to its polls.
func (m *MLE) settleSleep(now machine.Time) {
	if m.mode.RxOn() {
		m.env.SetRxOnWhenIdle(now, true)
		return
	}
	m.env.SetPollAttachMode(now, false)
	m.env.SetRxOnWhenIdle(now, false)
}
