package usernat

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"heddle.example/border/nat64"
	"heddle.example/host/outside"
	"heddle.example/thread/ip6"
)

// NAT is an outside.Outside of ordinary sockets.
type NAT struct {
	c      Config
	prefix atomic.Pointer[ip6.Prefix]
	origin time.Time
	ident  atomic.Uint32 // of fragments
	back   map[netip.Addr]netip.Addr
	count  counters

	mu     sync.Mutex
	closed bool
	flows  int
	nodes  map[ip6.Address]int // flows of each
	udp    map[flowKey]*udpFlow
	pieces pieces
	tcp    *tcpStack
	echoes [2]*echoTable // IPv6 and IPv4, once needed
	why    [2]error      // ... or why there is none
	done   sync.WaitGroup
}

var _ outside.Outside = (*NAT)(nil)

// counters are outside.Counters that many goroutines count.
type counters struct {
	sent, received, sentBytes, receivedBytes                                     atomic.Uint64
	malformed, unsupported, prohibited, hopLimit, full, failed, filtered, tooBig atomic.Uint64
}

// flowKey is a node's end of a flow. The two families have sockets of their own.
type flowKey struct {
	node ip6.Address
	port uint16
	v4   bool
}

// New returns a NAT without flows.
func New(c Config) (*NAT, error) {
	if c.Receive == nil {
		return nil, errors.New("usernat: Config.Receive must be set: where do packets for the mesh go?")
	}
	if err := c.fill(); err != nil {
		return nil, err
	}
	n := &NAT{c: c, origin: time.Now(), nodes: map[ip6.Address]int{}, udp: map[flowKey]*udpFlow{}, back: map[netip.Addr]netip.Addr{}}
	for key, value := range c.Alias {
		if key.Is4() != value.Is4() {
			return nil, errors.New("usernat: " + value.String() + " cannot stand behind " + key.String() + ": one is IPv4")
		}
		if _, twice := n.back[value]; twice {
			return nil, errors.New("usernat: two addresses stand for " + value.String() + ": from which would it answer?")
		}
		n.back[value] = key
	}
	n.ident.Store(rand.Uint32())
	n.prefix.Store(&c.NAT64)
	return n, nil
}

// SetNAT64 changes the prefix under which addresses stand for IPv4; zero: none. What is under way goes on under the new one.
func (n *NAT) SetNAT64(p ip6.Prefix) error {
	if p != (ip6.Prefix{}) {
		if err := nat64.CheckPrefix(p); err != nil {
			return err
		}
	}
	n.prefix.Store(&p)
	return nil
}

// now is the time since the NAT was made, for what is idle.
func (n *NAT) now() time.Duration { return time.Since(n.origin) }

// Send implements outside.Outside.
func (n *NAT) Send(b []byte) {
	if len(b) > 0 && b[0]>>4 == 4 {
		whole, ok := fromV4(b)
		if !ok {
			n.count.malformed.Add(1)
			return
		}
		b = whole
	} else if len(b) >= ip6.HeaderSize {
		if src := ip6.Src(b); isMapped(&src) {
			n.count.prohibited.Add(1) // only we write IPv4 packets so
			return
		}
	}
	p, ok := n.admit(b)
	if !ok {
		return
	}
	if p.piece {
		if b = n.assemble(b, &p); b == nil {
			return
		}
		if isMapped(&p.h.Src) && !fromV4Message(b, p.f.Next) {
			n.count.malformed.Add(1)
			return
		}
		if p, ok = n.admit(b); !ok || p.piece {
			return
		}
	}
	switch p.proto {
	case ip6.UDP:
		n.sendUDP(b, &p)
	case ip6.ICMP6:
		n.sendEcho(b, &p)
	case ip6.TCP:
		n.sendTCP(b, &p)
	default:
		n.count.unsupported.Add(1)
		n.unreachable(b, &p, ip6.ParamProblem, 1, 6) // the next header, at offset 6 of the header, is not known here
	}
}

// packet is what Send knows of a packet.
type packet struct {
	h      ip6.Header
	proto  ip6.Protocol
	at     int        // where proto's header begins
	remote netip.Addr // whom it is for: what the socket is told
	v4     bool
	piece  bool // of a fragmented packet
	f      ip6.FragmentHeader
}

// admit reads a packet and decides whether it may leave.
func (n *NAT) admit(b []byte) (p packet, ok bool) {
	var err error
	if p.h, err = ip6.ParseHeader(b); err != nil || ip6.Check(b) != nil || !p.transport(b) {
		n.count.malformed.Add(1)
		return p, false
	}
	src := p.h.Src
	if src.IsMulticast() || src.IsUnspecified() || src.IsLinkLocalUnicast() || src.IsLoopback() {
		n.count.prohibited.Add(1)
		return p, false
	}
	if !n.resolve(&p) {
		n.count.prohibited.Add(1)
		n.unreachable(b, &p, ip6.DstUnreachable, ip6.AdminProhibited, 0)
		return p, false
	}
	if p.h.HopLimit <= 1 {
		n.count.hopLimit.Add(1)
		n.unreachable(b, &p, ip6.TimeExceeded, 0, 0)
		return p, false
	}
	return p, true
}

// resolve finds whom a packet is for, and reports whether the mesh may reach it.
func (n *NAT) resolve(p *packet) bool {
	dst := p.h.Dst.Netip()
	if isMapped(&p.h.Src) && isMapped(&p.h.Dst) {
		dst, p.v4 = dst.Unmap(), true
	} else if v4, is := n.extract(p.h.Dst); is {
		dst, p.v4 = netip.AddrFrom4(v4), true
	}
	real, stands := n.c.Alias[dst]
	if p.remote = real; stands {
		return true
	}
	p.remote = dst
	return n.mayReach(dst, p.v4)
}

func (n *NAT) extract(a ip6.Address) (v4 [4]byte, ok bool) {
	p := n.prefix.Load()
	if p.Bits == 0 {
		return v4, false
	}
	return nat64.Extract(*p, a)
}

// mayReach reports whether the mesh may send to an address: to that of a host, and not to this computer's inside.
func (n *NAT) mayReach(a netip.Addr, v4 bool) bool {
	switch {
	case a.IsMulticast() || a.IsUnspecified() || a.IsLinkLocalUnicast() || a.Is4In6():
		return false
	case a.IsLoopback():
		return n.c.Loopback && v4
	case v4:
		b := a.As4()
		return b[0] != 0 && b != [4]byte{255, 255, 255, 255}
	}
	return true
}

// transport finds the header after the extension headers.
func (p *packet) transport(b []byte) bool {
	p.at, p.proto = ip6.HeaderSize, p.h.Next
	for {
		switch p.proto {
		case ip6.HopByHop, ip6.DstOpts, ip6.Routing:
			e, err := ip6.ParseExtension(b[p.at:])
			if err != nil || p.proto == ip6.Routing && len(e.Content) > 1 && e.Content[1] != 0 {
				return false // a packet whose route has not ended
			}
			p.at, p.proto = p.at+e.Size, e.Next
		case ip6.Fragment:
			f, err := ip6.ParseFragment(b[p.at:])
			if err != nil {
				return false
			}
			if p.f = f; f.Offset > 0 || f.More {
				p.piece = true
				return true
			}
			p.at, p.proto = p.at+ip6.FragmentSize, f.Next
		default:
			return true
		}
	}
}

// from returns the address that an answer of a remote end comes from, as a node knows it.
func (n *NAT) from(a netip.Addr, node *ip6.Address) (ip6.Address, bool) {
	if stands, ok := n.back[a]; ok {
		a = stands
	}
	if isMapped(node) {
		return n.fromMapped(a)
	}
	if a.Is6() {
		return a.As16(), true
	}
	p := n.prefix.Load()
	if p.Bits == 0 {
		return ip6.Address{}, false
	}
	return nat64.Embed(*p, a.As4()), true
}

// admitFlow makes room for one more flow of a node. Called with the lock.
func (n *NAT) admitFlow(node ip6.Address) bool {
	if n.closed || n.flows >= n.c.Flows || n.nodes[node] >= n.c.PerNode {
		return false
	}
	n.flows++
	n.nodes[node]++
	return true
}

// dropFlow takes it back. Called with the lock.
func (n *NAT) dropFlow(node ip6.Address) {
	n.flows--
	if n.nodes[node]--; n.nodes[node] == 0 {
		delete(n.nodes, node)
	}
}

// Close implements outside.Outside.
func (n *NAT) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil
	}
	n.closed = true
	for _, f := range n.udp {
		f.close()
	}
	for _, e := range n.echoes {
		if e != nil {
			e.socket.close()
		}
	}
	t := n.tcp
	var conns []*tcpFlow
	if t != nil {
		for f := range t.conns {
			conns = append(conns, f)
		}
	}
	n.mu.Unlock()
	for _, f := range conns {
		f.abort()
	}
	if t != nil {
		t.close()
	}
	n.done.Wait()
	return nil
}
