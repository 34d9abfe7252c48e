package tmf

import (
	"errors"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// Priority is that of a message in the mesh. TMF's own are Net unless said otherwise.
type Priority uint8

// The priorities.
const (
	Net Priority = iota
	High
	Normal
	Low
)

// DSCP returns the code point that says the priority of a TMF message (OpenThread's ip6_types.hpp).
func (p Priority) DSCP() uint8 {
	switch p {
	case Net:
		return 0x07
	case Low:
		return 0x17
	}
	return 0x0f
}

// Env is what an Agent needs of its node.
type Env interface {
	// SendTMF sends a CoAP message from port 61631 and reports whether it could leave. Of m are Src (unspecified: chosen by
	// the destination), Dst, Port, Priority and Loop.
	SendTMF(now machine.Time, m *Message, coap []byte) error
	// ServeTMF handles a request, and answers it with Agent.Respond now or later. It reports false for an unknown URI.
	ServeTMF(now machine.Time, r *Request) bool
}

// Errors of a request.
var (
	ErrTimeout = errors.New("tmf: no answer in time")
	ErrReset   = errors.New("tmf: the peer rejected the message")
	ErrAborted = errors.New("tmf: the interface is down")
	ErrRefused = errors.New("tmf: the answer is an error")
	ErrBusy    = errors.New("tmf: too many requests under way")
)

// Response is the answer to a request, or why there is none. Payload is borrowed until Done returns.
type Response struct {
	Err     error
	Code    coap.Code
	Payload []byte
	From    ip6.Address
}

// Failure returns why a request came to nothing: no answer, or one whose code is an error.
func (r *Response) Failure() error {
	if r.Err == nil && !r.Code.IsSuccess() {
		return ErrRefused
	}
	return r.Err
}

// Done is told the end of a request.
type Done func(now machine.Time, r Response)

// Message is a request to send. The zero values are those of most TMF messages.
type Message struct {
	URI         string
	Code        coap.Code   // 0: POST
	Src         ip6.Address // unspecified: chosen by the destination; mostly the RLOC
	Dst         ip6.Address
	Port        uint16 // 0: 61631
	Priority    Priority
	Payload     []byte // copied
	Confirmable bool
	Loop        bool // the node hears its own multicast
	Done        Done // nil: no answer but an acknowledgement is awaited
}

// Request is what a peer asks. Payload is borrowed until ServeTMF returns; the rest may be kept for Respond.
type Request struct {
	URI         string
	Code        coap.Code
	Src, Dst    ip6.Address
	Port        uint16
	Priority    Priority
	Payload     []byte
	Confirmable bool
	ID          uint16
	Token       coap.Token
}

// Parameters of retransmission (RFC 7252 section 4.8; OpenThread's coap.cpp has the same).
const (
	ackTimeout      = 2 * time.Second
	ackSpan         = time.Second // ACK_RANDOM_FACTOR 1.5
	maxRetransmit   = 4
	exchangeLife    = 247 * time.Second
	maxTransmitWait = 93 * time.Second

	maxCalls  = 64 // requests of ours under way
	maxCached = 10 // answers kept for duplicates, as OpenThread has it
)

// Config configures an Agent.
type Config struct {
	Rand machine.Rand
}

// Agent is the CoAP layer of TMF.
type Agent struct {
	env    Env
	rand   machine.Rand
	nextID uint16
	known  bool // nextID is drawn
	calls  []*call
	cache  []cached // oldest first
	next   machine.Time
	msg    coap.Message // scratch
	opts   coap.Options
	path   []byte
	Stats  Stats
}

// Stats are the agent's counters.
type Stats struct {
	Received, Sent, Retransmissions, Malformed, Duplicates, Unmatched, Unknown, Timeouts uint64
}

// call is a request of ours under way.
type call struct {
	id       uint16
	token    coap.Token
	src, dst ip6.Address
	port     uint16
	priority Priority
	message  []byte // nil: non-confirmable, nothing to repeat
	done     Done
	acked    bool
	loop     bool
	left     int
	wait     time.Duration
	at       machine.Time
}

// cached is an answer kept for duplicates of its request.
type cached struct {
	peer    ip6.Address
	local   ip6.Address
	port    uint16
	id      uint16
	until   machine.Time
	message []byte // nil: not answered yet
}

// New returns an agent with nothing under way.
func New(c Config, env Env) *Agent { return &Agent{env: env, rand: c.Rand, next: machine.Never} }

// Deadline says when Expire wants to be called.
func (a *Agent) Deadline() machine.Time { return a.next }

// Post sends a POST, as nearly all of TMF is. With done nil a confirmable message is only repeated until acknowledged.
func (a *Agent) Post(now machine.Time, dst ip6.Address, uri string, payload []byte, confirmable bool, done Done) error {
	return a.Send(now, Message{URI: uri, Dst: dst, Payload: payload, Confirmable: confirmable, Done: done})
}

// Send sends a request. When it returns an error, Done is not called.
func (a *Agent) Send(now machine.Time, m Message) error {
	if len(a.calls) >= maxCalls {
		return ErrBusy
	}
	if !a.known {
		a.nextID, a.known = uint16(a.rand.Uint64()), true
	}
	if m.Code == 0 {
		m.Code = coap.POST
	}
	if m.Port == 0 {
		m.Port = Port
	}
	r := a.rand.Uint64()
	token := coap.NewToken([]byte{byte(r), byte(r >> 8)})
	out := coap.Message{Type: coap.NON, Code: m.Code, ID: a.nextID, Token: token, Payload: m.Payload}
	a.nextID++
	if m.Confirmable {
		out.Type = coap.CON
	}
	out.Options = a.opts[:0].AppendPath(m.URI)
	a.opts = out.Options[:0]
	b, err := out.Append(make([]byte, 0, out.Size()))
	if err != nil {
		return err
	}
	if err := a.env.SendTMF(now, &m, b); err != nil && !m.Confirmable {
		return err
	}
	a.Stats.Sent++
	if !m.Confirmable && m.Done == nil {
		return nil
	}
	c := &call{id: out.ID, token: token, src: m.Src, dst: m.Dst, port: m.Port, priority: m.Priority, loop: m.Loop, done: m.Done}
	if m.Confirmable {
		c.message, c.left = b, maxRetransmit
		c.wait = ackTimeout + time.Duration(a.rand.Uint64()%uint64(ackSpan))
		c.at = now.Add(c.wait)
	} else {
		c.at = now.Add(maxTransmitWait)
	}
	a.calls = append(a.calls, c)
	a.next = min(a.next, c.at)
	return nil
}

// Abort ends all requests under way with ErrAborted, and forgets all answers.
func (a *Agent) Abort(now machine.Time) {
	calls := a.calls
	a.calls, a.cache, a.next = nil, nil, machine.Never
	for _, c := range calls {
		c.finish(now, Response{Err: ErrAborted})
	}
}

// AbortFrom ends the requests under way that were sent from an address which is ours no longer, with ErrAborted.
func (a *Agent) AbortFrom(now machine.Time, src ip6.Address) {
	for i := 0; i < len(a.calls); {
		if a.calls[i].src != src {
			i++
			continue
		}
		a.take(i).finish(now, Response{Err: ErrAborted})
		i = 0 // done may have changed the list
	}
	a.schedule()
}

func (c *call) finish(now machine.Time, r Response) {
	if c.done != nil {
		c.done(now, r)
	}
}

// take removes call i.
func (a *Agent) take(i int) *call {
	c := a.calls[i]
	a.calls = append(a.calls[:i], a.calls[i+1:]...)
	if len(a.calls) == 0 {
		a.calls = nil
	}
	return c
}

// Expire repeats and ends what is due.
func (a *Agent) Expire(now machine.Time) {
	if now < a.next {
		return
	}
	for i := 0; i < len(a.calls); {
		c := a.calls[i]
		switch {
		case c.at > now:
			i++
		case c.message == nil || c.left == 0:
			a.take(i)
			a.Stats.Timeouts++
			c.finish(now, Response{Err: ErrTimeout})
			i = 0 // done may have changed the list
		default:
			c.left--
			c.wait *= 2
			c.at = now.Add(c.wait)
			if !c.acked {
				a.Stats.Retransmissions++
				_ = a.env.SendTMF(now, &Message{Src: c.src, Dst: c.dst, Port: c.port, Priority: c.priority, Loop: c.loop}, c.message) // the next repetition tries again
			}
			i++
		}
	}
	for len(a.cache) > 0 && a.cache[0].until <= now {
		a.forget(0)
	}
	a.schedule()
}

func (a *Agent) forget(i int) {
	a.cache = append(a.cache[:i], a.cache[i+1:]...)
	if len(a.cache) == 0 {
		a.cache = nil
	}
}

func (a *Agent) schedule() {
	a.next = machine.Never
	for _, c := range a.calls {
		a.next = min(a.next, c.at)
	}
	if len(a.cache) > 0 {
		a.next = min(a.next, a.cache[0].until)
	}
}
