package host

import (
	"syscall"
	"unsafe"
)

// Numbers that package syscall lacks on some architectures; the same on all that Go supports except MIPS and SPARC,
// where the call fails and only the counter is missing.
const (
	soMemInfo      = 55 // SO_MEMINFO, Linux 4.12
	memInfoDrops   = 8  // SK_MEMINFO_DROPS
	memInfoRcvbuf  = 1  // SK_MEMINFO_RCVBUF
	memInfoEntries = 9
)

// setBuffers asks for large buffers: as root beyond net.core.rmem_max, else up to it. The default of 208 KiB holds
// some 250 datagrams, which is less than arrive in one garbage collection of a busy server.
func setBuffers(fd uintptr, receive, send int) {
	if syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, receive) != nil {
		syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, receive)
	}
	if syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUFFORCE, send) != nil {
		syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, send)
	}
}

// setPacketInfo asks for the local address of each datagram (RFC 3542 section 6).
func setPacketInfo(fd uintptr, inet6 bool) {
	if inet6 {
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_RECVPKTINFO, 1)
		return
	}
	syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_PKTINFO, 1)
}

// kernelCounters returns how many datagrams the system dropped at this socket and its receive buffer's size. It asks by
// SO_MEMINFO: the same counter as SO_RXQ_OVFL, but without a control message on every datagram and also right when no
// further datagram arrives.
func kernelCounters(fd uintptr) (drops uint64, receiveBuffer int) {
	var info [16]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, e := syscall.Syscall6(sysGetsockopt, fd, syscall.SOL_SOCKET, soMemInfo,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if e != 0 || size < memInfoEntries*4 {
		return 0, 0
	}
	return uint64(info[memInfoDrops]), int(info[memInfoRcvbuf])
}
