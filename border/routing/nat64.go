package routing

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// nat64Interval is how often the infrastructure's NAT64 prefix is looked for.
const nat64Interval = 300 * time.Second

// NAT64State is how far the offer of a NAT64 prefix is.
type NAT64State uint8

// The states, in the order of OpenThread's.
const (
	NAT64Disabled NAT64State = iota
	NAT64NotRunning
	NAT64Idle   // somebody else offers a prefix
	NAT64Active // we do
)

func (s NAT64State) String() string {
	return [...]string{"Disabled", "NotRunning", "Idle", "Active"}[s&3]
}

type nat64 struct {
	at             machine.Time
	enabled        bool
	local          ip6.Prefix // ours
	infrastructure ip6.Prefix // that of a NAT64 on the infrastructure link; no bits: none was found
	advertised     ip6.Prefix // by a router of the link
	published      ip6.Prefix
	preference     int8
}

func (n *nat64) init(m *Manager) {
	if n.local = m.subnet(nat64Subnet, 96); m.c.NAT64.Bits != 0 {
		n.local = m.c.NAT64
	}
}

func (n *nat64) start(now machine.Time, m *Manager) {
	if n.enabled {
		n.at = now
	}
}

func (n *nat64) stop(now machine.Time, m *Manager) {
	n.unpublish(now, m)
	n.infrastructure, n.advertised, n.at = ip6.Prefix{}, ip6.Prefix{}, machine.Never
}

func (n *nat64) unpublish(now machine.Time, m *Manager) {
	if n.published.Bits != 0 {
		_ = m.env.UnpublishRoute(now, n.published)
		n.published = ip6.Prefix{}
	}
}

// expire looks for the infrastructure's prefix.
func (n *nat64) expire(now machine.Time, m *Manager) {
	if !m.env.DiscoverNAT64(now) {
		m.schedule(now, soon)
	}
	n.at = now.Add(nat64Interval)
}

// favored returns what we would offer: the infrastructure's prefix where nodes have addresses of the infrastructure, too.
func (n *nat64) favored(m *Manager) (ip6.Prefix, int8) {
	if netdata.ValidNAT64(n.infrastructure) && m.omr.favored.infrastructure() {
		return n.infrastructure, netdata.Medium
	}
	return n.local, netdata.Low
}

// decide offers a prefix where nobody offers one as good.
func (n *nat64) decide(now machine.Time, m *Manager) {
	if !n.enabled {
		return
	}
	want, preference := n.favored(m)
	best, found := m.env.NAT64()
	offer := !found || best.Preference < preference || best.Prefix == n.published || best.Prefix == n.infrastructure
	if n.published.Bits != 0 && (!offer || want != n.published) {
		n.unpublish(now, m)
	}
	if offer && (want != n.published || preference != n.preference) {
		n.published, n.preference = want, preference
		_ = m.env.PublishRoute(now, want, netdata.ExternalRoute{Prefix: want, Preference: preference, NAT64: true, Stable: true})
	}
}

// SetNAT64Enabled says whether a NAT64 prefix is offered.
func (m *Manager) SetNAT64Enabled(now machine.Time, on bool) {
	if m.nat64.enabled == on {
		return
	}
	m.nat64.enabled = on
	if !on {
		m.nat64.stop(now, m)
	} else if m.running {
		m.nat64.start(now, m)
	}
	m.env.Decided(now)
}

// NAT64State returns how far the offer of a NAT64 prefix is.
func (m *Manager) NAT64State() NAT64State {
	switch {
	case !m.nat64.enabled:
		return NAT64Disabled
	case !m.running:
		return NAT64NotRunning
	case m.nat64.published.Bits == 0:
		return NAT64Idle
	}
	return NAT64Active
}

// NAT64Discovered tells the NAT64 prefix of the infrastructure; no bits: there is none.
func (m *Manager) NAT64Discovered(now machine.Time, p ip6.Prefix) {
	m.nat64.infrastructure = p
	m.schedule(now, soon)
}

// NAT64Prefix returns the prefix of this router.
func (m *Manager) NAT64Prefix() (ip6.Prefix, error) {
	if !m.initialized {
		return ip6.Prefix{}, status.InvalidState
	}
	return m.nat64.local, nil
}

// FavoredNAT64Prefix returns the prefix that this router would offer.
func (m *Manager) FavoredNAT64Prefix() (ip6.Prefix, int8, error) {
	if !m.initialized {
		return ip6.Prefix{}, 0, status.InvalidState
	}
	p, preference := m.nat64.favored(m)
	return p, preference, nil
}

// OwnNAT64 returns the prefix that this router translates itself: the one that it publishes, unless that is the
// infrastructure's.
func (m *Manager) OwnNAT64() (ip6.Prefix, bool) {
	p := m.nat64.published
	return p, p.Bits != 0 && p == m.nat64.local
}
