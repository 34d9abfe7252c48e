// Package infra makes a network interface of this computer the infrastructure link of a border router: router
// advertisements, solicitations and what else neighbour discovery needs go over it, with the checksums and hop limits that
// RFC 4861 wants. The system answers Neighbor Solicitations for its addresses by itself. Multicast DNS goes over it, too.
package infra

import "heddle.example/border/nd"

// Options say which interface, and who hears it. Interface and Receive must be set.
type Options struct {
	Interface string
	// Receive takes messages. It is called on a goroutine of the link's, and borrows what it is given.
	Receive func(m nd.Packet)
	// Changed, where set, is called when the interface goes up or down, on another goroutine of the link's.
	Changed func(up bool)
}
