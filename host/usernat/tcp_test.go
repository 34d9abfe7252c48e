package usernat

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"heddle.example/thread/ip6"
)

// host is a node with TCP, behind a NAT.
type host struct {
	*NAT
	stack *stack.Stack
}

func tcpHost(t *testing.T, address netip.Addr, c Config) *host {
	t.Helper()
	h := &host{stack: stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv6.NewProtocol, ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol}})}
	link := channel.New(256, 1280, "")
	if err := h.stack.CreateNIC(1, link); err != nil {
		t.Fatal(err)
	}
	proto := header.IPv6ProtocolNumber
	if address.Is4() {
		proto = header.IPv4ProtocolNumber
	}
	a := tcpip.ProtocolAddress{Protocol: proto, AddressWithPrefix: tcpip.AddrFromSlice(address.AsSlice()).WithPrefix()}
	if err := h.stack.AddProtocolAddress(1, a, stack.AddressProperties{}); err != nil {
		t.Fatal(err)
	}
	h.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv6EmptySubnet, NIC: 1}, {Destination: header.IPv4EmptySubnet, NIC: 1}})
	c.Receive = func(p []byte) {
		proto := header.IPv6ProtocolNumber
		if p[0]>>4 == 4 {
			proto = header.IPv4ProtocolNumber
		}
		b := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(bytes.Clone(p))})
		link.InjectInbound(proto, b)
		b.DecRef()
	}
	n, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	h.NAT = n
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			p := link.ReadContext(ctx)
			if p == nil {
				return
			}
			v := p.ToView()
			p.DecRef()
			n.Send(v.AsSlice())
			v.Release()
		}
	}()
	t.Cleanup(func() { stop(); <-done; n.Close(); h.stack.Close() })
	return h
}

func (h *host) dial(t *testing.T, to netip.AddrPort) (*gonet.TCPConn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	proto := header.IPv6ProtocolNumber
	if to.Addr().Is4() {
		proto = header.IPv4ProtocolNumber
	}
	return gonet.DialContextTCP(ctx, h.stack, tcpip.FullAddress{NIC: 1, Addr: tcpip.AddrFromSlice(to.Addr().AsSlice()), Port: to.Port()}, proto)
}

// upper answers with what it got in capitals, once the other side has ended.
func upper(t *testing.T, address string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b, err := io.ReadAll(c)
				if err == nil {
					_, _ = c.Write(bytes.ToUpper(b))
				}
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

func TestTCP(t *testing.T) {
	four, sixth := upper(t, "127.0.0.1:0"), upper(t, "[::1]:0")
	alias := netip.MustParseAddr("198.51.100.10")
	for _, c := range []struct {
		name string
		node netip.Addr
		to   netip.AddrPort
	}{
		{"NAT64", node.Netip(), netip.AddrPortFrom(loopback4.Netip(), four.Port())},
		{"native", node.Netip(), netip.AddrPortFrom(six.Netip(), sixth.Port())},
		{"translated", netip.MustParseAddr("192.168.255.1"), netip.AddrPortFrom(alias, four.Port())},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := tcpHost(t, c.node, Config{NAT64: wellKnown, Loopback: true,
				Alias: map[netip.Addr]netip.Addr{six.Netip(): netip.IPv6Loopback(), alias: netip.MustParseAddr("127.0.0.1")}})
			conn, err := h.dial(t, c.to)
			if err != nil {
				t.Fatal(err)
			}
			text := bytes.Repeat([]byte("abcdefgh"), 20000)
			go func() {
				_, _ = conn.Write(text)
				_ = conn.CloseWrite()
			}()
			if got, err := io.ReadAll(conn); err != nil || !bytes.Equal(got, bytes.ToUpper(text)) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			conn.Close()
			for end := time.Now().Add(5 * time.Second); h.Status().Total > 0; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("the flow stays: %+v", h.Status())
				}
			}
		})
	}
}

func TestTCPRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := netip.MustParseAddrPort(l.Addr().String())
	l.Close()
	h := tcpHost(t, node.Netip(), Config{NAT64: wellKnown, Loopback: true, Flows: 2, PerNode: 2})
	begun := time.Now()
	if _, err := h.dial(t, netip.AddrPortFrom(loopback4.Netip(), gone.Port())); err == nil || time.Since(begun) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
	four := upper(t, "127.0.0.1:0")
	to := netip.AddrPortFrom(loopback4.Netip(), four.Port())
	var list []string
	for range 3 {
		_, err := h.dial(t, to)
		list = append(list, fmt.Sprint(err == nil))
	}
	if fmt.Sprint(list) != "[true true false]" {
		t.Error(list)
	}
	s := h.Status()
	for end := time.Now().Add(5 * time.Second); s.Flows[0].State == "opening" && time.Now().Before(end); s = h.Status() {
		time.Sleep(time.Millisecond) // the node's end stands a moment before ours
	}
	if s.Total != 2 || s.Full != 1 || len(s.Flows) != 2 || s.Flows[0].State != "established" || s.Flows[0].Protocol != "tcp" {
		t.Errorf("%+v", s)
	}
}

// What nobody uses ends by itself.
func TestTCPIdle(t *testing.T) {
	four := upper(t, "127.0.0.1:0")
	h := tcpHost(t, node.Netip(), Config{NAT64: wellKnown, Loopback: true, TCP: 50 * time.Millisecond})
	conn, err := h.dial(t, netip.AddrPortFrom(loopback4.Netip(), four.Port()))
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "connection reset") {
		t.Error("the node was not told:", err)
	}
	for end := time.Now().Add(5 * time.Second); h.Status().Total > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the flow stays: %+v", h.Status())
		}
	}
}

// Segments of nonsense do no harm.
func TestTCPNonsense(t *testing.T) {
	n := start(t, nil)
	b := append((&ip6.Header{PayloadLen: 20, Next: ip6.TCP, HopLimit: 64, Src: node, Dst: loopback4}).Append(nil), make([]byte, 20)...)
	for i := range 256 {
		b[40+13], b[40+12] = byte(i), byte(i<<4)
		ip6.SetChecksum(b, 40, ip6.TCP)
		n.Send(b)
	}
	n.Send(b[:50])
	if s := n.Status(); s.Total != 0 {
		t.Errorf("%+v", s)
	}
}
