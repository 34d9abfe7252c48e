package netdata

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// publisher decides which of many nodes' offers of the same thing are needed.
type publisher struct {
	deadline machine.Time
}

func newPublisher() publisher { return publisher{machine.Never} }

func (p *publisher) wake(now machine.Time) {}

func (p *publisher) expire(now machine.Time, m *Manager) {}

// PublishOnMeshPrefix offers an on-mesh prefix as long as the network has too few of it.
func (m *Manager) PublishOnMeshPrefix(now machine.Time, p OnMeshPrefix) error {
	return status.NotImplemented
}

// PublishExternalRoute offers an external route as long as the network has too few of it.
func (m *Manager) PublishExternalRoute(now machine.Time, r ExternalRoute) error {
	return status.NotImplemented
}

// ReplaceExternalRoute publishes a route in place of another one.
func (m *Manager) ReplaceExternalRoute(now machine.Time, old ip6.Prefix, r ExternalRoute) error {
	return status.NotImplemented
}

// UnpublishPrefix ends the publishing of a prefix or route.
func (m *Manager) UnpublishPrefix(now machine.Time, p ip6.Prefix) error {
	return status.NotImplemented
}

// PublishDNSSRPAnycast offers this node as one of the DNS/SRP servers behind one anycast address.
func (m *Manager) PublishDNSSRPAnycast(now machine.Time, sequence, version uint8) {}

// PublishDNSSRPUnicast offers a DNS/SRP server at an address.
func (m *Manager) PublishDNSSRPUnicast(now machine.Time, addr ip6.Address, port uint16, version uint8) {
}

// PublishDNSSRPMeshLocal offers a DNS/SRP server at this node's mesh-local address.
func (m *Manager) PublishDNSSRPMeshLocal(now machine.Time, port uint16, version uint8) {}

// UnpublishDNSSRP ends it.
func (m *Manager) UnpublishDNSSRP(now machine.Time) {}
