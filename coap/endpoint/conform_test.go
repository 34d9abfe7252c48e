package endpoint

import (
	"net/netip"
	"testing"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// program is an endpoint with a program on top that answers, observes and notifies by chance.
type program struct {
	*Endpoint
	r       machinetest.Rand
	seq     uint32
	now     machine.Time
	open    []Exchange
	subs    []Subscription
	ops     []machine.OpID
	results map[machine.OpID]int
	held    []Notification
	sent    []machine.Action // the last ones, with copied data
}

// peerAnswers plays a peer that answers one of the last messages that were sent, from where it went.
func peerAnswers(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
	p := m.(*program)
	if p.now = now; len(p.sent) == 0 {
		return
	}
	a := p.sent[len(p.sent)-1-r.IntN(len(p.sent))]
	var to coap.Message
	if err := to.Decode(a.Data); err != nil {
		panic(err)
	}
	m2 := coap.Message{Type: coap.ACK, ID: to.ID, Token: to.Token}
	switch request := to.Code.IsRequest(); {
	case !request && r.IntN(2) == 0:
		m2.Token = coap.Token{}
		if r.IntN(6) == 0 {
			m2.Type = coap.RST
		}
	default:
		if !request || r.IntN(3) == 0 || to.Type != coap.CON {
			m2.Type, m2.ID = coap.Type(r.IntN(2)), uint16(r.Uint32())
		}
		m2.Code, m2.Payload = coap.Content, make([]byte, 16)
		if b, ok := to.Options.Block(coap.Block2); ok {
			b.More = r.IntN(2) == 0
			m2.Options = m2.Options.SetUint(coap.Block2, b.Uint())
			m2.Payload = make([]byte, b.Size())
		}
		if b, ok := to.Options.Block(coap.Block1); ok {
			m2.Options = m2.Options.SetUint(coap.Block1, b.Uint())
			if m2.Code = coap.Changed; b.More {
				m2.Code = coap.Continue
			}
		}
		if to.Options.Has(coap.Observe) {
			p.seq++
			m2.Options = m2.Options.SetUint(coap.Observe, p.seq)
		}
	}
	b, err := m2.Append(nil)
	if err != nil {
		panic(err)
	}
	p.Endpoint.Receive(now, cause, a.Path, b)
	for i := range b {
		b[i] = 0xa5
	}
}

func (p *program) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	p.now = now
	p.Endpoint.Receive(now, cause, path, b)
}

func (p *program) Expire(now machine.Time) {
	p.now = now
	p.Endpoint.Expire(now)
}

func (p *program) Next() (machine.Action, bool) {
	a, ok := p.Endpoint.Next()
	if a.Kind == machine.Send {
		c := a
		c.Data = append([]byte(nil), a.Data...)
		if p.sent = append(p.sent, c); len(p.sent) > 6 {
			p.sent = p.sent[1:]
		}
	}
	switch v := a.Value.(type) {
	case *Incoming:
		if p.r.IntN(3) == 0 {
			p.open = append(p.open, v.Exchange)
		} else {
			p.respond(v.Exchange, v.Observe == 0)
		}
	case *Notification:
		if p.r.IntN(3) == 0 && v.Err == nil {
			v.Hold = true
			p.held = append(p.held, *v)
		}
	case *Response:
		p.results[a.Op]++
	}
	return a, ok
}

func (p *program) respond(x Exchange, observe bool) {
	if observe && p.r.IntN(2) == 0 {
		if s := p.Accept(p.now, x); s.Valid() {
			p.subs = append(p.subs, s)
		}
	}
	p.Respond(p.now, 1, x, p.reply(), 0)
}

func (p *program) reply() *Reply {
	r := &Reply{Code: coap.Content, Remember: p.r.IntN(3) == 0}
	if p.r.IntN(8) == 0 {
		r.Code = coap.NotFound
	}
	if p.r.IntN(2) == 0 {
		r.Payload = p.r.Bytes(200)
		r.Options = r.Options.SetFormat(coap.Opaque)
	}
	return r
}

func options(r machinetest.Rand) (o coap.Options) {
	o = o.AppendPath([]string{"/3/0", "/3/0/9", "/rd", ""}[r.IntN(4)])
	if r.IntN(3) == 0 {
		o = o.SetUint(coap.Observe, uint32(r.IntN(4)))
	}
	for _, n := range []coap.OptionNumber{coap.Block1, coap.Block2} {
		if r.IntN(4) == 0 {
			o = o.SetUint(n, coap.Block{Num: uint32(r.IntN(4)), More: r.IntN(2) == 0, SZX: uint8(r.IntN(3))}.Uint())
		}
	}
	if r.IntN(8) == 0 {
		o = o.SetUint(coap.ETag, uint32(r.IntN(3)))
	}
	if r.IntN(20) == 0 {
		o = o.Add(coap.OptionNumber(r.IntN(100)), r.Bytes(4))
	}
	return o
}

func datagram(r machinetest.Rand, sent [][]byte) []byte {
	m := coap.Message{Type: coap.Type(r.IntN(4)), ID: uint16(r.IntN(30)), Options: options(r)}
	m.Code = []coap.Code{coap.GET, coap.PUT, coap.POST, coap.FETCH, coap.Content, coap.Continue, coap.Changed, coap.NotFound,
		coap.RequestEntityTooLarge, coap.Empty}[r.IntN(10)]
	if r.IntN(2) == 0 {
		m.Payload = make([]byte, 16<<r.IntN(3))
	}
	m.Token = coap.NewToken([]byte{byte(r.IntN(4))})
	if len(sent) > 0 && r.IntN(3) > 0 { // an answer to something
		var to coap.Message
		if to.Decode(sent[max(0, len(sent)-1-r.IntN(8))]) == nil {
			m.Token = to.Token
			if m.ID = to.ID; m.Type < coap.ACK {
				m.ID = uint16(r.Uint32())
			}
		}
	}
	if m.Code == coap.Empty {
		m.Token, m.Options, m.Payload = coap.Token{}, nil, nil
	}
	b, _ := m.Append(nil)
	return b
}

func pathOf(n byte, session uint64) machine.Path {
	p := machine.Path{Local: netip.MustParseAddrPort("192.0.2.1:5683"), Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, n}), 5683)}
	if session != 0 {
		p.Security = &machine.Identity{Session: session}
	}
	return p
}

func TestConform(t *testing.T) {
	paths := []machine.Path{pathOf(1, 0), pathOf(2, 0), pathOf(3, 7), pathOf(4, 7), pathOf(5, 8)}
	var last *program
	anyPath := func(r machinetest.Rand) machine.Path { return paths[r.IntN(len(paths))] }
	machinetest.Conform(t, machinetest.Kit{
		Seeds: 60, Steps: 1000,
		Paths:    paths,
		Datagram: datagram,
		New: func(r machine.Rand) machine.Machine {
			last = &program{Endpoint: New(Config{Rand: r, BlockSize: 32, MaxBody: 300, MaxPeers: 4, MaxPeerExchanges: 5, MaxQueue: 4,
				MaxStored: 4000}), r: machinetest.NewRand(r.Uint64()), results: map[machine.OpID]int{}}
			return last
		},
		Commands: []func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand){
			func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				p := m.(*program)
				p.now = now
				req := &Request{Code: coap.Code(1 + r.IntN(7)), Options: options(r), Non: r.IntN(4) == 0, Observe: r.IntN(2) == 0}
				if r.IntN(2) == 0 {
					req.Payload = r.Bytes(400)
				}
				p.ops = append(p.ops, p.Request(now, cause, anyPath(r), req))
			},
			func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				p := m.(*program)
				p.now = now
				if len(p.open) > 0 {
					p.respond(p.open[r.IntN(len(p.open))], r.IntN(2) == 0)
				}
			},
			func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				p := m.(*program)
				p.now = now
				if len(p.subs) > 0 {
					p.Notify(now, cause, p.subs[r.IntN(len(p.subs))], p.reply(), r.IntN(2) == 0)
				}
			},
			func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				p := m.(*program)
				p.now = now
				if len(p.ops) > 0 {
					p.Cancel(now, p.ops[r.IntN(len(p.ops))])
				}
			},
			func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				p := m.(*program)
				p.now = now
				for i := range p.held {
					p.Ack(now, &p.held[i], 0)
				}
				p.held = nil
			},
			func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				p := m.(*program)
				p.now = now
				switch r.IntN(4) {
				case 0:
					p.Drop(now, anyPath(r))
				case 1:
					p.Rebind(now, paths[2+r.IntN(2)], paths[2+r.IntN(2)])
				case 2:
					p.Rebind(now, paths[r.IntN(2)], paths[r.IntN(2)])
				default:
					p.ops = append(p.ops, p.Ping(now, cause, anyPath(r)))
				}
			},
			func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				m.(*program).check(t)
			},
			func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				p := m.(*program)
				p.now = now
				switch r.IntN(4) {
				case 0:
					for op := machine.OpID(1); op < 500; op++ { // an observation, if there is any
						if p.observations[op] != nil {
							p.Forget(now, op)
							return
						}
					}
				case 1:
					if len(p.subs) > 0 {
						p.Unsubscribe(now, p.subs[r.IntN(len(p.subs))])
					}
				case 2:
					if len(p.open) > 0 {
						p.AckNow(now, p.open[len(p.open)-1])
					}
				default:
					p.RestoreObservation(now, anyPath(r), coap.NewToken([]byte{byte(r.IntN(4))}), uint32(r.IntN(9)), now,
						&Request{Code: coap.GET, Options: options(r)})
				}
			},
			peerAnswers, peerAnswers, peerAnswers, peerAnswers, peerAnswers, peerAnswers, peerAnswers, peerAnswers,
		},
	})
	// Left alone, every operation ends, once, and nothing is kept.
	p := last
	for d := p.Deadline(); d != machine.Never; d = p.Deadline() {
		p.Expire(d)
		for _, ok := p.Next(); ok; _, ok = p.Next() {
		}
	}
	for _, path := range paths {
		p.Drop(p.now, path)
		for _, ok := p.Next(); ok; _, ok = p.Next() {
		}
	}
	for d := p.Deadline(); d != machine.Never; d = p.Deadline() {
		p.Expire(d)
	}
	p.check(t)
	s := p.Stats()
	if s.Peers+s.Calls+s.Exchanges+s.Observations+s.Subscriptions+s.Stored+len(p.tokens)+p.timers.Len() != 0 {
		t.Errorf("something is left: %+v, %d tokens, %d timers", s, len(p.tokens), p.timers.Len())
	}
	for op, n := range p.results {
		if n != 1 {
			t.Errorf("operation %d has %d results", op, n)
		}
	}
	for _, op := range p.ops {
		if p.results[op] != 1 {
			t.Errorf("operation %d has %d results", op, p.results[op])
		}
	}
}

// check looks at what must always hold inside.
func (p *program) check(t *testing.T) {
	t.Helper()
	stored := 0
	peers, recent := 0, 0
	p.peers.each(func(q *peer) {
		peers++
		if p.peers.at(q.slot) != q || p.lookFor(q.key()) != q {
			t.Fatalf("a peer under a wrong key")
		}
		if q.recent {
			recent++
		}
		stored += q.keptSize()
		if q.ring != nil && len(q.ring.answer) > ringSize {
			t.Fatalf("%d kept answers", len(q.ring.answer))
		}
		n := 0
		for x := q.exchanges; x != nil; x = x.next {
			if n++; x.peer != q {
				t.Fatalf("an exchange with another peer")
			}
		}
		if n != int(q.nexchanges) {
			t.Fatalf("%d exchanges, counted %d", n, q.nexchanges)
		}
		d := q.dealings
		if d == nil {
			if q.exchanges == nil && !q.recent {
				t.Fatalf("a peer that is owed nothing")
			}
			return
		}
		if d.none() {
			t.Fatalf("dealings without any")
		}
		busy := 0
		for _, o := range d.inflight {
			if !o.live || o.peer != q || o.timer == 0 {
				t.Fatalf("in flight but not live: %+v", o)
			}
			if !o.urgent {
				busy++
			}
		}
		if busy != d.busy {
			t.Fatalf("busy is %d, %d in flight", d.busy, busy)
		}
		for _, c := range d.calls {
			if c.peer != q || c.out.peer != q {
				t.Fatalf("a call with another peer")
			}
			if !c.ping && c.timer == 0 {
				t.Fatalf("a call without an end")
			}
		}
		for _, o := range d.observations {
			if o.peer != q || p.observations[o.op] != o {
				t.Fatalf("an observation astray")
			}
		}
		for _, a := range d.assemblies {
			stored += a.counted
		}
		for _, b := range d.bodies {
			stored += b.counted
		}
	})
	if peers != p.peers.n || peers != p.index.Len() || recent != p.recent.n {
		t.Fatalf("%d peers, %d in the slab, %d in the index; %d recent, counted %d", peers, p.peers.n, p.index.Len(), recent, p.recent.n)
	}
	if stored != p.stored {
		t.Fatalf("stored is %d, counted %d", p.stored, stored)
	}
}
