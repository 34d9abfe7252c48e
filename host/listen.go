package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
)

// InUseError says that another program has the port.
type InUseError struct {
	Addr string
	Flag string // the command-line flag that chooses another, if known
}

func (e *InUseError) Error() string {
	if e.Flag == "" {
		return fmt.Sprintf("udp %s is in use by another program", e.Addr)
	}
	return fmt.Sprintf("udp %s is in use by another program: choose another with %s", e.Addr, e.Flag)
}

// Is makes errors.Is(err, syscall.EADDRINUSE) true.
func (e *InUseError) Is(target error) bool { return target == error(syscall.EADDRINUSE) }

// ListenOptions say what to listen on.
type ListenOptions struct {
	Link  uint32
	Addrs []string // "host:port", "[::1]:5683", ":5683" (all addresses, IPv4 and IPv6), "[fe80::1%eth0]:5683", "name:5683"
	Flag  string   // the command-line flag to name in an error, such as "--coap"
}

// Listen binds a socket to each address. A name stands for all its addresses. A wildcard ("", "[::]") takes IPv4 too.
func (h *Host) Listen(link uint32, addrs ...string) ([]*Socket, error) {
	return h.ListenWith(ListenOptions{Link: link, Addrs: addrs})
}

// ListenWith is Listen with all its options. Either all addresses are bound or none.
func (h *Host) ListenWith(o ListenOptions) (sockets []*Socket, err error) {
	defer func() {
		if err != nil {
			for _, s := range sockets {
				s.Close()
			}
			sockets = nil
		}
	}()
	wants, err := h.parseListen(o.Addrs)
	if err != nil {
		return nil, err
	}
	for _, w := range wants {
		s := &Socket{host: h, link: o.Link}
		open, err := h.bind(w, true)
		if err != nil {
			if errors.Is(err, syscall.EADDRINUSE) {
				err = &InUseError{Addr: w.String(), Flag: o.Flag}
			}
			return sockets, err
		}
		s.adopt(open, w.network == "udp6")
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// Ephemeral binds a socket for a client to a port that the system chooses, on all addresses or on those of host. Every
// path of it carries the same Local, also after Rebind: what a client's machine knows is the socket, not its address.
func (h *Host) Ephemeral(link uint32, host string) (*Socket, error) {
	addr := net.JoinHostPort(strings.Trim(host, "[]"), "0")
	wants, err := h.parseListen([]string{addr})
	if err != nil {
		return nil, err
	}
	s := &Socket{host: h, link: link, label: true}
	open, err := h.bind(wants[0], false)
	if err != nil {
		return nil, err
	}
	s.adopt(open, wants[0].network == "udp6")
	return s, nil
}

// want is an address to bind to, with Go's name of the network.
type want struct {
	network string
	addr    netip.AddrPort
}

func (w want) String() string { return w.addr.String() }

func (h *Host) parseListen(addrs []string) ([]want, error) {
	var wants []want
	for _, a := range addrs {
		host, port, err := net.SplitHostPort(a)
		if err != nil {
			return nil, fmt.Errorf("host: %q is not an address with a port, such as \":5683\" or \"[::1]:5683\"", a)
		}
		n, err := net.DefaultResolver.LookupPort(context.Background(), "udp", port)
		if err != nil {
			return nil, fmt.Errorf("host: %q has no valid port", a)
		}
		if host == "" {
			host = "::"
			if !haveIPv6() {
				host = "0.0.0.0"
			}
		}
		ips, err := h.Resolve(context.Background(), host)
		if err != nil {
			return nil, err
		}
		for _, ip := range ips {
			w := want{"udp", netip.AddrPortFrom(ip, uint16(n))}
			if ip.Is4() {
				w.network = "udp4"
			}
			if n == 0 || !contains(wants, w.addr) {
				wants = append(wants, w)
			}
		}
	}
	// "[::]" alone takes IPv4 too; beside a wildcard of IPv4 with the same port it must not.
	for i, w := range wants {
		if w.addr.Addr() == netip.IPv6Unspecified() && w.addr.Port() != 0 &&
			contains(wants, netip.AddrPortFrom(netip.IPv4Unspecified(), w.addr.Port())) {
			wants[i].network = "udp6"
		}
	}
	return wants, nil
}

func contains(wants []want, a netip.AddrPort) bool {
	for _, w := range wants {
		if w.addr == a {
			return true
		}
	}
	return false
}

func haveIPv6() bool {
	c, err := net.ListenPacket("udp6", "[::]:0")
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// bind opens a socket without SO_REUSEPORT: with it, a second program that sets it too would take half of the
// datagrams and neither would see an error.
func (h *Host) bind(w want, tellLocal bool) (*opening, error) {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			setBuffers(fd, h.receiveBuffer, h.sendBuffer)
			if tellLocal && w.addr.Addr().IsUnspecified() {
				setPacketInfo(fd, w.addr.Addr().Is6())
			}
		})
	}}
	c, err := lc.ListenPacket(context.Background(), w.network, w.addr.String())
	if err != nil {
		return nil, fmt.Errorf("host: cannot listen on udp %s: %w", w, err)
	}
	open, err := newOpening(c.(*net.UDPConn))
	if err != nil {
		c.Close()
		return nil, err
	}
	return open, nil
}
