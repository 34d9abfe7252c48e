package load

import (
	"heddle.example/dtls"
	"heddle.example/machine"
)

// dial begins the handshake of a device. Its identity is its endpoint name.
func (s *swarm) dial(now machine.Time, i int) error {
	session, err := s.dtls.Dial(now, 0, s.c.paths.of(i), dtls.ClientConfig{
		Identity: endpointName(s.c.prefix, i), Key: s.c.key(i), Suites: []dtls.Suite{dtls.PSKWithAES128CCM8},
	})
	if err != nil {
		return err
	}
	s.sessions[session] = int32(i)
	s.devices[i].session = session
	s.pump(now)
	return nil
}

// pump carries the engine's actions outwards and handles its events.
func (s *swarm) pump(now machine.Time) {
	if s.pumping {
		return // what an event sets off is drained by the loop that handles the event
	}
	s.pumping = true
	defer func() { s.pumping = false }()
	for {
		a, ok := s.dtls.Next()
		if !ok {
			return
		}
		if a.Kind != machine.Event {
			s.out.Push(a)
			continue
		}
		switch e := a.Value.(type) {
		case *dtls.Established:
			if i, ok := s.sessions[e.Session]; ok {
				if err := s.begunOp(now, int(i)); err != nil {
					s.finish(now, int(i), err.Error())
				}
			}
		case *dtls.Received:
			if i, ok := s.sessions[e.Path.Security.Session]; ok {
				s.message(now, int(i), e.Data)
			}
		case *dtls.Closed:
			if i, ok := s.sessions[e.Session]; ok {
				s.lost(now, int(i), e)
			}
		}
	}
}

// lost handles the end of a session. While a device deregisters it is expected.
func (s *swarm) lost(now machine.Time, i int, e *dtls.Closed) {
	d := &s.devices[i]
	delete(s.sessions, e.Session)
	if d.session != e.Session {
		return
	}
	d.session = 0
	d.observed = observation{}
	if d.op == opNone {
		return
	}
	why := "the DTLS session ended"
	if e.Reason != nil {
		why = e.Reason.Error()
	}
	s.finish(now, i, why)
}

func (s *swarm) closeSession(now machine.Time, i int) {
	d := &s.devices[i]
	session := d.session
	d.session = 0
	delete(s.sessions, session)
	s.dtls.Close(now, 0, session)
	s.pump(now)
}
