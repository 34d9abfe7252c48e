package shell

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// CoAP is the node's CoAP endpoint for its user.
type CoAP interface {
	StartCoAP(now machine.Time, cause machine.Cause, c endpoint.Config) error
	StopCoAP(now machine.Time, cause machine.Cause) error
	CoAP(now machine.Time, cause machine.Cause, f func(e *endpoint.Endpoint)) error
}

// coapState is the one resource that the shell serves, who observes it, and what the shell observes.
type coapState struct {
	uri     string
	content string // "" until it is set: "0"
	served  bool

	observer    endpoint.Subscription
	observedBy  machine.Path
	confirmable bool

	requests map[machine.OpID]bool // those whose answer is printed
	watch    struct {
		op    machine.OpID
		path  machine.Path
		uri   string
		token coap.Token
	}
	request, response transmission
}

// transmission is how often and when a message is repeated, if that is not the default.
type transmission struct {
	set              bool
	ack              uint32
	numerator, denom uint8
	retransmit       uint8
}

const maxURI = 32

var coapCommands = []entry{
	{name: "cancel", run: coapCancel},
	{name: "delete", run: coapSends(coap.DELETE, false)},
	{name: "get", run: coapSends(coap.GET, false)},
	{name: "observe", run: coapSends(coap.GET, true)},
	{name: "parameters", run: coapParameters},
	{name: "post", run: coapSends(coap.POST, false)},
	{name: "put", run: coapSends(coap.PUT, false)},
	{name: "resource", run: coapResource},
	{name: "set", run: coapSet},
	{name: "start", run: coapStart},
	{name: "stop", run: coapStop},
}

func coapCommand(s *Shell, a args) error { return s.group(coapCommands, a) }

// coapStart takes the parameters of requests: the endpoint has one set for all that it sends.
func coapStart(s *Shell, _ args) error {
	var c endpoint.Config
	if p := s.coap.request; p.set {
		c.AckTimeout = time.Duration(p.ack) * time.Millisecond
		c.AckRandomFactor = float64(p.numerator) / float64(p.denom)
		if c.MaxRetransmit = int(p.retransmit); p.retransmit == 0 {
			c.MaxRetransmit = -1
		}
	}
	return s.node.StartCoAP(s.now, s.cause, c)
}

func coapStop(s *Shell, _ args) error {
	c := &s.coap
	c.served, c.observer, c.requests, c.watch.op = false, endpoint.Subscription{}, nil, 0
	return s.node.StopCoAP(s.now, s.cause)
}

func coapResource(s *Shell, a args) error {
	if len(a) == 0 {
		s.Line("%s", s.coap.uri)
		return nil
	}
	if len(a[0]) >= maxURI {
		return status.InvalidArgs
	}
	s.coap.uri, s.coap.served = a[0], true
	return nil
}

func (c *coapState) text() []byte {
	if c.content == "" {
		return []byte("0")
	}
	return []byte(c.content)
}

func coapSet(s *Shell, a args) error {
	c := &s.coap
	if len(a) == 0 {
		s.Line("%s", c.text())
		return nil
	}
	if len(a[0]) >= maxURI {
		return status.InvalidArgs
	}
	c.content = a[0]
	if !c.observer.Valid() {
		return nil
	}
	s.Line("sending coap notification to %s", peerOf(c.observedBy))
	return s.node.CoAP(s.now, s.cause, func(e *endpoint.Endpoint) {
		e.Notify(s.now, s.cause, c.observer, &endpoint.Reply{Code: coap.Content, Payload: c.text()}, c.confirmable)
	})
}

func peerOf(p machine.Path) ip6.Address { return ip6.FromNetip(p.Remote.Addr()) }

func coapParameters(s *Shell, a args) error {
	var p *transmission
	switch a.at(0) {
	case "request":
		p = &s.coap.request
	case "response":
		p = &s.coap.response
	default:
		return status.InvalidArgs
	}
	switch {
	case a.is(1, "default"):
		p.set = false
	case a.has(1):
		n := transmission{set: true}
		var errs [4]error
		n.ack, errs[0] = a.u32(1)
		n.numerator, errs[1] = a.u8(2)
		n.denom, errs[2] = a.u8(3)
		n.retransmit, errs[3] = a.u8(4)
		if errors.Join(errs[:]...) != nil || n.numerator <= n.denom || n.denom == 0 {
			return status.InvalidArgs
		}
		*p = n
	}
	s.Line("Transmission parameters for %s:", a[0])
	if p.set {
		s.Line("ACK_TIMEOUT=%d ms, ACK_RANDOM_FACTOR=%d/%d, MAX_RETRANSMIT=%d", p.ack, p.numerator, p.denom, p.retransmit)
	} else {
		s.Line("default")
	}
	return nil
}

// coapSends is a request: an address, a path, and perhaps con, non-con or block-N and a payload.
func coapSends(code coap.Code, observe bool) func(s *Shell, a args) error {
	return func(s *Shell, a args) error {
		dst, err := a.ip(0)
		if err != nil {
			return err
		}
		if len(a) < 2 || len(a[1]) >= maxURI {
			return status.InvalidArgs
		}
		r := endpoint.Request{Code: code, Non: true, Observe: observe, Options: uriOptions(a[1])}
		if size, ok := strings.CutPrefix(a.at(2), "block-"); ok {
			n, err := parseUint(size)
			if err != nil || n < 16 || n > 1024 || n&(n-1) != 0 {
				return status.InvalidArgs
			}
			r.Non = false
			if code == coap.GET {
				r.Options = r.Options.AddUint(coap.Block2, uint32(coap.SZX(int(n))))
			} else if r.Payload, err = s.blocks(a, int(n)); err != nil {
				return err
			}
		} else {
			r.Non = !a.is(2, "con")
			r.Payload = []byte(a.at(3))
		}
		c := &s.coap
		if observe && c.watch.op != 0 {
			if err := coapCancel(s, nil); err != nil {
				return err
			}
		}
		path := thread.CoAPPath(dst)
		var op machine.OpID
		err = s.node.CoAP(s.now, s.cause, func(e *endpoint.Endpoint) {
			if op = e.Request(s.now, s.cause, path, &r); r.Non && code != coap.GET {
				return // nobody waits for its answer
			}
			if c.requests == nil {
				c.requests = map[machine.OpID]bool{}
			}
			c.requests[op] = true
		})
		if err != nil {
			delete(c.requests, op)
			_ = s.node.CoAP(s.now, s.cause, func(e *endpoint.Endpoint) { e.Cancel(s.now, op) })
			return err
		}
		if observe {
			c.watch.op, c.watch.path, c.watch.uri, c.watch.token = op, path, a[1], coap.Token{}
		}
		return nil
	}
}

// blocks returns a body of so many blocks; OpenThread's is random.
func (s *Shell) blocks(a args, size int) ([]byte, error) {
	count := uint32(1)
	if a.has(3) {
		var err error
		if count, err = a.u32(3); err != nil {
			return nil, err
		}
	}
	if count > 1<<16/16 || int(count)*size > 1<<16 {
		return nil, status.InvalidArgs
	}
	return pattern(int(count) * size), nil
}

func uriOptions(uri string) (o coap.Options) {
	path, query, has := strings.Cut(uri, "?")
	o = o.AppendPath(path)
	if has {
		for q := range strings.SplitSeq(query, "&") {
			o = o.AddQuery(q)
		}
	}
	return o
}

// coapCancel ends the observation: its answer is printed as any other.
func coapCancel(s *Shell, _ args) error {
	w := &s.coap.watch
	if w.op == 0 {
		return status.InvalidState
	}
	r := endpoint.Request{Code: coap.GET, Options: coap.Options{}.AddUint(coap.Observe, coap.ObserveDeregister).AppendPath(w.uri), Token: w.token}
	op := w.op
	w.op = 0
	return s.node.CoAP(s.now, s.cause, func(e *endpoint.Endpoint) {
		e.Cancel(s.now, op)
		delete(s.coap.requests, op)
		s.coap.requests[e.Request(s.now, s.cause, w.path, &r)] = true
	})
}

// observeCoAP takes in what the endpoint says.
func (s *Shell) observeCoAP(a machine.Action) {
	c := &s.coap
	switch v := a.Value.(type) {
	case *endpoint.Incoming:
		s.coapRequest(a.Path, v)
	case *endpoint.Response:
		if !c.requests[a.Op] {
			return
		}
		delete(c.requests, a.Op)
		if a.Op == c.watch.op {
			if c.watch.token = v.Token; !v.Observing {
				c.watch.op = 0
			}
		}
		if v.Err != nil {
			e := coapError(v.Err)
			s.Line("coap receive response error %d: %s", e, e.Name())
			return
		}
		s.coapValue("coap response from "+peerOf(a.Path).String(), v.Observing, v.Sequence, v.Payload)
	case *endpoint.Notification:
		if a.Op != c.watch.op || v.Err != nil {
			return
		}
		s.coapValue("coap response from "+peerOf(a.Path).String(), true, v.Sequence, v.Payload)
	case *endpoint.Unsubscribed:
		if v.Subscription != c.observer {
			return
		}
		c.observer = endpoint.Subscription{}
		if v.Reason == endpoint.TimedOut {
			s.Line("coap receive notification response error %d: %s", status.ResponseTimeout, status.ResponseTimeout.Name())
		}
	}
}

func coapError(err error) status.Error {
	switch {
	case errors.Is(err, endpoint.ErrTimeout):
		return status.ResponseTimeout
	case errors.Is(err, endpoint.ErrReset), errors.Is(err, endpoint.ErrCancelled):
		return status.Abort
	}
	return status.Failed
}

func (s *Shell) coapValue(what string, observed bool, sequence uint32, payload []byte) {
	format, values := "%s", []any{what}
	if observed {
		format, values = format+" OBS=%d", append(values, sequence)
	}
	if len(payload) > 0 {
		format, values = format+" with payload: %x", append(values, payload)
	}
	s.Line(format, values...)
}

var coapNames = map[coap.Code]string{coap.GET: "GET", coap.POST: "POST", coap.PUT: "PUT", coap.DELETE: "DELETE"}

// coapRequest prints a request for the resource, and answers it.
func (s *Shell) coapRequest(path machine.Path, r *endpoint.Incoming) {
	c := &s.coap
	reply := endpoint.Reply{Code: coap.NotFound}
	respond := func() error {
		return s.node.CoAP(s.now, s.cause, func(e *endpoint.Endpoint) {
			if reply.Code == coap.Content && r.Observe == 0 {
				c.observer = e.Accept(s.now, r.Exchange)
				c.observedBy, c.confirmable = path, r.Confirmable
			}
			e.Respond(s.now, s.cause, r.Exchange, &reply, 0)
		})
	}
	name := coapNames[r.Code]
	if !c.served || strings.Trim(r.Options.Path(), "/") != strings.Trim(c.uri, "/") || name == "" {
		_ = respond()
		return
	}
	s.coapValue("coap request from "+peerOf(path).String()+" "+name, r.Observe >= 0, uint32(max(r.Observe, 0)), bytes.Clone(r.Payload))
	if !r.Confirmable && r.Code != coap.GET {
		return // as OpenThread has it: nobody wants to know
	}
	switch {
	case r.Code != coap.GET:
		reply.Code = coap.Changed
	case r.Observe == 0 && c.observer.Valid():
		reply.Code = coap.ServiceUnavailable // it has one observer
	default:
		reply.Code, reply.Payload = coap.Content, c.text()
		if r.Observe == 0 {
			s.Line("Subscribing client")
		}
	}
	if err := respond(); err != nil {
		s.Line("coap send response error %d: %s", number(err), number(err).Name())
		return
	}
	s.Line("coap response sent")
}
