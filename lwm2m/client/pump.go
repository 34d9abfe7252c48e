package client

import (
	"heddle.example/coap/endpoint"
	"heddle.example/dtls"
	"heddle.example/machine"
)

// begin starts an input.
func (c *Client) begin(now machine.Time, cause machine.Cause) {
	c.out.Begin()
	c.stack.Begin(now)
	c.now, c.cause, c.acting = now, cause, -1
}

// end finishes an input: what its parts left to do together is done once.
func (c *Client) end() {
	for {
		c.pump()
		// Answers go before notifications, and both before Updates that a request has made necessary.
		if !c.flushReplies() && !c.flushChanges() && !c.flushBootstrap() && !c.flushAccounts() {
			break
		}
	}
	c.setState()
}

// pump moves the inner machines' actions outwards and handles what they tell.
func (c *Client) pump() {
	for {
		a, ok := c.stack.Next()
		if !ok {
			return
		}
		switch a.Kind {
		case machine.Send:
			c.traffic.TxBytes += uint64(len(a.Data))
			c.traffic.TxMessages++
			c.traffic.MaxMessage = max(c.traffic.MaxMessage, len(a.Data))
			c.speaks()
			c.out.Push(a)
		case machine.Persist, machine.Ask:
			c.out.Push(a)
		case machine.Result:
			if r, ok := a.Value.(*endpoint.Response); ok {
				c.result(a.Cause, a.Op, r)
			}
		case machine.Event:
			c.event(a)
		}
	}
}

// event handles what the stack tells.
func (c *Client) event(a machine.Action) {
	switch e := a.Value.(type) {
	case *endpoint.Incoming:
		c.request(a.Cause, a.Path, e)
	case *endpoint.Unsubscribed:
		c.unsubscribed(e)
	case *dtls.Established:
		c.established(a.Cause, e)
		c.fetchEstablished(e)
	case *dtls.Closed:
		c.closed(a.Cause, e)
		c.fetchClosed(e.Session)
	case *dtls.Moved:
		for i := range c.accounts {
			if c.accounts[i].session == e.Session {
				c.accounts[i].path = e.New
			}
		}
		if c.fetch != nil && c.fetch.session == e.Session {
			c.fetch.path = e.New
		}
	}
}

// emit pushes an Event.
func (c *Client) emit(v any) {
	c.out.Push(machine.Action{Kind: machine.Event, Cause: c.cause, Value: v})
}

// ask pushes an Ask and returns its number.
func (c *Client) ask(v any) machine.OpID {
	c.asks++
	c.out.Push(machine.Action{Kind: machine.Ask, Cause: c.cause, Op: c.asks, Value: v})
	return c.asks
}
