package mle

import "heddle.example/machine"

// SetCSL sets the period of CSL in units of 160 us, 0 for none, and its channel, 0 for the network's.
func (m *MLE) SetCSL(now machine.Time, period uint16, channel uint8) {
	if m.cslPeriod == period && m.cslChannel == channel {
		return
	}
	m.cslPeriod, m.cslChannel = period, channel
	if m.role == Child && !m.mode.RxOn() {
		m.scheduleChildUpdate(now)
	}
}

// CSLEnabled says whether we are a synchronized sleepy child.
func (m *MLE) CSLEnabled() bool {
	return m.cslPeriod > 0 && m.role == Child && !m.mode.RxOn() && m.table.Parent.Version > version1p1
}

// CSLTimeout returns after how many seconds without a frame a parent takes us for not synchronized any more.
func (m *MLE) CSLTimeout() uint32 {
	if m.cslTimeout == 0 {
		return m.timeout
	}
	return m.cslTimeout
}

// SetCSLTimeout changes it.
func (m *MLE) SetCSLTimeout(now machine.Time, seconds uint32) {
	if m.cslTimeout == seconds {
		return
	}
	m.cslTimeout = seconds
	m.env.RecalculatePollPeriod(now)
	if m.CSLEnabled() {
		m.scheduleChildUpdate(now)
	}
}

func (m *MLE) cslPeriodMS() uint32 {
	if !m.CSLEnabled() {
		return 0
	}
	return uint32(m.cslPeriod) * 160 / 1000
}
