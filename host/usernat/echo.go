package usernat

import (
	"errors"
	"net/netip"
	"time"

	"heddle.example/host/outside"
	"heddle.example/thread/ip6"
)

// echo is a request under way. All requests of a family leave through one socket, whose identifier is the system's or
// ours, so that the sequence number tells them apart.
type echo struct {
	node    ip6.Address
	id, seq uint16 // the node's
	remote  netip.Addr
	hop     uint8
	sent    time.Duration
	bytes   int
	waiting bool
	v4      bool
}

// echoTable is what a family's socket has under way, by the sequence number outside.
type echoTable struct {
	socket *echoSocket
	kind   string // of socket
	next   uint16
	slots  [512]echo // the most that is under way: a number comes again after 128 times as many
}

var errNoEcho = errors.New("this system has no sockets for echo requests that a program may open")

// sendEcho lets an echo request leave. Nothing else of ICMPv6 does: errors about what came from outside would need a
// raw socket, and whoever sent it notices by itself.
func (n *NAT) sendEcho(b []byte, p *packet) {
	m, err := ip6.ParseICMP(b[p.at:])
	if err != nil || !ip6.ChecksumOK(b, p.at, ip6.ICMP6) {
		n.count.malformed.Add(1)
		return
	}
	if m.Type != ip6.EchoRequest || m.Code != 0 {
		n.count.unsupported.Add(1)
		return
	}
	payload := b[p.at+ip6.ICMPSize:]
	n.mu.Lock()
	t, err := n.echoesOf(p.v4)
	var seq uint16
	full := false
	if err == nil {
		seq, full = n.putEcho(t, p, m, len(b))
	}
	n.mu.Unlock()
	switch {
	case err != nil:
		n.count.unsupported.Add(1)
		n.unreachable(b, p, ip6.DstUnreachable, ip6.AdminProhibited, 0)
		return
	case full:
		n.count.full.Add(1)
		n.unreachable(b, p, ip6.DstUnreachable, addressUnreachable, 0)
		return
	}
	if err := t.socket.send(p.remote, p.h.HopLimit-1, seq, payload); err != nil {
		n.tellRefused(b, p, err)
		n.mu.Lock()
		n.endEcho(&t.slots[seq%uint16(len(t.slots))])
		n.mu.Unlock()
		return
	}
	n.count.sent.Add(1)
	n.count.sentBytes.Add(uint64(len(b)))
}

// echoesOf opens the socket of a family when it is first needed. Called with the lock.
func (n *NAT) echoesOf(v4 bool) (*echoTable, error) {
	i := family(v4)
	if n.echoes[i] == nil && n.why[i] == nil {
		if n.closed {
			return nil, errNoEcho
		}
		t := &echoTable{}
		if t.socket, t.kind, n.why[i] = openEcho(v4); n.why[i] == nil {
			n.echoes[i] = t
			n.done.Add(1)
			go func() {
				defer n.done.Done()
				t.socket.serve(n, t)
			}()
		}
	}
	return n.echoes[i], n.why[i]
}

func family(v4 bool) int {
	if v4 {
		return 1
	}
	return 0
}

// putEcho remembers a request. Called with the lock.
func (n *NAT) putEcho(t *echoTable, p *packet, m ip6.ICMPHeader, size int) (seq uint16, full bool) {
	now := n.now()
	t.next++
	e := &t.slots[t.next%uint16(len(t.slots))]
	if e.waiting && now-e.sent < n.c.Echo {
		return 0, true
	}
	n.endEcho(e)
	if !n.admitFlow(p.h.Src) {
		for i := range t.slots { // those that nobody will answer any more still count
			if o := &t.slots[i]; o.waiting && now-o.sent >= n.c.Echo {
				n.endEcho(o)
			}
		}
		if !n.admitFlow(p.h.Src) {
			return 0, true
		}
	}
	*e = echo{node: p.h.Src, id: m.ID, seq: m.Sequence, remote: p.remote, hop: p.h.HopLimit, sent: now, bytes: size, waiting: true, v4: p.v4}
	return t.next, false
}

func (n *NAT) endEcho(e *echo) {
	if e.waiting {
		e.waiting = false
		n.dropFlow(e.node)
	}
}

// takeEcho returns the request with a sequence number to a remote end. A request is answered once.
func (n *NAT) takeEcho(t *echoTable, seq uint16, remote netip.Addr, end bool) (e echo, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := &t.slots[seq%uint16(len(t.slots))]
	if !s.waiting || s.remote != remote || n.now()-s.sent >= n.c.Echo || uint16(t.next-seq) >= uint16(len(t.slots)) {
		return e, false
	}
	if e = *s; end {
		n.endEcho(s)
	}
	return e, true
}

// answered takes in an echo reply.
func (n *NAT) answered(t *echoTable, from netip.Addr, hopLimit uint8, seq uint16, payload []byte) {
	e, ok := n.takeEcho(t, seq, from, true)
	if !ok || len(payload) > maxPacket-ip6.HeaderSize-ip6.ICMPSize {
		return
	}
	src, ok := n.from(from, &e.node)
	if !ok {
		return
	}
	if hopLimit <= 1 {
		n.count.hopLimit.Add(1)
		return
	}
	if !isMapped(&e.node) { // else whoever translates is the hop
		hopLimit--
	}
	h := ip6.Header{Next: ip6.ICMP6, HopLimit: hopLimit, Src: src, Dst: e.node}
	n.deliver(h, ip6.AppendICMP(nil, h, ip6.ICMPHeader{Type: ip6.EchoReply, ID: e.id, Sequence: e.seq}, payload))
}

// echoFailed takes in an ICMP error about an echo request.
func (n *NAT) echoFailed(t *echoTable, to netip.Addr, seq uint16, payload []byte, kind ip6.ICMPType, code uint8) {
	e, ok := n.takeEcho(t, seq, to, true)
	if !ok {
		return
	}
	dst, ok := n.from(to, &e.node)
	if !ok {
		return
	}
	about := ip6.AppendICMP(nil, ip6.Header{HopLimit: e.hop, Src: e.node, Dst: dst}, ip6.ICMPHeader{Type: ip6.EchoRequest, ID: e.id, Sequence: e.seq}, payload)
	n.tell(e.node, dst, about, kind, code, 0)
}

// echoState says how echo requests leave.
func (n *NAT) echoState() (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	text, good := "", true
	for i, name := range []string{"IPv6", "IPv4"} {
		t, err := n.echoesOf(i == 1)
		switch {
		case text != "":
			text += "; "
		}
		if err != nil {
			text, good = text+name+": "+err.Error(), false
			continue
		}
		text += name + ": " + t.kind
	}
	return text, good
}

func (n *NAT) echoFlows(now time.Duration) (list []outside.Flow) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range n.echoes {
		if t == nil {
			continue
		}
		for i := range t.slots {
			e := &t.slots[i]
			if idle := now - e.sent; e.waiting && idle < n.c.Echo {
				list = append(list, outside.Flow{Protocol: "icmp", Inside: netip.AddrPortFrom(e.node.Netip().Unmap(), e.id), Remote: netip.AddrPortFrom(e.remote, 0),
					NAT64: e.v4, Idle: max(0, idle), Left: n.c.Echo - idle, Sent: 1, SentBytes: uint64(e.bytes)})
			}
		}
	}
	return list
}
