package usernat

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"heddle.example/host/outside"
	"heddle.example/thread/ip6"
)

var errClosed = errors.New("usernat: closed")

// dialTime is how long an opening may take; nodes try for longer, and then meet a new attempt.
const dialTime = 30 * time.Second

// tcpFlow is a connection: a node's with our stack, and ours with the other end.
type tcpFlow struct {
	n      *NAT
	node   ip6.Address
	port   uint16
	remote netip.AddrPort
	v4     bool
	used   atomic.Int64 // n.now() of the latest bytes
	sent   atomic.Uint64
	came   atomic.Uint64

	// under the NAT's lock
	state         string
	cancel        context.CancelFunc
	inside, outer net.Conn
	endpoint      tcpip.Endpoint // of inside
}

// addressOf returns an address of the stack's as an address of ours.
func addressOf(a tcpip.Address) ip6.Address {
	if a.Len() == 4 {
		v4 := a.As4()
		return mapped(v4[:])
	}
	return a.As16()
}

// acceptTCP opens a connection to the other end, and only then lets the node's come about: so a node hears of one that
// refuses as if it had asked itself.
func (n *NAT) acceptTCP(r *tcp.ForwarderRequest) {
	id := r.ID()
	node, dst := addressOf(id.RemoteAddress), addressOf(id.LocalAddress)
	p := packet{h: ip6.Header{Src: node, Dst: dst}}
	if !n.resolve(&p) {
		r.Complete(true)
		return
	}
	f := &tcpFlow{n: n, node: node, port: id.RemotePort, remote: netip.AddrPortFrom(p.remote, id.LocalPort), v4: p.v4, state: "opening"}
	f.used.Store(int64(n.now()))
	ctx, cancel := context.WithTimeout(context.Background(), dialTime)
	defer cancel()
	f.cancel = cancel
	n.mu.Lock()
	room := n.admitFlow(node)
	if room {
		n.tcp.conns[f] = struct{}{}
		n.done.Add(1)
	}
	n.mu.Unlock()
	if !room {
		n.count.full.Add(1)
		r.Complete(true)
		return
	}
	defer n.done.Done()
	defer f.end()
	network := "tcp6"
	if p.v4 {
		network = "tcp4"
	}
	outer, err := new(net.Dialer).DialContext(ctx, network, f.remote.String())
	if err != nil {
		n.count.failed.Add(1)
		f.end()
		r.Complete(true) // a reset, as when the other end refuses
		return
	}
	var queue waiter.Queue
	end, no := r.CreateEndpoint(&queue)
	if r.Complete(no != nil); no != nil {
		outer.Close()
		return
	}
	inside := gonet.NewTCPConn(&queue, end)
	n.mu.Lock()
	f.inside, f.outer, f.endpoint, f.state = inside, outer, end, "established"
	closed := n.closed
	n.mu.Unlock()
	if closed {
		return
	}
	both := make(chan struct{})
	go func() { defer close(both); f.carry(outer, inside, &f.sent) }()
	f.carry(inside, outer, &f.came)
	<-both
}

// half is a connection of which one direction can end alone.
type half interface {
	net.Conn
	CloseWrite() error
}

// carry carries bytes until src ends. Nothing for too long in either direction ends both.
func (f *tcpFlow) carry(dst, src net.Conn, count *atomic.Uint64) {
	n := f.n
	b := make([]byte, 4<<10)
	for {
		life := n.c.TCP
		n.mu.Lock()
		if f.state == "closing" {
			life = n.c.TCPOpening
		}
		n.mu.Unlock()
		left := life - (n.now() - time.Duration(f.used.Load()))
		if left <= 0 {
			f.abort()
			return
		}
		src.SetReadDeadline(time.Now().Add(left))
		got, err := src.Read(b)
		if got > 0 {
			f.used.Store(int64(n.now()))
			count.Add(uint64(got))
			dst.SetWriteDeadline(time.Now().Add(n.c.TCPOpening))
			if _, err := dst.Write(b[:got]); err != nil {
				f.abort()
				return
			}
		}
		var late net.Error
		switch {
		case err == nil || errors.As(err, &late) && late.Timeout():
		case errors.Is(err, io.EOF):
			f.used.Store(int64(n.now()))
			n.mu.Lock()
			f.state = "closing"
			n.mu.Unlock()
			if dst.(half).CloseWrite() != nil {
				f.abort()
			}
			return
		default:
			f.abort()
			return
		}
	}
}

// abort ends both directions at once, with a reset for either end: what was under way may be lost.
func (f *tcpFlow) abort() {
	f.n.mu.Lock()
	end, outer := f.endpoint, f.outer
	f.n.mu.Unlock()
	if outer, ok := outer.(*net.TCPConn); ok {
		_ = outer.SetLinger(0)
	}
	if end != nil {
		end.Abort()
	}
	f.close()
}

// close ends what is left of it.
func (f *tcpFlow) close() {
	f.n.mu.Lock()
	inside, outer, cancel := f.inside, f.outer, f.cancel
	f.n.mu.Unlock()
	cancel()
	if outer != nil {
		outer.Close()
	}
	if inside != nil {
		inside.Close()
	}
}

// end forgets the connection.
func (f *tcpFlow) end() {
	f.close()
	f.n.mu.Lock()
	defer f.n.mu.Unlock()
	if _, there := f.n.tcp.conns[f]; there {
		delete(f.n.tcp.conns, f)
		f.n.dropFlow(f.node)
	}
}

func (n *NAT) tcpFlows(now time.Duration) (list []outside.Flow) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tcp == nil {
		return nil
	}
	for f := range n.tcp.conns {
		idle := max(0, now-time.Duration(f.used.Load()))
		life := n.c.TCP
		switch f.state {
		case "opening":
			life = dialTime
		case "closing":
			life = n.c.TCPOpening
		}
		s := outside.Flow{Protocol: "tcp", Inside: netip.AddrPortFrom(f.node.Netip().Unmap(), f.port), Remote: f.remote, NAT64: f.v4, State: f.state,
			Idle: idle, Left: max(0, life-idle), SentBytes: f.sent.Load(), ReceivedBytes: f.came.Load()}
		if f.outer != nil {
			s.Outside, _ = netip.ParseAddrPort(f.outer.LocalAddr().String())
		}
		list = append(list, s)
	}
	return list
}
