package endpoint

import (
	"heddle.example/coap"
	"heddle.example/machine"
)

// transfer is how far a call's bodies have come (RFC 7959).
type transfer struct {
	single   bool // Request.Single
	sending  bool // payload leaves in blocks
	offset   int  // of the block that is on its way
	szx1     uint8
	fetching bool // the response comes in blocks
	ask      bool // the first request asks for blocks of szx2
	szx2     uint8
	body     []byte
	etag     []byte
	restarts uint8
}

// maxRestarts is how often a transfer begins again by itself.
const maxRestarts = 3

// copyOptions keeps the options of a request, without those that are the endpoint's.
func (c *call) copyOptions(o coap.Options) {
	size := 0
	for i := range o {
		size += len(o[i].Value)
	}
	if cap(c.values) < size {
		c.values = make([]byte, 0, size)
	}
	for i := range o {
		n, v := o[i].Number, o[i].Value
		switch {
		case c.single && n != coap.Observe:
			c.keepOption(n, v)
		case n == coap.Block1 || n == coap.Size1 || n == coap.Size2:
		case n == coap.Block2:
			if b, err := coap.DecodeBlock(v); err == nil {
				c.ask, c.szx2 = true, b.SZX
			}
		default:
			if n == coap.Observe {
				value, _ := o[i].Uint()
				c.observe, c.leave = c.observe || value == coap.ObserveRegister, value == coap.ObserveDeregister
				if value == coap.ObserveRegister {
					continue
				}
			}
			c.keepOption(n, v)
		}
	}
}

func (c *call) keepOption(n coap.OptionNumber, v []byte) {
	l := len(c.values)
	c.values = append(c.values, v...)
	c.options = append(c.options, coap.Option{Number: n, Value: c.values[l:len(c.values):len(c.values)]})
}

// prepare decides how the payload leaves, and whether to ask for small blocks from the start (early negotiation).
func (c *call) prepare(szx uint8) {
	if c.single {
		return
	}
	c.szx1 = szx
	if !c.ask {
		c.szx2 = c.szx1
		c.ask = c.szx2 < 6 && (c.code == coap.GET || c.code == coap.FETCH)
	}
	c.szx2 = min(c.szx2, c.szx1)
	c.sending = len(c.payload) > 16<<szx
}

// block1 returns the block that is on its way.
func (c *call) block1() (b coap.Block, payload []byte) {
	b = coap.Block{Num: uint32(c.offset >> (c.szx1 + 4)), SZX: c.szx1}
	end := min(c.offset+b.Size(), len(c.payload))
	b.More = end < len(c.payload)
	return b, c.payload[c.offset:end]
}

// sendCall sends the call's next message.
func (e *Endpoint) sendCall(now machine.Time, c *call) {
	m := &e.reply
	*m = coap.Message{Type: coap.CON, Code: c.code, Token: c.token, Options: append(m.Options[:0], c.options...)}
	if c.non {
		m.Type = coap.NON
	}
	switch {
	case c.fetching:
		b := coap.Block{Num: uint32(len(c.body) >> (c.szx2 + 4)), SZX: c.szx2}
		m.Options = m.Options.Add(coap.Block2, e.uint(b.Uint()))
		if c.code == coap.FETCH && !c.sending {
			m.Payload = c.payload // it is part of what is asked for (RFC 8132 section 2)
		} else {
			m.Options = m.Options.Del(coap.ContentFormatOption)
		}
	case c.sending:
		b, payload := c.block1()
		m.Payload = payload
		m.Options = m.Options.Add(coap.Block1, e.uint(b.Uint()))
		if b.Num == 0 {
			m.Options = m.Options.Add(coap.Size1, e.uint(uint32(len(c.payload))))
		}
		if c.ask && !b.More {
			m.Options = m.Options.Add(coap.Block2, e.uint(uint32(c.szx2)))
		}
	default:
		m.Payload = c.payload
		if c.ask {
			m.Options = m.Options.Add(coap.Block2, e.uint(uint32(c.szx2)))
		}
	}
	if c.observe && !c.fetching {
		m.Options = m.Options.Add(coap.Observe, nil)
	}
	c.out.con = !c.non
	c.out.after = c.after
	data, err := m.Append(c.out.data[:0])
	if c.out.data = data; err != nil {
		e.finish(now, c, nil, nil, ErrRequest)
		return
	}
	e.send(now, &c.out)
}

// retoken gives the call a new token, so that a late answer to its last message is not taken for the next one's.
func (e *Endpoint) retoken(c *call) {
	e.unhold(&c.holder)
	c.token = e.newToken()
	e.hold(&c.holder)
}

// answer takes in a response to the call's last message. bad is a critical option in it that is not understood.
func (e *Endpoint) answer(now machine.Time, c *call, path *machine.Path, m *coap.Message, bad coap.OptionNumber) {
	e.stop(&c.out)
	if bad != 0 {
		e.stats.BadOption++
		e.finish(now, c, path, nil, ErrOption)
		return
	}
	if c.leave {
		if _, o, _ := e.holders(c.token, c.peer); o != nil {
			e.endObservation(now, o)
		}
	}
	if c.single {
		e.finish(now, c, path, m, nil)
		return
	}
	if e.sendOn(now, c, path, m) {
		return
	}
	if c.observe && !c.fetching && m.Code.IsSuccess() {
		if seq, ok := m.Options.GetUint(coap.Observe); ok {
			e.observing(now, c, seq)
		}
	}
	e.fetch(now, c, path, m)
}

// sendOn handles the response to a block of the request's body; false: it is the final response.
func (e *Endpoint) sendOn(now machine.Time, c *call, path *machine.Path, m *coap.Message) bool {
	if c.fetching || len(c.payload) == 0 {
		return false
	}
	b, has := m.Options.Block(coap.Block1)
	if m.Code == coap.RequestEntityTooLarge && has && c.offset == 0 && c.restarts < maxRestarts &&
		(b.SZX < c.szx1 || !c.sending) && 16<<b.SZX < len(c.payload) {
		c.sending, c.szx1 = true, min(b.SZX, c.szx1) // smaller blocks are welcome (RFC 7959 section 2.9.3)
		return e.restart(now, c)
	}
	if !c.sending {
		return false
	}
	cur, payload := c.block1()
	if m.Code == coap.RequestEntityIncomplete && c.offset > 0 && c.restarts < 1 && (cur.More || c.repeatable()) {
		c.offset = 0 // the peer lost what it had (RFC 7959 section 2.9.2)
		return e.restart(now, c)
	}
	if !m.Code.IsSuccess() || !cur.More {
		if m.Code == coap.Continue {
			e.finish(now, c, path, nil, ErrBlock)
			return true
		}
		return false
	}
	if !has && m.Code != coap.Continue {
		return false // a final answer though not all was sent
	}
	if has && b.Num != cur.Num {
		e.finish(now, c, path, nil, ErrBlock)
		return true
	}
	c.offset += len(payload)
	if has && b.SZX < c.szx1 {
		c.szx1 = b.SZX
	}
	e.next(now, c)
	return true
}

// repeatable reports whether a request may be sent again though it may have run (RFC 7252 section 5.1).
func (c *call) repeatable() bool { return c.code != coap.POST && c.code != coap.PATCH }

func (e *Endpoint) restart(now machine.Time, c *call) bool {
	c.restarts++
	e.next(now, c)
	return true
}

func (e *Endpoint) next(now machine.Time, c *call) {
	// An Observe: 1 means the observation of its token, and counts with the last block of the request's body.
	if !c.leave || c.fetching {
		e.retoken(c)
	}
	e.sendCall(now, c)
}
