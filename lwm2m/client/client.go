package client

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Config says what a client is. Endpoint, Rand and at least one server are needed.
type Config struct {
	Nest *machine.Nest // nil where the client is the outermost machine
	Rand machine.Rand

	Endpoint string // the endpoint name (ep)
	Servers  []Account
	Objects  []Object       // besides 0 and 1, which the client makes of Servers
	Version  lwm2m.Version  // the newest one to offer: default 1.1
	Binding  lwm2m.Binding  // default U
	Queue    bool           // ask for queue mode
	Root     string         // alternate root path, such as "/lwm2m"; default none
	Local    netip.AddrPort // where the first datagrams leave from
	Link     uint32         // the driver's number of the socket
	Durable  bool           // emit Persist actions, for Restore after a restart

	MaxObservations int // default 64; more are answered without an observation
	MaxAttributes   int // paths with attributes: default 64; more are refused

	CoAP endpoint.Config                                             // timing and limits; Nest and Rand are set by the client
	DTLS dtls.Config                                                 // likewise; used where an account is coaps
	Tap  func(d stack.Direction, path machine.Path, datagram []byte) // sees every CoAP datagram in plaintext
}

// Client is the LwM2M client machine.
type Client struct {
	cfg      settings
	out      machine.Outbox
	stack    *stack.Stack
	timers   machine.Timers[timerKey]
	now      machine.Time
	cause    machine.Cause
	state    State
	started  bool
	stopping bool
	root     string
	asks     machine.OpID

	accounts     []account
	objects      []Object // ascending by identifier
	observations []*observation
	observeID    uint32
	attributes   []attributeEntry
	objectTimers []objectTimer
	replies      []heldReply
	touched      []lwm2m.Path // where values may have changed in this input
	dirty        bool         // something durable changed
	traffic      Traffic

	ids     []uint16      // scratch
	entries []lwm2m.Entry // scratch
}

// settings is what a client keeps of its Config: clients come in tens of thousands.
type settings struct {
	Rand            machine.Rand
	Endpoint        string
	Version         lwm2m.Version
	Binding         lwm2m.Binding
	Queue, Durable  bool
	Local           netip.AddrPort
	Link            uint32
	MaxObservations int
	MaxAttributes   int
}

// timerKey says what a timer is for.
type timerKey struct {
	kind timerKind
	id   uint32 // index of an account, number of an observation, object
}

type timerKind uint8

const (
	accountTimer timerKind = iota
	observationTimer
	objectTimerKind
)

type objectTimer struct {
	object uint16
	id     machine.TimerID
}

// Traffic counts the datagrams of a client, as object 7 tells them.
type Traffic struct {
	TxBytes, RxBytes       uint64
	TxMessages, RxMessages uint64
	MaxMessage             int // the largest, either way
}

// New returns a client that waits for Start.
func New(cfg Config) (*Client, error) {
	switch {
	case cfg.Rand == nil:
		return nil, errors.New("lwm2m client: Config.Rand is missing: give the driver's random source")
	case len(cfg.Servers) == 0:
		return nil, errors.New("lwm2m client: Config.Servers is empty: give at least one account")
	case cfg.Root != "" && (cfg.Root[0] != '/' || strings.ContainsAny(cfg.Root, "<>?,; ")):
		return nil, fmt.Errorf("lwm2m client: root path %.64q must be like /lwm2m", cfg.Root)
	}
	if cfg.Version.IsZero() {
		cfg.Version = lwm2m.V1_1
	}
	c := &Client{out: machine.NewOutbox(cfg.Nest), root: strings.TrimRight(cfg.Root, "/"), cfg: settings{
		Rand: cfg.Rand, Endpoint: cfg.Endpoint, Version: cfg.Version, Binding: cmp.Or(cfg.Binding, lwm2m.BindingUDP),
		Queue: cfg.Queue, Durable: cfg.Durable, Local: cfg.Local, Link: cfg.Link,
		MaxObservations: cmp.Or(cfg.MaxObservations, 64), MaxAttributes: cmp.Or(cfg.MaxAttributes, 64),
	}}
	secure := false
	for _, a := range cfg.Servers {
		acc, err := newAccount(a)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(c.accounts, func(b account) bool { return b.ShortID == a.ShortID }) {
			return nil, fmt.Errorf("lwm2m client: two servers have the Short Server ID %d", a.ShortID)
		}
		acc.binding, acc.version = c.cfg.Binding, c.cfg.Version
		c.accounts = append(c.accounts, acc)
		secure = secure || acc.secure
	}
	for _, o := range append([]Object{security{c}, server{c}}, cfg.Objects...) {
		if err := c.insert(o); err != nil {
			return nil, err
		}
	}
	sc := stack.Config{Nest: c.out.Nest(), Rand: cfg.Rand, Endpoint: cfg.CoAP, Tap: cfg.Tap}
	if secure {
		d := cfg.DTLS
		d.Durable = cfg.Durable
		// A session and its successor for each server: what is not used is not reserved.
		d.MaxSessions = cmp.Or(d.MaxSessions, 2*len(c.accounts)+2)
		d.MaxHandshakes = cmp.Or(d.MaxHandshakes, 2*len(c.accounts)+2)
		d.CipherCache = cmp.Or(d.CipherCache, 2*len(c.accounts)+2)
		sc.DTLS = &d
	}
	c.stack = stack.New(sc)
	return c, nil
}

// insert puts an object at its place.
func (c *Client) insert(o Object) error {
	id := o.Definition().ID
	i, ok := slices.BinarySearchFunc(c.objects, id, func(o Object, id uint16) int { return cmp.Compare(o.Definition().ID, id) })
	if ok {
		return fmt.Errorf("%w: %d", ErrExists, id)
	}
	c.objects = slices.Insert(c.objects, i, o)
	if a, ok := o.(Attacher); ok {
		a.Attach(c)
	}
	return nil
}

// Receive implements machine.Machine.
func (c *Client) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	c.begin(now, cause)
	c.traffic.RxBytes += uint64(len(b))
	c.traffic.RxMessages++
	c.traffic.MaxMessage = max(c.traffic.MaxMessage, len(b))
	for i := range c.accounts {
		// A socket that is bound to no address learns from each datagram where it was sent to. To the layers below the
		// path to a server is one path, whatever the first datagram's Local was.
		if a := &c.accounts[i]; a.path.Remote == path.Remote && a.path.Link == path.Link {
			path.Local = a.path.Local
		}
	}
	c.stack.Receive(now, cause, path, b)
	c.end()
}

// Expire implements machine.Machine.
func (c *Client) Expire(now machine.Time) {
	c.begin(now, 0)
	c.stack.Expire(now)
	c.pump()
	for {
		key, ok := c.timers.Pop(now)
		if !ok {
			break
		}
		switch key.kind {
		case accountTimer:
			c.accountExpired(int(key.id))
		case observationTimer:
			c.observationExpired(key.id)
		case objectTimerKind:
			c.objectExpired(uint16(key.id))
		}
		c.pump()
	}
	c.end()
}

// Deadline implements machine.Machine.
func (c *Client) Deadline() machine.Time { return min(c.timers.Deadline(), c.stack.Deadline()) }

// Next implements machine.Machine.
func (c *Client) Next() (machine.Action, bool) { return c.out.Next() }

// Persisted implements machine.Durable.
func (c *Client) Persisted(now machine.Time, seq machine.Seq) {
	c.begin(now, 0)
	c.stack.Persisted(now, seq)
	c.end()
}

// PersistFailed implements machine.Durable.
func (c *Client) PersistFailed(now machine.Time, seq machine.Seq, err error) {
	c.begin(now, 0)
	c.stack.PersistFailed(now, seq, err)
	c.end()
}

// begin starts an input.
func (c *Client) begin(now machine.Time, cause machine.Cause) {
	c.out.Begin()
	c.stack.Begin(now)
	c.now, c.cause = now, cause
}

// end finishes an input: what its parts left to do together is done once.
func (c *Client) end() {
	for {
		c.pump()
		// Answers go before notifications, and both before Updates that a request has made necessary.
		if !c.flushReplies() && !c.flushChanges() && !c.flushAccounts() {
			break
		}
	}
	c.setState()
}

// pump moves the inner machines' actions outwards and handles what they tell.
func (c *Client) pump() {
	for {
		a, ok := c.stack.Next()
		if !ok {
			return
		}
		switch a.Kind {
		case machine.Send:
			c.traffic.TxBytes += uint64(len(a.Data))
			c.traffic.TxMessages++
			c.traffic.MaxMessage = max(c.traffic.MaxMessage, len(a.Data))
			c.out.Push(a)
		case machine.Persist, machine.Ask:
			c.out.Push(a)
		case machine.Result:
			if r, ok := a.Value.(*endpoint.Response); ok {
				c.result(a.Cause, a.Op, r)
			}
		case machine.Event:
			c.event(a)
		}
	}
}

// event handles what the stack tells.
func (c *Client) event(a machine.Action) {
	switch e := a.Value.(type) {
	case *endpoint.Incoming:
		c.request(a.Cause, a.Path, e)
	case *endpoint.Unsubscribed:
		c.unsubscribed(e)
	case *dtls.Established:
		c.established(a.Cause, e)
	case *dtls.Closed:
		c.closed(a.Cause, e)
	case *dtls.Moved:
		for i := range c.accounts {
			if c.accounts[i].session == e.Session {
				c.accounts[i].path = e.New
			}
		}
	}
}

// emit pushes an Event.
func (c *Client) emit(v any) {
	c.out.Push(machine.Action{Kind: machine.Event, Cause: c.cause, Value: v})
}

// ask pushes an Ask and returns its number.
func (c *Client) ask(v any) machine.OpID {
	c.asks++
	c.out.Push(machine.Action{Kind: machine.Ask, Cause: c.cause, Op: c.asks, Value: v})
	return c.asks
}

// setState works out the overall state and tells when it is another one.
func (c *Client) setState() {
	s := StateInitial
	for i := range c.accounts {
		switch a := &c.accounts[i]; {
		case a.location != "" && a.phase != idle:
			s = StateReady // until the server says otherwise, also while an Update fails
		case a.phase == resolving || a.phase == connecting || a.phase == registering:
			s = max(s, StateRegistering)
		case a.phase == waiting || a.phase == queued || a.phase == disabled:
			s = max(s, StateRegisterRequired)
		}
	}
	if s != c.state {
		c.state = s
		c.emit(&StateChanged{s})
	}
}

// State returns what the client is doing.
func (c *Client) State() State { return c.state }

// Traffic returns the counters of datagrams.
func (c *Client) Traffic() Traffic { return c.traffic }

// EndpointName returns the endpoint name.
func (c *Client) EndpointName() string { return c.cfg.Endpoint }

// Rand returns the machine's source of randomness, for objects.
func (c *Client) Rand() machine.Rand { return c.cfg.Rand }

// Binding returns the transports that the client has.
func (c *Client) Binding() lwm2m.Binding { return c.cfg.Binding }

// ResetTraffic sets the counters of datagrams to zero.
func (c *Client) ResetTraffic() { c.traffic = Traffic{} }
