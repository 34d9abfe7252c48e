package routing

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// Env is what a Manager needs of the node that it sits on, and of its driver.
type Env interface {
	Attached() bool
	RouterOrLeader() bool
	Child() bool
	// ParentLinkQuality is that of both ways, 3 being the best.
	ParentLinkQuality() uint8
	RLOC16() uint16
	ExtPANID() [8]byte
	// Data is the network's, and NAT64 its preferred route to the IPv4 world.
	Data() netdata.Data
	NAT64() (netdata.ExternalRoute, bool)
	// AddOnMeshPrefix and RemoveOnMeshPrefix change what this node offers, and register it with the leader.
	AddOnMeshPrefix(now machine.Time, p netdata.OnMeshPrefix) error
	RemoveOnMeshPrefix(now machine.Time, p ip6.Prefix) error
	// PublishRoute publishes a route in place of an old one, which may be the same or not published.
	PublishRoute(now machine.Time, old ip6.Prefix, r netdata.ExternalRoute) error
	UnpublishRoute(now machine.Time, p ip6.Prefix) error
	// Settings outlive a reset. A nil value deletes one.
	LoadSetting(key string) []byte
	StoreSetting(key string, value []byte)
	// SendInfra sends an ICMPv6 message on the infrastructure link. It is borrowed until the return.
	SendInfra(now machine.Time, dst ip6.Address, message []byte)
	// DiscoverNAT64 asks for the NAT64 prefix of the infrastructure, which NAT64Discovered then tells. It reports whether
	// there is anybody to ask.
	DiscoverNAT64(now machine.Time) bool
	// Decided is called whenever prefixes, routes or the NAT64 may have changed.
	Decided(now machine.Time)
	// AILs is called when the mesh is found to have border routers on another infrastructure link, or no more.
	AILs(now machine.Time, several bool)
}

// Config says what a Manager is made of. Rand must be set.
type Config struct {
	Rand machine.Rand
	// Address is ours on the infrastructure link, a link-local one, and Link what is below it: 6 bytes of Ethernet, or none.
	Address ip6.Address
	Link    []byte
	// NoLink: there is no infrastructure link. Nothing is solicited nor advertised, and nobody is waited for.
	NoLink bool
	// Uplink: the outside is reached without a router of the infrastructure link, through the driver's sockets or routes. So
	// a default route is offered without one having been heard of.
	Uplink bool
	// NAT64 is the prefix that is offered when nobody has a better one; no bits: one made of the router's own ULA.
	NAT64 ip6.Prefix
}

// State is how far a Manager is.
type State uint8

// The states, in the order of `br state`.
const (
	Uninitialized State = iota
	Disabled
	Stopped // enabled, but not attached, or the infrastructure link is down
	Running
)

func (s State) String() string {
	return [...]string{"uninitialized", "disabled", "stopped", "running"}[s&3]
}

// Manager decides.
type Manager struct {
	c   Config
	env Env

	index       uint32 // of the infrastructure's interface
	initialized bool
	linkUp      bool
	enabled     bool
	running     bool
	ula         ip6.Prefix // of this router: 48 bits

	omr    omr
	onLink onLink
	rio    rio
	route  route
	nat64  nat64
	pd     pd
	rx     tracker
	peers  []peer
	ail    ail
	rs     solicitor
	tx     advertiser
	extra  []byte // options of the user's in advertisements

	evaluate machine.Time // when the policy is looked at again
	linkUsed machine.Time // when we have sent something on the link
	signal   bool         // the tracker has news for the rest
	// Counters say what was sent and received.
	Counters Counters
}

// Counters count messages on the infrastructure link.
type Counters struct {
	AdvertsReceived, AdvertsSent, AdvertsFailed    uint32
	SolicitsReceived, SolicitsSent, SolicitsFailed uint32
}

// New returns a Manager that waits for Init.
func New(c Config, env Env) *Manager {
	m := &Manager{c: c, env: env, evaluate: machine.Never}
	m.onLink.at, m.rio.at, m.route.at, m.nat64.at, m.ail.at, m.rs.at = machine.Never, machine.Never, machine.Never, machine.Never, machine.Never, machine.Never
	m.pd.at = machine.Never
	m.route.preference, m.rio.preference = netdata.Medium, netdata.Low
	m.rx.idle()
	return m
}

// Change says what of the node has changed.
type Change struct{ Role, NetworkData, ExtPANID, ParentLink bool }

// Changed takes in what has changed of the node.
func (m *Manager) Changed(now machine.Time, c Change) {
	if c.Role {
		m.rio.roleChanged(now, m)
	}
	m.route.changed(now, m, c)
	if c.NetworkData || c.Role {
		m.findPeers(now)
	}
	if !m.initialized || !m.enabled {
		return
	}
	if c.Role {
		m.update(now)
	}
	if m.running && c.NetworkData {
		m.rx.networkDataChanged(now, m)
		m.onLink.networkDataChanged(now, m)
		m.schedule(now, soon)
	}
	if c.ExtPANID {
		m.onLink.extPANIDChanged(now, m)
	}
	m.settle(now)
}

// settle lets the rest know what the tracker has found out during an input.
func (m *Manager) settle(now machine.Time) {
	for m.signal {
		m.signal = false
		if !m.running {
			return
		}
		if m.rx.factors.favored != m.onLink.discovered {
			m.schedule(now, soon)
		}
		if p := m.rx.factors.nat64; p != m.nat64.advertised {
			m.nat64.advertised = p
			m.NAT64Discovered(now, p)
		}
		m.route.update(now, m)
		m.ail.update(now, m)
		m.env.Decided(now)
	}
}

// Deadline says when Expire wants to be called.
func (m *Manager) Deadline() machine.Time {
	return min(m.evaluate, m.onLink.at, m.rio.at, m.route.at, m.nat64.at, m.pd.at, m.ail.at, m.rs.at, m.rx.deadline())
}

// Expire does what is due.
func (m *Manager) Expire(now machine.Time) {
	due := func(at *machine.Time, f func(machine.Time, *Manager)) {
		if *at <= now {
			*at = machine.Never
			f(now, m)
		}
	}
	for m.Deadline() <= now {
		due(&m.rs.at, m.rs.expire)
		due(&m.rx.expires, m.rx.update)
		due(&m.rx.dnsExpires, m.rx.update)
		due(&m.rx.probes, m.rx.probe)
		due(&m.rx.stale, m.rx.becameStale)
		due(&m.onLink.at, m.onLink.expire)
		due(&m.rio.at, func(now machine.Time, m *Manager) { m.schedule(now, immediately) })
		due(&m.route.at, m.route.expire)
		due(&m.nat64.at, m.nat64.expire)
		due(&m.pd.at, m.pd.withdraw)
		due(&m.ail.at, m.ail.expire)
		due(&m.evaluate, func(now machine.Time, m *Manager) { m.policy(now) })
		m.settle(now)
	}
}

// jitter returns d, give or take j.
func (m *Manager) jitter(d, j time.Duration) time.Duration {
	j = min(d, j)
	if j == 0 {
		return d
	}
	ms := uint64(2*j/time.Millisecond) + 1
	return d - j + time.Duration(m.c.Rand.Uint64()%ms)*time.Millisecond
}

// send sends a message on the infrastructure link.
func (m *Manager) send(now machine.Time, dst ip6.Address, b []byte) {
	m.linkUsed = now
	m.env.SendInfra(now, dst, b)
}

// earlier moves a timer to an instant, if it is not to fire before that already.
func earlier(at *machine.Time, to machine.Time) { *at = min(*at, to) }
