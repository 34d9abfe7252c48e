package load

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"

	"heddle.example/host"
	"heddle.example/machine"
)

// On IPv4 loopback each simulated device has an address of its own, 127.x.y.z, and many share one socket: the socket is
// bound to no address, and each datagram says which one it leaves from. So a server sees as many peers as there are
// devices, each with its own session, though 64 sockets carry them. Elsewhere a device needs a socket of its own.
const (
	firstDevice = 127<<24 | 64<<16 | 1 // 127.64.0.1
	maxDevices  = 4_000_000            // up to 127.125.
)

func resolveTarget(ctx context.Context, h *host.Host, server string, allowRemote bool) (t target, err error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "coap" && u.Scheme != "coaps" {
		return t, fmt.Errorf("load: %q is not a server's address, such as coap://127.0.0.1:5683 or coaps://[::1]:5684", server)
	}
	t.secure = u.Scheme == "coaps"
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "5683", true: "5684"}[t.secure]
	}
	n, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return t, fmt.Errorf("load: %q has no valid port", server)
	}
	addrs, err := h.Resolve(ctx, u.Hostname())
	if err != nil {
		return t, err
	}
	addr := addrs[0]
	for _, a := range addrs {
		if a.Is4() { // loopback's many addresses
			addr = a
			break
		}
	}
	if !addr.IsLoopback() && !allowRemote {
		return t, fmt.Errorf("%w (%s is %s)", ErrRemote, u.Hostname(), addr)
	}
	t.addr = netip.AddrPortFrom(addr, uint16(n))
	return t, nil
}

// deviceIndex finds the device of a received path.
type deviceIndex func(p *machine.Path) (int, bool)

// paths says which path each device has.
type paths struct {
	of    func(i int) machine.Path
	index deviceIndex
}

func (t target) sockets(h *host.Host, o Options) ([]*host.Socket, paths, error) {
	if t.addr.Addr().Is4() && t.addr.Addr().IsLoopback() {
		return t.sharedSockets(h, o)
	}
	return t.ownSockets(h, o)
}

func (t target) sharedSockets(h *host.Host, o Options) ([]*host.Socket, paths, error) {
	var sockets []*host.Socket
	for i := range min(o.Sockets, o.Clients) {
		s, err := h.Listen(uint32(i), "0.0.0.0:0")
		if err != nil {
			closeAll(sockets)
			return nil, paths{}, err
		}
		sockets = append(sockets, s[0])
	}
	n := len(sockets)
	return sockets, paths{
		of: func(i int) machine.Path {
			a := uint32(firstDevice + i)
			ip := netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
			s := sockets[i%n]
			return machine.Path{Local: netip.AddrPortFrom(ip, s.Local().Port()), Remote: t.addr, Link: s.Link()}
		},
		index: func(p *machine.Path) (int, bool) {
			if !p.Local.Addr().Is4() {
				return 0, false
			}
			b := p.Local.Addr().As4()
			i := int(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3])) - firstDevice
			return i, i >= 0 && i < o.Clients && uint32(i%n) == p.Link
		},
	}, nil
}

func (t target) ownSockets(h *host.Host, o Options) ([]*host.Socket, paths, error) {
	var sockets []*host.Socket
	any := "0.0.0.0"
	if t.addr.Addr().Is6() {
		any = "::"
	}
	for i := range o.Clients {
		s, err := h.Ephemeral(uint32(i), any)
		if err != nil {
			closeAll(sockets)
			return nil, paths{}, fmt.Errorf("load: to a server that is not on 127.0.0.1 each device needs a socket, and number %d failed; fewer --clients, or a higher `ulimit -n`: %w", i+1, err)
		}
		sockets = append(sockets, s)
	}
	return sockets, paths{
		of:    func(i int) machine.Path { return sockets[i].Path(t.addr) },
		index: func(p *machine.Path) (int, bool) { return int(p.Link), int(p.Link) < o.Clients },
	}, nil
}

func closeAll(sockets []*host.Socket) {
	for _, s := range sockets {
		s.Close()
	}
}
