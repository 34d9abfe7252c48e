package server

import (
	"errors"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
)

// Objects whose values are keys: nobody is to see them, whoever sends them.
const (
	securityObject = 0
	oscoreObject   = 21
)

// received answers POST /dp, a Send (LwM2M 1.1 section 6.4.5): 2.04 promises that the values are kept, where there is a
// history. They belong to the registration that was made with the same identity, or from the same plain address.
func (s *Server) received(path machine.Path, in *endpoint.Incoming) {
	n, e := s.sender(path)
	if e == nil {
		s.respond(in, coap.NotFound, "not registered") // the device registers, and sends again
		return
	}
	if s.postpone(path, in) {
		return
	}
	switch in.Format {
	case coap.SenMLJSON, coap.SenMLCBOR, coap.ETCHJSON, coap.ETCHCBOR, coap.LwM2MCBOR:
	default:
		s.refuseUpdate(e, path, in, coap.UnsupportedContentFormat, "a Send is in SenML JSON or SenML CBOR")
		return
	}
	entries, err := s.decode(e, lwm2m.Root, in.Format, in.HasFormat, in.Payload)
	if err == nil {
		if entries = sentValues(entries); len(entries) == 0 {
			err = errNothingSent
		}
	}
	if err != nil {
		s.stats.Unreadable++
		code := coap.BadRequest
		if errors.Is(err, format.ErrTooMany) {
			code = coap.RequestEntityTooLarge
		}
		s.refuseUpdate(e, path, in, code, err.Error())
		return
	}
	var seq machine.Seq
	if r, ok := s.historyRecord(e.reg.Endpoint, entries); ok && s.config.History {
		if s.failed != nil {
			s.refuseUpdate(e, path, in, coap.ServiceUnavailable, "the store has failed")
			return
		}
		seq = s.promise(path.Security, r)
	}
	s.stats.Sends++
	s.ep.Respond(s.now, s.cause, in.Exchange, &endpoint.Reply{Code: coap.Changed, Remember: true}, seq)
	s.emit(path, &Sent{Registration: e.reg, Entries: entries, Format: in.Format, Payload: append([]byte(nil), in.Payload...), At: s.now})
	s.observeAgain(n, e)
	s.heard(n, e)
}

var errNothingSent = errors.New("there are no values")

// sender finds the registration that a Send belongs to. A device that has shaken hands anew and not updated yet is known
// by the endpoint of its credentials.
func (s *Server) sender(path machine.Path) (slot, *entry) {
	if path.Security == nil {
		if n := s.table.ofPeer(path); n != 0 {
			return n, s.table.at(n)
		}
		return 0, nil
	}
	if n := s.table.ofSession(path.Security.Session); n != 0 {
		return n, s.table.at(n)
	}
	if s.config.Credentials == nil {
		return 0, nil
	}
	c, ok := s.config.Credentials.ByIdentity([]byte(path.Security.Name))
	if !ok || c.Endpoint == "" {
		return 0, nil
	}
	n, e := s.table.find(c.Endpoint)
	if e == nil || !e.reg.sameOwner(path) {
		return 0, nil
	}
	return n, e
}

// sentValues leaves out what is empty and what is a key.
func sentValues(entries []lwm2m.Entry) []lwm2m.Entry {
	keep := entries[:0]
	for _, e := range entries {
		if o := e.Path.Object(); !e.Value.IsNone() && o != securityObject && o != oscoreObject {
			keep = append(keep, e)
		}
	}
	return keep
}
