package shell

import (
	"encoding/binary"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
)

// coapTransfer is a request whose body, or whose answer's, goes block by block, each of them printed (RFC 7959). It is the
// shell that does it, and not the endpoint, because OpenThread's prints each block when it is sent.
type coapTransfer struct {
	request coapRequest
	next    uint32 // number of the block that was sent or asked for last
}

func (c *coapState) transfer(s *Shell, path machine.Path, r *coapRequest) error {
	return c.step(s, path, &coapTransfer{request: *r})
}

// step sends the transfer's next message.
func (c *coapState) step(s *Shell, path machine.Path, t *coapTransfer) error {
	r := &t.request
	q := endpoint.Request{Code: r.code, Options: uriOptions(r.uri), Single: true}
	b := coap.Block{Num: t.next, SZX: coap.SZX(r.block)}
	if r.code == coap.GET {
		q.Options = q.Options.AddUint(coap.Block2, b.Uint())
	} else {
		b.More = t.next+1 < c.count()
		q.Options, q.Payload = q.Options.AddUint(coap.Block1, b.Uint()), s.random(r.block)
		s.block("send", t.next, q.Payload)
	}
	op, err := c.send(s, path, &q, true)
	if err != nil {
		return err
	}
	if c.transfers == nil {
		c.transfers = map[machine.OpID]*coapTransfer{}
	}
	c.transfers[op] = t
	return nil
}

// answered takes in the answer to a block, and reports whether it was not the last one.
func (t *coapTransfer) answered(c *coapState, s *Shell, path machine.Path, v *endpoint.Response) bool {
	if t.request.code != coap.GET {
		b, ok := v.Options.Block(coap.Block1)
		if v.Code != coap.Continue || !ok || t.next+1 >= c.count() {
			return false
		}
		if size := b.Size(); size < t.request.block { // smaller ones from now on, please (RFC 7959 section 2.3)
			t.request.block = size
		}
	} else {
		b, ok := v.Options.Block(coap.Block2)
		if !ok || !v.Code.IsSuccess() {
			return false
		}
		s.block("received", b.Num, v.Payload)
		if t.request.block = b.Size(); !b.More {
			return false
		}
	}
	t.next++
	if err := c.step(s, path, t); err != nil {
		s.Line("%s receive response error %d: %s", c.name(), number(err), number(err).Name())
	}
	return true
}

// count is how many blocks a body has.
func (c *coapState) count() uint32 { return max(c.blocks, 1) }

// block prints a block, 16 bytes a line.
func (s *Shell) block(what string, number uint32, b []byte) {
	s.Line("%s block: Num %d Len %d", what, number, len(b))
	for ; len(b) >= 16; b = b[16:] {
		s.Line("%s", hexOf(b[:16]))
	}
}

// random returns random bytes: what a block contains means nothing.
func (s *Shell) random(n int) []byte {
	b := make([]byte, 0, n+4)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint32(b, s.node.Random())
	}
	return b[:n]
}
