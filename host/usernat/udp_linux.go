package usernat

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"heddle.example/thread/ip6"
)

// sending is the datagram that leaves, where the function that the runtime calls back finds it.
type sending struct {
	name  [unix.SizeofSockaddrInet6]byte
	size  uintptr
	b     []byte
	errno syscall.Errno
	call  func(fd uintptr) bool
}

// prepare has the socket report ICMP errors, and fragment what is too long for the way.
func (f *udpFlow) prepare() error {
	f.out.call = f.out.try
	var err error
	control := f.raw.Control(func(fd uintptr) {
		if f.key.v4 {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1)
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
		} else {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DONT)
		}
	})
	if control != nil {
		return control
	}
	return err
}

// write sends without waiting. Called with the flow's lock.
func (f *udpFlow) write(to netip.AddrPort, b []byte) error {
	o := &f.out
	o.size = putSockaddr(&o.name, to)
	for range 2 { // an error of an earlier datagram is reported in place of this one's
		o.b = b
		err := f.raw.Write(o.call)
		o.b = nil
		switch {
		case err != nil:
			return err
		case o.errno == 0:
			return nil
		case o.errno != unix.ECONNREFUSED && o.errno != unix.EHOSTUNREACH && o.errno != unix.ENETUNREACH:
			return o.errno
		}
	}
	return o.errno
}

func (o *sending) try(fd uintptr) bool {
	var data unsafe.Pointer
	if len(o.b) > 0 {
		data = unsafe.Pointer(&o.b[0])
	}
	for {
		_, _, o.errno = syscall.Syscall6(syscall.SYS_SENDTO, fd, uintptr(data), uintptr(len(o.b)), syscall.MSG_DONTWAIT,
			uintptr(unsafe.Pointer(&o.name[0])), o.size)
		if o.errno != syscall.EINTR {
			return true
		}
	}
}

func putSockaddr(name *[unix.SizeofSockaddrInet6]byte, to netip.AddrPort) uintptr {
	binary.BigEndian.PutUint16(name[2:], to.Port())
	if a := to.Addr(); a.Is4() {
		binary.NativeEndian.PutUint16(name[:], unix.AF_INET)
		v4 := a.As4()
		copy(name[4:], v4[:])
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(name[:], unix.AF_INET6)
	v6 := to.Addr().As16()
	copy(name[8:24], v6[:])
	return unix.SizeofSockaddrInet6
}

// sockaddr reads a struct sockaddr.
func sockaddr(name []byte) (netip.AddrPort, bool) {
	if len(name) < unix.SizeofSockaddrInet4 {
		return netip.AddrPort{}, false
	}
	port := binary.BigEndian.Uint16(name[2:])
	switch binary.NativeEndian.Uint16(name) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(name[4:8])), port), true
	case unix.AF_INET6:
		if len(name) >= 24 {
			return netip.AddrPortFrom(netip.AddrFrom16([16]byte(name[8:24])), port), true
		}
	}
	return netip.AddrPort{}, false
}

// read receives until the deadline, and reports whether the socket was closed. Each call of the function empties the
// queue: the poller tells only of what comes afterwards.
func (f *udpFlow) read() (closed bool) {
	err := f.raw.Read(func(fd uintptr) bool {
		buffer := buffers.Get().(*[maxPacket + 1]byte)
		defer buffers.Put(buffer)
		var name [unix.SizeofSockaddrInet6]byte
		for {
			size := uint32(len(name))
			n, _, e := syscall.Syscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&buffer[headers])), maxPacket+1-headers,
				syscall.MSG_DONTWAIT, uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size)))
			switch e {
			case 0:
				if from, ok := sockaddr(name[:min(int(size), len(name))]); ok {
					f.came(from, buffer[:headers+int(n)])
				}
			case syscall.EINTR:
			case syscall.EAGAIN:
				return !f.drainErrors(fd) // an error alone wakes the poller, too
			default:
				f.drainErrors(fd)
			}
		}
	})
	runtime.KeepAlive(f)
	return err != nil && !isTimeout(err)
}

// drainErrors takes in the ICMP errors that wait. It always reports true: there is nothing more to receive.
func (f *udpFlow) drainErrors(fd uintptr) bool {
	var payload [ip6.MTU]byte
	var control [256]byte
	for range 64 {
		e, ok := errorOf(int(fd), payload[:], control[:])
		if !ok {
			break
		}
		if e.known {
			f.heard(e.to, payload[:e.n], e.kind, e.code)
		}
	}
	return true
}
