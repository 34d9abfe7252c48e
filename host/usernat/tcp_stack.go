package usernat

import (
	"context"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"heddle.example/thread/ip6"
)

// tcpStack is the nodes' other end of TCP: it answers for every address of the outside. It is made with the first segment,
// because most meshes never see one.
type tcpStack struct {
	stack *stack.Stack
	link  *channel.Endpoint
	stop  context.CancelFunc
	conns map[*tcpFlow]struct{} // under the NAT's lock
}

const (
	nic     = 1
	segment = 512 // segments that may wait for the mesh, or be opened at once
	// What a connection may hold for a node: a mesh carries some 10 KB/s.
	tcpBuffer = 32 << 10
)

// sendTCP gives a segment to the stack.
func (n *NAT) sendTCP(b []byte, p *packet) {
	if len(b) < p.at+header.TCPMinimumSize || !ip6.ChecksumOK(b, p.at, ip6.TCP) {
		n.count.malformed.Add(1)
		return
	}
	n.mu.Lock()
	t, err := n.tcpOf()
	n.mu.Unlock()
	if err != nil {
		n.count.failed.Add(1)
		return
	}
	n.count.sent.Add(1)
	n.count.sentBytes.Add(uint64(len(b)))
	h := p.h
	h.Next, h.PayloadLen = ip6.TCP, uint16(len(b)-p.at)
	whole, proto := append(h.Append(make([]byte, 0, ip6.HeaderSize+len(b)-p.at)), b[p.at:]...), header.IPv6ProtocolNumber
	if isMapped(&h.Src) {
		whole, proto = n.toV4(&h, whole), header.IPv4ProtocolNumber
	}
	packet := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(whole)})
	t.link.InjectInbound(proto, packet)
	packet.DecRef()
}

// tcpOf makes the stack when it is first needed. Called with the lock.
func (n *NAT) tcpOf() (*tcpStack, error) {
	if n.closed {
		return nil, errClosed
	}
	if n.tcp != nil {
		return n.tcp, nil
	}
	t := &tcpStack{
		link:  channel.New(segment, uint32(n.c.MTU), ""),
		conns: map[*tcpFlow]struct{}{},
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv6.NewProtocol, ipv4.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
		}),
	}
	if err := t.configure(); err != nil {
		t.stack.Close()
		return nil, errStack(err.String())
	}
	forwarder := tcp.NewForwarder(t.stack, tcpBuffer, segment, n.acceptTCP)
	t.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, forwarder.HandlePacket)
	var ctx context.Context
	ctx, t.stop = context.WithCancel(context.Background())
	n.tcp = t
	n.done.Add(1)
	go func() {
		defer n.done.Done()
		n.pump(ctx, t)
	}()
	return t, nil
}

type errStack string

func (e errStack) Error() string { return "usernat: TCP: " + string(e) }

// configure has the stack speak for all addresses, with what a slow mesh needs.
func (t *tcpStack) configure() tcpip.Error {
	s := t.stack
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: 4 << 10, Default: tcpBuffer, Max: tcpBuffer}
	send := tcpip.TCPSendBufferSizeRangeOption{Min: 4 << 10, Default: tcpBuffer, Max: tcpBuffer}
	sack := tcpip.TCPSACKEnabled(true)
	for _, o := range []tcpip.SettableTransportProtocolOption{&receive, &send, &sack} {
		if err := s.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			return err
		}
	}
	if err := s.CreateNIC(nic, t.link); err != nil {
		return err
	}
	if err := s.SetPromiscuousMode(nic, true); err != nil {
		return err
	}
	if err := s.SetSpoofing(nic, true); err != nil {
		return err
	}
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv6EmptySubnet, NIC: nic}, {Destination: header.IPv4EmptySubnet, NIC: nic}})
	return nil
}

// pump carries the stack's packets to the mesh.
func (n *NAT) pump(ctx context.Context, t *tcpStack) {
	for {
		p := t.link.ReadContext(ctx)
		if p == nil {
			return
		}
		v := p.ToView()
		p.DecRef()
		b := v.AsSlice()
		n.count.received.Add(1)
		n.count.receivedBytes.Add(uint64(len(b)))
		n.c.Receive(b)
		v.Release()
	}
}

func (t *tcpStack) close() {
	t.stop()
	t.stack.Close()
	t.link.Close()
}
