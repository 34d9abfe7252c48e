package thread

import (
	"crypto/subtle"
	"crypto/x509"
	"net/netip"
	"time"

	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// coapsPort is that of CoAP over DTLS (RFC 7252 section 12.7).
const coapsPort = 5684

// secureGuard is how long a session that has ended keeps its place (OpenThread's secure_transport.hpp,
// kGuardTimeNewConnectionMilli).
const secureGuard = 2 * time.Second

// CoAPSKey is what a node shows at coaps, as a client and as a server: a pre-shared key, or a certificate.
type CoAPSKey struct {
	PSK      []byte // at most 32 bytes
	Identity []byte

	Certificate *dtls.Certificate
	Roots       *x509.CertPool // authorities whose certificates a peer may show
}

// secureState is how far the one session of a secureApplication is.
type secureState uint8

const (
	secureIdle secureState = iota
	secureConnecting
	secureConnected
	secureEnding
)

// secureApplication is a CoAP endpoint over DTLS for the node's user, with one session at a time, as OpenThread's.
type secureApplication struct {
	stack    *stack.Stack
	socket   SocketID
	state    secureState
	peer     netip.AddrPort
	local    ip6.Address // that the peer knows us by; unspecified: chosen by the destination
	path     machine.Path
	session  uint64
	until    machine.Time // the end of the guard time
	verify   bool         // certificates
	limited  bool
	attempts uint16 // that are left, if limited
	err      error  // why the latest datagram did not leave
}

// SetCoAPSKey sets what the next session of coaps is secured with.
func (n *Node) SetCoAPSKey(k CoAPSKey) error {
	if len(k.PSK) > 32 || len(k.Identity) > 32 {
		return status.InvalidArgs
	}
	n.coapsKey = &k
	return nil
}

// StartCoAPS opens port 5684 with a CoAP endpoint and DTLS behind it. After so many attempts to connect, from either side, it
// takes no more; 0: no limit. Without verify, with certificates, any server's is taken and clients are not asked for one. A
// session's beginning and end are Events with *info.SecureSession.
func (n *Node) StartCoAPS(now machine.Time, cause machine.Cause, c endpoint.Config, attempts uint16, verify bool) error {
	if n.secure != nil {
		return status.Already
	}
	n.begin(now, cause)
	defer n.finish(now)
	a := &secureApplication{until: machine.Never, limited: attempts > 0, attempts: attempts, verify: verify}
	clients := dtls.MustProve
	if !verify {
		clients = dtls.NotAsked
	}
	a.stack = stack.New(stack.Config{
		Nest: n.out.Nest(), Rand: n.config.Rand, Endpoint: c,
		Secure: func(netip.AddrPort) bool { return true },
		DTLS: &dtls.Config{
			Suites: []dtls.Suite{dtls.PSKWithAES128CCM8, dtls.ECDHEECDSAWithAES128CCM8}, PSK: n.coapsPSK,
			Certificate: n.coapsCertificate, Verify: n.coapsVerify, ClientAuth: clients,
			DisableEMS: true, DisableCID: true, DisableRRC: true,
			MaxResumable: -1, MTU: 700, RetransmitInitial: 2 * time.Second, Retransmissions: 5,
			MaxSessions: 2, MaxHandshakes: 2, CipherCache: 4,
		},
	})
	id, err := n.HandleUDP(n.receiveCoAPS)
	if err != nil {
		return err
	}
	if err := n.BindUDP(id, ip6.Unspecified, coapsPort); err != nil {
		_ = n.CloseUDP(id)
		return err
	}
	a.socket, n.secure = id, a
	return nil
}

// coapsPSK says whether a client may come in: while no other session is there.
func (n *Node) coapsPSK(identity []byte) ([]byte, bool) {
	a, k := n.secure, n.coapsKey
	if k == nil || k.Certificate != nil || subtle.ConstantTimeCompare(k.Identity, identity) != 1 || a.state == secureConnected || a.state == secureEnding {
		return nil, false
	}
	return k.PSK, true
}

// coapsCertificate is coapsPSK for a client that wants a certificate.
func (n *Node) coapsCertificate(string) *dtls.Certificate {
	if k, a := n.coapsKey, n.secure; k != nil && a.state != secureConnected && a.state != secureEnding {
		return k.Certificate
	}
	return nil
}

// coapsVerify believes the authorities, whatever a certificate's name and dates are: the node knows its peer by an address,
// and has no calendar (OpenThread's secure_transport.cpp sets no host name, its mbedTLS has no clock).
func (n *Node) coapsVerify(p *dtls.Peer) (string, error) {
	if !n.secure.verify {
		return dtls.Anyone(p)
	}
	trust := dtls.Trust{AnyName: true, AnyTime: true}
	if k := n.coapsKey; k != nil {
		trust.Roots = k.Roots
	}
	return trust.Verify(p)
}

func (n *Node) receiveCoAPS(now machine.Time, d *Datagram) {
	a := n.secure
	from := netip.AddrPortFrom(d.Peer.Netip(), d.PeerPort)
	switch {
	case d.Multicast, a.state != secureIdle && from != a.peer:
		return // one at a time
	case a.state == secureIdle && !a.takes():
		return
	}
	a.peer, a.local = from, d.Local
	a.stack.Receive(now, n.cause, securePath(from), d.Payload)
	n.drainCoAPS(now)
}

// takes reports whether there is an attempt left.
func (a *secureApplication) takes() bool { return !a.limited || a.attempts > 0 }

func securePath(peer netip.AddrPort) machine.Path {
	return machine.Path{Local: netip.AddrPortFrom(netip.IPv6Unspecified(), coapsPort), Remote: peer}
}

// StopCoAPS closes the port, and with it the session.
func (n *Node) StopCoAPS(now machine.Time, cause machine.Cause) {
	if n.secure == nil {
		return
	}
	n.begin(now, cause)
	defer n.finish(now)
	a := n.secure
	if a.state == secureConnected {
		a.stack.Begin(now)
		a.stack.DTLS().Close(now, cause, a.session)
		n.drainCoAPS(now)
	}
	if a.state != secureIdle {
		n.event(0, &info.SecureSession{})
	}
	n.secure = nil
	_ = n.CloseUDP(a.socket) // it is ours
}

// ConnectCoAPS begins a session with a peer.
func (n *Node) ConnectCoAPS(now machine.Time, cause machine.Cause, to ip6.Address, port uint16) error {
	a := n.secure
	switch {
	case a == nil || a.state != secureIdle || n.coapsKey == nil:
		return status.InvalidState
	case !a.takes():
		return status.NoBufs
	}
	n.begin(now, cause)
	defer n.finish(now)
	a.peer, a.local = netip.AddrPortFrom(to.Netip(), port), ip6.Unspecified
	a.spend()
	a.stack.Begin(now)
	id, err := a.stack.DTLS().Dial(now, cause, securePath(a.peer), n.coapsClient())
	if err != nil {
		return status.Failed
	}
	a.session, a.state = id, secureConnecting
	n.drainCoAPS(now)
	return nil
}

// coapsClient is how a session begins that this node begins.
func (n *Node) coapsClient() dtls.ClientConfig {
	k := n.coapsKey
	if k.Certificate == nil {
		return dtls.ClientConfig{Identity: string(k.Identity), Key: k.PSK}
	}
	return dtls.ClientConfig{Certificate: k.Certificate, Verify: n.coapsVerify}
}

func (a *secureApplication) spend() {
	if a.limited {
		a.attempts--
	}
}

// DisconnectCoAPS ends the session. The Event that says so comes after a guard time.
func (n *Node) DisconnectCoAPS(now machine.Time, cause machine.Cause) {
	a := n.secure
	if a == nil || a.state != secureConnecting && a.state != secureConnected {
		return
	}
	n.begin(now, cause)
	defer n.finish(now)
	a.stack.Begin(now)
	a.stack.DTLS().Close(now, cause, a.session)
	n.drainCoAPS(now)
}

// CoAPSOpen, CoAPSActive and CoAPSConnected say whether the port is open, a session is there in any state, and one is
// connected.
func (n *Node) CoAPSOpen() bool { return n.secure != nil }

// CoAPSActive reports whether a session is there in any state.
func (n *Node) CoAPSActive() bool { return n.secure != nil && n.secure.state != secureIdle }

// CoAPSConnected reports whether a session is connected.
func (n *Node) CoAPSConnected() bool { return n.secure != nil && n.secure.state == secureConnected }

// CoAPS runs f with the endpoint and the path of the session, or returns InvalidState where there is none.
func (n *Node) CoAPS(now machine.Time, cause machine.Cause, f func(e *endpoint.Endpoint, session machine.Path)) error {
	if !n.CoAPSConnected() {
		return status.InvalidState
	}
	n.begin(now, cause)
	defer n.finish(now)
	a := n.secure
	a.err = nil
	a.stack.Begin(now)
	f(a.stack.Endpoint(), a.path)
	n.drainCoAPS(now)
	return a.err
}

func (n *Node) drainCoAPS(now machine.Time) {
	a := n.secure
	for {
		act, ok := a.stack.Next()
		if !ok {
			return
		}
		switch v := act.Value.(type) {
		case *dtls.Established:
			if !v.Client {
				a.spend()
			}
			a.session, a.path, a.state = v.Session, v.Path, secureConnected
			n.event(0, &info.SecureSession{Connected: true})
			continue
		case *dtls.Closed:
			n.endCoAPS(now, v.Session == a.session)
			continue
		case *dtls.Refused:
			a.spendOn(v)
			n.endCoAPS(now, a.state == secureIdle)
			continue
		}
		if act.Kind != machine.Send {
			n.out.Push(act)
			continue
		}
		to := outgoing{src: a.local, dst: ip6.FromNetip(act.Path.Remote.Addr())}
		if err := n.sendUDP(now, to, coapsPort, act.Path.Remote.Port(), act.Data); err != nil {
			a.err = err
		}
	}
}

// spendOn counts an attempt that came to nothing.
func (a *secureApplication) spendOn(*dtls.Refused) {
	if a.attempts > 0 {
		a.spend()
	}
}

// endCoAPS begins the guard time after a session, or after one that did not come to be.
func (n *Node) endCoAPS(now machine.Time, ours bool) {
	if a := n.secure; ours && a.state != secureEnding {
		a.state, a.session, a.until = secureEnding, 0, now.Add(secureGuard)
	}
}

func (n *Node) coapsDeadline() machine.Time {
	if n.secure == nil {
		return machine.Never
	}
	return min(n.secure.stack.Deadline(), n.secure.until)
}

func (n *Node) expireCoAPS(now machine.Time) {
	a := n.secure
	a.stack.Expire(now)
	n.drainCoAPS(now)
	if a.until <= now {
		a.until, a.state, a.peer = machine.Never, secureIdle, netip.AddrPort{}
		n.event(0, &info.SecureSession{})
	}
}
