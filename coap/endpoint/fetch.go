package endpoint

import (
	"bytes"

	"heddle.example/coap"
	"heddle.example/machine"
)

// fetch takes in a response that may be a block of a longer body.
func (e *Endpoint) fetch(now machine.Time, c *call, path *machine.Path, m *coap.Message) {
	value, has := m.Options.Get(coap.Block2)
	if !has || !m.Code.IsSuccess() {
		e.finish(now, c, path, m, nil)
		return
	}
	b, err := coap.DecodeBlock(value)
	size, _ := m.Options.GetUint(coap.Size2)
	etag, _ := m.Options.Get(coap.ETag)
	switch {
	case err != nil || b.More && len(m.Payload) != b.Size() || len(m.Payload) > b.Size():
		e.finish(now, c, path, nil, ErrBlock)
		return
	case size > uint32(e.config.MaxBody) || b.Offset()+len(m.Payload) > e.config.MaxBody:
		e.stats.TooLarge++
		e.finish(now, c, path, nil, ErrTooLarge)
		return
	case c.fetching && !bytes.Equal(etag, c.etag):
		c.body = c.body[:0] // another body: from the start
		if b.Num != 0 {
			if c.etag = nil; c.restarts >= maxRestarts {
				e.finish(now, c, path, nil, ErrChanged)
				return
			}
			c.etag = append(c.etag, etag...)
			if c.sending && c.repeatable() {
				c.fetching, c.offset = false, 0 // what is asked for has to be said again, too
			}
			e.restart(now, c)
			return
		}
		c.etag = append(c.etag[:0], etag...)
	}
	if b.Offset() != len(c.body) {
		e.finish(now, c, path, nil, ErrBlock)
		return
	}
	if !c.fetching && !b.More {
		e.finish(now, c, path, m, nil)
		return
	}
	if !c.fetching {
		c.fetching, c.etag = true, append(c.etag[:0], etag...)
	}
	c.szx2 = min(c.szx2, b.SZX)
	c.body = append(c.body, m.Payload...)
	if b.More {
		e.next(now, c)
		return
	}
	m.Payload, c.body = c.body, nil
	e.finish(now, c, path, m, nil)
}
