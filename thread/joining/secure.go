package joining

import (
	"net/netip"
	"time"

	"heddle.example/coap"
	"heddle.example/dtls"
	"heddle.example/dtls/ecjpake"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// secure is one CoAP session over DTLS with a password.
type secure struct {
	engine  *dtls.Engine
	path    machine.Path
	session uint64
	out     func(now machine.Time, datagram []byte)
	up      func(now machine.Time, keyHash [32]byte)
	down    func(now machine.Time, reason error)
	message func(now machine.Time, m *coap.Message)
	id      uint16
	busy    bool
}

// newSecure makes a session's end. password is asked for by a server; a client dials with its own.
func newSecure(r machine.Rand, password func() []byte) (*secure, error) {
	c := dtls.Config{
		Rand: r, Suites: []dtls.Suite{dtls.ECJPAKEWithAES128CCM8}, DisableEMS: true, DisableCID: true, MaxResumable: -1,
		NewPAKE: func(client bool, password []byte) dtls.PAKE { return ecjpake.New(client, password) },
		MTU:     700, // the records of OpenThread's mbedTLS hold 768 bytes
		// mbedTLS waits 8 s before it repeats a flight; so do we, for the mesh is slow.
		RetransmitInitial: 4 * time.Second, Retransmissions: 4, MaxSessions: 4, MaxHandshakes: 2, CipherCache: 4,
	}
	if password != nil {
		c.JPAKE = func(machine.Path) ([]byte, bool) { p := password(); return p, len(p) > 0 }
	}
	e, err := dtls.New(c)
	if err != nil {
		return nil, err
	}
	return &secure{engine: e, id: uint16(r.Uint64())}, nil
}

// aim sets who is at the far end.
func (s *secure) aim(peer ip6.Address, port uint16) {
	s.path = machine.Path{Local: netip.AddrPortFrom(netip.IPv6Unspecified(), Port), Remote: netip.AddrPortFrom(peer.Netip(), port)}
}

func (s *secure) dial(now machine.Time, password []byte) error {
	_, err := s.engine.Dial(now, 0, s.path, dtls.ClientConfig{Key: password})
	s.drain(now)
	return err
}

func (s *secure) receive(now machine.Time, b []byte) {
	s.engine.Receive(now, 0, s.path, b)
	s.drain(now)
}

func (s *secure) close(now machine.Time) {
	if s.session != 0 {
		s.engine.Close(now, 0, s.session)
		s.drain(now)
	}
}

// send sends a CoAP message.
func (s *secure) send(now machine.Time, m *coap.Message) {
	b, err := m.Append(nil)
	if err == nil && s.session != 0 {
		_ = s.engine.Write(now, 0, s.session, b, 0) // a session that ended says so itself
		s.drain(now)
	}
}

// answer sends a response at once, also from within an event: it is the one datagram that must leave now.
func (s *secure) answer(now machine.Time, m *coap.Message) {
	busy := s.busy
	s.busy = false
	s.send(now, m)
	s.busy = busy
}

// post sends a confirmable request.
func (s *secure) post(now machine.Time, path string, payload []byte) (again *coap.Message) {
	s.id++
	m := &coap.Message{Type: coap.CON, Code: coap.POST, ID: s.id, Token: coap.NewToken([]byte{byte(s.id), byte(s.id >> 8)}),
		Options: coap.Options{}.AppendPath(path), Payload: payload}
	s.send(now, m)
	return m
}

// drain carries out what the engine wants. What its events lead to may be inputs of it again.
func (s *secure) drain(now machine.Time) {
	if s.busy {
		return
	}
	s.busy = true
	defer func() { s.busy = false }()
	for {
		a, ok := s.engine.Next()
		if !ok {
			return
		}
		if a.Kind == machine.Send {
			s.out(now, a.Data)
			continue
		}
		switch v := a.Value.(type) {
		case *dtls.Established:
			s.session = v.Session
			s.up(now, v.KeyHash)
		case *dtls.Received:
			var m coap.Message
			if m.Decode(v.Data) == nil {
				s.message(now, &m)
			}
		case *dtls.Closed:
			s.session = 0
			s.down(now, v.Reason)
		case *dtls.Refused:
			s.down(now, v.Reason)
		}
	}
}

func (s *secure) deadline() machine.Time {
	if s == nil {
		return machine.Never
	}
	return s.engine.Deadline()
}

func (s *secure) expire(now machine.Time) {
	if s != nil && s.engine.Deadline() <= now {
		s.engine.Expire(now)
		s.drain(now)
	}
}
