package host

import (
	"net/netip"

	"heddle.example/machine"
)

// localKey finds the socket of a path.
type localKey struct {
	link  uint32
	local netip.AddrPort
}

func addrWithPort(a netip.AddrPort, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr(), port)
}

// begin opens a turn: the lock is held, and one instant serves for the whole batch.
func (o *Owner) begin() machine.Time {
	o.now = max(o.now, o.h.Now())
	return o.now
}

// end closes a turn: finished commits, posted functions and timers that are due come in, everything collected leaves,
// and the alarm is set.
func (o *Owner) end(now machine.Time) {
	o.bringCommits(now)
	for n := o.post.len(); n > 0; n-- { // not those that these post: they wait for the next turn
		f := o.post.take()
		f(now)
		o.drain(now)
	}
	if d := o.m.Deadline(); d <= now {
		o.m.Expire(now)
		o.drain(now)
	}
	o.out.flush()
	// An alarm that rings too early costs one empty turn; moving it at every datagram would cost more.
	if d := o.m.Deadline(); d < o.alarm || o.alarm <= now {
		o.alarm = d
		if d == machine.Never {
			o.timer.Stop()
		} else {
			o.timer.Reset(o.h.until(d))
		}
	}
	if o.post.len() > 0 {
		o.rouse()
	}
}

// drain carries out what the machine wants done.
func (o *Owner) drain(now machine.Time) {
	for {
		a, ok := o.m.Next()
		if !ok {
			return
		}
		switch a.Kind {
		case machine.Send:
			if a.After == 0 {
				o.send(&a.Path, a.Data)
			} else {
				o.sendAfter(&a)
			}
		case machine.Persist:
			o.persist(now, &a)
		default:
			o.onAction(now, a)
		}
	}
}

// send queues a datagram on the socket that its path names.
func (o *Owner) send(p *machine.Path, b []byte) {
	s := o.last
	if s == nil || !s.serves(p) {
		if s = o.socketFor(p); s == nil {
			o.noRoute.Add(1)
			return
		}
		o.last = s
	}
	o.out.queue(s, p.Local.Addr(), p.Remote, b)
}

// socketFor finds the socket of a path: the one bound to Local, else a wildcard with its port, else, where Local is
// left open, any of the link that reaches the peer.
func (o *Owner) socketFor(p *machine.Path) *Socket {
	if s := o.byLocal[localKey{p.Link, p.Local}]; s != nil {
		return s
	}
	for _, s := range o.sockets {
		if s.serves(p) {
			return s
		}
	}
	if p.Local.IsValid() && !p.Local.Addr().IsUnspecified() {
		return nil
	}
	for _, s := range o.sockets {
		if s.link == p.Link && s.reaches(p.Remote.Addr()) && (p.Local.Port() == 0 || p.Local.Port() == s.local.Port()) {
			return s
		}
	}
	return nil
}
