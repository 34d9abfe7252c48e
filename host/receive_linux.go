package host

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"

	"heddle.example/machine"
)

// mmsghdr is struct mmsghdr of recvmmsg(2) and sendmmsg(2).
type mmsghdr struct {
	hdr syscall.Msghdr
	n   uint32
}

const (
	nameSpace    = syscall.SizeofSockaddrInet6
	controlSpace = 64 // one packet info of either family, with room for another message
)

// receiver is the room for one batch of datagrams. One serves all sockets of an owner, because datagrams are received
// under the owner's lock and handled before it is released: an idle socket costs no buffer.
type receiver struct {
	hdrs     []mmsghdr
	iovs     []syscall.Iovec
	names    [][nameSpace]byte
	controls [][controlSpace]byte
	data     []byte
	size     int
}

func newReceiver(batch, size int) receiver {
	r := receiver{
		hdrs: make([]mmsghdr, batch), iovs: make([]syscall.Iovec, batch), names: make([][nameSpace]byte, batch),
		controls: make([][controlSpace]byte, batch), data: make([]byte, batch*size), size: size,
	}
	for i := range r.hdrs {
		r.iovs[i].Base = &r.data[i*size]
		r.iovs[i].SetLen(size)
		h := &r.hdrs[i].hdr
		h.Iov, h.Iovlen = &r.iovs[i], 1
		h.Name = &r.names[i][0]
	}
	return r
}

// fill receives as many datagrams as are there, up to the batch, without waiting.
func (r *receiver) fill(fd uintptr, control bool) (int, syscall.Errno) {
	for i := range r.hdrs {
		h := &r.hdrs[i].hdr
		h.Namelen, h.Control = nameSpace, nil
		h.SetControllen(0)
		if control {
			h.Control = &r.controls[i][0]
			h.SetControllen(controlSpace)
		}
	}
	for {
		n, _, e := syscall.Syscall6(syscall.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.hdrs[0])), uintptr(len(r.hdrs)),
			syscall.MSG_DONTWAIT, 0, 0)
		if e == syscall.EINTR {
			continue
		}
		if e != 0 {
			return 0, e
		}
		return int(n), 0
	}
}

// datagram returns datagram i of the batch.
func (r *receiver) datagram(s *Socket, i int) (p machine.Path, b []byte, ok bool) {
	m := &r.hdrs[i]
	if m.hdr.Flags&syscall.MSG_TRUNC != 0 {
		s.truncated.Add(1)
		return p, nil, false
	}
	p.Link, p.Local = s.link, s.local
	var scope uint32
	name := &r.names[i]
	switch binary.NativeEndian.Uint16(name[:]) {
	case syscall.AF_INET:
		p.Remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte(name[4:8])), binary.BigEndian.Uint16(name[2:]))
	case syscall.AF_INET6:
		a := netip.AddrFrom16([16]byte(name[8:24])).Unmap()
		if scope = binary.NativeEndian.Uint32(name[24:]); scope != 0 {
			a = s.host.zones.with(a, scope)
		}
		p.Remote = netip.AddrPortFrom(a, binary.BigEndian.Uint16(name[2:]))
	default:
		s.malformed.Add(1)
		return p, nil, false
	}
	if m.hdr.Controllen > 0 {
		if a, ok := localAddr(r.controls[i][:m.hdr.Controllen], s); ok {
			p.Local = netip.AddrPortFrom(a, s.local.Port())
		}
	}
	return p, r.data[i*r.size : i*r.size+int(m.n)], true
}

// localAddr finds the address that a datagram was sent to among its control messages.
func localAddr(c []byte, s *Socket) (netip.Addr, bool) {
	const header = syscall.SizeofCmsghdr
	for len(c) >= header {
		h := (*syscall.Cmsghdr)(unsafe.Pointer(&c[0]))
		n := int(h.Len)
		if n < header || n > len(c) {
			return netip.Addr{}, false
		}
		v := c[header:n]
		switch {
		case h.Level == syscall.IPPROTO_IPV6 && h.Type == syscall.IPV6_PKTINFO && len(v) >= syscall.SizeofInet6Pktinfo:
			a := netip.AddrFrom16([16]byte(v[:16])).Unmap()
			return s.host.zones.with(a, binary.NativeEndian.Uint32(v[16:])), true
		case h.Level == syscall.IPPROTO_IP && h.Type == syscall.IP_PKTINFO && len(v) >= syscall.SizeofInet4Pktinfo:
			// The destination in the header; where that is a broadcast, the interface's own address.
			a := netip.AddrFrom4([4]byte(v[8:12]))
			if own := netip.AddrFrom4([4]byte(v[4:8])); !a.IsMulticast() && !own.IsUnspecified() {
				a = own
			}
			return a, true
		}
		n = (n + cmsgAlign - 1) &^ (cmsgAlign - 1)
		if n > len(c) {
			break
		}
		c = c[n:]
	}
	return netip.Addr{}, false
}

const cmsgAlign = int(unsafe.Sizeof(uintptr(0)))

// read feeds the owner from one opening of a socket until that is closed. The runtime's poller is edge-triggered: a
// return of false waits for datagrams that arrive after it, and a batch that came back short has emptied the queue, so
// a further call that only learns EAGAIN is saved.
func (o *Owner) read(s *Socket, open *opening) {
	defer o.readers.Done()
	open.raw.Read(func(fd uintptr) bool {
		for errors := 0; ; {
			o.mu.Lock()
			if open.closed || o.stopping {
				o.mu.Unlock()
				return true
			}
			n, e := o.in.fill(fd, s.wildcard && !s.label)
			if n > 0 {
				o.receive(s, n)
			}
			o.mu.Unlock()
			switch {
			case e == syscall.EAGAIN || e == 0 && n < len(o.in.hdrs):
				return false
			case e != 0:
				// A pending error of the socket is reported once in place of a datagram.
				s.receiveErrors.Add(1)
				s.lastError.Store(uint32(e))
				if errors++; errors > len(o.in.hdrs) {
					return false
				}
			}
		}
	})
}

// receive takes in a batch of n datagrams. Only called with the lock.
func (o *Owner) receive(s *Socket, n int) {
	now := o.begin()
	s.received.Add(uint64(n))
	cause := machine.Cause(o.h.causes.Add(uint64(n)) - uint64(n))
	for i := range n {
		if p, b, ok := o.in.datagram(s, i); ok {
			cause++
			o.m.Receive(now, cause, p, b)
			o.drain(now)
		}
	}
	o.end(now)
}

// manyReaders says that several goroutines can wait for one socket, each through a descriptor of its own.
const manyReaders = true

// read feeds the group from one descriptor of a socket until the group stops. See Owner.read for the poller's edges.
func (g *Group) read(s *Socket, raw syscall.RawConn, size, datagram int) {
	defer g.readers.Done()
	in, b := newReceiver(size, datagram), g.newBatch(size)
	raw.Read(func(fd uintptr) bool {
		for errors := 0; ; {
			if g.stopping.Load() {
				return true
			}
			n, e := in.fill(fd, s.wildcard && !s.label)
			if n > 0 {
				s.received.Add(uint64(n))
				for i := range n {
					if p, data, ok := in.datagram(s, i); ok {
						g.add(b, p, data)
					}
				}
				g.deliver(b)
			}
			switch {
			case e == syscall.EAGAIN || e == 0 && n < len(in.hdrs):
				return false
			case e != 0:
				s.receiveErrors.Add(1)
				s.lastError.Store(uint32(e))
				if errors++; errors > len(in.hdrs) {
					return false
				}
			}
		}
	})
}
