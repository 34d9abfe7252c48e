package bootstrap

import (
	"strconv"
	"strings"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// incoming takes in a request of a peer. There is one that it may make: POST /bs?ep=NAME&pct=FORMAT (section 6.1.7.1).
func (s *Server) incoming(path machine.Path, in *endpoint.Incoming) {
	n, name := 0, ""
	for segment := range in.Options.PathSegments() {
		n++
		name = string(segment)
	}
	switch {
	case n != 1 || name != "bs":
		s.respond(in.Exchange, coap.NotFound, "")
	case in.Code != coap.POST:
		s.respond(in.Exchange, coap.MethodNotAllowed, "")
	default:
		s.request(path, in)
	}
}

// request takes in a Bootstrap-Request and asks what the device is given. It is answered by Answer.
func (s *Server) request(path machine.Path, in *endpoint.Incoming) {
	s.stats.Requests++
	q, why := s.parse(in.Options)
	if why == "" && q.Endpoint == "" && path.Security == nil {
		why = "ep is missing"
	}
	if why != "" {
		s.respond(in.Exchange, coap.BadRequest, why)
		s.refuse(path, q.Endpoint, identity(path), coap.BadRequest, why)
		return
	}
	if len(s.byAsk)+len(s.byID) >= s.config.Limits.Sessions {
		s.respond(in.Exchange, coap.InternalServerError, "too many devices at once")
		s.refuse(path, q.Endpoint, identity(path), coap.InternalServerError, "too many devices at once")
		return
	}
	s.lastAsk++
	q.Path = path
	x := &session{ask: s.lastAsk, question: q, exchange: in.Exchange, path: path, cause: s.cause, began: s.now, uri: "/bs" + queryText(in.Options)}
	s.byAsk[x.ask] = x
	x.timer = s.timers.Set(0, s.now.Add(s.config.QuestionTimeout), x)
	given := q
	s.out.Push(machine.Action{Kind: machine.Ask, Op: x.ask, Cause: s.cause, Path: path, Value: &given})
}

// parse reads the query. Parameters that are not known are passed over.
func (s *Server) parse(options coap.Options) (q Question, why string) {
	seen := map[string]bool{}
	for query := range options.Queries() {
		name, value, _ := strings.Cut(string(query), "=")
		switch name {
		case "ep", "pct":
			if seen[name] {
				return q, name + " appears twice"
			}
			seen[name] = true
		}
		switch name {
		case "ep":
			if !lwm2m.Printable([]byte(value)) || value == "" || len(value) > s.config.Limits.Endpoint {
				return q, "ep is empty, too long, or not printable UTF-8"
			}
			q.Endpoint = value
		case "pct":
			n, err := strconv.ParseUint(value, 10, 16)
			if err != nil {
				return q, "pct is not the number of a content format"
			}
			if ct := coap.ContentFormat(n); Writable(ct) {
				q.Format, q.HasFormat = ct, true
			} else {
				// It is a preference (section 6.1.7.1): TLV, which every device reads, stands in for it.
				q.Unusable = true
			}
		}
	}
	return q, ""
}

// queryText is the query as it was sent, for the operator.
func queryText(options coap.Options) string {
	s, sep := "", "?"
	for q := range options.Queries() {
		s += sep + lwm2m.Clean([]byte(q), logged)
		sep = "&"
	}
	return s
}

// Answer says what a device is given, or why it gets nothing. name is the endpoint that it turned out to be. A question
// that has timed out is ignored.
func (s *Server) Answer(now machine.Time, cause machine.Cause, ask machine.OpID, name string, p *Provision, no *Refusal) {
	s.begin(now, cause)
	x := s.byAsk[ask]
	if x == nil {
		s.pump()
		return
	}
	delete(s.byAsk, ask)
	s.timers.Stop(x.timer)
	x.timer, s.cause = 0, x.cause
	if no != nil {
		s.turnAway(x, no)
	} else {
		x.endpoint, x.provision = name, p
		s.start(x)
	}
	s.pump()
}

func (s *Server) turnAway(x *session, no *Refusal) {
	code, why := coap.BadRequest, no.Why // the only refusal that clients know (section 6.1.7.1)
	if no.Busy {
		code = coap.InternalServerError
	}
	s.respond(x.exchange, code, why)
	if no.Secret != "" {
		why = no.Secret
	}
	s.refuse(x.path, x.question.Endpoint, identity(x.path), code, why)
}

// respond answers with a code. why goes along as diagnostic payload (RFC 7252 section 5.5.2).
func (s *Server) respond(x endpoint.Exchange, code coap.Code, why string) {
	s.reply = endpoint.Reply{Code: code, Payload: append(s.scratch[:0], why...), Remember: code == coap.Changed}
	s.ep.Respond(s.now, s.cause, x, &s.reply, 0)
}

func identity(path machine.Path) string {
	if path.Security == nil {
		return ""
	}
	return path.Security.Name
}

// logged is how many bytes of a stranger's text go to the operator's log.
const logged = 192
