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
