package mesh

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// Send queues a datagram. An error says that it never was queued; then there is no DatagramSent.
func (m *Mesh) Send(now machine.Time, d *Datagram) error {
	if !m.enabled {
		return errInvalidState
	}
	if len(d.IP) < ip6.HeaderSize || len(d.IP) > maxDatagram {
		return errDrop
	}
	if d.Kind == MLEDataResponse && ip6.Dst(d.IP).IsMulticast() {
		m.RemoveDataResponses(now) // this one is newer
	}
	if !m.room(now, len(d.IP), d.Priority) {
		m.Counters.QueueFull++
		return errNoBufs
	}
	x := m.pool.get()
	x.content, x.kind, x.priority, x.secure, x.tag = datagram, d.Kind, d.Priority, !d.NoSecurity, d.Tag
	x.channel, x.pan, x.direct = d.Channel, d.PAN, d.Direct
	x.data = append(x.data[:0], d.IP...)
	return m.enqueue(now, x)
}

// maxDatagram is the largest datagram that is sent: what fragment headers can say.
const maxDatagram = 0x7ff

// enqueue decides for whom a message is, and queues it.
func (m *Mesh) enqueue(now machine.Time, x *message) error {
	x.at, x.cause = now, 0
	if m.Cause != nil {
		x.cause = m.Cause()
	}
	m.queue.push(x)
	if x.content != datagram {
		x.direct = x.content != supervision
	} else if dst := ip6.Dst(x.data); !m.cfg.FTD {
		x.direct = true
	} else if dst.IsMulticast() {
		m.enqueueMulticast(now, x, &dst)
	} else if c := m.sleepyChild(dst); c != nil && !x.direct {
		m.queueForChild(now, x, c)
	} else {
		x.direct = true
	}
	if x.content == supervision {
		return nil // its sender gives it a child
	}
	if m.dropIfDone(x) {
		return nil
	}
	if x.direct && m.directFrames() > maxDirectFrames {
		x.keep = true
		m.removeAged(now)
		x.keep = false
		if m.directFrames() > maxDirectFrames {
			m.Counters.QueueFull++
			tag := x.tag
			x.tag = 0
			m.finishDirect(now, x, errDrop)
			if tag != 0 {
				return errNoBufs
			}
			return nil
		}
	}
	m.again = true
	m.schedule(now)
	return nil
}

// enqueueMulticast has a multicast sent, and kept for the children that sleep and listen to it. A group beyond the realm
// is sent inside of another datagram, so it comes here for children only.
func (m *Mesh) enqueueMulticast(now machine.Time, x *message, dst *ip6.Address) {
	x.direct = !dst.IsMulticastBeyondRealm()
	if x.kind == MPLRepeat {
		return
	}
	n := m.table.Self.MeshLocal
	all := *dst == ip6.LinkLocalAllThreadNodes(n) || *dst == ip6.RealmLocalAllThreadNodes(n)
	for c := range m.table.Children(neighbor.InValidOrRestoring) {
		if !c.Mode.RxOn() && (all || c.HasAddress(*dst)) {
			m.queueForChild(now, x, c)
		}
	}
}

func (m *Mesh) sleepyChild(dst ip6.Address) *neighbor.Child {
	c := m.table.FindIP(dst, neighbor.InValidOrRestoring).Child()
	if c == nil || c.Mode.RxOn() {
		return nil
	}
	return c
}

// directFrames estimates how many frames wait (MeshForwarder::IsDirectTxQueueOverMaxFrameThreshold).
func (m *Mesh) directFrames() int {
	if m.queue.n <= maxDirectFrames/16 {
		return 0 // the largest datagram takes 14 frames
	}
	n := 0
	for x := m.queue.head; x != nil; x = x.next {
		if !x.direct || x == m.current {
			continue
		}
		if n++; x.content == datagram && len(x.data) > 127 {
			n += (len(x.data) - 127) / 96
		}
	}
	return n
}

// SendEmpty sends an empty frame to our parent.
func (m *Mesh) SendEmpty(now machine.Time) error {
	if !m.enabled || m.table.Parent.State != neighbor.Valid {
		return errInvalidState
	}
	x := m.pool.get()
	x.content, x.priority, x.secure = emptyFrame, Normal, true
	return m.enqueue(now, x)
}

// schedule gives the next frame to the MAC if it has none.
func (m *Mesh) schedule(now machine.Time) {
	if !m.enabled || m.busy || m.paused || m.choosing || m.delayUntil != machine.Never {
		return
	}
	m.choosing = true
	var x *message
	for m.again = true; m.again && x == nil; {
		m.again = false
		x = m.choose(now)
	}
	m.choosing = false
	if m.current = x; x == nil {
		return
	}
	if x.offset == 0 {
		x.failed = false
	}
	m.transmit(now, x)
}

// choose returns the first message that can be sent now, with its route in m.route.
func (m *Mesh) choose(now machine.Time) *message {
	for x := m.queue.head; x != nil; {
		if !x.direct || x.resolving {
			x = x.next
			continue
		}
		if m.tooOld(now, x, true) || !m.updateRoute(now, x) {
			x = m.queue.head // it is gone, and others may be
			continue
		}
		if x.direct && !x.resolving {
			m.statistics().add(now.Sub(x.at))
			return x
		}
		x = x.next
	}
	return nil
}

// updateRoute finds out where a message goes. It returns false when the message was dropped.
func (m *Mesh) updateRoute(now machine.Time, x *message) bool {
	x.keep = true
	err := m.routeOf(now, x)
	x.keep = false
	switch err {
	case nil:
		return true
	case errAddressQuery:
		x.resolving = true
		return true
	}
	if err == errNoRoute {
		m.Counters.NoRoute++
	}
	m.statistics().add(now.Sub(x.at))
	m.finishDirect(now, x, err)
	return false
}

// transmit makes the next frame of the current message.
func (m *Mesh) transmit(now machine.Time, x *message) {
	f := &m.frame
	*f = Frame{Src: m.route.src, Dst: m.route.dst, Payload: f.Payload[:0], Cause: x.cause}
	f.AckRequest = !f.Dst.IsBroadcast()
	m.busy = true
	switch x.content {
	case datagram:
		m.next = m.fill(f, x, x.offset, m.route.mesh, m.route.meshSrc, m.route.meshDst)
		if x.kind == MLEChildIDRequest && x.secure {
			m.busy = false
			m.finishDirect(now, x, errSecurity)
			m.schedule(now)
			return
		}
	case meshFrame:
		f.Security = Mode1
		f.Payload = append(f.Payload, x.data...)
		m.next = len(x.data)
	default:
		f.Security = Mode1
		m.next = 0
	}
	m.env.SendFrame(now, f)
}

// Sent says how a frame ended. The next one may be sent from within.
func (m *Mesh) Sent(now machine.Time, f *Frame, r Result) {
	if f.Child != nil {
		m.sentIndirect(now, f, r)
		return
	}
	result := r.Err
	m.busy = false
	if !m.enabled {
		return
	}
	if m.delayNext && result == nil {
		m.delayUntil = now.Add(forwardDelay)
	}
	m.delayNext = false
	n := m.sentTo(now, f, result)
	if x := m.current; x != nil {
		if result != nil {
			x.failed = true
			m.next = len(x.data) // the rest would be of no use
		}
		if m.next < len(x.data) {
			x.offset = m.next
		} else {
			if n != nil {
				n.Link.AddPacketSent(!x.failed)
			}
			m.current = nil
			if m.Transmitted != nil && x.content == datagram {
				m.Transmitted(now, x.data, f.Dst, x.secure, x.priority, !x.failed)
			}
			m.finishDirect(now, x, result)
		}
	}
	m.schedule(now)
}

// sentTo keeps count of the failures of a neighbour, and reports one that is lost.
func (m *Mesh) sentTo(now machine.Time, f *Frame, result error) *neighbor.Neighbor {
	n := m.table.Find(f.Dst, neighbor.InValidOrRestoring)
	if n == nil || !f.AckRequest {
		return n
	}
	switch {
	case result == nil:
		n.LinkFailures = 0
	case result == errNoAck:
		if n.LinkFailures < 255 {
			n.LinkFailures++
		}
		if neighbor.IsRouterRLOC16(n.RLOC16) && n.LinkFailures >= FailedRouterSends {
			m.env.RouterLost(now, n)
		}
	}
	return n
}

// macSource returns the address that a datagram's source has at the link layer: the extended one if it is link-local and
// made of that, the short one otherwise.
func (m *Mesh) macSource(src ip6.Address) ieee802154.Address {
	if ext := ieee802154.ExtAddr(src.IID().Ext()); ext == m.table.Self.Ext {
		return ieee802154.ExtendedAddr(ext)
	}
	return ieee802154.ShortAddr(m.table.Self.RLOC16)
}
