package routing

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// Keys of the settings.
const (
	settingULA    = "br-ula"
	settingOnLink = "br-on-link"
)

// Init says which interface is the infrastructure link, and whether it is up.
func (m *Manager) Init(now machine.Time, index uint32, up bool) error {
	if s := m.State(); s != Uninitialized && s != Disabled {
		return status.InvalidState
	}
	m.index = index
	if !m.initialized {
		m.initialized = true
		m.loadULA()
		m.omr.init(m)
		m.nat64.init(m)
		m.onLink.init(now, m)
	}
	m.SetLink(now, up)
	return nil
}

// loadULA makes the prefix that all others of this router are subnets of (RFC 4193), once.
func (m *Manager) loadULA() {
	if b := m.env.LoadSetting(settingULA); len(b) == 6 && b[0] == 0xfd {
		var a ip6.Address
		copy(a[:], b)
		m.ula = ip6.PrefixOf(a, 48)
		return
	}
	var a ip6.Address
	m.c.Rand.Fill(a[:6])
	a[0] = 0xfd
	m.ula = ip6.PrefixOf(a, 48)
	m.env.StoreSetting(settingULA, a[:6])
}

// subnet returns a subnet of the router's own prefix.
func (m *Manager) subnet(id uint16, bits uint8) ip6.Prefix {
	a := m.ula.Addr
	a[6], a[7] = byte(id>>8), byte(id)
	return ip6.Prefix{Addr: a, Bits: bits}
}

// Link returns the infrastructure's interface and whether it is up; InvalidState before Init.
func (m *Manager) Link() (index uint32, up bool, err error) {
	if !m.initialized {
		return 0, false, status.InvalidState
	}
	return m.index, m.linkUp, nil
}

// SetLink says whether the infrastructure link is up.
func (m *Manager) SetLink(now machine.Time, up bool) {
	if m.initialized && m.linkUp != up {
		m.linkUp = up
		m.update(now)
		m.settle(now)
	}
}

// SetEnabled turns border routing on or off.
func (m *Manager) SetEnabled(now machine.Time, on bool) error {
	if !m.initialized {
		return status.InvalidState
	}
	if m.enabled != on {
		m.enabled = on
		m.update(now)
		m.settle(now)
	}
	return nil
}

// State returns how far the Manager is.
func (m *Manager) State() State {
	switch {
	case !m.initialized:
		return Uninitialized
	case !m.enabled:
		return Disabled
	case !m.running:
		return Stopped
	}
	return Running
}

func (m *Manager) update(now machine.Time) {
	if m.enabled && m.env.Attached() && m.linkUp {
		m.start(now)
	} else {
		m.stop(now)
	}
}

func (m *Manager) start(now machine.Time) {
	if m.running {
		return
	}
	m.running = true
	m.tx.last = now.Add(-minAdvertDelay)
	m.rx.networkDataChanged(now, m)
	m.omr.favored = m.omr.inNetworkData(m)
	m.route.update(now, m)
	m.rs.start(now, m)
	m.pd.update(now, m)
	m.nat64.start(now, m)
	m.ail.update(now, m)
	m.env.Decided(now)
}

func (m *Manager) stop(now machine.Time) {
	if !m.running {
		return
	}
	m.omr.stop(now, m)
	m.onLink.stop(now, m)
	m.nat64.stop(now, m)
	m.ail.stop()
	m.advertise(now, true)
	m.rx.stop()
	m.tx.count = 0
	m.rs.at, m.evaluate = machine.Never, machine.Never
	m.route.stop(now, m)
	m.running = false
	m.pd.update(now, m)
	m.env.Decided(now)
}
