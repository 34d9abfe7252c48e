package offers

import (
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// publisher decides which of many nodes' offers of the same thing are needed: too few, and it adds its own after a random
// while; too many, and it takes its own back, sooner when others are preferred (OpenThread network_data_publisher.cpp).
type publisher struct {
	deadline machine.Time
	task     machine.Time // a look that waits for the end of the current input
	list     []*publication
	// Event is told when an entry goes in or out.
	event func(now machine.Time, e PublisherEvent)
}

// PublisherEvent says that a publication was added to the node's own network data, or removed.
type PublisherEvent struct {
	DNSSRP bool       // else Prefix
	Prefix ip6.Prefix // on-mesh prefix or external route
	Added  bool
}

// The limits and delays of config/netdata_publisher.h.
const (
	maxUserPrefixes     = 3
	maxBorderPrefixes   = 3 // of the border router on this node (routing_manager.hpp, kMaxPublishedPrefixes)
	maxDelayToAdd       = 3500
	maxDelayToRemove    = 15000
	extraDelayPreferred = 16000 * time.Millisecond
	desiredAnycast      = 8
	desiredUnicast      = 2
	desiredOnMesh       = 3
	desiredRoute        = 10
)

type publishedKind uint8

const (
	publishedOnMesh publishedKind = iota
	publishedRoute
	publishedAnycast
	publishedUnicast   // address in the service data
	publishedMeshLocal // address in the server data
)

type publishState uint8

const (
	toAdd publishState = iota
	adding
	added
	removing
)

type publication struct {
	kind     publishedKind
	border   bool // published by the border router, not by a user
	state    publishState
	at       machine.Time
	prefix   ip6.Prefix
	flags    uint16
	server   netdata.DNSSRPUnicast
	sequence uint8
}

func newPublisher() publisher { return publisher{deadline: machine.Never, task: machine.Never} }

func (p *publisher) wake(now machine.Time) {
	if len(p.list) > 0 {
		p.deadline = now
		p.task = now
	}
}

func (p *publisher) expire(now machine.Time, m *Manager) {
	if p.deadline > now {
		return
	}
	if p.task <= now {
		p.task = machine.Never
		for _, x := range p.list {
			m.process(now, x)
		}
	}
	p.deadline = p.task
	for _, x := range slices.Clone(p.list) {
		if x.state != adding && x.state != removing {
			continue
		}
		if x.at > now {
			p.deadline = min(p.deadline, x.at)
		} else if x.state == adding {
			m.publishAdd(now, x)
		} else {
			m.publishRemove(now, x, toAdd)
		}
	}
	p.deadline = min(p.deadline, p.task)
}

// OnPublisherEvent sets who is told of entries that go in or out.
func (m *Manager) OnPublisherEvent(f func(now machine.Time, e PublisherEvent)) { m.pub.event = f }

// PublishOnMeshPrefix offers an on-mesh prefix as long as the network has too few of it.
func (m *Manager) PublishOnMeshPrefix(now machine.Time, p netdata.OnMeshPrefix) error {
	if !p.Stable || !p.Valid(m.env.MeshLocalPrefix()) {
		return status.InvalidArgs
	}
	return m.publishPrefix(now, p.Prefix, publication{kind: publishedOnMesh, prefix: p.Prefix, flags: p.Flags()})
}

// PublishExternalRoute offers an external route as long as the network has too few of it.
func (m *Manager) PublishExternalRoute(now machine.Time, r netdata.ExternalRoute) error {
	return m.ReplaceExternalRoute(now, r.Prefix, r)
}

// ReplaceExternalRoute publishes a route in place of another one.
func (m *Manager) ReplaceExternalRoute(now machine.Time, old ip6.Prefix, r netdata.ExternalRoute) error {
	if !r.Stable || !r.Valid(m.env.MeshLocalPrefix()) {
		return status.InvalidArgs
	}
	return m.publishPrefix(now, old, publication{kind: publishedRoute, prefix: r.Prefix, flags: uint16(r.Flags())})
}

// PublishBorderRoute is ReplaceExternalRoute for the border router on this node, which has places of its own.
func (m *Manager) PublishBorderRoute(now machine.Time, old ip6.Prefix, r netdata.ExternalRoute) error {
	if !r.Stable || !r.Valid(m.env.MeshLocalPrefix()) {
		return status.InvalidArgs
	}
	return m.publishPrefix(now, old, publication{kind: publishedRoute, border: true, prefix: r.Prefix, flags: uint16(r.Flags())})
}

func (m *Manager) publishPrefix(now machine.Time, old ip6.Prefix, n publication) error {
	x, count := (*publication)(nil), 0
	for _, e := range m.pub.list {
		if e.kind <= publishedRoute {
			if e.border == n.border {
				count++
			}
			if e.prefix == old {
				x = e
			}
		}
	}
	if x == nil {
		if n.border && count >= maxBorderPrefixes || !n.border && count >= maxUserPrefixes {
			return status.NoBufs
		}
		m.pub.list = append(m.pub.list, &n)
		m.process(now, &n)
		return nil
	}
	if x.kind != n.kind || x.flags != n.flags || x.prefix != n.prefix {
		had := x.state == added || x.state == removing
		again := had && x.kind == n.kind // what is in the network data is replaced at once
		if had {
			m.publishRemove(now, x, toAdd)
		}
		*x = n
		if again {
			m.publishAdd(now, x)
		}
	}
	m.process(now, x)
	return nil
}

// UnpublishPrefix ends the publishing of a prefix or route.
func (m *Manager) UnpublishPrefix(now machine.Time, p ip6.Prefix) error {
	for _, x := range m.pub.list {
		if x.kind <= publishedRoute && x.prefix == p {
			m.unpublish(now, x)
			return nil
		}
	}
	return status.NotFound
}

func (m *Manager) unpublish(now machine.Time, x *publication) {
	m.publishRemove(now, x, toAdd)
	m.pub.list = slices.DeleteFunc(m.pub.list, func(e *publication) bool { return e == x })
}

// PublishDNSSRPAnycast offers this node as one of the DNS/SRP servers behind one anycast address.
func (m *Manager) PublishDNSSRPAnycast(now machine.Time, sequence, version uint8) {
	m.publishServer(now, publication{kind: publishedAnycast, sequence: sequence, server: netdata.DNSSRPUnicast{Version: version}})
}

// PublishDNSSRPUnicast offers a DNS/SRP server at an address.
func (m *Manager) PublishDNSSRPUnicast(now machine.Time, addr ip6.Address, port uint16, version uint8) {
	m.publishServer(now, publication{kind: publishedUnicast, server: netdata.DNSSRPUnicast{Address: addr, Port: port, Version: version}})
}

// PublishDNSSRPMeshLocal offers a DNS/SRP server at this node's mesh-local address.
func (m *Manager) PublishDNSSRPMeshLocal(now machine.Time, port uint16, version uint8) {
	m.publishServer(now, publication{kind: publishedMeshLocal,
		server: netdata.DNSSRPUnicast{Address: m.env.MeshLocalEID(), Port: port, Version: version}})
}

func (m *Manager) publishedServer() *publication {
	for _, x := range m.pub.list {
		if x.kind >= publishedAnycast {
			return x
		}
	}
	return nil
}

func (m *Manager) publishServer(now machine.Time, n publication) {
	if x := m.publishedServer(); x != nil {
		if x.kind == n.kind && x.sequence == n.sequence && x.server == n.server {
			return
		}
		m.unpublish(now, x)
	}
	m.pub.list = append(m.pub.list, &n)
	m.process(now, &n)
}

// UnpublishDNSSRP ends it.
func (m *Manager) UnpublishDNSSRP(now machine.Time) {
	if x := m.publishedServer(); x != nil {
		m.unpublish(now, x)
	}
}

// MeshLocalAddressChanged puts the new address into what is published.
func (m *Manager) MeshLocalAddressChanged(now machine.Time) {
	x := m.publishedServer()
	if x == nil || x.kind != publishedMeshLocal {
		return
	}
	x.server.Address = m.env.MeshLocalEID()
	if x.state == added {
		m.publishRemove(now, x, adding)
		m.publishAdd(now, x)
	}
}

func (m *Manager) publishAdd(now machine.Time, x *publication) {
	var err error
	switch x.kind {
	case publishedOnMesh:
		err = m.addLocalPrefix(now, x.prefix, netdata.KindBorderRouter, []byte{byte(x.flags >> 8), byte(x.flags)}, true)
	case publishedRoute:
		err = m.addLocalPrefix(now, x.prefix, netdata.KindHasRoute, []byte{byte(x.flags)}, true)
	case publishedAnycast:
		var version []byte
		if x.server.Version != 0 {
			version = []byte{x.server.Version}
		}
		err = m.AddService(now, netdata.ThreadEnterprise, []byte{netdata.ServiceAnycast, x.sequence}, true, version)
	case publishedUnicast:
		err = m.AddService(now, netdata.ThreadEnterprise, x.server.Append([]byte{netdata.ServiceUnicast}), true, nil)
	case publishedMeshLocal:
		err = m.AddService(now, netdata.ThreadEnterprise, []byte{netdata.ServiceUnicast}, true, x.server.Append(nil))
	}
	if err != nil {
		x.at = machine.Never // OpenThread waits for a change of the network data, too
		return
	}
	x.state = added
	m.published(now, x, true)
}

func (m *Manager) published(now machine.Time, x *publication, in bool) {
	m.Register(now)
	if m.pub.event != nil {
		m.pub.event(now, PublisherEvent{DNSSRP: x.kind >= publishedAnycast, Prefix: x.prefix, Added: in})
	}
}

func (m *Manager) publishRemove(now machine.Time, x *publication, then publishState) {
	was := x.state
	x.state = then
	if was != added && was != removing {
		return
	}
	switch x.kind {
	case publishedOnMesh, publishedRoute:
		m.local.DropPrefix(x.prefix)
	case publishedAnycast:
		_ = m.RemoveService(netdata.ThreadEnterprise, []byte{netdata.ServiceAnycast, x.sequence})
	case publishedUnicast:
		_ = m.RemoveService(netdata.ThreadEnterprise, x.server.Append([]byte{netdata.ServiceUnicast}))
	case publishedMeshLocal:
		_ = m.RemoveService(netdata.ThreadEnterprise, []byte{netdata.ServiceUnicast})
	}
	m.published(now, x, false)
}
