package endpoint

import (
	"bytes"

	"heddle.example/coap"
	"heddle.example/machine"
)

// assembly is a request body that arrives block by block (RFC 7959 section 2.5). A body takes effect as a whole or not
// at all.
type assembly struct {
	peer    *peer
	key     []byte // code and target
	format  int    // Content-Format, -1 none
	body    []byte
	counted int // of body, in stored
	timer   machine.TimerID
}

// assemble takes in the Block1 option of a request. complete says that body is the whole body and the request can be
// handed up; if not, it was answered. block1 says that the final answer carries a Block1 option. again says that the
// message came before: a late copy of the first block does not begin a new body.
func (e *Endpoint) assemble(now machine.Time, cause machine.Cause, p *peer, path *machine.Path, m *coap.Message, again bool) (body []byte, block1, complete bool) {
	value, ok := m.Options.Get(coap.Block1)
	if ok && e.streams(m) {
		return e.stream(cause, p, path, m, value)
	}
	if !ok {
		if len(m.Payload) > e.config.MaxBody {
			e.tooLarge(cause, p, path, m, nil)
			return nil, false, false
		}
		return m.Payload, false, true
	}
	b, err := coap.DecodeBlock(value)
	if err != nil || b.More && len(m.Payload) != b.Size() || len(m.Payload) > b.Size() {
		e.refuse(cause, p, path, m, coap.BadRequest, "malformed block", nil)
		return nil, true, false
	}
	a := e.assembly(p, m)
	if size, ok := m.Options.GetUint(coap.Size1); ok && size > uint32(e.config.MaxBody) || b.Offset()+len(m.Payload) > e.config.MaxBody {
		e.endAssembly(a)
		e.tooLarge(cause, p, path, m, &b)
		return nil, true, false
	}
	format := -1
	if f, ok := m.Options.Format(); ok {
		format = int(f)
	}
	if b.Num == 0 {
		if !b.More {
			e.endAssembly(a)
			return m.Payload, true, true
		}
		if a == nil || len(a.body) > 0 && !again {
			e.endAssembly(a)
			a = e.beginAssembly(p, m)
		}
		a.format = format
	}
	if a == nil || a.format != format || b.Offset() > len(a.body) {
		e.endAssembly(a)
		e.refuse(cause, p, path, m, coap.RequestEntityIncomplete, "a block is missing", nil)
		return nil, true, false
	}
	if end := b.Offset() + len(m.Payload); end > len(a.body) { // else a block that came before
		if !e.account(&a.counted, end+bodyOverhead) {
			e.endAssembly(a)
			e.refuse(cause, p, path, m, coap.ServiceUnavailable, "no room for the body", nil)
			return nil, true, false
		}
		a.body = append(a.body[:b.Offset()], m.Payload...)
	}
	if !b.More {
		body = a.body
		e.endAssembly(a)
		return body, true, true
	}
	a.timer = e.timers.Set(a.timer, now.Add(e.lifetime), a)
	if szx := e.szx(path); b.Num == 0 && szx < b.SZX {
		b.SZX = szx // smaller blocks from the next on, please
	}
	e.scratch = e.scratch[:0].Add(coap.Block1, e.uint(b.Uint()))
	e.refuse(cause, p, path, m, coap.Continue, "", e.scratch)
	return nil, true, false
}

// tooLarge refuses a body and says how much would do (RFC 7959 section 2.9.3).
func (e *Endpoint) tooLarge(cause machine.Cause, p *peer, path *machine.Path, m *coap.Message, b *coap.Block) {
	e.stats.TooLarge++
	e.scratch = e.scratch[:0]
	if b != nil {
		e.scratch = e.scratch.Add(coap.Block1, e.uint(b.Uint()))
	}
	e.scratch = e.scratch.Add(coap.Size1, e.uint(uint32(e.config.MaxBody)))
	e.refuse(cause, p, path, m, coap.RequestEntityTooLarge, "body too large", e.scratch)
}

// assembly returns the body under way for a request's target.
func (e *Endpoint) assembly(p *peer, m *coap.Message) *assembly {
	if p.dealings == nil || len(p.dealings.assemblies) == 0 {
		return nil
	}
	e.keyScratch = appendKey(e.keyScratch[:0], m)
	for _, a := range p.dealings.assemblies {
		if bytes.Equal(a.key, e.keyScratch) {
			return a
		}
	}
	return nil
}

// beginAssembly makes room for a body; at the limit the oldest one is given up.
func (e *Endpoint) beginAssembly(p *peer, m *coap.Message) *assembly {
	d := e.deal(p)
	if len(d.assemblies) >= e.config.MaxAssemblies {
		e.stats.Refused++
		e.endAssembly(d.assemblies[0])
		d = e.deal(p)
	}
	a := &assembly{peer: p, key: appendKey(nil, m)}
	d.assemblies = append(d.assemblies, a)
	return a
}

func (e *Endpoint) endAssembly(a *assembly) {
	if a == nil {
		return
	}
	e.timers.Stop(a.timer)
	a.timer = 0
	e.stored -= a.counted
	a.counted = 0
	a.peer.dealings.assemblies = remove(a.peer.dealings.assemblies, a)
	e.settle(a.peer)
}

// expire implements expirer: the rest of the body never came.
func (a *assembly) expire(e *Endpoint, _ machine.Time) {
	a.timer = 0
	e.endAssembly(a)
}

// bodyOverhead is what a body on its way costs beside its bytes, so that many small ones cannot cost more than MaxStored.
const bodyOverhead = 256

// account changes what something counts towards MaxStored; at the limit it reports false and changes nothing.
func (e *Endpoint) account(counted *int, size int) bool {
	if e.stored-*counted+size > e.config.MaxStored {
		e.stats.NotStored++
		return false
	}
	e.stored += size - *counted
	*counted = size
	return true
}

// appendKey appends what tells requests for one resource from others: the code and the options that are part of the
// cache key (RFC 7252 section 5.4.2) and are not block-wise transfer's own.
func appendKey(dst []byte, m *coap.Message) []byte {
	dst = append(dst, byte(m.Code))
	for i := range m.Options {
		switch n, v := m.Options[i].Number, m.Options[i].Value; n {
		case coap.URIHost, coap.URIPort, coap.URIPath, coap.URIQuery, coap.Accept:
			dst = append(dst, byte(n), byte(len(v)>>8), byte(len(v)))
			dst = append(dst, v...)
		}
	}
	return dst
}

// sum is the 64-bit FNV-1a hash of a body.
func sum(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
