package client

import (
	"errors"
	"slices"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
)

// SendRequest is a command to send values to a server that has not asked for them (6.4.5).
type SendRequest struct {
	Server    uint16             // Short Server ID; 0: the first that is registered and takes Send
	Paths     []lwm2m.Path       // what to read and send; what is not there or cannot be read is left out
	Entries   []lwm2m.Entry      // samples from before: values with the times when they were measured
	Format    coap.ContentFormat // with HasFormat; default SenML CBOR
	HasFormat bool
	Timeout   time.Duration // default 93 s (MAX_TRANSMIT_WAIT)
}

// SendOutcome is the value of the one Result that each Send has.
type SendOutcome struct {
	Server uint16
	Code   coap.Code // of the answer: 2.04 is success; 0 where Err is set
	Reason string    // the server's diagnostic
	Err    error     // why there is no answer
}

// Errors of Send.
var (
	// ErrMuted says that the server does not want Send: resource 23 of the Server object is true, or not there.
	ErrMuted = errors.New("lwm2m client: Send is muted: resource 23 of the Server object is not false")
	// ErrSendVersion says that Send came with LwM2M 1.1.
	ErrSendVersion = errors.New("lwm2m client: the server speaks LwM2M 1.0, which has no Send")
	// ErrNothing says that none of the paths can be read.
	ErrNothing = errors.New("lwm2m client: there is no value to send")
	// ErrSendEntries says that a sample is no value of a resource, or is a key.
	ErrSendEntries = errors.New("lwm2m client: what is sent are values of resources, and no keys")
	// ErrSendBusy says that too many Sends are under way.
	ErrSendBusy = errors.New("lwm2m client: too many Sends are under way")
)

const (
	maxSends    = 16
	sendTimeout = 93 * time.Second
)

// send is a Send under way.
type send struct {
	op      machine.OpID // of the command
	inner   machine.OpID // of the request
	account int
	cause   machine.Cause
}

// Send sends values. Exactly one Result with the returned operation follows; its Value is a *SendOutcome.
func (c *Client) Send(now machine.Time, cause machine.Cause, r *SendRequest) machine.OpID {
	c.begin(now, cause)
	defer c.end()
	c.asks++
	op := c.asks
	i, err := c.sendAccount(r.Server)
	var payload []byte
	f := r.Format
	if !r.HasFormat {
		f = coap.SenMLCBOR
	}
	if err == nil && len(c.sends) >= maxSends {
		err = ErrSendBusy
	}
	if err == nil {
		c.acting = i // it is told what it may read
		payload, err = c.sendPayload(r, f)
		c.acting = -1
	}
	if err != nil {
		out := &SendOutcome{Server: r.Server, Err: err}
		c.out.Push(machine.Action{Kind: machine.Result, Op: op, Cause: cause, Value: out})
		return op
	}
	req := endpoint.Request{
		Code: coap.POST, Options: make(coap.Options, 0, 4).AppendPath("dp").SetFormat(f), Payload: payload, Timeout: r.Timeout,
	}
	if req.Timeout <= 0 {
		req.Timeout = sendTimeout
	}
	inner := c.stack.Endpoint().Request(now, cause, c.accounts[i].path, &req)
	c.sends = append(c.sends, send{op, inner, i, cause})
	return op
}

// sendAccount finds the account that a Send is for.
func (c *Client) sendAccount(server uint16) (int, error) {
	found, why := -1, ErrUnknownServer
	if server == 0 {
		why = ErrNotRegistered
	}
	for i := range c.accounts {
		a := &c.accounts[i]
		if a.Bootstrap || server != 0 && a.ShortID != server {
			continue
		}
		switch {
		case a.location == "" || !a.active() || a.secure && a.session == 0:
			why = ErrNotRegistered
		case !a.version.AtLeast(lwm2m.V1_1):
			why = ErrSendVersion
		case !a.hasMute || a.mute:
			why = ErrMuted
		default:
			return i, nil
		}
	}
	return found, why
}

// sendPayload reads the paths and adds the samples.
func (c *Client) sendPayload(r *SendRequest, f coap.ContentFormat) ([]byte, error) {
	entries := c.entries[:0]
	if len(r.Paths) > 0 {
		paths := slices.Clone(r.Paths)
		slices.SortFunc(paths, lwm2m.Path.Compare)
		entries, _ = c.readComposite(entries, slices.Compact(paths))
	}
	for _, e := range r.Entries {
		if o := e.Path.Object(); e.Path.Depth() < 3 || e.Value.IsNone() || o == securityObject || o == oscoreObject {
			return nil, ErrSendEntries
		}
		if c.authorize(e.Path, RightRead) != nil {
			continue
		}
		entries = append(entries, e)
	}
	c.entries = entries[:0]
	if len(entries) == 0 {
		return nil, ErrNothing
	}
	lwm2m.Sort(entries)
	// A value from now beside samples of the same resource needs its time, too.
	for i := range entries {
		if e := &entries[i]; e.Time == 0 && i+1 < len(entries) && entries[i+1].Path == e.Path {
			e.Time = int64(c.now)
		}
	}
	lwm2m.Sort(entries)
	entries = slices.CompactFunc(entries, func(a, b lwm2m.Entry) bool { return a.Path == b.Path && a.Time == b.Time })
	return format.Append(nil, f, lwm2m.Root, entries)
}

// sent takes in the answer to a Send, and reports whether it was one.
func (c *Client) sent(inner machine.OpID, r *endpoint.Response) bool {
	i := slices.IndexFunc(c.sends, func(s send) bool { return s.inner == inner })
	if i < 0 {
		return false
	}
	s := c.sends[i]
	a := &c.accounts[s.account]
	out := SendOutcome{Code: r.Code, Err: r.Err}
	if r.Err == nil && r.Code.Class() != 2 {
		out.Reason = diagnostic(r.Payload)
	}
	if r.Code == coap.NotFound && a.phase == registered {
		a.dirty |= dirtForced // perhaps the server has lost the registration: an Update finds out
	}
	c.endSend(i, &out)
	return true
}

func (c *Client) endSend(i int, out *SendOutcome) {
	s := c.sends[i]
	c.sends = slices.Delete(c.sends, i, i+1)
	out.Server = c.accounts[s.account].ShortID
	c.out.Push(machine.Action{Kind: machine.Result, Op: s.op, Cause: s.cause, Value: out})
}

// cancelSends ends what is under way to a server that is none of ours any more.
func (c *Client) cancelSends(account int) {
	for i := 0; i < len(c.sends); {
		s := c.sends[i]
		if s.account != account {
			i++
			continue
		}
		c.endSend(i, &SendOutcome{Err: ErrNotRegistered})
		c.stack.Endpoint().Cancel(c.now, s.inner)
	}
}
