package endpoint

import (
	"slices"

	"heddle.example/coap"
	"heddle.example/machine"
)

// Notify sends an observer a new value. Of values that cannot leave yet, the newest wins (RFC 7641 section 4.5.2). A
// value with an error code is the last one.
func (e *Endpoint) Notify(now machine.Time, cause machine.Cause, name Subscription, reply *Reply, confirmable bool) {
	e.NotifyAfter(now, cause, name, reply, confirmable, 0)
}

// NotifyAfter is Notify for a value that leaves once commit after is on disk.
func (e *Endpoint) NotifyAfter(now machine.Time, cause machine.Cause, name Subscription, reply *Reply, confirmable bool, after machine.Seq) {
	e.begin(now)
	s := e.subscriptions.get(name.index, name.generation)
	if s == nil {
		return
	}
	e.touch(now, s.peer)
	if now.Sub(s.confirmed) >= confirmEvery {
		confirmable = true
	}
	m := &e.reply
	*m = coap.Message{Type: coap.NON, Code: reply.Code, Token: s.token, Payload: reply.Payload,
		Options: append(m.Options[:0], reply.Options...)}
	if confirmable {
		m.Type = coap.CON
	}
	last := !reply.Code.IsSuccess()
	if !last {
		s.sequence = (s.sequence + 1) & coap.MaxSequence
		m.Options = m.Options.Set(coap.Observe, e.uint(s.sequence))
	}
	if size := 16 << s.szx; len(m.Payload) > size {
		e.cut(now, &exchange{peer: s.peer, key: s.key, sum: s.sum, hasBlock2: true, block2: coap.Block{SZX: s.szx}}, m)
	}
	data := e.encode(m)
	switch {
	case last:
		e.lastNotification(now, cause, s, data, confirmable, after)
	case s.out != nil && s.out.queued: // nobody has seen it yet
		s.out.data, s.out.after, s.out.cause = append(s.out.data[:0], data...), after, cause
		setType(s.out.data, coap.CON)
	case s.out != nil:
		if s.hasPending && coap.Type(s.pending[0]>>4&3) == coap.CON {
			setType(data, coap.CON) // it stands for one that was to be confirmed
		}
		s.pending, s.hasPending, s.pendingAfter, s.pendingCause = append(s.pending[:0], data...), true, after, cause
	default:
		e.notify(now, cause, s, data, after)
	}
}

func setType(data []byte, t coap.Type) { data[0] = data[0]&^0x30 | byte(t)<<4 }

// notify sends an encoded notification of the type that it has.
func (e *Endpoint) notify(now machine.Time, cause machine.Cause, s *subscription, data []byte, after machine.Seq) {
	if coap.Type(data[0]>>4&3) == coap.CON {
		s.confirmed = now
		s.out = &outgoing{owner: s, peer: s.peer, data: slices.Clone(data), after: after, cause: cause, con: true}
		e.send(now, s.out)
		return
	}
	id := e.messageID(s.peer)
	data[2], data[3] = byte(id>>8), byte(id)
	s.recent[s.recentN%uint8(len(s.recent))] = id
	s.recentN++
	if s.recentN == 2*uint8(len(s.recent)) {
		s.recentN = uint8(len(s.recent))
	}
	e.push(cause, e.path(s.peer), after, e.out.Nest().Copy(data))
}

// lastNotification sends an error and takes the observer off the list (RFC 7641 section 4.2).
func (e *Endpoint) lastNotification(now machine.Time, cause machine.Cause, s *subscription, data []byte, confirmable bool, after machine.Seq) {
	p := s.peer
	e.dropSubscription(now, s)
	if confirmable && len(e.deal(p).queue) < e.config.MaxQueue {
		e.send(now, &outgoing{peer: p, data: slices.Clone(data), after: after, cause: cause, con: true})
		return
	}
	setType(data, coap.NON)
	id := e.messageID(p)
	data[2], data[3] = byte(id>>8), byte(id)
	e.push(cause, e.path(p), after, data)
	e.settle(p)
}

// Unsubscribe takes an observer off the list without a word: a later notification is simply not sent.
func (e *Endpoint) Unsubscribe(now machine.Time, name Subscription) {
	e.begin(now)
	if s := e.subscriptions.get(name.index, name.generation); s != nil {
		e.dropSubscription(now, s)
	}
}

func (p *peer) subscription(t coap.Token) *subscription {
	if p.dealings != nil {
		for _, s := range p.dealings.subs {
			if s.token == t {
				return s
			}
		}
	}
	return nil
}

// rejectedNotification handles an RST that names a non-confirmable notification.
func (e *Endpoint) rejectedNotification(now machine.Time, p *peer, id uint16) bool {
	if p.dealings == nil {
		return false
	}
	for _, s := range p.dealings.subs {
		if n := min(int(s.recentN), len(s.recent)); slices.Contains(s.recent[:n], id) {
			e.endSubscription(now, s.pendingCause, s, Rejected)
			return true
		}
	}
	return false
}

// endSubscription drops a subscription and says so.
func (e *Endpoint) endSubscription(now machine.Time, cause machine.Cause, s *subscription, why Reason) {
	path := e.path(s.peer)
	name := Subscription{s.index, s.generation}
	e.dropSubscription(now, s)
	e.out.Push(machine.Action{Kind: machine.Event, Cause: cause, Path: path, Value: &Unsubscribed{name, why}})
}

func (e *Endpoint) dropSubscription(now machine.Time, s *subscription) {
	p := s.peer
	for x := p.exchanges; x != nil; x = x.next {
		if x.sub == s {
			x.sub = nil
		}
	}
	if s.out != nil {
		e.stop(s.out)
		s.out = nil
	}
	p.dealings.subs = remove(p.dealings.subs, s)
	e.subscriptions.put(s.index)
	*s = subscription{}
	e.pump(now, p)
}

// acked implements owner.
func (s *subscription) acked(e *Endpoint, now machine.Time, cause machine.Cause, _ *machine.Path) {
	s.out = nil
	if e.config.TellDelivered {
		e.out.Push(machine.Action{Kind: machine.Event, Cause: cause, Path: e.path(s.peer), Value: &Delivered{Subscription{s.index, s.generation}}})
	}
	if s.hasPending {
		s.hasPending = false
		e.notify(now, s.pendingCause, s, s.pending, s.pendingAfter)
	}
	s.pending = nil
}

// rejected implements owner: the observer has forgotten the observation, or wants to.
func (s *subscription) rejected(e *Endpoint, now machine.Time, cause machine.Cause, _ *machine.Path) {
	s.out = nil
	e.endSubscription(now, cause, s, Rejected)
}

// expired implements owner (RFC 7641 section 4.5).
func (s *subscription) expired(e *Endpoint, now machine.Time) {
	cause := s.out.cause
	s.out = nil
	e.endSubscription(now, cause, s, TimedOut)
}

// refresh implements owner: a newer value takes the place of the one to repeat, and its remaining attempts (RFC 7641
// section 4.5.2).
func (s *subscription) refresh(e *Endpoint, o *outgoing) {
	if !s.hasPending {
		return
	}
	s.hasPending = false
	o.data, s.pending = s.pending, o.data[:0]
	o.after, o.cause = s.pendingAfter, s.pendingCause
	setType(o.data, coap.CON)
	o.id = e.messageID(s.peer)
	o.setID()
}
