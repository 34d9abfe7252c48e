package mle

import "heddle.example/machine"

// Times in ms and counts of the link to our parent (OpenThread Mle::RetxTracker).
const (
	unicastRetransmit  = 1000
	retransmitJitter   = 5
	maxKeepAliveTries  = 4
	maxTimeoutSeconds  = 8 * 60 * 60 // the shortest delay of a pending dataset with a new key
	minTimeoutSeconds  = (maxKeepAliveTries + 1) * unicastRetransmit / 1000
	childIDRequestTime = 5000
)

type retryState uint8

const (
	retryIdle      retryState = iota
	retryWaiting              // for the answer
	retryKeepAlive            // until it is time for the next sign of life
)

type retry struct {
	state    retryState
	attempts uint8
	at       machine.Time
}

func (r *retry) due(now machine.Time) bool { return r.state != retryIdle && now >= r.at }

// retransmitter repeats Child Update and Data Requests to our parent until they are answered, and sends Child Updates as
// signs of life of a child that is always awake.
type retransmitter struct {
	update, request retry
}

func (t *retransmitter) stop(m *MLE) {
	t.update, t.request = retry{}, retry{}
	m.timers.stop(timerRetransmit)
}

// becameChild begins anew.
func (t *retransmitter) becameChild(m *MLE, now machine.Time) {
	t.update, t.request = retry{}, retry{}
	t.keepAlive(m, now)
	t.arm(m)
}

func (t *retransmitter) keepAlive(m *MLE, now machine.Time) {
	if m.role != Child || !m.mode.RxOn() {
		return
	}
	interval := m.timeout*1000 - (unicastRetransmit+retransmitJitter)*maxKeepAliveTries
	t.update.state = retryKeepAlive
	t.update.at = now.Add(milliseconds(m.jitter(interval, retransmitJitter)))
}

func (t *retransmitter) updateSent(m *MLE, now machine.Time) {
	if t.update.attempts < 255 {
		t.update.attempts++
	}
	t.update.state = retryWaiting
	interval := uint32(unicastRetransmit) + m.cslPeriodMS()
	t.update.at = now.Add(milliseconds(m.jitter(interval, retransmitJitter)))
	t.arm(m)
}

func (t *retransmitter) updateAnswered(m *MLE, now machine.Time) {
	t.update.attempts, t.update.state = 0, retryIdle
	t.keepAlive(m, now)
	if t.request.state == retryWaiting { // the answer may have had the data, so no hurry
		t.request.at = now.Add(milliseconds(m.jitter(unicastRetransmit, retransmitJitter)))
	}
	t.arm(m)
}

// requestSent notes a Data Request. Only a sleepy child repeats it: others hear of new data again and again.
func (t *retransmitter) requestSent(m *MLE, now machine.Time) {
	if m.role == Child && !m.mode.RxOn() {
		if t.request.attempts < 255 {
			t.request.attempts++
		}
		t.request.state = retryWaiting
		t.request.at = now.Add(milliseconds(m.jitter(unicastRetransmit, retransmitJitter)))
	} else {
		t.request = retry{}
	}
	t.arm(m)
}

func (t *retransmitter) requestAnswered(m *MLE, now machine.Time) {
	t.request = retry{}
	t.arm(m)
}

func (t *retransmitter) waitsForData() bool { return t.request.state == retryWaiting }

func (t *retransmitter) arm(m *MLE) {
	at := machine.Never
	if m.role != Disabled {
		if t.update.state != retryIdle {
			at = min(at, t.update.at)
		}
		if t.update.state != retryWaiting && t.request.state != retryIdle {
			at = min(at, t.request.at)
		}
	}
	m.timers.startAt(timerRetransmit, at)
}

func (m *MLE) retransmitTimer(now machine.Time) {
	t := &m.retransmit
	switch {
	case m.role == Disabled:
	case t.update.due(now):
		if t.update.attempts >= maxKeepAliveTries {
			m.BecomeDetached(now)
		} else {
			m.sendChildUpdateRequest(now, updateNormal)
		}
	case t.request.due(now):
		if t.request.attempts >= maxKeepAliveTries {
			m.BecomeDetached(now)
		} else {
			m.sendDataRequest(now, linkLocal(m.table.Parent.Ext))
		}
	default:
		t.arm(m)
	}
}
