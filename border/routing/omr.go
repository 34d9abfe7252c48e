package routing

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

const (
	omrSubnet   = 1
	nat64Subnet = 2
)

// OMRConfig says where the prefix that nodes have addresses of for the outside comes from.
type OMRConfig uint8

// The ways.
const (
	OMRAuto     OMRConfig = iota // of a delegated prefix, or of the router's own
	OMRCustom                    // a user's
	OMRDisabled                  // none
)

func (c OMRConfig) String() string { return [...]string{"auto", "custom", "disabled", ""}[c&3] }

// omrPrefix is a prefix with its preference. The zero value is none.
type omrPrefix struct {
	prefix     ip6.Prefix
	preference int8
	domain     bool
}

func (p *omrPrefix) empty() bool { return p.prefix.Bits == 0 }

// infrastructure reports whether a prefix comes from the infrastructure rather than from a border router.
func (p *omrPrefix) infrastructure() bool { return !p.empty() && p.preference >= netdata.Medium }

type omr struct {
	config       OMRConfig
	generated    ip6.Prefix
	custom       omrPrefix
	local        omrPrefix // what we would offer
	favored      omrPrefix // what is best in the network data, or will be
	added        bool      // local is in our part of the network data
	defaultRoute bool      // it comes with a default route
}

func (o *omr) init(m *Manager) { o.generated = m.subnet(omrSubnet, 64) }

func (o *omr) stop(now machine.Time, m *Manager) {
	o.remove(now, m)
	o.favored = omrPrefix{}
}

func (o *omr) settled() bool { return !o.favored.empty() || o.config == OMRDisabled }

// inNetworkData returns the best OMR prefix that there is: of the highest preference, and of those the smallest.
func (o *omr) inNetworkData(m *Manager) (best omrPrefix) {
	for p := range m.env.Data().OnMeshPrefixes() {
		if !validOMR(&p) || !p.Preferred {
			continue
		}
		if best.empty() || p.Preference > best.preference || p.Preference == best.preference && !best.prefix.Less(p.Prefix) {
			best = omrPrefix{p.Prefix, p.Preference, p.DP}
		}
	}
	return best
}

// updateLocal finds out what we would offer.
func (o *omr) updateLocal(now machine.Time, m *Manager) {
	var want omrPrefix
	switch o.config {
	case OMRAuto:
		want = omrPrefix{prefix: o.generated, preference: netdata.Low}
		if m.pd.has() {
			want = omrPrefix{prefix: m.pd.entry.prefix, preference: netdata.Medium}
		}
	case OMRCustom:
		want = o.custom
	}
	if want != o.local {
		o.remove(now, m)
		o.local = want
	}
}

// decide offers our prefix where there is no better one, and takes it back where there is.
func (o *omr) decide(now machine.Time, m *Manager) {
	best := o.inNetworkData(m)
	o.updateLocal(now, m)
	switch {
	case o.local.empty():
		o.favored = best
	case best.empty() || best.preference < o.local.preference:
		if o.add(now, m) {
			o.favored = o.local
		}
	default:
		o.favored = best
		if best.prefix == o.local.prefix {
			o.add(now, m)
		} else {
			o.remove(now, m)
		}
	}
}

func (o *omr) add(now machine.Time, m *Manager) bool {
	if !o.added {
		o.added = o.offer(now, m) == nil
	}
	return o.added
}

func (o *omr) offer(now machine.Time, m *Manager) error {
	return m.env.AddOnMeshPrefix(now, netdata.OnMeshPrefix{Prefix: o.local.prefix, Preference: o.local.preference, Stable: true,
		SLAAC: true, Preferred: true, OnMesh: true, DefaultRoute: o.defaultRoute})
}

func (o *omr) remove(now machine.Time, m *Manager) {
	if o.added {
		o.added = false
		_ = m.env.RemoveOnMeshPrefix(now, o.local.prefix) // who has removed it by hand has done our work
	}
}

func (o *omr) setDefaultRoute(now machine.Time, m *Manager, on bool) {
	if o.defaultRoute != on {
		o.defaultRoute = on
		if o.added {
			_ = o.offer(now, m) // where it does not fit, it stays as it was
		}
	}
}

// advertised reports whether our prefix can be told to the link: packets for it are routed only once it is in the network
// data.
func (o *omr) advertised(m *Manager) bool { return o.added && hasOMR(m.env.Data(), o.local.prefix) }

// OMRConfig returns where the OMR prefix comes from, and the custom one.
func (m *Manager) OMRConfig() (c OMRConfig, custom ip6.Prefix, preference int8) {
	return m.omr.config, m.omr.custom.prefix, m.omr.custom.preference
}

// SetOMRConfig changes it. Prefix and preference are those of OMRCustom.
func (m *Manager) SetOMRConfig(now machine.Time, c OMRConfig, prefix ip6.Prefix, preference int8) error {
	var custom omrPrefix
	if c == OMRCustom {
		if !validOMRPrefix(prefix) {
			return status.InvalidArgs
		}
		custom = omrPrefix{prefix: prefix, preference: preference}
	}
	if c != m.omr.config || custom != m.omr.custom {
		m.omr.config, m.omr.custom = c, custom
		m.schedule(now, immediately)
	}
	return nil
}

// OMRPrefix returns the prefix that this router would make for the mesh.
func (m *Manager) OMRPrefix() (ip6.Prefix, error) {
	if !m.initialized {
		return ip6.Prefix{}, status.InvalidState
	}
	return m.omr.generated, nil
}

// FavoredOMRPrefix returns the mesh's.
func (m *Manager) FavoredOMRPrefix() (ip6.Prefix, int8, error) {
	if !m.running {
		return ip6.Prefix{}, 0, status.InvalidState
	}
	return m.omr.favored.prefix, m.omr.favored.preference, nil
}
