package tmf

import (
	"errors"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// Receive takes in a UDP payload that came to port 61631. b is borrowed.
func (a *Agent) Receive(now machine.Time, src, dst ip6.Address, port uint16, dscp uint8, b []byte) {
	a.Stats.Received++
	m := &a.msg
	if err := m.Decode(b); err != nil {
		a.Stats.Malformed++
		if !errors.Is(err, coap.ErrShort) && !errors.Is(err, coap.ErrVersion) && m.Type == coap.CON && !dst.IsMulticast() {
			a.empty(now, coap.RST, m.ID, dst, src, port)
		}
		return
	}
	if m.Code.IsRequest() {
		a.request(now, src, dst, port, dscp)
	} else {
		a.answer(now, src, dst, port)
	}
	m.Payload = nil
}

func (a *Agent) request(now machine.Time, src, dst ip6.Address, port uint16, dscp uint8) {
	m := &a.msg
	con := m.Type == coap.CON
	if m.Type != coap.CON && m.Type != coap.NON {
		a.Stats.Malformed++
		return
	}
	for i := range a.cache {
		if c := &a.cache[i]; con && c.id == m.ID && c.peer == src && c.port == port {
			a.Stats.Duplicates++
			if c.message != nil {
				_ = a.env.SendTMF(now, &Message{Src: c.local, Dst: src, Port: port}, c.message)
			}
			return
		}
	}
	if a.path = a.path[:0]; true {
		for s := range m.Options.PathSegments() {
			if len(a.path) > 0 {
				a.path = append(a.path, '/')
			}
			a.path = append(a.path, s...)
		}
	}
	r := Request{URI: uris(a.path), Code: m.Code, Src: src, Dst: dst, Port: port, Payload: m.Payload,
		Confirmable: con, ID: m.ID, Token: m.Token, Priority: priorityOf(dscp)}
	if con {
		if len(a.cache) == maxCached {
			a.forget(0)
		}
		a.cache = append(a.cache, cached{peer: src, local: local(dst), port: port, id: m.ID, until: now.Add(exchangeLife)})
		a.next = min(a.next, a.cache[0].until)
	}
	if !a.env.ServeTMF(now, &r) {
		a.Stats.Unknown++
		if con && !dst.IsMulticast() {
			a.Respond(now, &r, coap.NotFound, nil)
		}
	}
}

func priorityOf(dscp uint8) Priority {
	switch dscp {
	case 0x0f:
		return Normal
	case 0x17:
		return Low
	}
	return Net // of old firmware, too (OpenThread's tmf.cpp)
}

// local is the source of an answer: the address that was asked, or one of our choice after a multicast.
func local(dst ip6.Address) ip6.Address {
	if dst.IsMulticast() {
		return ip6.Address{}
	}
	return dst
}

// Respond answers a request: with its ACK where it is confirmable, else in a message of its own.
func (a *Agent) Respond(now machine.Time, r *Request, code coap.Code, payload []byte) {
	out := coap.Message{Type: coap.ACK, Code: code, ID: r.ID, Token: r.Token, Payload: payload}
	if !r.Confirmable {
		if !a.known {
			a.nextID, a.known = uint16(a.rand.Uint64()), true
		}
		out.Type, out.ID = coap.NON, a.nextID
		a.nextID++
	}
	b, err := out.Append(make([]byte, 0, out.Size()))
	if err != nil {
		return
	}
	if r.Confirmable {
		for i := range a.cache {
			if c := &a.cache[i]; c.id == r.ID && c.peer == r.Src && c.port == r.Port {
				c.message = b
			}
		}
	}
	a.Stats.Sent++
	_ = a.env.SendTMF(now, &Message{Src: local(r.Dst), Dst: r.Src, Port: r.Port, Priority: r.Priority}, b) // a lost answer is asked for again
}

// Changed answers a request with 2.04 and nothing else, where an answer is wanted.
func (a *Agent) Changed(now machine.Time, r *Request) {
	if r.Confirmable {
		a.Respond(now, r, coap.Changed, nil)
	}
}

func (a *Agent) empty(now machine.Time, t coap.Type, id uint16, local, peer ip6.Address, port uint16) {
	m := coap.Message{Type: t, ID: id}
	b, _ := m.Append(make([]byte, 0, 4))
	_ = a.env.SendTMF(now, &Message{Src: local, Dst: peer, Port: port}, b)
}

// related returns the call that a message answers, or -1. An anycast locator's answer may come from any address.
func (a *Agent) related(src ip6.Address, port uint16) int {
	m := &a.msg
	for i, c := range a.calls {
		if !(c.dst == src && c.port == port || c.dst.IsMulticast() || c.dst.IID().IsAnycastLocator()) {
			continue
		}
		if m.Type == coap.ACK || m.Type == coap.RST {
			if c.id == m.ID {
				return i
			}
		} else if c.token == m.Token {
			return i
		}
	}
	return -1
}

func (a *Agent) answer(now machine.Time, src, dst ip6.Address, port uint16) {
	m := &a.msg
	i := a.related(src, port)
	if i < 0 {
		a.Stats.Unmatched++
		if m.Type == coap.CON && !dst.IsMulticast() {
			a.empty(now, coap.RST, m.ID, dst, src, port)
		}
		return
	}
	c := a.calls[i]
	r := Response{Code: m.Code, Payload: m.Payload, From: src}
	switch m.Type {
	case coap.RST:
		if m.Code == coap.Empty {
			a.take(i)
			r = Response{Err: ErrReset, From: src}
			c.finish(now, r)
		}
	case coap.ACK:
		switch {
		case m.Code == coap.Empty && c.done == nil:
			a.take(i)
		case m.Code == coap.Empty:
			c.acked = true
		case m.Token == c.token:
			a.take(i)
			c.finish(now, r)
		}
	case coap.CON:
		a.empty(now, coap.ACK, m.ID, dst, src, port)
		fallthrough
	case coap.NON:
		if c.dst.IsMulticast() {
			c.finish(now, r) // there may be more of them, until the time-out
			break
		}
		a.take(i)
		c.finish(now, r)
	}
	a.schedule()
}
