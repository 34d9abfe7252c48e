package dnssd

import (
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// Env is what a Client needs of its node.
type Env interface {
	// SendDNS sends a message from the client's port; Client.Receive takes the answer.
	SendDNS(now machine.Time, dst ip6.Address, port uint16, message []byte) error
	// Synthesize returns the address by which NAT64 reaches an IPv4 address, if there is a NAT64.
	Synthesize(v4 [4]byte) (ip6.Address, error)
	// Answered ends a query.
	Answered(now machine.Time, op machine.OpID, a *Response)
}

type kind uint8

const (
	addresses kind = iota
	addresses4
	records
	browse
	service
)

// query is what somebody has asked for. It is one message and its answer, or several whose answers belong together.
type query struct {
	op    machine.OpID
	kind  kind
	name  string // as it was asked for, with a dot at its end; of a service without its first label
	label string // of a service
	s     Settings
	asks  []*ask
	host  bool // the host of the service is wanted, too
}

// ask is one message, sent until it is answered.
type ask struct {
	id     uint16
	name   dns.Name // in lower case
	asked  []byte   // as it was written
	types  []uint16 // two: questions for both
	tries  uint8
	at     machine.Time
	answer []byte // of a query that waits for another answer
}

// Client asks servers for names.
type Client struct {
	env     Env
	rand    machine.Rand
	own     Settings
	chosen  bool          // the server is one that the user has named
	auto    ip6.Address   // that the registry's client has found
	poor    []ip6.Address // servers that answer one question at a time
	queries []*query
	next    machine.Time
}

const maxQueries = 32

// NewClient returns a client with the default settings.
func NewClient(env Env, rand machine.Rand) *Client {
	return &Client{env: env, rand: rand, own: Default, next: machine.Never}
}

// Deadline says when Expire wants to be called.
func (c *Client) Deadline() machine.Time { return c.next }

// Resolve asks for the IPv6 addresses of a name, or those that NAT64 makes of its IPv4 addresses: with ip4 at once, else if
// there are no others and the settings allow it.
func (c *Client) Resolve(now machine.Time, op machine.OpID, name string, ip4 bool, s Settings) error {
	q := &query{op: op, s: s.Or(c.own)}
	if !ip4 {
		return c.start(now, q, "", name, dns.TypeAAAA)
	}
	q.kind = addresses4
	if q.s.NAT64 != Yes {
		return status.InvalidArgs
	}
	if _, err := c.env.Synthesize([4]byte{}); err != nil {
		return err
	}
	return c.start(now, q, "", name, dns.TypeA)
}

// Query asks for the records of a type. first is the first label, which may hold dots.
func (c *Client) Query(now machine.Time, op machine.OpID, kind uint16, first, next string, s Settings) error {
	if first == "" {
		return status.InvalidArgs
	}
	return c.start(now, &query{op: op, kind: records, s: s.Or(c.own)}, first, next, kind)
}

// Browse asks for the instances of a service, as _ipps._tcp.default.service.arpa.
func (c *Client) Browse(now machine.Time, op machine.OpID, name string, s Settings) error {
	return c.start(now, &query{op: op, kind: browse, s: s.Or(c.own)}, "", name, dns.TypePTR)
}

// Service asks for an instance of a service; with host for the addresses of its host, too, if the answer does not have them.
func (c *Client) Service(now machine.Time, op machine.OpID, label, name string, host bool, s Settings) error {
	q := &query{op: op, kind: service, label: label, host: host, s: s.Or(c.own)}
	if s.ServiceMode != Optimized && q.s.ServiceMode == Optimized && c.limited(q.s.Server) >= 0 {
		q.s.ServiceMode = Separate
	}
	if label == "" || q.s.ServiceMode == TXT && host {
		return status.InvalidArgs
	}
	switch q.s.ServiceMode {
	case SRV:
		return c.start(now, q, label, name, dns.TypeSRV)
	case TXT:
		return c.start(now, q, label, name, dns.TypeTXT)
	case Separate:
		err := c.start(now, q, label, name, dns.TypeSRV)
		if err == nil {
			c.also(now, q, &ask{name: q.asks[0].name, asked: q.asks[0].asked, types: []uint16{dns.TypeTXT}})
		}
		return err
	}
	return c.start(now, q, label, name, dns.TypeSRV, dns.TypeTXT)
}

// start sends the first message of a query.
func (c *Client) start(now machine.Time, q *query, label, name string, types ...uint16) error {
	n, err := dns.ParseName(name)
	if err != nil || len(label) > dns.MaxLabel || len(label)+1+len(n) > dns.MaxName {
		return status.InvalidArgs
	}
	if len(c.queries) >= maxQueries {
		return status.NoBufs
	}
	q.name = n.Text() + "."
	if label != "" {
		n = dns.Name(append([]byte{byte(len(label))}, label...)) + n
		if q.kind == records {
			q.name = label + "." + q.name
		}
	}
	a := &ask{asked: []byte(n), name: n.Lower(), types: types}
	a.id = c.newID()
	if err := c.transmit(now, q, a); err != nil {
		return err
	}
	q.asks = []*ask{a}
	c.queries = append(c.queries, q)
	c.schedule()
	return nil
}

// also adds a message to a query.
func (c *Client) also(now machine.Time, q *query, a *ask) {
	a.id = c.newID()
	q.asks = append(q.asks, a)
	_ = c.transmit(now, q, a) // or the next time
	c.schedule()
}

func (c *Client) newID() uint16 {
	for {
		id := uint16(c.rand.Uint64())
		if q, _ := c.byID(id); q == nil {
			return id
		}
	}
}

func (c *Client) transmit(now machine.Time, q *query, a *ask) error {
	flags := uint16(0)
	if q.s.Recursion == Yes {
		flags = dns.FlagRecursion
	}
	a.tries++
	a.at = now.Add(q.s.Timeout)
	w := dns.Writer{}
	w.Header(a.id, flags)
	for _, t := range a.types {
		w.Question(dns.Name(a.asked), t)
	}
	return c.env.SendDNS(now, q.s.Server, q.s.Port, w.Bytes())
}

func (c *Client) byID(id uint16) (*query, *ask) {
	for _, q := range c.queries {
		for _, a := range q.asks {
			if a.id == id {
				return q, a
			}
		}
	}
	return nil, nil
}

func (c *Client) drop(q *query) {
	c.queries = slices.DeleteFunc(c.queries, func(o *query) bool { return o == q })
	c.schedule()
}

// Forget ends a query without an answer.
func (c *Client) Forget(op machine.OpID) {
	for _, q := range c.queries {
		if q.op == op {
			c.drop(q)
			return
		}
	}
}

func (c *Client) schedule() {
	c.next = machine.Never
	for _, q := range c.queries {
		for _, a := range q.asks {
			if a.answer == nil {
				c.next = min(c.next, a.at)
			}
		}
	}
}

// Expire asks again, or gives up.
func (c *Client) Expire(now machine.Time) {
	for _, q := range slices.Clone(c.queries) {
		for _, a := range slices.Clone(q.asks) {
			if a.answer != nil || a.at > now {
				continue
			}
			if a.tries >= q.s.Attempts {
				c.finish(now, q, status.ResponseTimeout)
				break
			}
			if !c.split(now, q, a) {
				_ = c.transmit(now, q, a) // what cannot be sent now may be the next time
			}
		}
	}
	c.schedule()
}

// split asks two questions in two messages, where one message with both did not work.
func (c *Client) split(now machine.Time, q *query, a *ask) bool {
	if len(a.types) != 2 || q.s.ServiceMode != Optimized {
		return false
	}
	c.noteLimited(q.s.Server, true)
	a.types, a.tries, a.id = a.types[:1], 0, c.newID()
	_ = c.transmit(now, q, a)
	c.also(now, q, &ask{name: a.name, asked: a.asked, types: []uint16{dns.TypeTXT}})
	return true
}

// Stop ends all queries: the interface is down.
func (c *Client) Stop(now machine.Time) {
	for len(c.queries) > 0 {
		c.finish(now, c.queries[0], status.Abort)
	}
}

func (c *Client) finish(now machine.Time, q *query, err error) {
	c.drop(q)
	c.env.Answered(now, q.op, &Response{Name: q.name, Label: q.label, Err: err})
}
