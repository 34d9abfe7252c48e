package endpoint

import "heddle.example/machine"

// Rebind says that a peer has a new address: all that is under way with it goes there. A secure peer keeps its session;
// a plain one is known by its new address from now on, and joins what has begun from there.
func (e *Endpoint) Rebind(now machine.Time, old, new machine.Path) {
	e.begin(now)
	p := e.find(&old)
	if p == nil {
		return
	}
	k := e.key(&new)
	if q := e.lookFor(k); q == nil || q == p {
		e.index.Remove(p.slot)
		p.place, p.security = e.place(&new), new.Security
		e.index.Add(p.slot)
	} else {
		e.join(now, p, q)
		p = q
		p.place, p.security = e.place(&new), new.Security
	}
	if d := p.dealings; d != nil {
		for _, list := range [2][]*outgoing{d.inflight, d.queue} {
			for _, o := range list {
				if !o.urgent { // a ping is for one path
					o.path = nil
				}
			}
		}
	}
	for x := p.exchanges; x != nil; x = x.next {
		x.path = new
	}
}

// join moves all that is under way with p to q.
func (e *Endpoint) join(now machine.Time, p, q *peer) {
	for x := p.exchanges; x != nil; x = p.exchanges {
		p.dropExchange(x)
		q.addExchange(x)
	}
	if from := p.dealings; from != nil {
		to := e.deal(q)
		for _, o := range from.inflight {
			o.peer = q
		}
		for _, o := range from.queue {
			o.peer = q
		}
		for _, c := range from.calls {
			c.peer, c.out.peer = q, q
		}
		for _, o := range from.observations {
			o.peer = q
		}
		for _, s := range from.subs {
			s.peer = q
		}
		for _, a := range from.assemblies {
			a.peer = q
		}
		for _, b := range from.bodies {
			b.peer = q
		}
		to.busy += from.busy
		to.inflight, from.inflight = append(to.inflight, from.inflight...), empty(from.inflight)
		to.queue, from.queue = append(to.queue, from.queue...), empty(from.queue)
		to.calls, from.calls = append(to.calls, from.calls...), empty(from.calls)
		to.observations, from.observations = append(to.observations, from.observations...), empty(from.observations)
		to.subs, from.subs = append(to.subs, from.subs...), empty(from.subs)
		to.assemblies, from.assemblies = append(to.assemblies, from.assemblies...), empty(from.assemblies)
		to.bodies, from.bodies = append(to.bodies, from.bodies...), empty(from.bodies)
	}
	e.touch(now, q)
	e.idle(p)
}

func empty[T any](s []T) []T { clear(s); return s[:0] }

// Drop ends all that is under way with a peer whose session is gone: requests with ErrClosed, subscriptions with Closed,
// observations with a last Notification.
func (e *Endpoint) Drop(now machine.Time, path machine.Path) {
	e.begin(now)
	p := e.find(&path)
	if p == nil {
		return
	}
	e.touch(now, p) // it stays until the end of this
	for x := p.exchanges; x != nil; x = p.exchanges {
		e.release(x)
	}
	for d := p.dealings; d != nil && len(d.queue) > 0; d = p.dealings { // nothing of it may start now
		o := d.queue[len(d.queue)-1]
		e.stop(o)
	}
	for p.dealings != nil && len(p.dealings.calls) > 0 {
		c := p.dealings.calls[0]
		if o := c.observation; o != nil && !o.initial {
			c.observation, o.fetch = nil, nil
			e.freeCall(now, c)
			continue
		}
		e.finish(now, c, &path, nil, ErrClosed)
	}
	for p.dealings != nil && len(p.dealings.observations) > 0 {
		o := p.dealings.observations[0]
		n := e.notifications.get()
		*n = Notification{Err: ErrClosed, Ended: true, Token: o.token, Options: n.Options[:0]}
		e.out.Push(machine.Action{Kind: machine.Event, Op: o.op, Path: path, Value: n})
		e.endObservation(now, o)
	}
	for p.dealings != nil && len(p.dealings.subs) > 0 {
		e.endSubscription(now, 0, p.dealings.subs[0], Closed)
	}
	for p.dealings != nil && len(p.dealings.assemblies) > 0 {
		e.endAssembly(p.dealings.assemblies[0])
	}
	for p.dealings != nil && len(p.dealings.bodies) > 0 {
		e.endBody(p.dealings.bodies[0])
	}
	for p.dealings != nil && len(p.dealings.inflight) > 0 {
		e.stop(p.dealings.inflight[0])
		e.settle(p)
	}
	e.idle(p)
}
