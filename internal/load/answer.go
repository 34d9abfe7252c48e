package load

import (
	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
)

// answerKey names an answer that was made before: all devices say the same.
type answerKey struct {
	path   lwm2m.Path
	format coap.ContentFormat
}

// content is what a device has to be read.
var content = []lwm2m.Entry{
	{Path: lwm2m.NewPath(1, 0, 0), Value: lwm2m.Int(123)},
	{Path: lwm2m.NewPath(1, 0, 1), Value: lwm2m.Int(3600)},
	{Path: lwm2m.NewPath(1, 0, 7), Value: lwm2m.Str("U")},
	{Path: lwm2m.NewPath(3, 0, 0), Value: lwm2m.Str("Heddle")},
	{Path: lwm2m.NewPath(3, 0, 1), Value: lwm2m.Str("load")},
	{Path: lwm2m.NewPath(3, 0, 2), Value: lwm2m.Str("000001")},
	{Path: lwm2m.NewPath(3, 0, 3), Value: lwm2m.Str("1.0")},
	{Path: lwm2m.NewPath(3, 0, 9), Value: lwm2m.Int(85)},
	{Path: lwm2m.NewPath(3, 0, 16), Value: lwm2m.Str("U")},
	{Path: lwm2m.NewPath(3303, 0, 5700), Value: lwm2m.Num(21.5)},
	{Path: lwm2m.NewPath(3303, 0, 5701), Value: lwm2m.Str("Cel")},
}

// below returns the entries at or under a path.
func below(dst []lwm2m.Entry, p lwm2m.Path) []lwm2m.Entry {
	for _, e := range content {
		if e.Path.HasPrefix(p) {
			dst = append(dst, e)
		}
	}
	return dst
}

// answer answers a request of the server: reads and observations of what there is, nothing else.
func (s *swarm) answer(now machine.Time, i int) {
	m := &s.in
	d := &s.devices[i]
	reply := coap.Message{Type: coap.ACK, ID: m.ID, Token: m.Token, Code: coap.MethodNotAllowed, Options: s.msg.Options[:0]}
	if m.Type == coap.NON {
		d.id++
		reply.Type, reply.ID = coap.NON, d.id
	}
	if m.Code == coap.GET {
		s.read(d, &reply)
	}
	s.msg = reply
	s.send(now, i)
}

func (s *swarm) read(d *device, reply *coap.Message) {
	m := &s.in
	path, err := lwm2m.ParsePath(m.Options.Path())
	if err != nil {
		reply.Code = coap.NotFound
		return
	}
	f, asked := m.Options.Accepts()
	if f == coap.LinkFormat && asked {
		reply.Code = coap.Content
		reply.Options = reply.Options.SetFormat(coap.LinkFormat)
		reply.Payload = []byte("</3303/0>,</3303/0/5700>,</3303/0/5701>")
		return
	}
	if !asked {
		if f = coap.TLV; path.Depth() == 3 {
			f = coap.Text
		}
	}
	key := answerKey{path, f}
	b, ok := s.answers[key]
	if !ok {
		s.entries = below(s.entries[:0], path)
		if len(s.entries) == 0 {
			reply.Code = coap.NotFound
			return
		}
		if b, err = format.Append(nil, f, path, s.entries); err != nil {
			reply.Code = coap.NotAcceptable
			return
		}
		if len(s.answers) < 1000 {
			s.answers[key] = b
		}
	}
	reply.Code, reply.Payload = coap.Content, b
	if v, ok := m.Options.GetUint(coap.Observe); ok {
		d.observed = observation{active: v == coap.ObserveRegister, token: m.Token, path: path, format: f}
		if d.observed.active {
			d.sequence++
			reply.Options = reply.Options.AddUint(coap.Observe, d.sequence)
		}
	}
	reply.Options = reply.Options.SetFormat(f)
}

// notification makes a notification of what is observed on a device in s.msg, with another value each time.
func (s *swarm) notification(i int, t coap.Type, id uint16) (err error) {
	d := &s.devices[i]
	m := &s.msg
	*m = coap.Message{Type: t, Code: coap.Content, ID: id, Token: d.observed.token, Options: m.Options[:0], Payload: m.Payload[:0]}
	m.Options = m.Options.AddUint(coap.Observe, d.sequence&coap.MaxSequence).SetFormat(d.observed.format)
	s.entries = below(s.entries[:0], d.observed.path)
	for n := range s.entries {
		if s.entries[n].Path == lwm2m.NewPath(3303, 0, 5700) {
			s.entries[n].Value = lwm2m.Num(float64(d.sequence%1000) / 10)
		}
	}
	m.Payload, err = format.Append(nil, d.observed.format, d.observed.path, s.entries)
	return err
}

// notify sends a notification that is not confirmed.
func (s *swarm) notify(now machine.Time, i int) error {
	d := &s.devices[i]
	d.id++
	d.sequence++
	if err := s.notification(i, coap.NON, d.id); err != nil {
		return err
	}
	return s.send(now, i)
}
