// Package srp is the service registration of a Thread network (RFC 9665): the client by which a node makes itself and its
// services known, and the server that keeps them, as an SRP update (RFC 2136) signed with the node's own key (RFC 2931).
//
// Facts come from OpenThread's src/core/net/srp_client.cpp and srp_server.cpp.
package srp

import (
	"time"

	"heddle.example/thread/dns"
)

// DefaultDomain is where a Thread network's names are.
const DefaultDomain = "default.service.arpa."

// Numbers of the protocol.
const (
	optionLease  = 2  // RFC 9664
	algorithm    = 13 // ECDSA P-256 with SHA-256
	keyFlags     = 0x0201
	keyProtocol  = 3
	flagDNSSEC   = 0x8000
	payloadSize  = 1280 - 8
	maxDatagram  = 1280
	headers      = 40 + 8
	keySize      = 64
	sigSize      = 64
	sigFixed     = 18 // of the data of a SIG record, before the signer's name
	flagsUpdate  = dns.OpUpdate << 11
	flagsAnswer  = dns.FlagResponse | flagsUpdate
	maxLease     = 0x7fffffff/1000 - 1 // s: a lease in milliseconds has 31 bits
	AnycastPort  = 53
	millisecond  = time.Millisecond
	unsetSeconds = 0
)

func seconds(s uint32) time.Duration { return time.Duration(s) * time.Second }
