package client

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// register sends Register (6.2.1). The order of the query is what some servers expect: lwm2m, ep, lt, b, Q.
func (c *Client) register(i int) {
	a := &c.accounts[i]
	a.phase, a.dirty = registering, 0
	// A new registration begins without observations. The server may set them again before its 2.01 arrives, so that this
	// is the moment to forget the old ones.
	c.dropObservations(i)
	o := make(coap.Options, 0, 8).AddString(coap.URIPath, "rd").SetFormat(coap.LinkFormat)
	o = o.AddQuery("lwm2m=" + a.version.String())
	if c.cfg.Endpoint != "" {
		o = o.AddQuery("ep=" + c.cfg.Endpoint)
	}
	o = o.AddQuery("lt=" + strconv.FormatInt(a.lifetimeSeconds(), 10))
	o = c.addBinding(o, a, false)
	req := endpoint.Request{Code: coap.POST, Options: o, Payload: c.appendInventory(nil)}
	if a.restored {
		req.Timeout = restoredTimeout
	}
	a.op = c.stack.Endpoint().Request(c.now, c.cause, a.path, &req)
}

// addBinding adds the parameters of binding and queue mode: b=UQ in 1.0, a bare Q beside b from 1.1. The default b=U is
// left out of Register.
func (c *Client) addBinding(o coap.Options, a *account, always bool) coap.Options {
	b := a.binding
	if c.cfg.Queue && a.version == lwm2m.V1_0 {
		b |= lwm2m.BindingQueue
	}
	if b != lwm2m.BindingUDP || always {
		o = o.AddQuery("b=" + b.String())
	}
	if c.cfg.Queue && a.version != lwm2m.V1_0 {
		o = o.AddQuery("Q")
	}
	return o
}

// result takes in the end of a request of ours.
func (c *Client) result(cause machine.Cause, op machine.OpID, r *endpoint.Response) {
	i := slices.IndexFunc(c.accounts, func(a account) bool { return a.op == op && a.asks() })
	if i < 0 {
		if c.cause = cause; !c.sent(op, r) {
			c.fetched(cause, op, r)
		}
		return
	}
	c.cause = cause
	a := &c.accounts[i]
	a.op = 0
	switch a.phase {
	case requesting, bootstrapping:
		c.bootstrapResult(i, r)
	case registering:
		c.registerResult(i, r)
	case updating:
		c.updateResult(i, r)
	case deregistering:
		c.deregistered(i)
	}
}

func (c *Client) registerResult(i int, r *endpoint.Response) {
	a := &c.accounts[i]
	if a.restored {
		a.restored = false
		if r.Err != nil {
			c.hangUp(i)
			c.attempt(i)
			return
		}
	}
	if r.Err == nil && r.Code == coap.Created {
		location := joinLocation(r.Options)
		if location != "" {
			a.location = location
			c.missed(i)
			c.inForce(i)
			c.emit(&Registered{Server: a.ShortID, Location: "/" + location, Version: a.version, Remote: a.path.Remote})
			return
		}
	}
	if r.Err == nil && r.Code == coap.PreconditionFailed {
		// Only this code says that the server does not speak the version (6.2.1).
		if v, ok := olderVersion(a.version); ok {
			a.version = v
			c.register(i)
			return
		}
	}
	c.fail(i, failure(r))
}

func olderVersion(v lwm2m.Version) (lwm2m.Version, bool) {
	if v.Major != 1 || v.Minor == 0 {
		return v, false
	}
	return lwm2m.Version{Major: 1, Minor: v.Minor - 1}, true
}

// failure describes what went wrong with a request.
func failure(r *endpoint.Response) *RegistrationFailed {
	if r.Err != nil {
		return &RegistrationFailed{Err: r.Err}
	}
	if r.Code.Class() == 2 {
		return &RegistrationFailed{Code: r.Code, Reason: "the server's answer has no location"}
	}
	return &RegistrationFailed{Code: r.Code, Reason: diagnostic(r.Payload)}
}

// diagnostic returns a server's diagnostic payload, cut, since it goes into logs.
func diagnostic(b []byte) string { return strings.ToValidUTF8(string(b[:min(len(b), 200)]), "") }

// joinLocation returns the Location-Path options as "rd/ID", or "" where they cannot be a location.
func joinLocation(o coap.Options) string {
	var b strings.Builder
	for segment := range o.All(coap.LocationPath) {
		if len(segment) == 0 || b.Len() > 255 || bytes.IndexByte(segment, '/') >= 0 {
			return ""
		}
		if b.Len() > 0 {
			b.WriteByte('/')
		}
		b.Write(segment)
	}
	return b.String()
}
