package client

import (
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
)

// heldReply is an answer that waits for the end of the input, so that it can wait for the commit of what it promises.
type heldReply struct {
	cause    machine.Cause
	exchange endpoint.Exchange
	reply    endpoint.Reply
}

// flushReplies makes durable what has changed and sends the answers that wait for it. The inner machines are drained at
// this point, so that the commit's number follows theirs.
func (c *Client) flushReplies() (any bool) {
	var after machine.Seq
	if c.dirty {
		c.dirty = false
		after = c.persist()
	}
	for _, h := range c.replies {
		c.stack.Endpoint().Respond(c.now, h.cause, h.exchange, &h.reply, after)
		any = true
	}
	clear(c.replies)
	c.replies = c.replies[:0]
	return any
}
