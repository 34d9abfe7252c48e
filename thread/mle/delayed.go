package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// delayedKind says what is to be sent later.
type delayedKind uint8

const (
	delayedDataRequest delayedKind = iota
	delayedChildUpdateRequest
	delayedParentResponse
	delayedAdvertisement
	delayedDataResponse
	delayedLinkRequest
	delayedLinkAccept
	delayedDiscoveryResponse
)

// delayed is a message that is to be sent: it is written when its time has come, with what is true then.
type delayed struct {
	at   machine.Time
	kind delayedKind
	dst  ip6.Address
	info any
}

// mostDelayed bounds what peers can make us owe. OpenThread's bound is its message pool.
const mostDelayed = 128

// schedule plans a message for delay milliseconds from now.
func (m *MLE) schedule(now machine.Time, delay uint32, kind delayedKind, dst ip6.Address, info any) {
	if len(m.delayed) >= mostDelayed {
		return
	}
	at := now.Add(milliseconds(delay))
	m.delayed = append(m.delayed, delayed{at, kind, dst, info})
	m.timers.startIfEarlier(timerDelayed, at)
}

// unschedule drops the messages of a kind to an address.
func (m *MLE) unschedule(kind delayedKind, dst ip6.Address) {
	keep := m.delayed[:0]
	for _, d := range m.delayed {
		if d.kind != kind || d.dst != dst {
			keep = append(keep, d)
		}
	}
	clear(m.delayed[len(keep):])
	m.delayed = keep
}

// scheduled says whether a message of a kind to an address is planned.
func (m *MLE) scheduled(kind delayedKind, dst ip6.Address) bool {
	for i := range m.delayed {
		if m.delayed[i].kind == kind && m.delayed[i].dst == dst {
			return true
		}
	}
	return false
}

// dropDelayed forgets all that is planned.
func (m *MLE) dropDelayed() {
	m.delayed = nil
	m.timers.stop(timerDelayed)
}

// sendDelayed sends what is due, in the order in which it was planned.
func (m *MLE) sendDelayed(now machine.Time) {
	var due []delayed
	keep := m.delayed[:0]
	next := machine.Never
	for _, d := range m.delayed {
		if d.at <= now {
			due = append(due, d)
		} else {
			keep = append(keep, d)
			next = min(next, d.at)
		}
	}
	clear(m.delayed[len(keep):])
	if m.delayed = keep; len(keep) == 0 {
		m.delayed = nil // an idle node keeps nothing
	}
	m.timers.startAt(timerDelayed, next)
	for _, d := range due {
		switch d.kind {
		case delayedDataRequest:
			m.sendDataRequest(now, d.dst)
		case delayedChildUpdateRequest:
			m.sendChildUpdateRequest(now, updateNormal)
		default:
			m.sendDelayedFTD(now, d)
		}
	}
}
