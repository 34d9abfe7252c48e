package host

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"
)

// sender collects datagrams and hands them to the system in batches.
type sender struct {
	hdrs     []mmsghdr
	iovs     []syscall.Iovec
	names    [][nameSpace]byte
	controls [][controlSpace]byte
	sockets  []*Socket
	group    []mmsghdr // room for the datagrams of one socket where a batch has several
	n        int
	mixed    bool // not all of one socket
	data     []byte
	used     int
}

// senderSlab is the room for the datagrams of one batch: the largest UDP payload always fits.
const senderSlab = 96 << 10

func newSender(batch int) sender {
	q := sender{
		hdrs: make([]mmsghdr, batch), iovs: make([]syscall.Iovec, batch), names: make([][nameSpace]byte, batch),
		controls: make([][controlSpace]byte, batch), sockets: make([]*Socket, batch), group: make([]mmsghdr, batch),
		data: make([]byte, senderSlab),
	}
	for i := range q.hdrs {
		h := &q.hdrs[i].hdr
		h.Iov, h.Iovlen = &q.iovs[i], 1
		h.Name = &q.names[i][0]
	}
	return q
}

// queue copies a datagram into the batch.
func (q *sender) queue(s *Socket, from netip.Addr, to netip.AddrPort, b []byte) {
	if len(b) > senderSlab {
		s.failed(syscall.EMSGSIZE)
		return
	}
	if !s.reaches(to.Addr()) {
		s.failed(syscall.EAFNOSUPPORT)
		return
	}
	if q.n == len(q.hdrs) || q.used+len(b) > senderSlab {
		q.flush()
	}
	i := q.n
	h := &q.hdrs[i].hdr
	h.Namelen = q.name(i, s, to)
	at := min(q.used, senderSlab-1) // an empty datagram at the very end points at a byte that it does not use
	copy(q.data[q.used:], b)
	q.iovs[i].Base = &q.data[at]
	q.iovs[i].SetLen(len(b))
	q.used += len(b)
	h.Control = nil
	h.SetControllen(0)
	if s.wildcard && !s.label && from.IsValid() && !from.IsUnspecified() && !from.IsMulticast() {
		h.Control = &q.controls[i][0]
		h.SetControllen(q.control(i, s, from))
	}
	q.mixed = q.mixed || i > 0 && q.sockets[0] != s
	q.sockets[i] = s
	q.n++
}

func (q *sender) name(i int, s *Socket, to netip.AddrPort) uint32 {
	name := &q.names[i]
	binary.BigEndian.PutUint16(name[2:], to.Port())
	if !s.open.inet6 {
		binary.NativeEndian.PutUint16(name[:], syscall.AF_INET)
		*(*[4]byte)(name[4:8]) = to.Addr().As4()
		clear(name[8:16])
		return syscall.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(name[:], syscall.AF_INET6)
	clear(name[4:8])
	*(*[16]byte)(name[8:24]) = to.Addr().As16()
	binary.NativeEndian.PutUint32(name[24:], s.host.zones.id(to.Addr().Zone()))
	return syscall.SizeofSockaddrInet6
}

// control writes the packet info that makes the datagram leave from an address of ours (RFC 3542 section 6.2).
func (q *sender) control(i int, s *Socket, from netip.Addr) int {
	const header = syscall.SizeofCmsghdr
	c := &q.controls[i]
	h := (*syscall.Cmsghdr)(unsafe.Pointer(c))
	n := header + syscall.SizeofInet4Pktinfo
	if s.open.inet6 {
		n = header + syscall.SizeofInet6Pktinfo
		h.Level, h.Type = syscall.IPPROTO_IPV6, syscall.IPV6_PKTINFO
		*(*[16]byte)(c[header:]) = from.As16()
		binary.NativeEndian.PutUint32(c[header+16:], s.host.zones.id(from.Zone()))
	} else {
		h.Level, h.Type = syscall.IPPROTO_IP, syscall.IP_PKTINFO
		clear(c[header:n])
		*(*[4]byte)(c[header+4:]) = from.As4()
	}
	h.SetLen(n)
	return (n + cmsgAlign - 1) &^ (cmsgAlign - 1)
}

// flush hands over all collected datagrams.
func (q *sender) flush() {
	if q.n == 0 {
		return
	}
	if !q.mixed {
		q.send(q.sockets[0], q.hdrs[:q.n])
	} else {
		for i := range q.n {
			s := q.sockets[i]
			if s == nil {
				continue
			}
			g := q.group[:0]
			for j := i; j < q.n; j++ {
				if q.sockets[j] == s {
					g = append(g, q.hdrs[j])
					q.sockets[j] = nil
				}
			}
			q.send(s, g)
		}
	}
	clear(q.sockets[:q.n])
	q.n, q.used, q.mixed = 0, 0, false
}

// send sends on one socket. A datagram that the system refuses (no route, a filter, an ICMP error of an earlier one, no
// buffer) is lost like any datagram may be; it is counted and the rest goes on.
func (q *sender) send(s *Socket, hdrs []mmsghdr) {
	if s.open.closed {
		return
	}
	for again := 0; len(hdrs) > 0; {
		n, _, e := syscall.Syscall6(sysSendmmsg, s.open.fd, uintptr(unsafe.Pointer(&hdrs[0])), uintptr(len(hdrs)),
			syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
		switch {
		case e == syscall.EINTR:
			continue
		case e == syscall.ECONNREFUSED && again < 2:
			// It belongs to an earlier datagram; this one was not tried.
			again++
			s.noteError(e)
			continue
		case e != 0 || n == 0:
			s.failed(e)
			hdrs = hdrs[1:]
			continue
		}
		s.sent.Add(uint64(n))
		hdrs = hdrs[n:]
	}
}
