// Package borderagent is the Border Agent of a Thread node: the door for a commissioner that is not in the mesh (Thread 1.4
// section 8.7 and 8.8). The commissioner proves by DTLS with EC-JPAKE that it knows the network's PSKc, or an ephemeral key that
// somebody has read to it; the agent hands its petition to the leader, relays the datagrams of joiners, and lends it an
// address in the mesh.
//
// Facts come from OpenThread's src/core/meshcop/border_agent.cpp.
package borderagent

import (
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// The types of TLVs that an agent reads or writes.
const (
	tlvCommissionerSession = 11
	tlvState               = 16
	tlvJoinerRouter        = 20
	tlvUDP                 = 48
	tlvAddress             = 49

	stateAccept = 1
)

// URIs of a commissioner's requests, and of what becomes of them in the mesh.
const (
	uriPetition        = "c/cp"
	uriKeepAlive       = "c/ca"
	uriCommissionerGet = "c/cg"
	uriActiveGet       = "c/ag"
	uriPendingGet      = "c/pg"
	uriRelayTx         = "c/tx"
	uriRelayRx         = "c/rx"
	uriProxyTx         = "c/ut"
	uriProxyRx         = "c/ur"
	uriLeaderPetition  = "c/lp"
	uriLeaderKeepAlive = "c/la"
)

// Times and limits.
const (
	keepAlive       = 50 * time.Second // kKeepAliveTimeout: of silence, until a session ends
	keyLifetime     = 2 * time.Minute
	maxKeyLifetime  = 10 * time.Minute
	minKey, maxKey  = 6, 32
	maxAttempts     = 10 // to connect with an ephemeral key (kMaxConnectionAttempts)
	maxSessions     = 8
	linger          = time.Minute // that the DTLS engine stays without a session
	anycastLeader   = 0xfc00
	anycastSessions = 0xfc30 // and the last three bits of a commissioner's session (Mle::GetCommissionerAloc)
)

// Env is what an Agent needs of its node.
type Env interface {
	Attached() bool
	PSKc() [16]byte
	MeshLocal() ip6.Network
	// Open opens a UDP port, 0: a free one. What comes there goes to Agent.Receive.
	Open(now machine.Time, port uint16) (opened uint16, err error)
	Close(port uint16)
	// SendUDP sends a datagram; src unspecified: chosen by the destination.
	SendUDP(now machine.Time, src ip6.Address, from uint16, dst ip6.Address, to uint16, payload []byte) error
	// Ask sends a confirmable management request; done is called once.
	Ask(now machine.Time, dst ip6.Address, uri string, payload []byte, done func(now machine.Time, code coap.Code, answer []byte, err error))
	// Tell sends a non-confirmable one.
	Tell(now machine.Time, dst ip6.Address, uri string, payload []byte)
	// Get answers a request for a dataset (c/ag, c/pg) or the commissioning data (c/cg), with the network key.
	Get(now machine.Time, uri string, request []byte) ([]byte, bool)
	// SetLocator gives the interface an anycast locator, or takes it away.
	SetLocator(now machine.Time, aloc16 uint16, on bool)
	// KeyEvent is told what happens with an ephemeral key.
	KeyEvent(now machine.Time, e KeyEvent)
	// KeyStateChanged is told that KeyState has changed.
	KeyStateChanged(now machine.Time)
}

// Counters count as OpenThread's otBorderAgentCounters.
type Counters struct {
	KeyActivations, KeyClears, KeyTimeouts, KeyMaxAttempts, KeyDisconnects uint32
	KeyInvalidStates, KeyInvalidArgs, KeyStartErrors                       uint32
	KeySessions, KeyFailures, KeyPetitions                                 uint32
	PSKcSessions, PSKcFailures, PSKcPetitions, ActiveGets, PendingGets     uint32
}

// Session is one of a commissioner, or of somebody who may become one.
type Session struct {
	Peer         ip6.Address
	Port         uint16
	Connected    bool
	Commissioner bool
	Age          time.Duration
}
