//go:build !linux

package host

import (
	"errors"
	"net"
	"net/netip"
	"syscall"

	"heddle.example/machine"
)

// receiver is the portable form: each reading goroutine has one buffer.
type receiver struct{ size int }

func newReceiver(_, size int) receiver { return receiver{size} }

// read feeds the owner from one opening of a socket until that is closed.
func (o *Owner) read(s *Socket, open *opening) {
	defer o.readers.Done()
	b := make([]byte, o.in.size+1) // one more, to see that a datagram was too long
	for {
		n, from, err := open.conn.ReadFromUDPAddrPort(b)
		o.mu.Lock()
		if open.closed || o.stopping || errors.Is(err, net.ErrClosed) {
			o.mu.Unlock()
			return
		}
		s.received.Add(1)
		switch {
		case err != nil:
			s.receiveErrors.Add(1)
		case n > o.in.size:
			s.truncated.Add(1)
		default:
			now := o.begin()
			from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
			o.m.Receive(now, o.h.NextCause(), machine.Path{Local: s.local, Remote: from, Link: s.link}, b[:n])
			o.drain(now)
			o.end(now)
		}
		o.mu.Unlock()
	}
}

// manyReaders: duplicates of a descriptor are not taken here.
const manyReaders = false

// read feeds the group from a socket until the group stops.
func (g *Group) read(s *Socket, _ syscall.RawConn, _, datagram int) {
	defer g.readers.Done()
	data, b := make([]byte, datagram+1), g.newBatch(1)
	for {
		n, from, err := s.open.conn.ReadFromUDPAddrPort(data)
		if g.stopping.Load() || errors.Is(err, net.ErrClosed) {
			return
		}
		s.received.Add(1)
		switch {
		case err != nil:
			s.receiveErrors.Add(1)
		case n > datagram:
			s.truncated.Add(1)
		default:
			from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
			g.add(b, machine.Path{Local: s.local, Remote: from, Link: s.link}, data[:n])
			g.deliver(b)
		}
	}
}

// sender is the portable form: it sends at once.
type sender struct{}

func newSender(int) sender { return sender{} }

func (q *sender) queue(s *Socket, _ netip.Addr, to netip.AddrPort, b []byte) {
	if s.open.closed {
		return
	}
	if _, err := s.open.conn.WriteToUDPAddrPort(b, to); err != nil {
		var e syscall.Errno
		errors.As(err, &e)
		s.failed(e)
		return
	}
	s.sent.Add(1)
}

func (q *sender) flush() {}
