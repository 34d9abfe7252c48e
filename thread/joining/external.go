package joining

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/dtls/ecjpake"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/tlv"
)

// What an external commissioner says to a border agent instead of the mesh's own requests (Thread 1.4 section 8.8).
const (
	uriAgentPetition  = "c/cp"
	uriAgentKeepAlive = "c/ca"
	uriProxyTx        = "c/ut"
	uriProxyRx        = "c/ur"
	uriActiveGet      = "c/ag"
	uriPendingGet     = "c/pg"
	uriDatasetChanged = "c/dc"

	tlvGet     = 13
	tlvUDP     = 48
	tlvAddress = 49

	managementPort = 61631
)

// Errors of an external commissioner.
var (
	ErrNotConnected = errors.New("joining: no session with a border agent: connect first")
	ErrRefused      = errors.New("joining: the border agent refused the request")
)

// ExternalEnv is what an External needs of its program.
type ExternalEnv interface {
	// SendAgent sends a datagram to the border agent.
	SendAgent(now machine.Time, datagram []byte)
	// SessionChanged says that the session with the border agent is there, or why it has ended.
	SessionChanged(now machine.Time, connected bool, reason error)
	CommissionerChanged(now machine.Time, s CommissionerState)
	JoinerEvent(now machine.Time, e JoinerEvent, id *meshcop.JoinerID)
	// DatasetChanged says that somebody else has changed the network's datasets.
	DatasetChanged(now machine.Time)
}

// External is a commissioner that is not in the mesh: it speaks with a border agent over CoAP, DTLS and EC-JPAKE, and is the
// network's Commissioner by way of it.
type External struct {
	env       ExternalEnv
	stack     *stack.Stack
	session   uint64 // 0: none
	path      machine.Path
	mesh      *endpoint.Endpoint // requests into the mesh, in the agent's UDP proxy
	meshLocal ip6.Network
	calls     map[machine.OpID]func(now machine.Time, r *endpoint.Response)
	draining  bool
	// Commissioner is what the network knows: Start it once the session is there.
	Commissioner *Commissioner
}

// NewExternal returns one that is not connected. entries is how many joiners it lets in at once.
func NewExternal(r machine.Rand, entries int, env ExternalEnv) *External {
	x := &External{env: env, calls: map[machine.OpID]func(machine.Time, *endpoint.Response){}}
	x.stack = stack.New(stack.Config{
		Rand: r, Secure: func(netip.AddrPort) bool { return true }, Endpoint: endpoint.Config{NStart: 4},
		DTLS: &dtls.Config{
			Suites: []dtls.Suite{dtls.ECJPAKEWithAES128CCM8}, DisableEMS: true, DisableCID: true, DisableRRC: true, MaxResumable: -1,
			NewPAKE: func(client bool, password []byte) dtls.PAKE { return ecjpake.New(client, password) },
			MTU:     700, RetransmitInitial: 4 * time.Second, Retransmissions: 4, MaxSessions: 2, MaxHandshakes: 2, CipherCache: 4,
		},
	})
	x.mesh = endpoint.New(endpoint.Config{Rand: r, NStart: 4})
	x.Commissioner = NewCommissioner(r, entries, (*externalCommissioner)(x))
	return x
}

// Connect begins a session: the password is the 16 bytes of the network's PSKc, or an ephemeral key's digits.
func (x *External) Connect(now machine.Time, password []byte) (err error) {
	x.do(now, func() {
		x.path = machine.Path{Local: netip.AddrPortFrom(netip.IPv6Unspecified(), 1), Remote: netip.AddrPortFrom(netip.IPv6Unspecified(), 1)}
		_, err = x.stack.DTLS().Dial(now, 0, x.path, dtls.ClientConfig{Key: password})
	})
	return err
}

// Connected reports whether there is a session.
func (x *External) Connected() bool { return x.session != 0 }

// Close ends the session, and resigns before that.
func (x *External) Close(now machine.Time) {
	if x.session == 0 {
		return
	}
	_ = x.Commissioner.Stop(now) // it may be no commissioner
	x.do(now, func() { x.stack.DTLS().Close(now, 0, x.session) })
}

// Receive takes in a datagram of the border agent.
func (x *External) Receive(now machine.Time, b []byte) {
	x.do(now, func() { x.stack.Receive(now, 0, x.path, b) })
}

// do runs an input and carries out what comes of it; within one, it is part of that.
func (x *External) do(now machine.Time, f func()) {
	if !x.draining {
		x.stack.Begin(now)
	}
	f()
	if x.draining {
		return
	}
	x.draining = true
	defer func() { x.draining = false }()
	for {
		if a, ok := x.stack.Next(); ok {
			x.action(now, a)
		} else if a, ok := x.mesh.Next(); ok {
			x.meshAction(now, a)
		} else {
			return
		}
	}
}

func (x *External) action(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *dtls.Established:
		x.session, x.path = v.Session, v.Path
		x.Ask(now, uriActiveGet, []byte{tlvGet, 1, meshcop.MeshLocalPrefix}, func(now machine.Time, answer []byte, err error) {
			if p, ok := tlv.Find(answer, meshcop.MeshLocalPrefix); ok && len(p) == 8 {
				x.meshLocal = ip6.Network(p)
				x.env.SessionChanged(now, true, nil)
			} else {
				x.Close(now)
			}
		})
	case *dtls.Closed:
		x.session = 0
		x.Commissioner.lost(now)
		x.env.SessionChanged(now, false, v.Reason)
	case *endpoint.Response:
		x.answered(now, a.Op, v)
	case *endpoint.Incoming:
		switch strings.Trim(v.Options.Path(), "/") {
		case uriRelayRx:
			x.Commissioner.RelayRx(now, v.Payload)
		case uriProxyRx:
			x.proxied(now, v.Payload)
		}
	default:
		if a.Kind == machine.Send {
			x.env.SendAgent(now, a.Data)
		}
	}
}

// meshAction wraps what goes into the mesh.
func (x *External) meshAction(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *endpoint.Response:
		x.answered(now, a.Op, v)
	case *endpoint.Incoming:
		if strings.Trim(v.Options.Path(), "/") == uriDatasetChanged {
			x.env.DatasetChanged(now)
		}
		x.mesh.Respond(now, 0, v.Exchange, &endpoint.Reply{Code: coap.Changed}, 0)
	default:
		if a.Kind != machine.Send {
			return
		}
		n := len(a.Data) + 4
		b := append(make([]byte, 0, n+24), tlvUDP, 0xff, byte(n>>8), byte(n))
		b = binary.BigEndian.AppendUint16(b, managementPort)
		b = append(binary.BigEndian.AppendUint16(b, a.Path.Remote.Port()), a.Data...)
		to := ip6.FromNetip(a.Path.Remote.Addr())
		x.tell(now, uriProxyTx, tlv.Append(b, tlvAddress, to[:]))
	}
}

// proxied takes in a datagram that came to our address in the mesh.
func (x *External) proxied(now machine.Time, b []byte) {
	udp, ok := tlv.Find(b, tlvUDP)
	from, ok2 := tlv.Find(b, tlvAddress)
	if !ok || !ok2 || len(udp) < 4 || len(from) != 16 || binary.BigEndian.Uint16(udp[2:]) != managementPort {
		return
	}
	x.mesh.Receive(now, 0, meshPath(ip6.Address(from), binary.BigEndian.Uint16(udp)), udp[4:])
}

func meshPath(to ip6.Address, port uint16) machine.Path {
	return machine.Path{Remote: netip.AddrPortFrom(to.Netip(), port)}
}

func (x *External) answered(now machine.Time, op machine.OpID, r *endpoint.Response) {
	if done := x.calls[op]; done != nil {
		delete(x.calls, op)
		done(now, r)
	}
}

// Ask asks the border agent itself. It answers c/ag and c/pg (a Get TLV, or nothing for all) and c/cg.
func (x *External) Ask(now machine.Time, uri string, payload []byte, done func(now machine.Time, answer []byte, err error)) {
	if x.session == 0 {
		done(now, nil, ErrNotConnected)
		return
	}
	x.do(now, func() {
		op := x.stack.Endpoint().Request(now, 0, x.path, &endpoint.Request{Code: coap.POST, Options: coap.Options{}.AppendPath(uri), Payload: payload})
		x.calls[op] = whenDone(done)
	})
}

// AskMesh asks a node of the mesh, once we are its commissioner.
func (x *External) AskMesh(now machine.Time, to ip6.Address, uri string, payload []byte, done func(now machine.Time, answer []byte, err error)) {
	if x.session == 0 {
		done(now, nil, ErrNotConnected)
		return
	}
	x.do(now, func() {
		op := x.mesh.Request(now, 0, meshPath(to, managementPort), &endpoint.Request{Code: coap.POST, Options: coap.Options{}.AppendPath(uri), Payload: payload})
		x.calls[op] = whenDone(done)
	})
}

// AskLeader asks the leader. For c/as, c/ps and c/cs the payload begins with the session, see Session.
func (x *External) AskLeader(now machine.Time, uri string, payload []byte, done func(now machine.Time, answer []byte, err error)) {
	x.AskMesh(now, ip6.RLOC(x.meshLocal, aloc16Leader), uri, payload, done)
}

// Dataset asks for the network's dataset, with its key.
func (x *External) Dataset(now machine.Time, pending bool, done func(now machine.Time, tlvs []byte, err error)) {
	uri := uriActiveGet
	if pending {
		uri = uriPendingGet
	}
	x.Ask(now, uri, nil, done)
}

func whenDone(done func(now machine.Time, answer []byte, err error)) func(machine.Time, *endpoint.Response) {
	return func(now machine.Time, r *endpoint.Response) {
		err := r.Err
		if err == nil && !r.Code.IsSuccess() {
			err = ErrRefused
		}
		done(now, r.Payload, err)
	}
}

func (x *External) tell(now machine.Time, uri string, payload []byte) {
	x.do(now, func() {
		x.stack.Endpoint().Request(now, 0, x.path, &endpoint.Request{Code: coap.POST, Non: true, Options: coap.Options{}.AppendPath(uri),
			Payload: payload, Timeout: 1, Single: true})
	})
}

// Deadline says when Expire wants to be called.
func (x *External) Deadline() machine.Time {
	return min(x.stack.Deadline(), x.mesh.Deadline(), x.Commissioner.Deadline())
}

// Expire fires what is due.
func (x *External) Expire(now machine.Time) {
	x.do(now, func() {
		x.stack.Expire(now)
		x.mesh.Expire(now)
		x.Commissioner.Expire(now)
	})
}

// externalCommissioner is an External as CommissionerEnv: the requests of a commissioner in the mesh, in the words of one that
// is not.
type externalCommissioner External

func (e *externalCommissioner) Attached() bool         { return e.session != 0 }
func (e *externalCommissioner) MeshLocal() ip6.Network { return e.meshLocal }

// CommissionerChanged implements CommissionerEnv.
func (e *externalCommissioner) CommissionerChanged(now machine.Time, s CommissionerState) {
	e.env.CommissionerChanged(now, s)
}

// JoinerEvent implements CommissionerEnv.
func (e *externalCommissioner) JoinerEvent(now machine.Time, what JoinerEvent, id *meshcop.JoinerID) {
	e.env.JoinerEvent(now, what, id)
}

// Post implements Poster.
func (e *externalCommissioner) Post(now machine.Time, to ip6.Address, path string, payload []byte, _ bool,
	done func(now machine.Time, answer []byte, err error)) {
	x := (*External)(e)
	if done == nil {
		done = func(machine.Time, []byte, error) {}
	}
	switch path {
	case uriPetition:
		x.Ask(now, uriAgentPetition, payload, done)
	case uriKeepAlive:
		x.Ask(now, uriAgentKeepAlive, payload, done)
	case uriRelayTx:
		x.tell(now, uriRelayTx, payload)
	default:
		x.AskMesh(now, to, path, payload, done)
	}
}
