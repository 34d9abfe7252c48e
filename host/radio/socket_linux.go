package radio

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// The simulated radio's group (OpenThread, examples/platforms/simulation/simul_utils.c).
var (
	group4 = [4]byte{224, 0, 0, 116}
	group6 = [16]byte{0: 0xff, 1: 0x02, 14: 0x01, 15: 0x16}
)

// airSocket is a pair of sockets: one that sends from a port that names the node, one that hears the group.
type airSocket struct {
	tx, rx int
	to     syscall.Sockaddr
	base   int // the group's port; a sender's port less this is its node
	buf    []byte
}

// openAir opens the sockets of node id. local is an IPv4 or IPv6 address, or the name of an interface.
func openAir(local string, base, id int) (*airSocket, error) {
	addr, index, err := localAddress(local)
	if err != nil {
		return nil, err
	}
	s := &airSocket{tx: -1, rx: -1, base: base, buf: make([]byte, 256)}
	if addr.Is4() {
		err = s.open4(addr.As4(), base+id)
	} else {
		err = s.open6(addr.As16(), index, base+id)
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("simulated radio, node %d on %s: %w", id, local, err)
	}
	// A burst of a large network must not overflow: each frame of 130 bytes takes some 800 of the buffer.
	_ = syscall.SetsockoptInt(s.rx, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1<<20)
	return s, nil
}

// localAddress prefers a link-local IPv6 address of an interface, then IPv4, then other IPv6 addresses, as OpenThread does.
func localAddress(local string) (netip.Addr, int, error) {
	ifi, err := net.InterfaceByName(local)
	if err != nil {
		a, err := netip.ParseAddr(local)
		if err != nil {
			return a, 0, fmt.Errorf("simulated radio: %q is neither an address nor an interface", local)
		}
		index := 0
		if a.Is6() {
			index, err = interfaceOf(a)
		}
		return a.Unmap(), index, err
	}
	list, err := ifi.Addrs()
	if err != nil {
		return netip.Addr{}, 0, fmt.Errorf("simulated radio: %w", err)
	}
	var v4, v6 netip.Addr
	for _, l := range list {
		n, ok := l.(*net.IPNet)
		if !ok {
			continue
		}
		a, _ := netip.AddrFromSlice(n.IP)
		switch a = a.Unmap(); {
		case a.Is4():
			v4 = a
		case a.IsLinkLocalUnicast():
			return a, ifi.Index, nil
		default:
			v6 = a
		}
	}
	if v4.IsValid() {
		return v4, ifi.Index, nil
	}
	if v6.IsValid() {
		return v6, ifi.Index, nil
	}
	return v4, 0, fmt.Errorf("simulated radio: interface %s has no address", local)
}

func interfaceOf(a netip.Addr) (int, error) {
	list, err := net.Interfaces()
	if err != nil {
		return 0, err
	}
	for _, ifi := range list {
		addrs, _ := ifi.Addrs()
		for _, l := range addrs {
			if n, ok := l.(*net.IPNet); ok && n.IP.Equal(net.IP(a.AsSlice())) {
				return ifi.Index, nil
			}
		}
	}
	return 0, fmt.Errorf("simulated radio: no interface has %v", a)
}

func (s *airSocket) open4(local [4]byte, port int) (err error) {
	if s.tx, err = udpSocket(syscall.AF_INET); err != nil {
		return err
	}
	if s.rx, err = udpSocket(syscall.AF_INET); err != nil {
		return err
	}
	s.to = &syscall.SockaddrInet4{Port: s.base, Addr: group4}
	return errors.Join(
		syscall.SetsockoptInet4Addr(s.tx, syscall.IPPROTO_IP, syscall.IP_MULTICAST_IF, local),
		syscall.SetsockoptInt(s.tx, syscall.IPPROTO_IP, syscall.IP_MULTICAST_LOOP, 1),
		syscall.Bind(s.tx, &syscall.SockaddrInet4{Port: port, Addr: local}),
		shared(s.rx),
		syscall.SetsockoptIPMreq(s.rx, syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP, &syscall.IPMreq{Multiaddr: group4, Interface: local}),
		syscall.Bind(s.rx, s.to),
	)
}

func (s *airSocket) open6(local [16]byte, index, port int) (err error) {
	if s.tx, err = udpSocket(syscall.AF_INET6); err != nil {
		return err
	}
	if s.rx, err = udpSocket(syscall.AF_INET6); err != nil {
		return err
	}
	s.to = &syscall.SockaddrInet6{Port: s.base, Addr: group6, ZoneId: uint32(index)}
	from := &syscall.SockaddrInet6{Port: port, Addr: local}
	if netip.AddrFrom16(local).IsLinkLocalUnicast() {
		from.ZoneId = uint32(index)
	}
	return errors.Join(
		syscall.SetsockoptInt(s.tx, syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_IF, index),
		syscall.SetsockoptInt(s.tx, syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_LOOP, 1),
		syscall.Bind(s.tx, from),
		shared(s.rx),
		syscall.SetsockoptIPv6Mreq(s.rx, syscall.IPPROTO_IPV6, syscall.IPV6_JOIN_GROUP, &syscall.IPv6Mreq{Multiaddr: group6, Interface: uint32(index)}),
		syscall.Bind(s.rx, s.to),
	)
}

func udpSocket(family int) (int, error) {
	return syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
}

// soReusePort is missing in package syscall on some architectures. All but MIPS and SPARC have 15.
const soReusePort = 15

func shared(fd int) error {
	return errors.Join(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1),
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, soReusePort, 1))
}

// receive returns the next datagram, which is valid until the next call, and the node that sent it. ok is false where
// there is none.
func (s *airSocket) receive() (b []byte, from int, ok bool) {
	for {
		n, addr, err := syscall.Recvfrom(s.rx, s.buf, 0)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, 0, false
		}
		switch a := addr.(type) {
		case *syscall.SockaddrInet4:
			from = a.Port - s.base
		case *syscall.SockaddrInet6:
			from = a.Port - s.base
		}
		return s.buf[:n], from, true
	}
}

// send multicasts a datagram. A full buffer of the kernel's loses it, as the air does.
func (s *airSocket) send(b []byte) {
	for syscall.Sendto(s.tx, b, 0, s.to) == syscall.EINTR {
	}
}

func (s *airSocket) close() {
	for _, fd := range []int{s.tx, s.rx} {
		if fd >= 0 {
			_ = syscall.Close(fd)
		}
	}
}
