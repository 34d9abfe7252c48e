package mle

import (
	"math/bits"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// Times of attaching in milliseconds (OpenThread mle.hpp, config/mle.h).
const (
	parentRequestRouterTimeout = 750
	parentRequestREEDTimeout   = 1250
	childIDResponseTimeout     = 1250
	attachStartJitter          = 50
	announceTimeout            = 1400
	minAnnounceDelay           = 80
	maxResponseDelay           = 1000

	attachBackoffMin    = 251
	attachBackoffMax    = 1_200_000
	attachBackoffJitter = 2000
	attachCounterReset  = 20_000
)

// How many Parent Requests one attempt has, and how many of these ask routers only.
const (
	firstAttemptRequests = 6
	firstAttemptRouters  = 2
	nextAttemptRequests  = 2
	nextAttemptRouters   = 1
)

func milliseconds(n uint32) time.Duration { return time.Duration(n) * time.Millisecond }

// startAttach begins an attach, unless one is under way.
func (m *MLE) startAttach(now machine.Time, mode AttachMode) {
	if m.role == Disabled || m.Attaching() {
		return
	}
	if m.role != Detached {
		m.attachCounter = 0
	}
	m.candidate.clear(m)
	m.attach, m.attachMode = attachStart, mode
	if mode == BetterPartition {
		m.counters.BetterPartitionAttachAttempts++
	} else if m.mode.FTD() {
		m.stopAdvertise(now)
	}
	m.timers.startMS(timerAttach, now, m.attachDelay())
	if m.role == Detached {
		if m.attachCounter++; m.attachCounter == 0 {
			m.attachCounter--
		}
		m.counters.AttachAttempts++
		if !m.mode.RxOn() {
			m.env.SetRxOnWhenIdle(now, false)
		}
	}
}

// attachDelay returns how long to wait before an attach: longer from attempt to attempt.
func (m *MLE) attachDelay() uint32 {
	if m.role != Detached {
		return 1
	}
	if m.attachCounter == 0 {
		return m.randomDelay(parentRequestRouterTimeout)
	}
	var delay uint32
	const ratio = attachBackoffMax / attachBackoffMin
	if n := m.attachCounter - 1; int(n) < bits.Len32(ratio) && 1<<n <= ratio {
		delay = attachBackoffMin << n
	} else {
		delay = m.jitter(attachBackoffMax, attachBackoffJitter)
	}
	return delay + m.randomIn(0, attachStartJitter)
}

type requestKind uint8

const (
	toRouters requestKind = iota
	toRoutersAndREEDs
	toSelected
)

// nextRequest returns what the Parent Request with number m.requests asks for, and false after the last one.
func (m *MLE) nextRequest() (requestKind, bool) {
	if m.attachMode == SelectedParent {
		return toSelected, m.requests <= 1
	}
	// The counter is 0 or 1 in the first attempt after a role was lost, or while we have one.
	if m.attachCounter <= 1 && m.attachMode != BetterParent {
		if m.attachMode != SamePartition && m.requests <= firstAttemptRouters {
			return toRouters, true
		}
		return toRoutersAndREEDs, m.requests <= firstAttemptRequests
	}
	if m.requests <= nextAttemptRouters {
		return toRouters, true
	}
	return toRoutersAndREEDs, m.requests <= nextAttemptRequests
}

// acceptable says whether the candidate is good enough to end the search with.
func (m *MLE) acceptable() bool {
	if m.table.Candidate.State != neighbor.ParentResponse {
		return false
	}
	switch m.attach {
	case attachAnnounce:
		if m.moreToAnnounce() {
			return false
		}
	case attachParentRequest:
		// A router that is not heard at its best is kept, but end devices that could become routers are asked as well.
		if kind, _ := m.nextRequest(); kind == toRouters && m.table.Candidate.Link.TwoWay() != 3 {
			return false
		}
	default:
		return false
	}
	// Only who heard from its parent as well can say that another is better.
	return m.role != Child || m.attachMode == BetterPartition || m.heardParent
}

// attachTimer takes the next step of an attach.
func (m *MLE) attachTimer(now machine.Time) {
	if m.acceptable() {
		was := m.attach
		m.attach = attachChildIDRequest // the mesh layer may refuse a request that is too long at once
		if m.sendChildIDRequest(now) {
			m.timers.startMS(timerAttach, now, childIDResponseTimeout)
			return
		}
		m.attach = was
	}
	var delay uint32
	switch m.attach {
	case attachIdle:
		m.attachCounter = 0
	case attachStart:
		m.attach = attachParentRequest
		m.table.Candidate.State = neighbor.Invalid
		m.heardParent = false
		m.requests = 0
		m.env.SetRxOnWhenIdle(now, true)
		delay = m.requestStep(now)
	case attachParentRequest:
		delay = m.requestStep(now)
	case attachAnnounce:
		delay = m.announceStep(now)
	case attachChildIDRequest:
		delay = m.attachFailed(now)
	}
	if delay != 0 {
		m.timers.startMS(timerAttach, now, delay)
	}
}

// requestStep sends the next Parent Request, or goes on to announcing when all were sent.
func (m *MLE) requestStep(now machine.Time) (delay uint32) {
	m.requests++
	if kind, ok := m.nextRequest(); ok {
		m.sendParentRequest(now, kind)
		if kind == toRoutersAndREEDs {
			return parentRequestREEDTimeout
		}
		return parentRequestRouterTimeout
	}
	if !m.prepareAnnounce() {
		return m.attachFailed(now)
	}
	// One more request gives one more chance while all channels hear of us.
	m.attach = attachAnnounce
	m.sendParentRequest(now, toRoutersAndREEDs)
	m.announceChannel = 0
	return m.announceDelay
}

// announceStep announces us on the next channel, as one who lost its network.
func (m *MLE) announceStep(now machine.Time) (delay uint32) {
	if c, ok := m.nextAnnounceChannel(m.announceChannel); ok {
		m.announceChannel = c
		m.sendAnnounce(now, c, ip6.LinkLocalAllNodes, true)
		return m.announceDelay
	}
	return m.attachFailed(now)
}

// attachFailed ends an attempt that found nobody. It returns after how many milliseconds to try again, or 0 if that is
// arranged.
func (m *MLE) attachFailed(now machine.Time) (delay uint32) {
	m.attachRefused(now)
	m.attach = attachIdle
	m.candidate.clear(m)

	// What failed with the active dataset is tried with the pending one, then given back to the active one.
	switch m.reattach {
	case reattachActive:
		if m.env.RestoreDataset(now, true) {
			m.env.ApplyPending(now)
			m.reattach = reattachPending
			m.attach = attachStart
			return m.randomDelay(attachStartJitter)
		}
		m.reattach = reattachStop
	case reattachPending:
		m.env.RestoreDataset(now, false)
		m.reattach = reattachStop
	}

	switch m.attachMode {
	case AnyPartition, BetterParent, SelectedParent:
		switch {
		case m.role == Child:
			if !m.mode.RxOn() {
				m.env.SetPollAttachMode(now, false)
				m.env.SetRxOnWhenIdle(now, false)
			}
		case m.announcer.state == announceAttaching:
			m.announceAttachFailed(now)
			m.BecomeDetached(now)
		default:
			if !m.mode.FTD() || m.BecomeLeader(now, false) != nil {
				m.BecomeDetached(now)
			}
		}
	case SamePartition, DowngradeToREED:
		m.startAttach(now, AnyPartition)
	}
	return 0
}

// sendParentRequest asks who would be our parent.
func (m *MLE) sendParentRequest(now machine.Time, kind requestKind) {
	m.challenge = m.randomChallenge()
	mask := uint8(ScanRouters)
	if kind == toRoutersAndREEDs {
		mask |= ScanEndDevices
	}
	write := func() []byte {
		b := m.begin(ParentRequest)
		b = AppendMode(b, m.mode)
		b = AppendChallenge(b, m.challenge[:])
		b = AppendScanMask(b, mask)
		return AppendVersion(b, Version)
	}
	if kind == toSelected {
		m.sendTo(now, write(), m.table.Parent.Ext)
		m.sendTo(now, write(), m.search.selected)
		return
	}
	m.send(now, write(), ip6.LinkLocalAllRouters)
}
