package host

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"heddle.example/machine"
)

// ErrSocketInUse says that a socket was given to two owners.
var ErrSocketInUse = errors.New("host: the socket already has an owner")

// Socket is one bound UDP socket. It belongs to at most one Owner, which closes it when it stops.
type Socket struct {
	host  *Host
	link  uint32
	label bool           // Path.Local is always local, wherever the socket is bound now (Ephemeral)
	local netip.AddrPort // as bound, or the label

	owner atomic.Pointer[Owner]

	// Guarded by the owner's lock once there is an owner.
	open     *opening
	wildcard bool // bound to no address: each datagram tells its own, and an answer says where it leaves from
	can4     bool
	can6     bool

	received, sent, truncated, sendErrors, receiveErrors, malformed atomic.Uint64
	lastError                                                       atomic.Uint32 // errno
	dropsBefore                                                     atomic.Uint64 // by earlier openings (Rebind)
}

// opening is the system's socket behind a Socket; Rebind replaces it.
type opening struct {
	conn   *net.UDPConn
	raw    syscall.RawConn
	fd     uintptr // valid while !closed
	inet6  bool    // the address family of the descriptor
	bound  netip.AddrPort
	closed bool
}

// SocketStats are the counters of a socket.
type SocketStats struct {
	Local         netip.AddrPort
	Received      uint64 // datagrams
	Sent          uint64
	Truncated     uint64 // longer than the owner's MaxDatagram, and dropped
	SendErrors    uint64 // unreachable, refused by a filter, too long, no buffer: the datagram is lost, nothing else
	ReceiveErrors uint64
	Malformed     uint64 // from an address that is no IP address
	KernelDrops   uint64 // datagrams that the system dropped because the receive buffer was full
	ReceiveBuffer int    // bytes granted
	LastError     string // of the latest send or receive error
}

// Local returns the address that paths of this socket carry. With a wildcard, a received path carries the address
// that the datagram was sent to.
func (s *Socket) Local() netip.AddrPort { return s.local }

// Bound returns the address that the socket is bound to now. It differs from Local after a Rebind.
func (s *Socket) Bound() netip.AddrPort {
	defer s.lock()()
	return s.open.bound
}

// Link returns the number that paths of this socket carry.
func (s *Socket) Link() uint32 { return s.link }

// Path returns the path to a peer through this socket.
func (s *Socket) Path(remote netip.AddrPort) machine.Path {
	return machine.Path{Local: s.local, Remote: remote, Link: s.link}
}

// Stats returns the counters.
func (s *Socket) Stats() SocketStats {
	st := SocketStats{
		Local: s.local, Received: s.received.Load(), Sent: s.sent.Load(), Truncated: s.truncated.Load(),
		SendErrors: s.sendErrors.Load(), ReceiveErrors: s.receiveErrors.Load(), Malformed: s.malformed.Load(),
	}
	if e := s.lastError.Load(); e != 0 {
		st.LastError = syscall.Errno(e).Error()
	}
	defer s.lock()()
	st.KernelDrops = s.dropsBefore.Load()
	if !s.open.closed {
		drops, size := kernelCounters(s.open.fd)
		st.KernelDrops += drops
		st.ReceiveBuffer = size
	}
	return st
}

// Close closes a socket that was never given to an owner; an owner closes its own.
func (s *Socket) Close() error {
	unlock := s.lock()
	retired := s.retire()
	unlock()
	return retired.Close()
}

// retire takes the descriptor out of use; what it returns must be closed after the owner's lock is released. Close waits
// for a reader that is inside RawConn.Read, and that reader may wait for the lock.
func (s *Socket) retire() io.Closer {
	if s.open.closed {
		return closed{}
	}
	drops, _ := kernelCounters(s.open.fd)
	s.dropsBefore.Add(drops)
	s.open.closed = true
	return s.open.conn
}

type closed struct{}

func (closed) Close() error { return nil }

// lock takes the lock of the socket's owner, if there is one, and returns what releases it.
func (s *Socket) lock() func() {
	if o := s.owner.Load(); o != nil {
		o.mu.Lock()
		return o.mu.Unlock
	}
	return func() {}
}

// serves reports whether an answer on path p leaves through this socket.
func (s *Socket) serves(p *machine.Path) bool {
	if p.Link != s.link {
		return false
	}
	if p.Local == s.local {
		return true
	}
	return s.wildcard && !s.label && p.Local.Port() == s.local.Port() && s.reaches(p.Local.Addr())
}

func (s *Socket) reaches(a netip.Addr) bool { return a.Is4() && s.can4 || a.Is6() && s.can6 }

// adopt makes o the system's socket behind s.
func (s *Socket) adopt(o *opening, v6only bool) {
	a := o.bound.Addr()
	s.open = o
	s.wildcard = a.IsUnspecified()
	s.can6 = o.inet6
	s.can4 = !o.inet6 || s.wildcard && !v6only
	if !s.local.IsValid() {
		s.local = o.bound
	}
}

func newOpening(conn *net.UDPConn) (*opening, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	bound := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	bound = netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port())
	o := &opening{conn: conn, raw: raw, bound: bound, inet6: bound.Addr().Is6()}
	if err := raw.Control(func(fd uintptr) { o.fd = fd }); err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	return o, nil
}

// failed counts a datagram that could not be sent.
func (s *Socket) failed(e syscall.Errno) {
	s.sendErrors.Add(1)
	s.noteError(e)
}

func (s *Socket) noteError(e syscall.Errno) {
	if s.lastError.Swap(uint32(e)) != uint32(e) {
		s.host.log.Debug("udp error", "local", s.local, "error", e)
	}
}
