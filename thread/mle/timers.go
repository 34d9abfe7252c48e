package mle

import (
	"time"

	"heddle.example/machine"
)

// timer names one of the timers of MLE.
type timer uint8

const (
	timerAttach timer = iota
	timerDelayed
	timerRestore
	timerDetach
	timerRetransmit
	timerAnnounce
	timerParentSearch
	timerDiscover
	timerSupervision
	timerAnnounceSend // the announcements of AnnounceOn
	timerAnnounceOwn  // those of a router by itself
	timerAnnounceLook // whether it makes them
	timerTick         // each second: time-outs of neighbours, role changes (router)
	timerAdvertise    // the Trickle timer of advertisements (router)
	timerCount
)

// timers is the table of them: as many as there are names, so that a node needs no heap for them.
type timers struct {
	at   [timerCount]machine.Time
	next machine.Time // the earliest of them
}

func (t *timers) init() {
	for i := range t.at {
		t.at[i] = machine.Never
	}
	t.next = machine.Never
}

// startAt arms a timer for an instant.
func (t *timers) startAt(i timer, at machine.Time) {
	old := t.at[i]
	t.at[i] = at
	switch {
	case at <= t.next:
		t.next = at
	case old == t.next:
		t.settle()
	}
}

// start arms a timer for d after now.
func (t *timers) start(i timer, now machine.Time, d time.Duration) { t.startAt(i, now.Add(d)) }

// startMS is start with milliseconds, as OpenThread counts.
func (t *timers) startMS(i timer, now machine.Time, ms uint32) {
	t.start(i, now, time.Duration(ms)*time.Millisecond)
}

// startIfEarlier arms a timer unless it fires sooner anyway.
func (t *timers) startIfEarlier(i timer, at machine.Time) {
	if at < t.at[i] {
		t.startAt(i, at)
	}
}

func (t *timers) stop(i timer) { t.startAt(i, machine.Never) }

func (t *timers) running(i timer) bool { return t.at[i] != machine.Never }

// pop disarms and returns the earliest timer that is due.
func (t *timers) pop(now machine.Time) (timer, bool) {
	if t.next > now {
		return 0, false
	}
	for i := range t.at {
		if t.at[i] == t.next {
			t.at[i] = machine.Never
			t.settle()
			return timer(i), true
		}
	}
	return 0, false
}

func (t *timers) settle() {
	t.next = machine.Never
	for _, at := range t.at {
		t.next = min(t.next, at)
	}
}

// randomIn returns a random number from min up to, but without, max.
func (m *MLE) randomIn(min, max uint32) uint32 {
	if max <= min {
		return min
	}
	return min + uint32(m.rand.Uint64()%uint64(max-min))
}

// jitter returns a random number around v, at most j away (OpenThread Random::NonCrypto::AddJitter).
func (m *MLE) jitter(v, j uint32) uint32 {
	j = min(j, v)
	return v + m.randomIn(0, 2*j+1) - j
}

// randomDelay returns 1 to max milliseconds.
func (m *MLE) randomDelay(max uint32) uint32 { return 1 + m.randomIn(0, max) }
