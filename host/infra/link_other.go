//go:build !linux

package infra

import (
	"errors"
	"net/netip"

	"heddle.example/border/mdns"
	"heddle.example/border/nd"
	"heddle.example/thread/ip6"
)

// Link is an interface of this computer.
type Link struct{}

// Open says that this system has none yet.
func Open(Options) (*Link, error) {
	return nil, errors.New("infrastructure link: only on Linux so far; leave it out, the mesh has its way out without it")
}

// Index returns the interface's number.
func (*Link) Index() uint32 { return 0 }

// Address returns our link-local address.
func (*Link) Address() ip6.Address { return ip6.Address{} }

// Hardware returns the address below it.
func (*Link) Hardware() []byte { return nil }

// Up reports whether the interface carries packets.
func (*Link) Up() bool { return false }

// Send sends a message.
func (*Link) Send(*nd.Packet) error { return errors.New("infrastructure link: only on Linux so far") }

// Close ends it.
func (*Link) Close() error { return nil }

// MDNS is multicast DNS on an interface of this computer.
type MDNS struct{}

// OpenMDNS says that this system has none yet.
func OpenMDNS(string, func(m mdns.Message)) (*MDNS, error) {
	return nil, errors.New("multicast DNS: only on Linux so far")
}

// Send sends a message.
func (*MDNS) Send(netip.AddrPort, []byte) error {
	return errors.New("multicast DNS: only on Linux so far")
}

// Close ends it.
func (*MDNS) Close() error { return nil }
