package infra

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"heddle.example/border/nd"
	"heddle.example/thread/ip6"
)

// Link is an interface of this computer.
type Link struct {
	o        Options
	index    int
	address  ip6.Address
	hardware []byte
	socket   *os.File
	raw      syscall.RawConn
	restore  func()
	done     chan struct{}
	running  sync.WaitGroup
	mu       sync.Mutex
	up       bool
}

const (
	icmpFilter    = 1   // ICMPV6_FILTER of linux/icmpv6.h
	hopLimit      = 255 // shows that a message has crossed no router
	most          = 1500
	watchInterval = 2 * time.Second
)

// Open opens the link. It needs the right to raw sockets (root or CAP_NET_RAW).
func Open(o Options) (*Link, error) {
	if o.Receive == nil {
		return nil, errors.New("infra: Options.Receive must be set: who is the border router?")
	}
	l := &Link{o: o, done: make(chan struct{})}
	ifi, err := net.InterfaceByName(o.Interface)
	if err != nil {
		return nil, fmt.Errorf("infrastructure link: there is no interface %q; `ip link` lists them", o.Interface)
	}
	l.index, l.hardware = ifi.Index, ifi.HardwareAddr
	if l.address, err = linkLocal(ifi); err != nil {
		return nil, err
	}
	l.up = isUp(ifi)
	fd, err := open(o.Interface, l.index)
	if err != nil {
		return nil, explain(o.Interface, err)
	}
	l.socket = os.NewFile(uintptr(fd), "infrastructure link")
	if l.raw, err = l.socket.SyscallConn(); err != nil {
		l.socket.Close()
		return nil, fmt.Errorf("infrastructure link %s: %w", o.Interface, err)
	}
	l.restore = learn(o.Interface)
	l.running.Add(2)
	go l.read()
	go l.watch()
	return l, nil
}

func isUp(i *net.Interface) bool {
	return i.Flags&net.FlagUp != 0 && i.Flags&net.FlagRunning != 0
}

func linkLocal(ifi *net.Interface) (a ip6.Address, err error) {
	list, err := ifi.Addrs()
	if err != nil {
		return a, fmt.Errorf("infrastructure link %s: %w", ifi.Name, err)
	}
	for _, x := range list {
		p, err := netip.ParsePrefix(x.String())
		if err == nil && p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
			return p.Addr().WithZone("").As16(), nil
		}
	}
	return a, fmt.Errorf("infrastructure link: %s has no IPv6 link-local address: bring it up (`ip link set %[1]s up`), and see whether "+
		"IPv6 is switched off there (sysctl net.ipv6.conf.%[1]s.disable_ipv6)", ifi.Name)
}

func open(name string, index int) (fd int, err error) {
	fd, err = syscall.Socket(syscall.AF_INET6, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, syscall.IPPROTO_ICMPV6)
	if err != nil {
		return -1, err
	}
	filter := syscall.ICMPv6Filter{Data: [8]uint32{^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0)}}
	for _, t := range []ip6.ICMPType{ip6.RouterSolicit, ip6.RouterAdvert, ip6.NeighborAdvert} {
		filter.Data[t>>5] &^= 1 << (t & 31)
	}
	group := &syscall.IPv6Mreq{Multiaddr: ip6.LinkLocalAllRouters, Interface: uint32(index)}
	err = errors.Join(
		syscall.SetsockoptString(fd, syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE, name),
		syscall.SetsockoptICMPv6Filter(fd, syscall.IPPROTO_ICMPV6, icmpFilter, &filter),
		syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_IF, index),
		syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_HOPS, hopLimit),
		syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_UNICAST_HOPS, hopLimit),
		syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_RECVPKTINFO, 1),
		syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_RECVHOPLIMIT, 1),
		syscall.SetsockoptIPv6Mreq(fd, syscall.IPPROTO_IPV6, syscall.IPV6_JOIN_GROUP, group),
	)
	if err != nil {
		syscall.Close(fd)
	}
	return fd, err
}

func explain(name string, err error) error {
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("infrastructure link %s: no right to raw sockets (%w): run as root or with CAP_NET_RAW, or leave the link out", name, err)
	}
	return fmt.Errorf("infrastructure link %s: %w", name, err)
}

// Index returns the interface's number.
func (l *Link) Index() uint32 { return uint32(l.index) }

// Address returns our link-local address.
func (l *Link) Address() ip6.Address { return l.address }

// Hardware returns the address below it.
func (l *Link) Hardware() []byte { return l.hardware }

// Up reports whether the interface carries packets.
func (l *Link) Up() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up
}

// Send sends a message. It never waits; what the system does not take is an error.
func (l *Link) Send(m *nd.Packet) error {
	to := &syscall.SockaddrInet6{Addr: m.Dst, ZoneId: uint32(l.index)}
	var err error
	bad := l.raw.Control(func(fd uintptr) { err = syscall.Sendmsg(int(fd), m.ICMPv6, l.from(m.Src), to, syscall.MSG_DONTWAIT) })
	return errors.Join(bad, err)
}

// from is the control message that names the source: struct in6_pktinfo.
func (l *Link) from(src ip6.Address) []byte {
	b := make([]byte, syscall.CmsgSpace(20))
	size := syscall.CmsgLen(20)
	if word := len(b) - 20; word >= 16 { // its header begins with a size_t
		binary.NativeEndian.PutUint64(b, uint64(size))
	} else {
		binary.NativeEndian.PutUint32(b, uint32(size))
	}
	at := syscall.CmsgLen(0)
	binary.NativeEndian.PutUint32(b[at-8:], syscall.IPPROTO_IPV6)
	binary.NativeEndian.PutUint32(b[at-4:], syscall.IPV6_PKTINFO)
	copy(b[at:], src[:])
	binary.NativeEndian.PutUint32(b[at+16:], uint32(l.index))
	return b
}

// read takes in messages until the link is closed.
func (l *Link) read() {
	defer l.running.Done()
	b, control := make([]byte, most), make([]byte, 256)
	for {
		var n, c int
		var from syscall.Sockaddr
		var err error
		closed := l.raw.Read(func(fd uintptr) bool {
			n, c, _, from, err = syscall.Recvmsg(int(fd), b, control, 0)
			return err != syscall.EAGAIN && err != syscall.EINTR
		})
		if closed != nil {
			return
		}
		src, ok := from.(*syscall.SockaddrInet6)
		if err != nil || !ok {
			select { // an interface that is down says so
			case <-l.done:
				return
			case <-time.After(watchInterval):
			}
			continue
		}
		m := nd.Packet{Link: uint32(l.index), Src: src.Addr, ICMPv6: b[:n]}
		hops := 0
		m.Dst, hops = l.read6(control[:c])
		// Who is not on the link is no neighbour (RFC 4861 section 6.1).
		if hops == hopLimit && n >= ip6.ICMPSize && b[1] == 0 && (m.Src.IsLinkLocalUnicast() || b[0] != byte(ip6.RouterAdvert)) {
			l.o.Receive(m)
		}
	}
}

// read6 reads the control messages of a received one.
func (l *Link) read6(control []byte) (dst ip6.Address, hops int) {
	list, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return dst, 0
	}
	for _, c := range list {
		switch {
		case c.Header.Level != syscall.IPPROTO_IPV6:
		case c.Header.Type == syscall.IPV6_PKTINFO && len(c.Data) >= 20:
			dst = ip6.Address(c.Data[:16])
		case c.Header.Type == syscall.IPV6_HOPLIMIT && len(c.Data) >= 4:
			hops = int(binary.NativeEndian.Uint32(c.Data))
		}
	}
	return dst, hops
}

// watch looks whether the interface is up.
func (l *Link) watch() {
	defer l.running.Done()
	t := time.NewTicker(watchInterval)
	defer t.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-t.C:
		}
		ifi, err := net.InterfaceByIndex(l.index)
		up := err == nil && isUp(ifi)
		l.mu.Lock()
		changed := up != l.up
		l.up = up
		l.mu.Unlock()
		if changed && l.o.Changed != nil {
			l.o.Changed(up)
		}
	}
}

// Close ends it.
func (l *Link) Close() error {
	close(l.done)
	err := l.socket.Close()
	l.running.Wait()
	l.restore()
	return err
}
