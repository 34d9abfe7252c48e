package shell

import (
	"errors"
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
	SetCoAPSKey(k thread.CoAPSKey) error
	StartCoAPS(now machine.Time, cause machine.Cause, c endpoint.Config, attempts uint16, verify bool) error
	StopCoAPS(now machine.Time, cause machine.Cause)
	ConnectCoAPS(now machine.Time, cause machine.Cause, to ip6.Address, port uint16) error
	DisconnectCoAPS(now machine.Time, cause machine.Cause)
	CoAPSOpen() bool
	CoAPSActive() bool
	CoAPSConnected() bool
	CoAPS(now machine.Time, cause machine.Cause, f func(e *endpoint.Endpoint, session machine.Path)) error
}

// coapState is what the shell keeps for coap, and another one for coaps: the one resource that it serves, who observes it,
// and what the shell itself asks and observes.
type coapState struct {
	secure  bool
	uri     string
	content string // "" until it is set: "0"
	served  bool
	blocks  uint32 // of a body that is sent block by block, in either direction; 0 until it is set: 1

	observer    endpoint.Subscription
	observedBy  machine.Path
	confirmable bool
	serial      uint32 // of the next value to an observer

	requests  map[machine.OpID]bool // those whose answer is printed
	transfers map[machine.OpID]*coapTransfer
	stopping  bool // coaps: the port closes when the session has ended
	watch     struct {
		op    machine.OpID
		path  machine.Path
		uri   string
		token coap.Token
	}
	requestTx, responseTx transmission
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
	{name: "delete", run: coapAsks(coap.DELETE, false)},
	{name: "get", run: coapAsks(coap.GET, false)},
	{name: "observe", run: coapAsks(coap.GET, true)},
	{name: "parameters", run: coapParameters},
	{name: "post", run: coapAsks(coap.POST, false)},
	{name: "put", run: coapAsks(coap.PUT, false)},
	{name: "resource", run: func(s *Shell, a args) error { return s.coap.resource(s, a) }},
	{name: "set", run: coapSet},
	{name: "start", run: coapStart},
	{name: "stop", run: coapStop},
}

func coapCommand(s *Shell, a args) error { return s.coapGroup(coapCommands, a) }

// coapGroup is group, but for the error of a command without a word.
func (s *Shell) coapGroup(table []entry, a args) error {
	if len(a) == 0 {
		s.list(table)
		return status.InvalidArgs
	}
	return s.group(table, a)
}

// name is how the lines of its events begin.
func (c *coapState) name() string {
	if c.secure {
		return "coaps"
	}
	return "coap"
}

// with runs f with the endpoint.
func (c *coapState) with(s *Shell, f func(e *endpoint.Endpoint)) error {
	if c.secure {
		return s.node.CoAPS(s.now, s.cause, func(e *endpoint.Endpoint, _ machine.Path) { f(e) })
	}
	return s.node.CoAP(s.now, s.cause, f)
}

// config is the endpoint's: bodies come block by block, so that each can be shown.
func (c *coapState) config() endpoint.Config {
	return endpoint.Config{TellDelivered: true, NStart: 8, Streams: func(coap.Code, coap.Options) bool { return true }}
}

// coapStart takes the parameters of requests: the endpoint has one set for all that it sends.
func coapStart(s *Shell, _ args) error {
	c := s.coap.config()
	if p := s.coap.requestTx; p.set {
		c.AckTimeout = time.Duration(p.ack) * time.Millisecond
		c.AckRandomFactor = float64(p.numerator) / float64(p.denom)
		if c.MaxRetransmit = int(p.retransmit); p.retransmit == 0 {
			c.MaxRetransmit = -1
		}
	}
	return s.node.StartCoAP(s.now, s.cause, c)
}

func coapStop(s *Shell, _ args) error {
	s.coap.forget()
	s.coap.served = false
	return s.node.StopCoAP(s.now, s.cause)
}

// forget forgets what is under way: the endpoint has ended.
func (c *coapState) forget() {
	c.observer, c.requests, c.transfers, c.watch.op = endpoint.Subscription{}, nil, nil, 0
}

func (c *coapState) resource(s *Shell, a args) error {
	if len(a) == 0 {
		s.Line("%s", c.uri)
		return nil
	}
	if len(a[0]) >= maxURI {
		return status.InvalidArgs
	}
	if a.has(1) {
		n, err := a.u32(1)
		if err != nil {
			return status.InvalidArgs
		}
		c.blocks = n
	}
	c.uri, c.served = a[0], true
	return nil
}

func (c *coapState) text() []byte {
	if c.content == "" {
		return []byte("0")
	}
	return []byte(c.content)
}

// set shows or changes what the resource contains.
func (c *coapState) set(s *Shell, a args) (changed bool, err error) {
	if len(a) == 0 {
		s.Line("%s", c.text())
		return false, nil
	}
	if len(a[0]) >= maxURI {
		return false, status.InvalidArgs
	}
	c.content = a[0]
	return true, nil
}

func coapSet(s *Shell, a args) error {
	c := &s.coap
	if changed, err := c.set(s, a); !changed || !c.observer.Valid() {
		return err
	}
	c.serial++
	s.Line("sending coap notification to %s", peerOf(c.observedBy))
	return s.node.CoAP(s.now, s.cause, func(e *endpoint.Endpoint) {
		e.Notify(s.now, s.cause, c.observer, &endpoint.Reply{Code: coap.Content, Payload: c.text()}, c.confirmable)
	})
}

func coapParameters(s *Shell, a args) error {
	var p *transmission
	switch a.at(0) {
	case "request":
		p = &s.coap.requestTx
	case "response":
		p = &s.coap.responseTx
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
