package server

import (
	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// admit decides whether a Register on this path may be that endpoint, and under which name. An endpoint that has
// credentials is nobody without them, and an identity speaks for its own endpoint only.
func (s *Server) admit(path machine.Path, q *query) (name string, code coap.Code, why string) {
	if path.Security == nil {
		return s.admitPlain(q)
	}
	return s.admitSecure(path.Security, q)
}

func (s *Server) admitPlain(q *query) (name string, code coap.Code, why string) {
	if !q.hasEP {
		return "", coap.BadRequest, "ep is missing"
	}
	name = string(q.ep)
	if c, ok := s.credential(name); ok {
		if c.Mode != machine.NoSecurity {
			return "", coap.Forbidden, "this endpoint has credentials and must use them"
		}
		return name, 0, ""
	}
	if s.config.Unknown != AcceptUnknown {
		return "", coap.Forbidden, "unknown endpoint: add its credentials"
	}
	return name, 0, ""
}

func (s *Server) admitSecure(id *machine.Identity, q *query) (name string, code coap.Code, why string) {
	if s.config.Credentials == nil {
		return "", coap.Forbidden, "unknown identity: add its credentials"
	}
	c, ok := s.config.Credentials.ByIdentity([]byte(id.Name))
	if !ok && s.certified(id.Kind) {
		c, ok = Credential{Endpoint: id.Name, Identity: id.Name, Mode: machine.X509}, true
	}
	if !ok || c.Mode != id.Kind {
		return "", coap.Forbidden, "unknown identity: add its credentials"
	}
	// Without ep, the endpoint is the one that the identity belongs to (section 6.2.1).
	name = c.Endpoint
	switch {
	case q.hasEP && name == "":
		name = string(q.ep)
	case q.hasEP && name != string(q.ep):
		return "", coap.Forbidden, "this identity belongs to another endpoint"
	case name == "":
		name = id.Name
	}
	if !validEndpoint([]byte(name), s.config.Limits.Endpoint) {
		return "", coap.BadRequest, "ep is missing and the identity is no endpoint name"
	}
	if own, ok := s.credential(name); ok && (own.Identity != id.Name || own.Mode != id.Kind) {
		return "", coap.Forbidden, "this endpoint has another identity"
	}
	return name, 0, ""
}

func (s *Server) credential(ep string) (Credential, bool) {
	if s.config.Credentials == nil {
		return Credential{}, false
	}
	return s.config.Credentials.ByEndpoint(ep)
}

// allowed reports whether a registration would still be admitted as it is.
func (s *Server) allowed(reg *Registration) bool {
	q := query{ep: []byte(reg.Endpoint), hasEP: true}
	_, code, _ := s.admit(reg.Path, &q)
	return code == 0
}

// CredentialChanged says that the credentials old were changed, removed or, where they did not exist before, added.
// Sessions of an identity that has another key now are ended, and so is the endpoint's registration if it would not be
// admitted any more. Give many at a time: it walks over all sessions once.
func (s *Server) CredentialChanged(now machine.Time, cause machine.Cause, old ...Credential) {
	s.begin(now, cause)
	if d := s.stack.DTLS(); d != nil {
		var gone []string
		for _, c := range old {
			if c.Identity != "" && !s.unchanged(c) {
				gone = append(gone, c.Identity)
			}
		}
		if len(gone) > 0 {
			d.Invalidate(now, cause, gone...)
			s.pump() // its commits come before ours
		}
	}
	for _, c := range old {
		if n, e := s.table.find(c.Endpoint); e != nil && !s.allowed(e.reg) {
			s.end(n, e, NotAllowed)
		}
	}
	s.finish()
}

func (s *Server) unchanged(old Credential) bool {
	if s.config.Credentials == nil {
		return false
	}
	c, ok := s.config.Credentials.ByIdentity([]byte(old.Identity))
	return ok && c.Mode == old.Mode && c.Endpoint == old.Endpoint && string(c.Key) == string(old.Key)
}

// turnAway answers a request with an error and tells the operator.
func (s *Server) turnAway(path machine.Path, in *endpoint.Incoming, code coap.Code, why string) {
	s.respond(in, code, why)
	ep := lwm2m.Clean(s.query.ep, logged)
	identity := ""
	if path.Security != nil {
		identity = lwm2m.Clean([]byte(path.Security.Name), logged)
	}
	s.refuse(path, ep, identity, code, why)
}

func (s *Server) refuse(path machine.Path, ep, identity string, code coap.Code, why string) {
	s.stats.Refused++
	s.emit(path, &Refused{Endpoint: ep, Identity: lwm2m.Clean([]byte(identity), logged), Path: path, Code: code, Why: why, At: s.now})
}

// respond answers with a code that promises nothing. why goes along as diagnostic payload (RFC 7252 section 5.5.2).
func (s *Server) respond(in *endpoint.Incoming, code coap.Code, why string) {
	s.reply = endpoint.Reply{Code: code, Payload: append(s.scratch[:0], why...)}
	s.ep.Respond(s.now, s.cause, in.Exchange, &s.reply, 0)
}
