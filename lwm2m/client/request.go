package client

import (
	"strings"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Limits of one request.
const (
	maxEntries = 4096 // values in one payload
	maxArgs    = 10   // arguments of Execute: their numbers are digits (6.3.5)
	maxQueries = 16
)

// server request as it is worked on.
type operation struct {
	*endpoint.Incoming
	account   int
	path      lwm2m.Path
	call      Call
	accept    coap.ContentFormat
	hasAccept bool
	queries   []string
}

// request serves a request of a server.
func (c *Client) request(cause machine.Cause, path machine.Path, in *endpoint.Incoming) {
	c.cause = cause
	op := operation{Incoming: in, account: c.accountOf(path)}
	c.acting = op.account
	reply, err := c.serve(&op, path)
	c.acting = -1
	if err != nil {
		e := asError(err)
		reply = &endpoint.Reply{Code: e.Code, Payload: []byte(e.Reason)}
	}
	if reply == nil {
		return // answered already
	}
	if c.dirty && c.cfg.Durable {
		c.replies = append(c.replies, heldReply{cause, in.Exchange, *reply})
		return
	}
	c.stack.Endpoint().Respond(c.now, cause, in.Exchange, reply, 0)
}

// accountOf returns the account that a path belongs to, or -1. Without DTLS a bootstrap server and a server can have one
// address: then it is the bootstrap server that speaks as long as a bootstrap is under way.
func (c *Client) accountOf(path machine.Path) int {
	other := -1
	for i := range c.accounts {
		a := &c.accounts[i]
		switch {
		case a.phase == idle || a.phase == vacant:
			continue
		case a.secure && (path.Security == nil || path.Security.Session != a.session):
			continue
		case !a.secure && (path.Security != nil || path.Remote != a.path.Remote):
			continue
		case a.phase == requesting || a.phase == bootstrapping:
			return i
		case other < 0 || a.serves():
			other = i
		}
	}
	return other
}

// serve checks who asks and what for, and carries the request out.
func (c *Client) serve(op *operation, path machine.Path) (*endpoint.Reply, error) {
	if op.account < 0 {
		return nil, &Error{coap.Unauthorized, "not one of this device's servers"}
	}
	a := &c.accounts[op.account]
	op.call = Call{Now: c.now, Cause: c.cause, Server: a.ShortID, Client: c}
	if a.Bootstrap {
		return c.serveBootstrap(op)
	}
	if path.Security != nil && path.Security.Resumed && op.Code != coap.GET && op.Code != coap.FETCH {
		// A record from before a restart could be a replay; the challenge that is under way clears that up.
		return nil, &Error{coap.ServiceUnavailable, "ask again in a moment: the session has just been restored"}
	}
	if err := op.parse(c.root); err != nil {
		return nil, err
	}
	if op.path.Depth() > 0 && op.path.Object() == securityObject {
		return nil, &Error{coap.Unauthorized, "the Security object is for bootstrap only"} // 7.1 and E.1
	}
	switch op.Code {
	case coap.GET:
		return c.serveGet(op)
	case coap.FETCH:
		return c.serveFetch(op)
	case coap.IPATCH:
		return c.serveWriteComposite(op)
	case coap.PUT:
		if op.HasFormat || len(op.Payload) > 0 || len(op.queries) == 0 {
			return c.serveWrite(op, true)
		}
		return c.serveWriteAttributes(op)
	case coap.POST:
		return c.servePost(op)
	case coap.DELETE:
		return c.serveDelete(op)
	}
	return nil, NotAllowed("this method is not supported")
}

// parse reads the options.
func (op *operation) parse(root string) error {
	for q := range op.Options.Queries() {
		if len(op.queries) == maxQueries {
			return BadRequest("too many queries")
		}
		op.queries = append(op.queries, string(q))
	}
	op.accept, op.hasAccept = op.Options.Accepts()
	s := op.Options.Path()
	if root != "" {
		below, ok := strings.CutPrefix(s, root)
		if !ok || below != "" && below[0] != '/' {
			return NotFound("no such path")
		}
		s = "/" + strings.TrimPrefix(below, "/")
	}
	p, err := lwm2m.ParsePath(s)
	if err != nil {
		return NotFound("no such path")
	}
	op.path = p
	return nil
}

// servePost tells the four meanings of POST apart: Create on an object, Write on an instance, Execute or partial Write on
// a resource.
func (c *Client) servePost(op *operation) (*endpoint.Reply, error) {
	switch op.path.Depth() {
	case 0:
		return nil, NotAllowed("POST needs an object, instance or resource")
	case 1:
		return c.serveCreate(op)
	case 2:
		return c.serveWrite(op, false)
	}
	o, r, err := c.target(op.path)
	if err != nil {
		return nil, err
	}
	if r.Operations.Has(lwm2m.Execute) {
		return c.serveExecute(op, o, r)
	}
	if !op.HasFormat {
		return nil, NotAllowed("the resource cannot be executed")
	}
	return c.serveWrite(op, false)
}
