package server

import (
	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
)

// wellKnown is what this server says about itself (RFC 6690 section 4).
const wellKnown = `</rd>;rt="core.rd"`

// incoming takes in a request of a peer.
func (s *Server) incoming(path machine.Path, in *endpoint.Incoming) {
	s.query.ep = nil
	var segments [3][]byte
	n := 0
	for i := range in.Options {
		if in.Options[i].Number == coap.URIPath {
			if n < len(segments) {
				segments[n] = in.Options[i].Value
			}
			n++
		}
	}
	switch {
	case n == 2 && string(segments[0]) == "rd":
		switch in.Code {
		case coap.POST:
			s.update(path, in, segments[1])
		case coap.DELETE:
			s.deregister(path, in, segments[1])
		default:
			s.respond(in, coap.MethodNotAllowed, "")
		}
	case n == 1 && string(segments[0]) == "rd":
		if in.Code == coap.POST {
			s.register(path, in)
		} else {
			s.respond(in, coap.MethodNotAllowed, "")
		}
	case n == 1 && string(segments[0]) == "dp":
		if in.Code == coap.POST {
			s.received(path, in)
		} else {
			s.respond(in, coap.MethodNotAllowed, "")
		}
	case n == 2 && string(segments[0]) == ".well-known" && string(segments[1]) == "core":
		if in.Code == coap.GET {
			s.discovered(in)
		} else {
			s.respond(in, coap.MethodNotAllowed, "")
		}
	case n >= 2 && s.config.Files != "" && string(segments[0]) == s.config.Files:
		s.file(path, in)
	default:
		s.respond(in, coap.NotFound, "")
	}
}

func (s *Server) discovered(in *endpoint.Incoming) {
	s.reply = endpoint.Reply{Code: coap.Content, Options: wellKnownOptions, Payload: append(s.scratch[:0], wellKnown...)}
	s.ep.Respond(s.now, s.cause, in.Exchange, &s.reply, 0)
}

var wellKnownOptions = coap.Options{{Number: coap.ContentFormatOption, Value: []byte{byte(coap.LinkFormat)}}}
