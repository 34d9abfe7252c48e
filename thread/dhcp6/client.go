package dhcp6

import (
	"encoding/binary"
	"iter"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// ClientEnv is what a Client needs of its node.
type ClientEnv interface {
	EUI64() [8]byte
	MeshLocalPrefix() ip6.Network
	OnMeshPrefixes() iter.Seq[netdata.OnMeshPrefix]
	// Send sends from ClientPort of the node's locator to ServerPort.
	Send(now machine.Time, to ip6.Address, payload []byte)
	AddAddress(now machine.Time, a ip6.Address, bits uint8, preferred, valid bool)
	RemoveAddress(now machine.Time, a ip6.Address)
}

// The bounds of the Trickle timer of solicitations (dhcp6_client.hpp), which stays at the first until nobody answers.
const (
	firstInterval = time.Second
	lastInterval  = 120 * time.Second
)

type leaseState uint8

const (
	wanted leaseState = iota
	soliciting
	replied
)

// lease is the address of one prefix.
type lease struct {
	state  leaseState
	prefix ip6.Prefix
	addr   ip6.Address
	agent  uint16 // locator of who offers the prefix
	valid  bool
}

// Client asks for addresses.
type Client struct {
	env      ClientEnv
	rand     machine.Rand
	leases   []*lease
	current  *lease
	id       [3]byte
	began    machine.Time // when the current lease was first asked for
	at       machine.Time // of the next solicitation
	interval time.Duration
	end      machine.Time // of the Trickle interval
}

// NewClient returns a client without leases.
func NewClient(r machine.Rand, env ClientEnv) *Client {
	return &Client{env: env, rand: r, at: machine.Never, end: machine.Never}
}

// NetworkDataChanged gives up the addresses of prefixes that are gone and asks for those of new ones.
func (c *Client) NetworkDataChanged(now machine.Time) {
	for _, l := range slices.Clone(c.leases) {
		found := false
		for p := range c.env.OnMeshPrefixes() {
			found = found || p.DHCP && p.Prefix == l.prefix
		}
		if !found {
			c.drop(now, l)
		}
	}
	for p := range c.env.OnMeshPrefixes() {
		if !p.DHCP {
			continue
		}
		i := slices.IndexFunc(c.leases, func(l *lease) bool { return l.prefix == p.Prefix })
		if i < 0 {
			if len(c.leases) >= maxPrefixes {
				continue
			}
			i = len(c.leases)
			c.leases = append(c.leases, &lease{prefix: p.Prefix})
		}
		c.leases[i].agent = p.RLOC16
	}
	c.next(now)
}

func (c *Client) drop(now machine.Time, l *lease) {
	if l.valid {
		c.env.RemoveAddress(now, l.addr)
	}
	c.leases = slices.DeleteFunc(c.leases, func(x *lease) bool { return x == l })
	if c.current == l {
		c.current, c.at, c.end = nil, machine.Never, machine.Never
	}
}

// next begins with the next lease that is wanted, unless one is being asked for.
func (c *Client) next(now machine.Time) {
	if c.current != nil {
		return
	}
	for _, l := range c.leases {
		if l.state == wanted {
			c.current = l
			c.rand.Fill(c.id[:])
			c.start(now, firstInterval)
			return
		}
	}
}

// start begins a Trickle interval: the solicitation is in its second half (RFC 6206 section 4.2).
func (c *Client) start(now machine.Time, d time.Duration) {
	half := uint64(d / 2 / time.Millisecond)
	c.interval, c.end = d, now.Add(d)
	c.at = now.Add(d/2 + time.Duration(c.rand.Uint64()%half)*time.Millisecond)
}

// Asking reports whether a solicitation is under way, so that ClientPort is open.
func (c *Client) Asking() bool { return c.current != nil }

// Deadline says when Expire wants to be called.
func (c *Client) Deadline() machine.Time { return min(c.at, c.end) }

// Expire does what is due.
func (c *Client) Expire(now machine.Time) {
	if c.at <= now {
		c.at = machine.Never
		if c.current.state == wanted {
			c.current.state, c.began = soliciting, now
		}
		c.solicit(now)
	}
	if c.end <= now {
		c.start(now, min(2*c.interval, lastInterval))
	}
}

func (c *Client) solicit(now machine.Time) {
	agent := c.current.agent
	b := append([]byte{solicit}, c.id[:]...)
	b = appendOption(b, optElapsed, binary.BigEndian.AppendUint16(nil, uint16(now.Sub(c.began)/time.Second)))
	b = appendID(b, optClientID, c.env.EUI64())
	iana := make([]byte, 12, 12+28*len(c.leases))
	for _, l := range c.leases {
		if l.state != replied && l.agent == agent {
			iana = appendAddress(iana, l.prefix.Addr, 0)
		}
	}
	b = appendOption(b, optIANA, iana)
	b = appendOption(b, optRapidCommit, nil)
	c.env.Send(now, ip6.RLOC(c.env.MeshLocalPrefix(), agent), b)
}

// Receive takes in a datagram to ClientPort.
func (c *Client) Receive(now machine.Time, b []byte) {
	m, ok := parse(b)
	if !ok || m.kind != reply || m.id != c.id || c.current == nil || !success(m.options) {
		return
	}
	_, server := find(m.options, optServerID)
	e, ours := eui64(m.options, optClientID)
	_, rapid := find(m.options, optRapidCommit)
	iana, has := find(m.options, optIANA)
	if !server || !ours || e != c.env.EUI64() || !rapid || !has || len(iana) < 12 || !success(iana[12:]) {
		return
	}
	addresses(iana, func(a ip6.Address, preferred, valid uint32) {
		for _, l := range c.leases {
			if !l.valid && l.prefix.Contains(a) {
				l.addr, l.state, l.valid = a, replied, valid != 0
				c.env.AddAddress(now, a, l.prefix.Bits, preferred != 0, valid != 0)
				return
			}
		}
	})
	if c.current.state == replied {
		c.current, c.at, c.end = nil, machine.Never, machine.Never
		c.next(now)
	}
}
