package usernat

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"heddle.example/thread/ip6"
)

// echoSocket is a ping socket (icmp(7)) or, where the system lets this program open none but a raw one, that.
type echoSocket struct {
	file  *os.File
	conn  syscall.RawConn
	v4    bool
	raw   bool
	ident uint16 // of a raw socket: the system puts its own into what a ping socket sends
	mu    sync.Mutex
	hop   int // that the socket sends with
	stop  bool
}

// openEcho opens a socket for echo requests and says which.
func openEcho(v4 bool) (*echoSocket, string, error) {
	domain, proto := unix.AF_INET6, unix.IPPROTO_ICMPV6
	if v4 {
		domain, proto = unix.AF_INET, unix.IPPROTO_ICMP
	}
	e := &echoSocket{v4: v4}
	kind := "ping socket"
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
	if err != nil {
		kind, e.raw, e.ident = "raw socket", true, uint16(rand.Uint32())
		var no error
		if fd, no = unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto); no != nil {
			return nil, "", fmt.Errorf("no ping socket (%w): open them with sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"", err)
		}
	}
	if err := e.prepare(fd); err != nil {
		unix.Close(fd)
		return nil, "", err
	}
	e.file = os.NewFile(uintptr(fd), "echo")
	if e.conn, err = e.file.SyscallConn(); err != nil {
		e.file.Close()
		return nil, "", err
	}
	return e, kind, nil
}

func (e *echoSocket) prepare(fd int) error {
	if e.v4 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
		if e.raw { // all but echo replies: errors come by the error queue
			_ = unix.SetsockoptInt(fd, unix.SOL_RAW, 1, ^(1 << reply4))
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1); err != nil {
			return err
		}
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVTTL, 1)
	}
	if e.raw {
		f := unix.ICMPv6Filter{}
		for i := range f.Data {
			f.Data[i] = ^uint32(0)
		}
		f.Data[ip6.EchoReply/32] &^= 1 << (ip6.EchoReply % 32)
		_ = unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &f)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1); err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1)
}

func (e *echoSocket) close() {
	e.mu.Lock()
	e.stop = true
	e.mu.Unlock()
	e.file.Close()
}

// send sends an echo request.
func (e *echoSocket) send(to netip.Addr, hop uint8, seq uint16, payload []byte) error {
	kind := byte(ip6.EchoRequest)
	var name unix.Sockaddr
	if e.v4 {
		kind, name = echo4, &unix.SockaddrInet4{Addr: to.As4()}
	} else {
		name = &unix.SockaddrInet6{Addr: to.As16()}
	}
	b := append(make([]byte, 0, ip6.ICMPSize+len(payload)), kind, 0, 0, 0, byte(e.ident>>8), byte(e.ident), byte(seq>>8), byte(seq))
	b = append(b, payload...)
	if e.v4 { // the system makes that of ICMPv6, and of ping sockets
		binary.BigEndian.PutUint16(b[2:], ^ip6.Sum(0, b))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var err error
	closed := e.conn.Write(func(fd uintptr) bool {
		if e.hop != int(hop) {
			e.hop = int(hop)
			if e.v4 {
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, int(hop))
			} else {
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, int(hop))
			}
		}
		for range 2 { // an error of an earlier request is reported in place of this one's
			if err = unix.Sendto(int(fd), b, unix.MSG_DONTWAIT, name); err != unix.ECONNREFUSED && err != unix.EHOSTUNREACH && err != unix.ENETUNREACH {
				break
			}
		}
		return true
	})
	if closed != nil {
		return closed
	}
	return err
}

// serve receives replies and errors until the socket is closed.
func (e *echoSocket) serve(n *NAT, t *echoTable) {
	buffer, control := make([]byte, maxPacket), make([]byte, 256)
	_ = e.conn.Read(func(fd uintptr) bool {
		for {
			size, m, _, from, err := unix.Recvmsg(int(fd), buffer, control, unix.MSG_DONTWAIT)
			switch err {
			case nil:
				e.received(n, t, buffer[:size], control[:m], from)
			case unix.EINTR:
			case unix.EAGAIN:
				for e.failed(n, t, int(fd), buffer, control) {
				}
				return false
			default:
				e.failed(n, t, int(fd), buffer, control)
			}
			e.mu.Lock()
			stop := e.stop
			e.mu.Unlock()
			if stop {
				return true
			}
		}
	})
}

func (e *echoSocket) received(n *NAT, t *echoTable, b, control []byte, from unix.Sockaddr) {
	var remote netip.Addr
	kind := byte(ip6.EchoReply)
	switch a := from.(type) {
	case *unix.SockaddrInet4:
		remote, kind = netip.AddrFrom4(a.Addr), reply4
		if e.raw { // with its header
			if len(b) < v4Size || len(b) < int(b[0]&15)*4 {
				return
			}
			b = b[int(b[0]&15)*4:]
		}
	case *unix.SockaddrInet6:
		remote = netip.AddrFrom16(a.Addr)
	}
	if len(b) < ip6.ICMPSize || b[0] != kind || e.raw && binary.BigEndian.Uint16(b[4:]) != e.ident {
		return
	}
	hop := uint8(64)
	if list, err := unix.ParseSocketControlMessage(control); err == nil {
		for _, c := range list {
			v4 := c.Header.Level == unix.IPPROTO_IP && c.Header.Type == unix.IP_TTL
			v6 := c.Header.Level == unix.IPPROTO_IPV6 && c.Header.Type == unix.IPV6_HOPLIMIT
			if (v4 || v6) && len(c.Data) >= 4 {
				hop = uint8(binary.NativeEndian.Uint32(c.Data))
			}
		}
	}
	n.answered(t, remote, hop, binary.BigEndian.Uint16(b[6:]), b[ip6.ICMPSize:])
}

// failed takes in one error, and reports whether there was one.
func (e *echoSocket) failed(n *NAT, t *echoTable, fd int, buffer, control []byte) bool {
	s, ok := errorOf(fd, buffer, control)
	if !ok {
		return false
	}
	if b := buffer[:s.n]; s.known && len(b) >= ip6.ICMPSize && (!e.raw || binary.BigEndian.Uint16(b[4:]) == e.ident) {
		n.echoFailed(t, s.to.Addr(), binary.BigEndian.Uint16(b[6:]), b[ip6.ICMPSize:], s.kind, s.code)
	}
	return true
}
