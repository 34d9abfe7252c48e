package endpoint

import (
	"strconv"

	"heddle.example/coap"
	"heddle.example/machine"
)

// exchange is a peer's request that waits for Respond.
type exchange struct {
	index, generation uint32
	peer              *peer
	path              machine.Path // where the request came from
	token             coap.Token
	id                uint16
	code              coap.Code
	con               bool
	hasBlock1         bool
	hasBlock2         bool
	block1, block2    coap.Block
	streamed          bool
	key               []byte // what is requested: see appendKey
	sum               uint64 // of the payload
	etags             []byte // of the request, each after its length: what the peer has already
	sub               *subscription
	cause             machine.Cause
	at                machine.Time

	prev, next     *exchange // of the peer
	alive, unacked element[exchange]
}

// receiveRequest takes in a request: deduplication, options, blocks, and then the program.
func (e *Endpoint) receiveRequest(now machine.Time, cause machine.Cause, path *machine.Path, m *coap.Message) {
	p := e.reach(now, path)
	if p == nil {
		return
	}
	place, seen := e.lookup(now, p, m.ID)
	if seen {
		if e.duplicate(now, cause, p, path, m, place) {
			return
		}
		p.mark(m.ID, working)
	} else if m.Type == coap.CON {
		e.note(now, p, m.ID, working)
	} else {
		e.note(now, p, m.ID, working|nonFlag)
	}
	options, bad := m.Options.Recognize(e.requestOption)
	m.Options = options
	if bad != 0 {
		e.refuseOption(cause, p, path, m, bad)
		return
	}
	if m.Code > coap.IPATCH {
		e.refuse(cause, p, path, m, coap.MethodNotAllowed, "unknown method", nil)
		return
	}
	if int(p.nexchanges) >= e.config.MaxPeerExchanges || e.alive.n >= e.config.MaxExchanges {
		e.stats.Refused++
		e.refuse(cause, p, path, m, coap.ServiceUnavailable, "too many requests at once", nil)
		return
	}
	body, block1, complete := e.assemble(now, cause, p, path, m, seen)
	if !complete || e.serveBody(now, cause, p, path, m) {
		return
	}
	e.hand(now, cause, p, path, m, body, block1)
}

// hand makes the exchange and hands the request up.
func (e *Endpoint) hand(now machine.Time, cause machine.Cause, p *peer, path *machine.Path, m *coap.Message, body []byte, block1 bool) {
	x, index, generation := e.exchanges.take()
	*x = exchange{index: index, generation: generation, path: *path, token: m.Token, id: m.ID, code: m.Code,
		con: m.Type == coap.CON, hasBlock1: block1, key: appendKey(x.key[:0], m), sum: sum(body),
		etags: appendETags(x.etags[:0], m), cause: cause, at: now}
	x.alive.value, x.unacked.value = x, x
	if block1 {
		x.block1, _ = m.Options.Block(coap.Block1)
		x.streamed = e.streams(m)
	}
	x.block2, x.hasBlock2 = m.Options.Block(coap.Block2)
	p.addExchange(x)
	e.alive.push(&x.alive)
	if x.con {
		e.unacked.push(&x.unacked)
	}
	in := e.incoming.get()
	*in = Incoming{Exchange: Exchange{index, generation}, Code: m.Code, Payload: body, Confirmable: x.con, Observe: -1,
		Token: m.Token, Options: append(in.Options[:0], m.Options...), Streamed: x.streamed, Block: x.block1}
	in.Format, in.HasFormat = m.Options.Format()
	if v, ok := m.Options.GetUint(coap.Observe); ok && v <= 1 && (m.Code == coap.GET || m.Code == coap.FETCH) {
		in.Observe = int(v)
		if v == coap.ObserveDeregister {
			if s := p.subscription(m.Token); s != nil {
				e.endSubscription(now, cause, s, Deregistered)
			}
		}
	}
	e.stats.Requests++
	e.out.Push(machine.Action{Kind: machine.Event, Cause: cause, Path: *path, Value: in})
}

// refuseOption refuses a request with a critical option that is not understood (RFC 7252 sections 5.4.1 and 5.10.2).
func (e *Endpoint) refuseOption(cause machine.Cause, p *peer, path *machine.Path, m *coap.Message, bad coap.OptionNumber) {
	e.stats.BadOption++
	switch {
	case bad == coap.ProxyURI || bad == coap.ProxyScheme:
		e.refuse(cause, p, path, m, coap.ProxyingNotSupported, "", nil)
	case m.Type == coap.CON:
		e.refuse(cause, p, path, m, coap.BadOption, "option "+strconv.Itoa(int(bad))+" is not understood", nil)
	default:
		p.mark(m.ID, reset)
		e.pushEmpty(cause, *path, coap.RST, m.ID, 0)
	}
}

// refuse answers a request without asking the program.
func (e *Endpoint) refuse(cause machine.Cause, p *peer, path *machine.Path, m *coap.Message, code coap.Code, why string, options coap.Options) {
	r := &e.reply
	e.why = append(e.why[:0], why...) // a diagnostic payload (RFC 7252 section 5.5.2)
	*r = coap.Message{Code: code, Token: m.Token, Options: append(r.Options[:0], options...), Payload: e.why}
	if m.Type == coap.CON {
		r.Type, r.ID = coap.ACK, m.ID
		p.mark(m.ID, answered)
	} else {
		r.Type, r.ID = coap.NON, e.messageID(p)
		p.mark(m.ID, silent)
	}
	e.push(cause, *path, 0, e.encode(r))
}

// encode encodes a message of ours into the nest's memory.
func (e *Endpoint) encode(m *coap.Message) []byte {
	b, err := m.Append(e.out.Nest().Buf(m.Size()))
	if err != nil {
		// Options out of order or an endless value: the program's fault, which must not become a broken datagram.
		*m = coap.Message{Type: m.Type, ID: m.ID, Token: m.Token, Code: coap.InternalServerError, Options: m.Options[:0]}
		b, _ = m.Append(e.out.Nest().Buf(m.Size()))
	}
	return b
}
