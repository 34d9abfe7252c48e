package borderagent

import (
	"net/netip"
	"slices"
	"time"

	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/dtls/ecjpake"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// Agent is the Border Agent. It listens while its node is attached; what it costs more than that is there only while
// somebody talks to it.
type Agent struct {
	Counters Counters

	env      Env
	rand     machine.Rand
	nest     *machine.Nest
	disabled bool
	port     uint16 // 0: it does not listen
	key      ephemeral

	stack    *stack.Stack // nil: nobody has talked to us lately
	until    machine.Time // then the stack goes, if there is no session
	draining bool
	local    ip6.Address // that the datagram came to which is being handled
	sessions []*session
}

// session is a secure session with a commissioner.
type session struct {
	number       uint64
	path         machine.Path
	local        ip6.Address // that the commissioner knows us by
	since        machine.Time
	until        machine.Time // it ends without a sign of life
	commissioner bool
	aloc16       uint16 // of its address in the mesh, if it is the commissioner
	ephemeral    bool
}

// New returns an agent that is enabled, as OpenThread's. nest is the node's.
func New(r machine.Rand, nest *machine.Nest, env Env) *Agent {
	a := &Agent{env: env, rand: r, nest: nest, until: machine.Never}
	a.key.until = machine.Never
	return a
}

// Enabled reports whether the agent may listen, Running whether it does.
func (a *Agent) Enabled() bool { return !a.disabled }

// Running reports whether the agent listens.
func (a *Agent) Running() bool { return a.port != 0 }

// Port returns the UDP port that it listens on, 0: none.
func (a *Agent) Port() uint16 { return a.port }

// SetEnabled says whether it may listen.
func (a *Agent) SetEnabled(now machine.Time, on bool) {
	a.disabled = !on
	a.RoleChanged(now)
}

// RoleChanged listens while the node is attached.
func (a *Agent) RoleChanged(now machine.Time) {
	switch run := !a.disabled && a.env.Attached(); {
	case run && a.port == 0:
		if port, err := a.env.Open(now, 0); err == nil {
			a.port = port
		}
	case !run && a.port != 0:
		a.shut(now, a.port)
		a.port = 0
	}
}

// shut closes a port and the sessions there.
func (a *Agent) shut(now machine.Time, port uint16) {
	for _, s := range slices.Clone(a.sessions) {
		if s.path.Local.Port() == port {
			a.drop(now, s)
		}
	}
	a.env.Close(port)
}

// drop ends a session from our side.
func (a *Agent) drop(now machine.Time, s *session) {
	a.do(now, func() { a.stack.DTLS().Close(now, 0, s.number) })
}

// Sessions returns who is connected.
func (a *Agent) Sessions(now machine.Time) []Session {
	var list []Session
	for _, s := range a.sessions {
		if !s.ephemeral {
			list = append(list, Session{Peer: ip6.FromNetip(s.path.Remote.Addr()), Port: s.path.Remote.Port(), Connected: true,
				Commissioner: s.commissioner, Age: now.Sub(s.since)})
		}
	}
	return list
}

// make makes the stack when somebody talks to us.
func (a *Agent) make() {
	a.stack = stack.New(stack.Config{
		Nest: a.nest, Rand: a.rand, Secure: func(netip.AddrPort) bool { return true },
		Endpoint: endpoint.Config{NStart: 8, MaxPeers: 2 * maxSessions, MaxCalls: 64},
		DTLS: &dtls.Config{
			Suites: []dtls.Suite{dtls.ECJPAKEWithAES128CCM8}, DisableEMS: true, DisableCID: true, DisableRRC: true, MaxResumable: -1,
			JPAKE: a.password, NewPAKE: func(client bool, password []byte) dtls.PAKE { return ecjpake.New(client, password) },
			MTU:               700, // the records of OpenThread's mbedTLS hold 768 bytes
			RetransmitInitial: 4 * time.Second, Retransmissions: 4,
			MaxSessions: maxSessions, MaxHandshakes: 4, CipherCache: 2 * maxSessions,
		},
	})
}

// password is what a commissioner has to know, which depends on the port that it came to.
func (a *Agent) password(path machine.Path) ([]byte, bool) {
	switch port := path.Local.Port(); {
	case port == a.port:
		k := a.env.PSKc()
		return k[:], k != [16]byte{} // no PSKc is no password
	case a.key.started && port == a.key.port:
		return a.key.attempt()
	}
	return nil, false
}

func path(port uint16, peer ip6.Address, from uint16) machine.Path {
	return machine.Path{Local: netip.AddrPortFrom(netip.IPv6Unspecified(), port), Remote: netip.AddrPortFrom(peer.Netip(), from)}
}

// Receive takes in a datagram to a port that Env.Open has opened.
func (a *Agent) Receive(now machine.Time, local ip6.Address, port uint16, peer ip6.Address, from uint16, b []byte) {
	if a.stack == nil {
		a.make()
	}
	a.until, a.local = now.Add(linger), local
	a.do(now, func() { a.stack.Receive(now, 0, path(port, peer, from), b) })
	a.local = ip6.Unspecified
}

// do runs an input of the stack and carries out what comes of it. Within one, it is part of that.
func (a *Agent) do(now machine.Time, f func()) {
	if a.stack == nil {
		return
	}
	if !a.draining {
		a.stack.Begin(now)
	}
	f()
	if a.draining {
		return
	}
	a.draining = true
	defer func() { a.draining = false }()
	for {
		act, ok := a.stack.Next()
		if !ok {
			return
		}
		switch v := act.Value.(type) {
		case *dtls.Established:
			a.established(now, v)
		case *dtls.Closed:
			a.closed(now, v)
		case *dtls.Refused:
			a.refused(now, v)
		case *endpoint.Incoming:
			if s := a.session(act.Path); s != nil {
				a.request(now, s, v)
			}
		default:
			if act.Kind == machine.Send {
				_ = a.env.SendUDP(now, a.localFor(act.Path), act.Path.Local.Port(), ip6.FromNetip(act.Path.Remote.Addr()), act.Path.Remote.Port(), act.Data)
			}
		}
	}
}

// localFor is the address that a peer knows us by.
func (a *Agent) localFor(p machine.Path) ip6.Address {
	for _, s := range a.sessions {
		if s.path.Remote == p.Remote && s.path.Local == p.Local {
			return s.local
		}
	}
	return a.local
}

func (a *Agent) session(p machine.Path) *session {
	for _, s := range a.sessions {
		if p.Security != nil && s.number == p.Security.Session {
			return s
		}
	}
	return nil
}

func (a *Agent) established(now machine.Time, v *dtls.Established) {
	s := &session{number: v.Session, path: v.Path, local: a.local, since: now, until: now.Add(keepAlive), ephemeral: v.Path.Local.Port() != a.port}
	a.sessions = append(a.sessions, s)
	if s.ephemeral {
		a.keyUsed(now)
	} else {
		a.Counters.PSKcSessions++
	}
}

func (a *Agent) closed(now machine.Time, v *dtls.Closed) {
	i := slices.IndexFunc(a.sessions, func(s *session) bool { return s.number == v.Session })
	if i < 0 {
		return
	}
	s := a.sessions[i]
	a.sessions = slices.Delete(a.sessions, i, i+1)
	a.resign(now, s)
	a.until = now.Add(linger)
	if s.ephemeral {
		a.keyEnded(now, v.Reason, s.until <= now)
	}
}

// refused counts a handshake that came to nothing.
func (a *Agent) refused(now machine.Time, v *dtls.Refused) {
	if v.Path.Local.Port() == a.port {
		a.Counters.PSKcFailures++
		return
	}
	a.Counters.KeyFailures++
	a.keyMissed(now)
}

// Deadline says when Expire wants to be called.
func (a *Agent) Deadline() machine.Time {
	d := min(a.key.until, a.until)
	if a.stack != nil {
		d = min(d, a.stack.Deadline())
	}
	for _, s := range a.sessions {
		d = min(d, s.until)
	}
	return d
}

// Expire fires what is due.
func (a *Agent) Expire(now machine.Time) {
	a.do(now, func() { a.stack.Expire(now) })
	for _, s := range slices.Clone(a.sessions) {
		if s.until <= now {
			a.drop(now, s)
		}
	}
	if a.key.until <= now {
		a.stopKey(now, keyTimedOut)
	}
	if a.until <= now {
		if a.until = machine.Never; len(a.sessions) > 0 {
			a.until = now.Add(linger)
		} else {
			a.stack = nil
		}
	}
}
