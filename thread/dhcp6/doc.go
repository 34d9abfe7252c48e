// Package dhcp6 gives Thread nodes addresses by DHCPv6 (RFC 8415) in the way of Thread: a client solicits an address of
// each on-mesh prefix with the DHCP flag from the border router that offers it, with rapid commit and for ever; the agent
// answers with the prefix and the client's EUI-64. Server and Client are small machines of one node each.
//
// Facts come from OpenThread's src/core/net/dhcp6_*.cpp.
package dhcp6

// The ports of both ends.
const (
	ClientPort = 546
	ServerPort = 547
)

const (
	solicit = 1
	reply   = 7
)

// The options that are used.
const (
	optClientID    = 1
	optServerID    = 2
	optIANA        = 3
	optIAAddress   = 5
	optElapsed     = 8
	optStatus      = 13
	optRapidCommit = 14
)

// duidEUI64 begins a DUID of the type link-layer address (3) and the hardware type EUI-64 (27).
var duidEUI64 = [4]byte{0, 3, 0, 27}

const maxPrefixes = 4 // of a client, and of an agent (config/dhcp6_client.h, dhcp6_server.h)
