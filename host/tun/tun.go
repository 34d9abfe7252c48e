// Package tun lets a mesh's packets pass through a network device of the computer, whose system routes them: all protocols,
// both ways, with the nodes' own addresses. It needs the right to make a device (root or CAP_NET_ADMIN).
package tun

import (
	"net/netip"

	"heddle.example/host/outside"
)

// Config says what a Device is made of. Receive must be set.
type Config struct {
	// Name of the interface; "": heddle0, heddle1, ...
	Name string
	// Receive takes packets for the mesh, on the device's own goroutine, and borrows them.
	Receive func(packet []byte)
	// Address is this computer's own on the device, with the prefix that is on it; not valid: none.
	Address netip.Prefix
	// Routes are the prefixes that lie behind the device. SetRoutes changes them.
	Routes []netip.Prefix
	MTU    int // 0: 1280
}

var _ outside.Outside = (*Device)(nil)

const defaultMTU = 1280
