// Package sntp asks a server what time it is (RFC 4330), as OpenThread's src/core/net/sntp_client.cpp does.
package sntp

import (
	"encoding/binary"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// Default server and port.
var DefaultServer = ip6.MustParse("2001:4860:4806:8::")

// The numbers of the protocol, and the client's times (config/sntp_client.h).
const (
	DefaultPort = 123

	size       = 48
	version    = 4 << 3
	modeClient = 3
	modeServer = 4
	since1900  = 2208988800 // s, until 1970
	timeout    = 3 * time.Second
	maxTries   = 3
	maxQueries = 8
)

// Env is what a Client needs of its node.
type Env interface {
	SendTimeQuery(now machine.Time, dst ip6.Address, port uint16, b []byte) error
	Answered(now machine.Time, op machine.OpID, r *Response)
}

// Response is the end of a query.
type Response struct {
	Unix uint64 // s since 1970
	Err  error
}

type query struct {
	op     machine.OpID
	server ip6.Address
	port   uint16
	token  uint32 // what we say the time is; the answer repeats it
	tries  int
	at     machine.Time
}

// Client asks for the time.
type Client struct {
	env     Env
	queries []*query
}

// NewClient returns a client.
func NewClient(env Env) *Client { return &Client{env: env} }

// Query asks a server.
func (c *Client) Query(now machine.Time, op machine.OpID, server ip6.Address, port uint16) error {
	if len(c.queries) >= maxQueries {
		return status.NoBufs
	}
	q := &query{op: op, server: server, port: port, token: uint32(now.Unix() + since1900)}
	for c.find(q.token) != nil {
		q.token++
	}
	if err := c.send(now, q); err != nil {
		return err
	}
	c.queries = append(c.queries, q)
	return nil
}

func (c *Client) send(now machine.Time, q *query) error {
	q.tries++
	q.at = now.Add(timeout)
	b := make([]byte, size)
	b[0] = version | modeClient
	binary.BigEndian.PutUint32(b[40:], q.token)
	return c.env.SendTimeQuery(now, q.server, q.port, b)
}

func (c *Client) find(token uint32) *query {
	for _, q := range c.queries {
		if q.token == token {
			return q
		}
	}
	return nil
}

func (c *Client) end(now machine.Time, q *query, r Response) {
	for i, o := range c.queries {
		if o == q {
			c.queries = append(c.queries[:i], c.queries[i+1:]...)
			break
		}
	}
	c.env.Answered(now, q.op, &r)
}

// Receive takes in what came to the client's port.
func (c *Client) Receive(now machine.Time, from ip6.Address, port uint16, b []byte) {
	if len(b) < size {
		return
	}
	q := c.find(binary.BigEndian.Uint32(b[24:]))
	if q == nil || from != q.server || port != q.port {
		return
	}
	seconds, fraction := binary.BigEndian.Uint32(b[40:]), binary.BigEndian.Uint32(b[44:])
	switch {
	case b[0]&7 != modeServer:
		c.end(now, q, Response{Err: status.Failed})
	case b[1] == 0: // "kiss of death"
		c.end(now, q, Response{Err: status.Busy})
	case seconds == 0 || fraction == 0:
		c.end(now, q, Response{Err: status.Failed})
	case seconds > since1900:
		c.end(now, q, Response{Unix: uint64(seconds) - since1900})
	default: // the next era began in 2036
		c.end(now, q, Response{Unix: uint64(seconds) + 1<<32 - since1900})
	}
}

// Deadline says when Expire wants to be called.
func (c *Client) Deadline() machine.Time {
	at := machine.Never
	for _, q := range c.queries {
		at = min(at, q.at)
	}
	return at
}

// Expire asks again, or gives up.
func (c *Client) Expire(now machine.Time) {
	for _, q := range append([]*query(nil), c.queries...) {
		switch {
		case q.at > now:
		case q.tries >= maxTries:
			c.end(now, q, Response{Err: status.ResponseTimeout})
		default:
			_ = c.send(now, q) // what cannot be sent now may be the next time
		}
	}
}

// Stop ends all queries: the interface is down.
func (c *Client) Stop(now machine.Time) {
	for len(c.queries) > 0 {
		c.end(now, c.queries[0], Response{Err: status.Abort})
	}
}
