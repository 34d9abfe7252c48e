package infra

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"heddle.example/border/mdns"
)

// The groups of multicast DNS (RFC 6762 section 3).
var (
	group4 = netip.MustParseAddr("224.0.0.251")
	group6 = netip.MustParseAddr("ff02::fb")
)

const (
	reusePort = 0xf  // SO_REUSEPORT of asm-generic/socket.h, which package syscall lacks
	mdnsMost  = 9000 // RFC 6762 section 17
)

// MDNS is multicast DNS on an interface of this computer, beside whatever else speaks it there (avahi-daemon, for one).
type MDNS struct {
	index   int
	receive func(m mdns.Message)
	four    *groupSocket // nil: the interface cannot do it
	six     *groupSocket
	running sync.WaitGroup
	done    chan struct{}
	mu      sync.Mutex
	own     map[netip.Addr]bool
}

type groupSocket struct {
	*os.File
	raw   syscall.RawConn
	group netip.Addr
}

// OpenMDNS opens it. receive takes what comes to the groups, on goroutines of its own, and borrows it.
func OpenMDNS(name string, receive func(m mdns.Message)) (*MDNS, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("multicast DNS: there is no interface %q; `ip link` lists them", name)
	}
	m := &MDNS{index: ifi.Index, receive: receive, done: make(chan struct{})}
	var bad4, bad6 error
	m.four, bad4 = openGroup(name, m.index, group4)
	m.six, bad6 = openGroup(name, m.index, group6)
	if m.four == nil && m.six == nil {
		return nil, fmt.Errorf("multicast DNS on %s: %w", name, errors.Join(bad4, bad6))
	}
	m.look()
	for _, s := range []*groupSocket{m.four, m.six} {
		if s != nil {
			m.running.Add(1)
			go m.read(s)
		}
	}
	m.running.Add(1)
	go m.watch()
	return m, nil
}

// openGroup opens a socket that is bound to a group, so that nothing comes that was sent to another address: what comes to the
// group is of the link (section 11).
func openGroup(name string, index int, group netip.Addr) (*groupSocket, error) {
	family, level := syscall.AF_INET6, syscall.IPPROTO_IPV6
	var to syscall.Sockaddr = &syscall.SockaddrInet6{Port: mdns.Port, Addr: group.As16(), ZoneId: uint32(index)}
	if group.Is4() {
		family, level = syscall.AF_INET, syscall.IPPROTO_IP
		to = &syscall.SockaddrInet4{Port: mdns.Port, Addr: group.As4()}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, syscall.IPPROTO_UDP)
	if err != nil {
		return nil, err
	}
	set := func(l, option, value int) error { return syscall.SetsockoptInt(fd, l, option, value) }
	err = errors.Join(
		set(syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1),
		set(syscall.SOL_SOCKET, reusePort, 1),
		syscall.SetsockoptString(fd, syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE, name),
	)
	if group.Is4() {
		which := &syscall.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(index)}
		err = errors.Join(err, set(level, syscall.IP_MULTICAST_TTL, hopLimit), set(level, syscall.IP_MULTICAST_LOOP, 1), set(level, syscall.IP_TTL, hopLimit),
			syscall.SetsockoptIPMreqn(fd, level, syscall.IP_MULTICAST_IF, which), syscall.SetsockoptIPMreqn(fd, level, syscall.IP_ADD_MEMBERSHIP, which))
	} else {
		which := &syscall.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(index)}
		err = errors.Join(err, set(level, syscall.IPV6_V6ONLY, 1), set(level, syscall.IPV6_MULTICAST_HOPS, hopLimit), set(level, syscall.IPV6_MULTICAST_LOOP, 1),
			set(level, syscall.IPV6_UNICAST_HOPS, hopLimit), set(level, syscall.IPV6_MULTICAST_IF, index), syscall.SetsockoptIPv6Mreq(fd, level, syscall.IPV6_JOIN_GROUP, which))
	}
	if err == nil {
		if err = syscall.Bind(fd, to); errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("UDP port %d is taken by a program that does not share it (%w): `ss -ulnp` says which", mdns.Port, err)
		}
	}
	if err != nil {
		syscall.Close(fd)
		return nil, err
	}
	s := &groupSocket{File: os.NewFile(uintptr(fd), "multicast DNS"), group: group}
	if s.raw, err = s.SyscallConn(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Send sends a message to both groups, or to one host. It never waits.
func (m *MDNS) Send(to netip.AddrPort, b []byte) error {
	if to.IsValid() {
		s := m.six
		if to.Addr().Unmap().Is4() {
			s = m.four
		}
		if s == nil {
			return errors.New("multicast DNS: no socket of that family")
		}
		return m.send(s, to, b)
	}
	var bad error
	for _, s := range []*groupSocket{m.four, m.six} {
		if s == nil {
			continue
		}
		if err := m.send(s, netip.AddrPortFrom(s.group, mdns.Port), b); err != nil {
			bad = err
		}
	}
	return bad
}

func (m *MDNS) send(s *groupSocket, to netip.AddrPort, b []byte) (err error) {
	var address syscall.Sockaddr = &syscall.SockaddrInet6{Addr: to.Addr().As16(), Port: int(to.Port()), ZoneId: uint32(m.index)}
	if a := to.Addr().Unmap(); a.Is4() {
		address = &syscall.SockaddrInet4{Addr: a.As4(), Port: int(to.Port())}
	}
	bad := s.raw.Control(func(fd uintptr) { err = syscall.Sendto(int(fd), b, syscall.MSG_DONTWAIT, address) })
	return errors.Join(bad, err)
}

// read takes in messages until the socket is closed.
func (m *MDNS) read(s *groupSocket) {
	defer m.running.Done()
	b := make([]byte, mdnsMost+1)
	for {
		var n int
		var from syscall.Sockaddr
		var err error
		closed := s.raw.Read(func(fd uintptr) bool {
			n, from, err = syscall.Recvfrom(int(fd), b, 0)
			return err != syscall.EAGAIN && err != syscall.EINTR
		})
		if closed != nil {
			return
		}
		var source netip.AddrPort
		switch a := from.(type) {
		case *syscall.SockaddrInet4:
			source = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
		case *syscall.SockaddrInet6:
			source = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
		}
		if err != nil || !source.IsValid() {
			select { // an interface that is down says so
			case <-m.done:
				return
			case <-time.After(watchInterval):
			}
			continue
		}
		m.receive(mdns.Message{From: source, Own: m.isOwn(source.Addr()), Data: b[:n]})
	}
}

func (m *MDNS) isOwn(a netip.Addr) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.own[a]
}

// look reads this computer's addresses on the interface.
func (m *MDNS) look() {
	own := map[netip.Addr]bool{}
	if ifi, err := net.InterfaceByIndex(m.index); err == nil {
		list, _ := ifi.Addrs() // an interface that has gone has none
		for _, a := range list {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				own[p.Addr().WithZone("")] = true
			}
		}
	}
	m.mu.Lock()
	m.own = own
	m.mu.Unlock()
}

func (m *MDNS) watch() {
	defer m.running.Done()
	t := time.NewTicker(watchInterval)
	defer t.Stop()
	for {
		select {
		case <-m.done:
			return
		case <-t.C:
			m.look()
		}
	}
}

// Close ends it.
func (m *MDNS) Close() (err error) {
	close(m.done)
	for _, s := range []*groupSocket{m.four, m.six} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	m.running.Wait()
	return err
}
