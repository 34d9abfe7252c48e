package borderagent

import (
	"encoding/binary"
	"slices"
	"strings"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/tlv"
)

// request handles what a commissioner asks.
func (a *Agent) request(now machine.Time, s *session, r *endpoint.Incoming) {
	switch uri := strings.Trim(r.Options.Path(), "/"); uri {
	case uriPetition:
		a.forward(now, s, r, uriLeaderPetition)
	case uriKeepAlive:
		if s.commissioner {
			s.until = now.Add(keepAlive)
			a.forward(now, s, r, uriLeaderKeepAlive)
			if s.ephemeral {
				a.env.KeyEvent(now, KeyKeptAlive)
			}
		}
	case uriRelayTx:
		if router, ok := tlv.Uint16(r.Payload, tlvJoinerRouter); ok && !r.Confirmable {
			a.env.Tell(now, ip6.RLOC(a.env.MeshLocal(), router), uriRelayTx, r.Payload)
		}
	case uriActiveGet, uriPendingGet, uriCommissionerGet:
		a.get(now, s, r, uri)
	case uriProxyTx:
		a.proxyTx(now, s, r.Payload)
	default:
		a.answer(now, r.Exchange, coap.NotFound, nil)
	}
}

func (a *Agent) answer(now machine.Time, x endpoint.Exchange, code coap.Code, payload []byte) {
	a.do(now, func() { a.stack.Endpoint().Respond(now, 0, x, &endpoint.Reply{Code: code, Payload: payload}, 0) })
}

// forward asks the leader what a commissioner asks us. The answer comes later, in a message of its own.
func (a *Agent) forward(now machine.Time, s *session, r *endpoint.Incoming, uri string) {
	x := r.Exchange
	a.do(now, func() { a.stack.Endpoint().AckNow(now, x) })
	a.env.Ask(now, ip6.RLOC(a.env.MeshLocal(), anycastLeader), uri, r.Payload, func(now machine.Time, code coap.Code, answer []byte, err error) {
		if !slices.Contains(a.sessions, s) {
			return
		}
		if err != nil {
			a.answer(now, x, coap.InternalServerError, nil)
			return
		}
		if uri == uriLeaderPetition && code == coap.Changed {
			a.petitioned(now, s, answer)
		}
		a.answer(now, x, code, answer)
	})
}

// petitioned gives the commissioner its address in the mesh when the leader has accepted it.
func (a *Agent) petitioned(now machine.Time, s *session, answer []byte) {
	id, ok := tlv.Uint16(answer, tlvCommissionerSession)
	if state, _ := tlv.Uint8(answer, tlvState); state != stateAccept || !ok {
		return
	}
	a.resign(now, s)
	s.commissioner, s.aloc16 = true, anycastSessions|id&7
	a.env.SetLocator(now, s.aloc16, true)
	if s.ephemeral {
		a.keyPetitioned(now)
	} else {
		a.Counters.PSKcPetitions++
	}
}

// resign takes a commissioner's address away.
func (a *Agent) resign(now machine.Time, s *session) {
	if s.commissioner {
		s.commissioner = false
		a.env.SetLocator(now, s.aloc16, false)
	}
}

// get answers a request for a dataset from what we have.
func (a *Agent) get(now machine.Time, s *session, r *endpoint.Incoming, uri string) {
	answer, ok := a.env.Get(now, uri, r.Payload)
	if !ok {
		a.answer(now, r.Exchange, coap.BadRequest, nil)
		return
	}
	a.answer(now, r.Exchange, coap.Changed, answer)
	switch uri {
	case uriActiveGet:
		if a.Counters.ActiveGets++; s.ephemeral {
			a.env.KeyEvent(now, KeyActiveRead)
		}
	case uriPendingGet:
		if a.Counters.PendingGets++; s.ephemeral {
			a.env.KeyEvent(now, KeyPendingRead)
		}
	}
}

// proxyTx sends a commissioner's datagram into the mesh, from its address there.
func (a *Agent) proxyTx(now machine.Time, s *session, b []byte) {
	udp, ok := tlv.Find(b, tlvUDP)
	to, ok2 := tlv.Find(b, tlvAddress)
	if !ok || !ok2 || len(udp) < 4 || len(to) != 16 || !s.commissioner {
		return
	}
	from, port := binary.BigEndian.Uint16(udp), binary.BigEndian.Uint16(udp[2:])
	if from != 0 && port != 0 {
		_ = a.env.SendUDP(now, a.address(s), from, ip6.Address(to), port, udp[4:]) // whoever sends it knows when to repeat it
	}
}

// commissioner returns the session of the active one.
func (a *Agent) commissioner() *session {
	for _, s := range a.sessions {
		if s.commissioner {
			return s
		}
	}
	return nil
}

// tell sends a commissioner a request that needs no answer.
func (a *Agent) tell(now machine.Time, s *session, uri string, payload []byte) {
	a.do(now, func() {
		a.stack.Endpoint().Request(now, 0, s.path, &endpoint.Request{Code: coap.POST, Non: true, Options: coap.Options{}.AppendPath(uri),
			Payload: payload, Timeout: 1, Single: true})
	})
}

// RelayRx takes in what a joiner router relays, and reports whether there is a commissioner for it.
func (a *Agent) RelayRx(now machine.Time, b []byte) bool {
	s := a.commissioner()
	if s != nil {
		a.tell(now, s, uriRelayRx, b)
	}
	return s != nil
}

// address returns a commissioner's address in the mesh, whose prefix may change.
func (a *Agent) address(s *session) ip6.Address { return ip6.RLOC(a.env.MeshLocal(), s.aloc16) }

// Takes reports whether an address is one that a commissioner has of us.
func (a *Agent) Takes(dst ip6.Address) bool {
	s := a.commissioner()
	return s != nil && a.address(s) == dst
}

// ProxyRx hands a commissioner a datagram that came to its address in the mesh.
func (a *Agent) ProxyRx(now machine.Time, peer ip6.Address, from, port uint16, payload []byte) {
	s := a.commissioner()
	if s == nil {
		return
	}
	b := append(make([]byte, 0, len(payload)+28), tlvUDP, 0xff, byte((len(payload)+4)>>8), byte(len(payload)+4))
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, from), port)
	b = tlv.Append(append(b, payload...), tlvAddress, peer[:])
	a.tell(now, s, uriProxyRx, b)
}

// Evict has the leader dismiss the active commissioner, whoever that is; session is what the network data says of it.
func (a *Agent) Evict(now machine.Time, session uint16) {
	b := binary.BigEndian.AppendUint16([]byte{tlvState, 1, 0xff, tlvCommissionerSession, 2}, session)
	a.env.Ask(now, ip6.RLOC(a.env.MeshLocal(), anycastLeader), uriLeaderKeepAlive, b, func(machine.Time, coap.Code, []byte, error) {})
}
