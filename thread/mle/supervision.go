package mle

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/neighbor"
)

// supervision is a sleepy child's watch over its parent: if nothing came for so long, it asks (OpenThread
// SupervisionListener).
type supervision struct {
	interval uint16 // seconds, what we ask of the parent
	timeout  uint16 // seconds
	failures uint16
}

// SupervisionInterval returns after how many seconds of silence our parent is to say something.
func (m *MLE) SupervisionInterval() uint16 { return m.supervision.interval }

// SetSupervisionInterval changes it and tells the parent.
func (m *MLE) SetSupervisionInterval(now machine.Time, seconds uint16) {
	if m.supervision.interval == seconds {
		return
	}
	m.supervision.interval = seconds
	if m.role == Child {
		m.sendChildUpdateRequest(now, updateNormal)
	}
}

// SupervisionTimeout returns after how many seconds of silence we ask our parent; 0 is never.
func (m *MLE) SupervisionTimeout() uint16 { return m.supervision.timeout }

// SetSupervisionTimeout changes it.
func (m *MLE) SetSupervisionTimeout(now machine.Time, seconds uint16) {
	if m.supervision.timeout != seconds {
		m.supervision.timeout = seconds
		m.superviseAnew(now)
	}
}

// SupervisionFailures returns how often the parent was silent for too long.
func (m *MLE) SupervisionFailures() uint16 { return m.supervision.failures }

// ResetSupervisionFailures sets that to 0.
func (m *MLE) ResetSupervisionFailures() { m.supervision.failures = 0 }

// RxOnChanged says that the receiver was switched: only one that sleeps has to watch.
func (m *MLE) RxOnChanged(now machine.Time) { m.superviseAnew(now) }

// HeardSecured says that a secured frame came from a neighbour.
func (m *MLE) HeardSecured(now machine.Time, n *neighbor.Neighbor) {
	if m.timers.running(timerSupervision) && m.role == Child && m.table.Parent.Is(n) {
		m.superviseAnew(now)
	}
}

func (m *MLE) superviseAnew(now machine.Time) {
	if m.supervision.timeout == 0 || m.role == Disabled || m.env.RxOnWhenIdle() {
		m.timers.stop(timerSupervision)
		return
	}
	m.timers.start(timerSupervision, now, time.Duration(m.supervision.timeout)*time.Second)
}

func (m *MLE) supervisionTimer(now machine.Time) {
	if m.role == Child && !m.env.RxOnWhenIdle() {
		m.supervision.failures++
		m.sendChildUpdateRequest(now, updateNormal)
	}
	m.superviseAnew(now)
}
