package shell

import (
	"errors"
	"strings"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/status"
)

// coapRequest is what was typed: a path, and perhaps con, non-con or block-N, and a payload or a number of blocks.
type coapRequest struct {
	code    coap.Code
	uri     string
	observe bool
	con     bool
	block   int // size of a block; 0: the body goes as a whole
	payload []byte
}

func (c *coapState) parse(code coap.Code, observe bool, a args) (r coapRequest, err error) {
	r = coapRequest{code: code, uri: a.at(0), observe: observe, con: a.is(1, "con")}
	if r.uri == "" || len(r.uri) >= maxURI {
		return r, status.InvalidArgs
	}
	size, ok := strings.CutPrefix(a.at(1), "block-")
	if !ok {
		r.payload = []byte(a.at(2))
		return r, nil
	}
	n, err := parseUint(size)
	if err != nil || n < 16 || n > 1024 || n&(n-1) != 0 {
		return r, nil // as OpenThread has it: a type that it does not know is non-con
	}
	if r.con, r.block = true, int(n); a.has(2) {
		if c.blocks, err = a.u32(2); err != nil {
			return r, status.InvalidArgs
		}
	}
	return r, nil
}

// coapAsks is a request to an address.
func coapAsks(code coap.Code, observe bool) func(s *Shell, a args) error {
	return func(s *Shell, a args) error {
		dst, err := a.ip(0)
		if err != nil {
			return err
		}
		c := &s.coap
		r, err := c.parse(code, observe, a.from(1))
		if err != nil {
			return err
		}
		if observe && c.watch.op != 0 {
			if err := coapCancel(s, nil); err != nil {
				return err
			}
		}
		return c.ask(s, thread.CoAPPath(dst), &r)
	}
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

// ask sends a request.
func (c *coapState) ask(s *Shell, path machine.Path, r *coapRequest) error {
	if r.block > 0 && !r.observe {
		return c.transfer(s, path, r)
	}
	q := endpoint.Request{Code: r.code, Non: !r.con, Observe: r.observe, Options: uriOptions(r.uri), Payload: r.payload}
	if r.block > 0 {
		q.Options = q.Options.AddUint(coap.Block2, coap.Block{SZX: coap.SZX(r.block)}.Uint())
	}
	op, err := c.send(s, path, &q, r.con || r.code == coap.GET)
	if err == nil && r.observe {
		c.watch.op, c.watch.path, c.watch.uri, c.watch.token = op, path, r.uri, coap.Token{}
	}
	return err
}

// send sends one message. Its answer is printed where somebody waits for it.
func (c *coapState) send(s *Shell, path machine.Path, q *endpoint.Request, awaited bool) (op machine.OpID, err error) {
	err = c.with(s, func(e *endpoint.Endpoint) {
		if op = e.Request(s.now, s.cause, path, q); !awaited {
			return
		}
		if c.requests == nil {
			c.requests = map[machine.OpID]bool{}
		}
		c.requests[op] = true
	})
	if err != nil {
		delete(c.requests, op)
		_ = c.with(s, func(e *endpoint.Endpoint) { e.Cancel(s.now, op) })
	}
	return op, err
}

// coapCancel ends the observation: its answer is printed as any other.
func coapCancel(s *Shell, _ args) error {
	c := &s.coap
	w := &c.watch
	if w.op == 0 {
		return status.InvalidState
	}
	r := endpoint.Request{Code: coap.GET, Options: coap.Options{}.AddUint(coap.Observe, coap.ObserveDeregister).AppendPath(w.uri), Token: w.token}
	op := w.op
	w.op = 0
	delete(c.requests, op)
	if err := c.with(s, func(e *endpoint.Endpoint) { e.Cancel(s.now, op) }); err != nil {
		return err
	}
	_, err := c.send(s, w.path, &r, true)
	return err
}

// answered takes in how a request ended.
func (c *coapState) answered(s *Shell, op machine.OpID, path machine.Path, v *endpoint.Response) {
	if !c.requests[op] {
		return
	}
	delete(c.requests, op)
	if op == c.watch.op {
		if c.watch.token = v.Token; !v.Observing {
			c.watch.op = 0
		}
	}
	t := c.transfers[op]
	delete(c.transfers, op)
	switch {
	case v.Err != nil:
		e := coapError(v.Err)
		s.Line("%s receive response error %d: %s", c.name(), e, e.Name())
	case t != nil && t.answered(c, s, path, v):
	default:
		s.coapValue(c.name()+" response from "+peerOf(path).String(), v.Observing, v.Sequence, v.Payload)
	}
}

func coapError(err error) status.Error {
	switch {
	case errors.Is(err, endpoint.ErrTimeout):
		return status.ResponseTimeout
	case errors.Is(err, endpoint.ErrReset), errors.Is(err, endpoint.ErrCancelled), errors.Is(err, endpoint.ErrClosed):
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
