package endpoint

import (
	"math/bits"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
)

// Endpoint is the message layer of one CoAP endpoint. It is a machine.Machine.
type Endpoint struct {
	config Config
	out    machine.Outbox
	stats  Stats

	lifetime, nonLifetime time.Duration // EXCHANGE_LIFETIME, NON_LIFETIME
	ackSpan               time.Duration // ACK_TIMEOUT * (ACK_RANDOM_FACTOR - 1)
	epoch                 machine.Time  // first input
	started               bool
	lastOp                machine.OpID
	stored                int // bytes that count towards MaxStored

	peers         slab[peer]
	index         machine.Index // of peers
	recent        recent
	owns          map[ownEnd]uint32 // number, from 1, in ownEnds
	ownEnds       []ownEnd
	lastOwn       ownEnd
	lastOwnNumber uint32

	timers  machine.Timers[expirer]
	alive   list[exchange] // by time of arrival
	unacked list[exchange]

	exchanges     slots[exchange]
	subscriptions slots[subscription]
	calls         map[machine.OpID]*call
	observations  map[machine.OpID]*observation
	tokens        map[coap.Token]*holder

	msg         coap.Message // scratch of Receive
	from        machine.Path // of what Receive has in hand
	reply       coap.Message // scratch of what we send
	scratch     coap.Options
	scratchPath machine.Path
	keyScratch  []byte
	random      [8]byte
	why         []byte
	uncon       *Notification // delivered, to be acknowledged by the next Next

	incoming      pool[Incoming]
	responses     pool[Response]
	notifications pool[Notification]

	spareRings    spares[ring]
	spareDealings spares[dealings]
	spareCalls    spares[call]

	requestOption, responseOption func(coap.OptionNumber) bool
}

// expirer is what a timer belongs to.
type expirer interface {
	expire(e *Endpoint, now machine.Time)
}

// New returns an endpoint without peers.
func New(c Config) *Endpoint {
	c.setDefaults()
	e := &Endpoint{
		config: c, out: machine.NewOutbox(c.Nest),
		peers: slab[peer]{size: peerChunk}, owns: map[ownEnd]uint32{},
		calls: map[machine.OpID]*call{}, observations: map[machine.OpID]*observation{},
		tokens: map[coap.Token]*holder{},
	}
	e.index = machine.NewIndex(c.Rand, e.hash)
	span := time.Duration(float64(c.AckTimeout) * c.AckRandomFactor * float64(int64(1)<<c.MaxRetransmit-1))
	e.ackSpan = time.Duration(float64(c.AckTimeout) * (c.AckRandomFactor - 1))
	e.lifetime = max(ExchangeLifetime, span+200*time.Second+c.AckTimeout)
	e.nonLifetime = max(NonLifetime, span+100*time.Second)
	e.requestOption, e.responseOption = e.understoodInRequest, e.understoodInResponse
	return e
}

func (e *Endpoint) understoodInRequest(n coap.OptionNumber) bool {
	switch n {
	case coap.URIHost, coap.URIPort, coap.URIPath, coap.URIQuery, coap.Accept, coap.Block1, coap.Block2:
		return true
	}
	return e.config.Understands != nil && e.config.Understands(n)
}

func (e *Endpoint) understoodInResponse(n coap.OptionNumber) bool {
	return n == coap.Block1 || n == coap.Block2
}

// begin starts an input.
func (e *Endpoint) begin(now machine.Time) {
	if !e.started {
		e.started, e.epoch = true, now
	}
	if e.out.Begin() {
		e.incoming.reset()
		e.responses.reset()
		e.notifications.reset()
	}
}

// Next implements machine.Machine.
func (e *Endpoint) Next() (machine.Action, bool) {
	if n := e.uncon; n != nil {
		e.uncon = nil
		if !n.Hold && !n.acked {
			return e.confirm(n, 0), true
		}
	}
	a, ok := e.out.Next()
	if n, is := a.Value.(*Notification); is && n.Confirmable && n.Err == nil {
		e.uncon = n
	}
	return a, ok
}

// Deadline implements machine.Machine.
func (e *Endpoint) Deadline() machine.Time {
	d := e.timers.Deadline()
	if p := e.oldest(); p != nil {
		d = min(d, p.active.Add(e.lifetime))
	}
	if x := e.unacked.first; x != nil {
		d = min(d, x.value.at.Add(e.config.AckDelay))
	}
	if x := e.alive.first; x != nil {
		d = min(d, x.value.at.Add(e.lifetime))
	}
	return d
}

// Expire implements machine.Machine.
func (e *Endpoint) Expire(now machine.Time) {
	e.begin(now)
	for x := e.unacked.first; x != nil && x.value.at.Add(e.config.AckDelay) <= now; x = e.unacked.first {
		e.ackNow(x.value)
	}
	for {
		t, ok := e.timers.Pop(now)
		if !ok {
			break
		}
		t.expire(e, now)
	}
	for x := e.alive.first; x != nil && x.value.at.Add(e.lifetime) <= now; x = e.alive.first {
		e.stats.Abandoned++
		e.release(x.value)
	}
	for p := e.oldest(); p != nil && p.active.Add(e.lifetime) <= now; p = e.oldest() {
		e.idle(p)
	}
}

// push queues a datagram that is already in the nest's memory.
func (e *Endpoint) push(cause machine.Cause, path machine.Path, after machine.Seq, data []byte) {
	e.stats.Sent++
	e.out.Push(machine.Action{Kind: machine.Send, Cause: cause, After: after, Path: path, Data: data})
}

// pushEmpty queues an empty message: an ACK or RST for message id.
func (e *Endpoint) pushEmpty(cause machine.Cause, path machine.Path, t coap.Type, id uint16, after machine.Seq) {
	if t == coap.RST {
		e.stats.Resets++
	}
	b := append(e.out.Nest().Buf(4), coap.Version<<6|byte(t)<<4, 0, byte(id>>8), byte(id))
	e.push(cause, path, after, b)
}

// initialTimeout draws the first retransmission timeout (RFC 7252 section 4.2).
func (e *Endpoint) initialTimeout() time.Duration {
	extra, _ := bits.Mul64(uint64(e.ackSpan), e.config.Rand.Uint64())
	return e.config.AckTimeout + time.Duration(extra)
}

func (e *Endpoint) newToken() coap.Token {
	for {
		e.config.Rand.Fill(e.random[:])
		if t := coap.NewToken(e.random[:]); e.tokens[t] == nil {
			return t
		}
	}
}

func (e *Endpoint) newOp() machine.OpID { e.lastOp++; return e.lastOp }
