package routing

import (
	"encoding/binary"
	"slices"
	"time"

	"heddle.example/border/nd"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

const (
	onLinkLifetime = 1800 // seconds
	maxOldOnLink   = 3
)

type onLinkState uint8

const (
	onLinkIdle        onLinkState = iota
	onLinkPublishing              // it waits until the mesh's nodes have a route to it
	onLinkAdvertising             //
	onLinkDeprecating             // somebody else's is used, but addresses of it live on for a while
)

// onLink is the prefix that we give the infrastructure link where no router of it gives it one. It follows from the
// extended PAN id, so that all border routers of a mesh give the same.
type onLink struct {
	at         machine.Time
	state      onLinkState
	local      ip6.Prefix
	until      machine.Time
	discovered ip6.Prefix // that of the link, if it is not ours
	old        []oldPrefix
}

// oldPrefix is one that followed from an earlier extended PAN id.
type oldPrefix struct {
	prefix ip6.Prefix
	until  machine.Time
}

// init takes up the prefixes that were advertised before a reset.
func (o *onLink) init(now machine.Time, m *Manager) {
	b := m.env.LoadSetting(settingOnLink)
	for ; len(b) >= 12 && len(o.old) < maxOldOnLink; b = b[12:] {
		var a ip6.Address
		copy(a[:8], b)
		p := oldPrefix{ip6.Prefix{Addr: a, Bits: 64}, after(now, binary.BigEndian.Uint32(b[8:]))}
		if !slices.ContainsFunc(o.old, func(x oldPrefix) bool { return x.prefix == p.prefix }) {
			o.old = append(o.old, p)
			earlier(&o.at, p.until)
		}
	}
	o.generate(now, m)
}

// save has the prefixes outlive a reset, with what is left of their lifetimes now.
func (o *onLink) save(now machine.Time, m *Manager) {
	var b []byte
	put := func(p ip6.Prefix, until machine.Time) {
		b = append(b, p.Addr[:8]...)
		b = binary.BigEndian.AppendUint32(b, uint32(max(0, until.Sub(now))/time.Second))
	}
	if o.state != onLinkIdle {
		put(o.local, o.until)
	}
	for _, p := range o.old {
		put(p.prefix, p.until)
	}
	m.env.StoreSetting(settingOnLink, b)
}

func (o *onLink) set(now machine.Time, m *Manager, s onLinkState) {
	if o.state != s {
		o.state = s
		m.route.setAdvPIO(now, m, s != onLinkIdle)
	}
}

// generate makes the prefix: fd, then the first 40 and the last 16 bits of the extended PAN id.
func (o *onLink) generate(now machine.Time, m *Manager) {
	id := m.env.ExtPANID()
	a := ip6.Address{0xfd}
	copy(a[1:], id[:5])
	copy(a[6:], id[6:])
	p := ip6.Prefix{Addr: a, Bits: 64}
	if p == o.local {
		return
	}
	o.local = p
	if i := slices.IndexFunc(o.old, func(x oldPrefix) bool { return x.prefix == p }); i >= 0 {
		o.until = o.old[i].until
		o.old = slices.Delete(o.old, i, i+1)
		o.set(now, m, onLinkDeprecating)
	} else {
		o.set(now, m, onLinkIdle)
	}
}

func (o *onLink) stop(now machine.Time, m *Manager) {
	o.discovered = ip6.Prefix{}
	if o.state != onLinkIdle {
		o.set(now, m, onLinkDeprecating)
	}
}

func (o *onLink) used() bool { return o.state == onLinkPublishing || o.state == onLinkAdvertising }

func (o *onLink) settled() bool { return o.discovered.Bits != 0 || o.used() }

// needsULARoute reports whether the mesh's nodes need a route to a prefix of ours.
func (o *onLink) needsULARoute() bool { return o.state != onLinkIdle || len(o.old) > 0 }

// decide uses our prefix where the link has none, or the same. It gives way to a smaller one; of a larger one its router
// will do so, should it be a border router's.
func (o *onLink) decide(now machine.Time, m *Manager) {
	if m.c.NoLink || m.rs.busy() {
		return
	}
	o.discovered = m.rx.factors.favored
	switch {
	case o.discovered.Bits == 0 || o.discovered == o.local:
		o.discovered = ip6.Prefix{}
		if o.used() {
			return
		}
		o.set(now, m, onLinkPublishing)
		o.extend(now, m)
		if hasULARoute(m.env.Data()) {
			o.set(now, m, onLinkAdvertising)
		}
	case o.used() && !o.local.Less(o.discovered):
		o.set(now, m, onLinkDeprecating)
	}
}

// extend gives the prefix its whole lifetime again.
func (o *onLink) extend(now machine.Time, m *Manager) {
	o.until = after(now, onLinkLifetime)
	earlier(&o.at, o.until)
	o.save(now, m)
}

// networkDataChanged advertises the prefix once the mesh has a route to it.
func (o *onLink) networkDataChanged(now machine.Time, m *Manager) {
	if o.state == onLinkPublishing && hasULARoute(m.env.Data()) {
		o.set(now, m, onLinkAdvertising)
		m.schedule(now, soon)
	}
}

// extPANIDChanged makes another prefix and lets the old one fade.
func (o *onLink) extPANIDChanged(now machine.Time, m *Manager) {
	was, state, until := o.local, o.state, o.until
	o.generate(now, m)
	if o.local == was {
		return
	}
	if state == onLinkAdvertising || state == onLinkDeprecating {
		o.fade(now, m, was, until)
	}
	if m.running {
		m.route.update(now, m)
		m.rx.onLinkPrefixChanged(now, m)
		m.schedule(now, soon)
	}
}

func (o *onLink) fade(now machine.Time, m *Manager, p ip6.Prefix, until machine.Time) {
	if slices.ContainsFunc(o.old, func(x oldPrefix) bool { return x.prefix == p }) {
		return
	}
	if len(o.old) >= maxOldOnLink { // the one that has the least time left
		i := 0
		for j := range o.old {
			if o.old[j].until < o.old[i].until {
				i = j
			}
		}
		o.old = slices.Delete(o.old, i, i+1)
	}
	o.old = append(o.old, oldPrefix{p, until})
	earlier(&o.at, until)
	o.save(now, m)
}

// append appends the prefix to an advertisement, and those that fade.
func (o *onLink) append(now machine.Time, m *Manager, b []byte) []byte {
	p := nd.PrefixInfo{OnLink: true, Autonomous: true}
	switch {
	case o.state == onLinkAdvertising:
		o.extend(now, m)
		p.Prefix, p.Valid, p.Preferred = o.local, onLinkLifetime, onLinkLifetime
		b = p.Append(b)
	case o.state == onLinkDeprecating && o.until > now:
		p.Prefix, p.Valid, p.Preferred = o.local, uint32(o.until.Sub(now)/time.Second), 0
		b = p.Append(b)
	}
	for _, x := range o.old {
		if x.until >= now {
			p.Prefix, p.Valid, p.Preferred = x.prefix, uint32(x.until.Sub(now)/time.Second), 0
			b = p.Append(b)
		}
	}
	return b
}

// expire drops what has faded.
func (o *onLink) expire(now machine.Time, m *Manager) {
	next := machine.Never
	if o.state != onLinkIdle {
		if o.until <= now {
			o.set(now, m, onLinkIdle)
		} else {
			next = o.until
		}
	}
	o.old = slices.DeleteFunc(o.old, func(x oldPrefix) bool { return x.until <= now })
	for _, x := range o.old {
		next = min(next, x.until)
	}
	o.save(now, m)
	earlier(&o.at, next)
	m.route.update(now, m)
}

// OnLinkPrefix returns the prefix that this router would give the link.
func (m *Manager) OnLinkPrefix() (ip6.Prefix, error) {
	if !m.initialized {
		return ip6.Prefix{}, status.InvalidState
	}
	return m.onLink.local, nil
}

// FavoredOnLinkPrefix returns the link's.
func (m *Manager) FavoredOnLinkPrefix() (ip6.Prefix, error) {
	if m.initialized && m.onLink.discovered.Bits != 0 {
		return m.onLink.discovered, nil
	}
	return m.OnLinkPrefix()
}

// SetOnLinkPrefix puts another prefix in the place of ours, for tests of what two networks do on one link.
func (m *Manager) SetOnLinkPrefix(p ip6.Prefix) { m.onLink.local = p }
