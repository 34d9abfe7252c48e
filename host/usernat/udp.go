package usernat

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"heddle.example/thread/ip6"
)

// udpFlow is one port of a node, with the socket that stands for it.
type udpFlow struct {
	n    *NAT
	key  flowKey
	conn *net.UDPConn
	raw  syscall.RawConn
	used atomic.Int64 // n.now() of the latest packet
	sent, received, sentBytes,
	receivedBytes atomic.Uint64

	mu     sync.Mutex
	remote netip.AddrPort // whom the node sent to last
	peers  [4]netip.Addr  // a few whom it has sent to, of Restricted
	peer   uint8
	out    sending
}

// headers is the room for headers before what was received.
const headers = ip6.HeaderSize + ip6.UDPSize

// buffers hold one datagram each: an idle flow holds none.
var buffers = sync.Pool{New: func() any { return new([maxPacket + 1]byte) }}

// sendUDP lets a datagram leave through the socket of its port.
func (n *NAT) sendUDP(b []byte, p *packet) {
	u, err := ip6.ParseUDP(b[p.at:])
	if err != nil || int(u.Length) != len(b)-p.at || u.Checksum == 0 || !ip6.ChecksumOK(b, p.at, ip6.UDP) {
		n.count.malformed.Add(1)
		return
	}
	if u.DstPort == 0 {
		n.count.unsupported.Add(1)
		return
	}
	f, err := n.flowOf(flowKey{p.h.Src, u.SrcPort, p.v4})
	if f == nil {
		if err == nil {
			n.count.full.Add(1)
			n.unreachable(b, p, ip6.DstUnreachable, addressUnreachable, 0) // as border/nat64 does
			return
		}
		n.tellRefused(b, p, err)
		return
	}
	remote := netip.AddrPortFrom(p.remote, u.DstPort)
	f.mu.Lock()
	if f.remote != remote {
		f.sentTo(remote)
	}
	err = f.write(remote, b[p.at+ip6.UDPSize:])
	f.mu.Unlock()
	if err != nil {
		n.tellRefused(b, p, err)
		return
	}
	f.sent.Add(1)
	f.sentBytes.Add(uint64(len(b)))
	n.count.sent.Add(1)
	n.count.sentBytes.Add(uint64(len(b)))
}

func (n *NAT) tellRefused(b []byte, p *packet, err error) {
	if kind, code, tell := n.refused(err); tell {
		n.unreachable(b, p, kind, code, 0)
	}
}

// flowOf returns the flow of a node's port, a new one if there is none; nil without an error: there is no room.
func (n *NAT) flowOf(key flowKey) (*udpFlow, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f := n.udp[key]; f != nil {
		f.used.Store(int64(n.now())) // with the lock, so that it does not end meanwhile
		return f, nil
	}
	if !n.admitFlow(key.node) {
		return nil, nil
	}
	f, err := n.openUDP(key)
	if err != nil {
		n.dropFlow(key.node)
		return nil, err
	}
	n.udp[key] = f
	n.done.Add(1)
	go f.serve()
	return f, nil
}

func (n *NAT) openUDP(key flowKey) (*udpFlow, error) {
	network := "udp6"
	if key.v4 {
		network = "udp4"
	}
	conn, err := net.ListenUDP(network, nil)
	if err != nil {
		return nil, err
	}
	f := &udpFlow{n: n, key: key, conn: conn}
	if f.raw, err = conn.SyscallConn(); err == nil {
		err = f.prepare()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	f.used.Store(int64(n.now()))
	return f, nil
}

func (f *udpFlow) close() { f.conn.Close() }

// serve receives until nobody has used the flow for its time.
func (f *udpFlow) serve() {
	n := f.n
	defer n.done.Done()
	life := n.c.UDP
	for left := life; ; {
		f.conn.SetReadDeadline(time.Now().Add(left))
		if closed := f.read(); closed {
			left = 0
		} else {
			left = life - (n.now() - time.Duration(f.used.Load()))
		}
		if left <= 0 && f.end(life) {
			return
		}
		left = max(left, time.Millisecond)
	}
}

// end takes the flow out, if it is still idle.
func (f *udpFlow) end(life time.Duration) bool {
	n := f.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed && n.now()-time.Duration(f.used.Load()) < life {
		return false
	}
	f.conn.Close()
	delete(n.udp, f.key)
	n.dropFlow(f.key.node)
	return true
}

// sentTo remembers whom the node has sent to.
func (f *udpFlow) sentTo(remote netip.AddrPort) {
	f.remote = remote
	if f.n.c.Restricted && !f.knows(remote.Addr()) {
		f.peers[f.peer%4] = remote.Addr()
		f.peer++
	}
}

func (f *udpFlow) knows(a netip.Addr) bool {
	return f.peers[0] == a || f.peers[1] == a || f.peers[2] == a || f.peers[3] == a
}

// came takes in what the socket has received: b has room for the headers, then the payload.
func (f *udpFlow) came(from netip.AddrPort, b []byte) {
	n := f.n
	if len(b) > maxPacket {
		n.count.tooBig.Add(1)
		return
	}
	a := from.Addr()
	_, stands := n.back[a]
	src, ok := n.from(a, &f.key.node)
	if !ok || !stands && !n.mayReach(a, f.key.v4) {
		n.count.prohibited.Add(1)
		return
	}
	if n.c.Restricted {
		f.mu.Lock()
		known := f.knows(a)
		f.mu.Unlock()
		if !known {
			n.count.filtered.Add(1)
			return
		}
	}
	f.used.Store(int64(n.now()))
	f.received.Add(1)
	f.receivedBytes.Add(uint64(len(b)))
	u := ip6.UDPHeader{SrcPort: from.Port(), DstPort: f.key.port, Length: uint16(len(b) - ip6.HeaderSize)}
	u.Append(b[:ip6.HeaderSize])
	h := ip6.Header{Next: ip6.UDP, HopLimit: hopLimit, Src: src, Dst: f.key.node}
	h.Append(b[:0])
	ip6.SetChecksum(b, ip6.HeaderSize, ip6.UDP)
	n.deliver(h, b)
}

// hopLimit is that of what the system does not tell it of: a usual one, one hop later.
const hopLimit = 63

// heard takes in an ICMP error about a datagram to a remote end, of which payload is the beginning.
func (f *udpFlow) heard(to netip.AddrPort, payload []byte, kind ip6.ICMPType, code uint8) {
	dst, ok := f.n.from(to.Addr(), &f.key.node)
	if !ok {
		return
	}
	about := ip6.AppendUDP(nil, ip6.Header{HopLimit: hopLimit, Src: f.key.node, Dst: dst}, f.key.port, to.Port(), payload[:min(len(payload), maxPacket)])
	f.n.tell(f.key.node, dst, about, kind, code, 0)
}
