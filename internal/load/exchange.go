package load

import (
	"errors"
	"strconv"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
)

// startOp begins the job's operation on a device.
func (s *swarm) startOp(now machine.Time, i int) {
	d := &s.devices[i]
	d.op, d.begun, d.attempt, d.acked = s.job.op, now, 0, false
	s.job.flight++
	var err error
	if s.dtls != nil && d.session == 0 {
		if d.op == opRegister {
			if err = s.dial(now, i); err == nil {
				return // the request follows when the session stands
			}
		} else {
			err = errors.New("its DTLS session has ended")
		}
	} else {
		err = s.begunOp(now, i)
	}
	if err != nil {
		s.finish(now, i, err.Error())
	}
}

// begunOp sends the message of a device's exchange for the first time.
func (s *swarm) begunOp(now machine.Time, i int) error {
	d := &s.devices[i]
	d.id++
	d.request = d.id
	if d.op == opNotify {
		d.sequence++
	}
	return s.transmit(now, i)
}

// transmit sends the message of an exchange, again if need be, and waits for an answer.
func (s *swarm) transmit(now machine.Time, i int) error {
	d := &s.devices[i]
	if err := s.build(i); err != nil {
		return err
	}
	// RFC 7252 section 4.2: from 1 to 1.5 times the time-out, doubled each time.
	wait := ackTimeout + time.Duration(s.c.rand.Uint64()%uint64(ackTimeout/2))
	d.timer = s.timers.Set(d.timer, now.Add(wait<<d.attempt), int32(i))
	return s.send(now, i)
}

// late handles an answer that did not come.
func (s *swarm) late(now machine.Time, i int) {
	d := &s.devices[i]
	if d.op == opNone {
		return
	}
	if d.acked || d.attempt >= maxRetransmit {
		if s.job.running {
			s.job.timeouts++
		}
		s.finish(now, i, "no answer")
		return
	}
	d.attempt++
	if s.job.running {
		s.job.retransmissions++
	}
	if err := s.transmit(now, i); err != nil {
		s.finish(now, i, err.Error())
	}
}

// links are the objects that a device says it has. A version belongs to an object, not to an instance (Leshan refuses that).
const links = `</>;rt="oma.lwm2m";ct="60 110 112 11542",</1>;ver=1.1,</1/0>,</3>;ver=1.1,</3/0>,</3303>;ver=1.1,</3303/0>`

// build makes the request of an exchange in s.msg. A repetition is the same to the byte.
func (s *swarm) build(i int) error {
	d := &s.devices[i]
	m := &s.msg
	*m = coap.Message{Type: coap.CON, ID: d.request, Options: m.Options[:0],
		Token: tokenOf(i, d.request)}
	switch d.op {
	case opRegister:
		m.Code = coap.POST
		m.Options = m.Options.AppendPath("rd").SetFormat(coap.LinkFormat).AddQuery("lwm2m=1.1").
			AddQuery("ep=" + endpointName(s.c.prefix, i)).AddQuery("lt=" + strconv.Itoa(int(s.c.lifetime.Seconds())))
		m.Payload = []byte(links)
	case opUpdate:
		m.Code = coap.POST
		m.Options = m.Options.AppendPath(d.location)
	case opDeregister:
		m.Code = coap.DELETE
		m.Options = m.Options.AppendPath(d.location)
	case opNotify:
		return s.notification(i, coap.CON, d.request)
	}
	return nil
}

func tokenOf(i int, id uint16) coap.Token {
	return coap.NewToken([]byte{byte(id >> 8), byte(id), byte(i >> 8), byte(i)})
}

// message handles a CoAP message for a device.
func (s *swarm) message(now machine.Time, i int, b []byte) {
	m := &s.in
	if err := m.Decode(b); err != nil {
		s.strays++
		return
	}
	d := &s.devices[i]
	switch {
	case m.Code.IsRequest():
		s.answer(now, i)
	case m.Code.IsResponse():
		if m.Type == coap.CON {
			s.reply(now, i, coap.ACK)
		}
		if d.op != opNone && d.op != opNotify && m.Token == tokenOf(i, d.request) {
			s.response(now, i)
		}
	case m.Type == coap.CON: // ping
		s.reply(now, i, coap.RST)
	case d.op == opNone || m.ID != d.request:
		// of an exchange that is over
	case m.Type == coap.ACK && d.op == opNotify:
		s.finish(now, i, "")
	case m.Type == coap.ACK:
		d.acked = true
		d.timer = s.timers.Set(d.timer, now.Add(separateWait), int32(i))
	case m.Type == coap.RST:
		if d.op == opNotify {
			d.observed = observation{}
		}
		s.finish(now, i, "refused by a Reset")
	}
}

// reply sends an empty message with the id of the one received.
func (s *swarm) reply(now machine.Time, i int, t coap.Type) {
	s.msg = coap.Message{Type: t, ID: s.in.ID, Options: s.msg.Options[:0]}
	s.send(now, i)
}

// response handles the server's answer to a device's request.
func (s *swarm) response(now machine.Time, i int) {
	d := &s.devices[i]
	m := &s.in
	want := coap.Created
	switch d.op {
	case opUpdate:
		want = coap.Changed
	case opDeregister:
		want = coap.Deleted
	}
	if m.Code != want {
		why := m.Code.String() + " " + m.Code.Name()
		if len(m.Payload) > 0 && len(m.Payload) < 200 {
			why += " (" + string(m.Payload) + ")"
		}
		s.finish(now, i, why)
		return
	}
	switch d.op {
	case opRegister:
		d.location = m.Options.Location()
		d.observed = observation{}
	case opDeregister:
		d.location = ""
		d.observed = observation{}
		if s.dtls != nil {
			s.closeSession(now, i)
		}
	}
	s.finish(now, i, "")
}
