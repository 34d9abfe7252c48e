package dns

import (
	"net/netip"
	"time"

	"heddle.example/machine"
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

// Settings say how to ask. Fields that are zero are those of Default, or of the client's own settings for one query.
type Settings struct {
	Server      ip6.Address
	Port        uint16
	Timeout     time.Duration
	Attempts    uint8
	Recursion   Choice
	ServiceMode uint8 // OpenThread's otDnsServiceMode; only kept
	NAT64       Choice
}

// Choice is yes, no, or left to others.
type Choice uint8

// The values of a Choice.
const (
	Unset Choice = iota
	Yes
	No
)

// Default is what is used where nothing else is said (OpenThread's config/dns_client.h).
var Default = Settings{Server: ip6.MustParse("2001:4860:4860::8888"), Port: 53, Timeout: 7 * time.Second, Attempts: 3, Recursion: Yes,
	ServiceMode: 5, NAT64: Yes}

// Or returns the settings with those of o where they are zero.
func (s Settings) Or(o Settings) Settings {
	if s.Server.IsUnspecified() {
		s.Server = o.Server
	}
	if s.Port == 0 {
		s.Port = o.Port
	}
	if s.Timeout == 0 {
		s.Timeout = o.Timeout
	}
	if s.Attempts == 0 {
		s.Attempts = o.Attempts
	}
	if s.Recursion == Unset {
		s.Recursion = o.Recursion
	}
	if s.ServiceMode == 0 {
		s.ServiceMode = o.ServiceMode
	}
	if s.NAT64 == Unset {
		s.NAT64 = o.NAT64
	}
	return s
}

// Address is an address of a name.
type Address struct {
	IP  ip6.Address
	IP4 netip.Addr // valid: IP stands for it, by NAT64
	TTL uint32
}

// Response is the end of a query.
type Response struct {
	Name      string // as it was asked for, with a dot at its end
	Err       error  // nil, or one of package status
	Addresses []Address
	Message   Message // the answer, where there was one; borrowed
}

// query is one under way.
type query struct {
	op       machine.OpID
	name     string
	question Question
	s        Settings
	id       uint16
	tries    uint8
	at       machine.Time
	ip4      bool // its IPv4 addresses are asked for, to make IPv6 ones of them
	plain    bool // records are wanted, not addresses
}

// Client asks servers for names.
type Client struct {
	env     Env
	rand    machine.Rand
	own     Settings
	chosen  bool        // the server is one that the user has named
	auto    ip6.Address // that the registry's client has found
	queries []*query
	next    machine.Time
}

const maxQueries = 32

// NewClient returns a client with the default settings.
func NewClient(env Env, rand machine.Rand) *Client {
	return &Client{env: env, rand: rand, own: Default, next: machine.Never}
}

// Settings returns what is used where a query says nothing else.
func (c *Client) Settings() Settings { return c.own }

// SetSettings changes it; zero fields are set to the default.
func (c *Client) SetSettings(s Settings) {
	c.chosen = !s.Server.IsUnspecified()
	c.own = s.Or(Default)
	c.SetAutoServer(c.auto)
}

// SetAutoServer says which server was found in the network; it is used unless the user has named another one.
func (c *Client) SetAutoServer(a ip6.Address) {
	c.auto = a
	if !c.chosen && !a.IsUnspecified() {
		c.own.Server = a
	}
}

// Server returns the server that is asked, and whether the user has named it.
func (c *Client) Server() (a ip6.Address, chosen bool) { return c.own.Server, c.chosen }

// Forget ends a query without an answer.
func (c *Client) Forget(op machine.OpID) {
	for _, q := range c.queries {
		if q.op == op {
			c.drop(q)
			return
		}
	}
}

// Deadline says when Expire wants to be called.
func (c *Client) Deadline() machine.Time { return c.next }

// Resolve asks for the IPv6 addresses of a name, or those that NAT64 makes of its IPv4 addresses: with ip4 at once, else if
// there are no others and the settings allow it.
func (c *Client) Resolve(now machine.Time, op machine.OpID, name string, ip4 bool, s Settings) error {
	q := &query{op: op, ip4: ip4, s: s.Or(c.own)}
	kind := uint16(TypeAAAA)
	if ip4 {
		kind = TypeA
		if _, err := c.env.Synthesize([4]byte{}); err != nil {
			return err
		}
	}
	return c.start(now, q, name, kind)
}

// Query asks for the records of a type. first is the first label, which may hold dots, or all of the name without next.
func (c *Client) Query(now machine.Time, op machine.OpID, kind uint16, first, next string, s Settings) error {
	q := &query{op: op, plain: true, s: s.Or(c.own)}
	if len(first) == 0 || len(first) > maxLabel {
		return status.InvalidArgs
	}
	if err := c.start(now, nil, next, kind); err != nil {
		return err
	}
	rest, err := NewQuestion(next, kind)
	if err != nil {
		return status.InvalidArgs
	}
	label := append([]byte{byte(len(first))}, first...)
	asked := append(append([]byte(nil), label...), rest.Asked...)
	if len(asked) > MaxName {
		return status.InvalidArgs
	}
	q.name = first + "." + Name(rest.Asked).Text() + "."
	q.question = Question{Name: lower(append([]byte(nil), asked...)), Asked: asked, Type: kind, Class: ClassIN}
	return c.send(now, q)
}

// start checks a name and sends the first message. Without a query it only checks.
func (c *Client) start(now machine.Time, q *query, name string, kind uint16) error {
	question, err := NewQuestion(name, kind)
	if err != nil {
		return status.InvalidArgs
	}
	if len(c.queries) >= maxQueries {
		return status.NoBufs
	}
	if q == nil {
		return nil
	}
	q.question, q.name = question, Name(question.Asked).Text()+"."
	return c.send(now, q)
}

func (c *Client) send(now machine.Time, q *query) error {
	for q.id = uint16(c.rand.Uint64()); c.byID(q.id) != nil; {
		q.id++
	}
	if err := c.transmit(now, q); err != nil {
		return err
	}
	c.queries = append(c.queries, q)
	c.schedule()
	return nil
}

func (c *Client) transmit(now machine.Time, q *query) error {
	flags := uint16(0)
	if q.s.Recursion == Yes {
		flags = FlagRecursion
	}
	q.tries++
	q.at = now.Add(q.s.Timeout)
	return c.env.SendDNS(now, q.s.Server, q.s.Port, AppendHeader(nil, q.id, flags, &q.question, 0))
}

func (c *Client) byID(id uint16) *query {
	for _, q := range c.queries {
		if q.id == id {
			return q
		}
	}
	return nil
}

func (c *Client) drop(q *query) {
	for i, o := range c.queries {
		if o == q {
			c.queries = append(c.queries[:i], c.queries[i+1:]...)
			break
		}
	}
	c.schedule()
}

func (c *Client) schedule() {
	c.next = machine.Never
	for _, q := range c.queries {
		c.next = min(c.next, q.at)
	}
}

// Expire asks again, or gives up.
func (c *Client) Expire(now machine.Time) {
	var ended []*query
	for _, q := range c.queries {
		if q.at > now {
			continue
		}
		if q.tries < q.s.Attempts {
			_ = c.transmit(now, q) // what cannot be sent now may be the next time
		} else {
			ended = append(ended, q)
		}
	}
	c.schedule()
	for _, q := range ended {
		c.finish(now, q, status.ResponseTimeout, nil, nil)
	}
}

// Stop ends all queries: the interface is down.
func (c *Client) Stop(now machine.Time) {
	for len(c.queries) > 0 {
		c.finish(now, c.queries[0], status.Abort, nil, nil)
	}
}

func (c *Client) finish(now machine.Time, q *query, err error, a []Address, m *Message) {
	c.drop(q)
	r := Response{Name: q.name, Err: err, Addresses: a}
	if m != nil {
		r.Message = *m
	}
	c.env.Answered(now, q.op, &r)
}

// Receive takes in a message for the client's port.
func (c *Client) Receive(now machine.Time, from ip6.Address, port uint16, b []byte) {
	m, err := Parse(b)
	if err != nil || m.Flags&FlagResponse == 0 || m.Flags&FlagTruncated != 0 || m.Flags>>11&15 != 0 {
		return
	}
	q := c.byID(m.ID)
	if q == nil || m.Question.Name != q.question.Name || m.Question.Type != q.question.Type || from != q.s.Server || port != q.s.Port {
		return
	}
	code := codeError(m.Code())
	if q.plain {
		c.finish(now, q, code, nil, &m)
		return
	}
	list, err := c.addresses(q, &m)
	if err != nil {
		c.finish(now, q, status.Parse, nil, nil)
		return
	}
	// Without an IPv6 address the IPv4 ones are asked for, where there is a NAT64 for them.
	if !q.ip4 && len(list) == 0 && q.s.NAT64 == Yes && m.Code() != CodeNoName {
		if _, err := c.env.Synthesize([4]byte{}); err == nil {
			q.ip4, q.tries = true, 0
			q.question.Type = TypeA
			q.id++
			for c.byIDBut(q) {
				q.id++
			}
			_ = c.transmit(now, q) // or it ends in time
			c.schedule()
			return
		}
	}
	c.finish(now, q, code, list, &m)
}

func (c *Client) byIDBut(q *query) bool {
	for _, o := range c.queries {
		if o != q && o.id == q.id {
			return true
		}
	}
	return false
}

// addresses returns the addresses in an answer, of the name or of what it is an alias of.
func (c *Client) addresses(q *query, m *Message) (list []Address, err error) {
	owner := q.question.Name
	err = m.Each(func(r *Record, section int) bool {
		if section != Answer || len(list) == 32 {
			return false
		}
		switch {
		case r.Class != ClassIN || r.Owner != owner:
		case r.Type == TypeCNAME:
			if n, _, _, bad := ReadName(m.Bytes, r.At); bad == nil {
				owner = n
			}
		case r.Type == TypeAAAA && !q.ip4 && len(r.Data) == 16:
			list = append(list, Address{IP: ip6.Address(r.Data), TTL: r.TTL})
		case r.Type == TypeA && q.ip4 && len(r.Data) == 4:
			if a, bad := c.env.Synthesize([4]byte(r.Data)); bad == nil {
				list = append(list, Address{a, netip.AddrFrom4([4]byte(r.Data)), r.TTL})
			}
		}
		return true
	})
	return list, err
}

// codeError returns the error of a response code (Dns::Header::ResponseCodeToError).
func codeError(code int) error {
	switch code {
	case CodeOK:
		return nil
	case CodeFormat, 10:
		return status.Parse
	case CodeNoName, 8:
		return status.NotFound
	case 4, 11:
		return status.NotImplemented
	case 6, 7:
		return status.Duplicated
	case CodeRefused, 9:
		return status.Security
	}
	return status.Failed
}
