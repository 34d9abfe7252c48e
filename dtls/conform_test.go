package dtls

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// mirror is an engine that hears what it says: what it sends from A to B it may receive at B from A, so that it is
// client and server of its own sessions.
type mirror struct {
	*Engine
	wire     []machine.Action
	sessions []uint64
	asked    []Challenge
}

func (m *mirror) Next() (machine.Action, bool) {
	a, ok := m.Engine.Next()
	switch {
	case !ok:
	case a.Kind == machine.Send:
		a2 := a
		a2.Data = slices.Clone(a.Data)
		m.wire = append(m.wire, a2)
		if len(m.wire) > 20 {
			m.wire = m.wire[1:]
		}
	case a.Kind == machine.Event:
		switch v := a.Value.(type) {
		case *Established:
			m.sessions = append(m.sessions, v.Session)
		case *Challenge:
			m.asked = append(m.asked, *v)
		}
	}
	return a, ok
}

func (m *mirror) session(r machinetest.Rand) uint64 {
	if len(m.sessions) == 0 || r.IntN(10) == 0 {
		return r.Uint64()
	}
	return m.sessions[r.IntN(len(m.sessions))]
}

func TestConform(t *testing.T) {
	paths := []machine.Path{
		{Local: serverAddr, Remote: clientAddr}, {Local: clientAddr, Remote: serverAddr},
		{Local: serverAddr, Remote: otherAddr}, {Local: otherAddr, Remote: serverAddr},
	}
	established := map[machine.SecurityKind]int{}
	ca := newAuthority(t, 1)
	own := ca.issue("urn:imei:9", nil)
	trust := &Trust{Roots: pool(ca), Keys: [][]byte{own.PublicKey()}, AnyName: true, AnyTime: true}
	for _, cidLen := range []int{0, 8} {
		machinetest.Conform(t, machinetest.Kit{
			New: func(r machine.Rand) machine.Machine {
				e, err := New(Config{
					Rand: r, PSK: testPSK, Certificate: func(string) *Certificate { return own }, Verify: trust.Verify, CIDLen: cidLen, Durable: true, ReserveBlock: 8, MaxSessions: 6, MaxHandshakes: 4,
					SessionIdleMax: 1 << 40, MTU: 300 + int(r.Uint64()%2)*1000,
					RetransmitInitial: time.Second << (r.Uint64() % 2 * 8), RetransmitMax: 10 * time.Minute, CipherCache: 4, MaxResumable: 3, DisableRRC: r.Uint64()%3 > 0,
				})
				if err != nil {
					t.Fatal(err)
				}
				return &mirror{Engine: e}
			},
			Paths: paths,
			Commands: []func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand){
				func(m machine.Machine, now machine.Time, c machine.Cause, r machinetest.Rand) {
					cfg := ClientConfig{
						Identity: testIdentity, Key: []byte(testKey), Suites: SecureSuites()[:1+r.IntN(3)], DraftCID: r.IntN(4) == 0,
					}
					switch r.IntN(4) {
					case 0:
						cfg = ClientConfig{Certificate: own, Verify: trust.Verify}
					case 1:
						cfg = ClientConfig{Certificate: own.Raw(), Verify: trust.Verify}
					}
					_, err := m.(*mirror).Dial(now, c, paths[2*r.IntN(2)+1], cfg)
					if err != nil {
						t.Fatal(err)
					}
				},
				// what it sent arrives at the other end, mostly in order; this is one command in several so that handshakes end
				deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver,
				deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver,
				deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver, deliver,
				func(m machine.Machine, now machine.Time, c machine.Cause, r machinetest.Rand) {
					x := m.(*mirror)
					_ = x.Write(now, c, x.session(r), r.Bytes(400), machine.Seq(0))
				},
				func(m machine.Machine, now machine.Time, c machine.Cause, r machinetest.Rand) {
					x := m.(*mirror)
					p := paths[r.IntN(len(paths))]
					_ = x.WriteTo(now, c, x.session(r), p, r.Bytes(30), 0)
				},
				func(m machine.Machine, now machine.Time, c machine.Cause, r machinetest.Rand) {
					x := m.(*mirror)
					if n := len(x.asked); n > 0 && r.IntN(3) > 0 {
						x.Proved(now, c, x.asked[n-1].Session, x.asked[n-1].Path)
						return
					}
					x.Proved(now, c, x.session(r), paths[r.IntN(len(paths))])
				},
				func(m machine.Machine, now machine.Time, c machine.Cause, r machinetest.Rand) {
					x := m.(*mirror)
					if r.IntN(4) == 0 {
						x.Close(now, c, x.session(r))
					}
				},
				func(m machine.Machine, now machine.Time, c machine.Cause, r machinetest.Rand) {
					x := m.(*mirror)
					if r.IntN(20) == 0 {
						x.Invalidate(now, c, testIdentity)
					}
					x.check(t)
					for slot := uint32(1); slot <= x.slab.used; slot++ {
						if s := x.slab.at(slot); s.ident != nil {
							established[s.ident.Kind]++
						}
					}
				},
			},
			Steps: 4000, Seeds: 10,
		})
	}
	for _, kind := range []machine.SecurityKind{machine.PSK, machine.RPK, machine.X509} {
		if established[kind] == 0 {
			t.Errorf("the kit saw no session with %v", kind)
		}
	}
}

func deliver(m machine.Machine, now machine.Time, c machine.Cause, r machinetest.Rand) {
	x := m.(*mirror)
	if len(x.wire) == 0 {
		return
	}
	i := 0
	if r.IntN(5) == 0 {
		i = r.IntN(len(x.wire))
	}
	a := x.wire[i]
	x.wire = slices.Delete(x.wire, i, i+1)
	p := machine.Path{Local: a.Path.Remote, Remote: a.Path.Local}
	if r.IntN(4) == 0 && p.Local == serverAddr {
		p.Remote = otherAddr
	}
	x.Receive(now, c, p, a.Data)
}

// check looks at what must be true between inputs.
func (x *mirror) check(t testing.TB) {
	t.Helper()
	e := x.Engine
	if n := e.idle.n + e.running.n; n != e.slab.live || n != e.ids.Len() {
		t.Fatalf("%d sessions and %d handshakes, %d slots, %d numbers", e.idle.n, e.running.n, e.slab.live, e.ids.Len())
	}
	if e.idle.n > e.cfg.MaxSessions || e.running.n > e.cfg.MaxHandshakes {
		t.Fatalf("%d sessions, %d handshakes: above the limits", e.idle.n, e.running.n)
	}
	if len(e.paths.pending) != e.running.n || e.paths.established.Len() > e.idle.n {
		t.Fatalf("%d pending of %d, %d established of %d", len(e.paths.pending), e.running.n, e.paths.established.Len(), e.idle.n)
	}
	uses := 0
	for _, l := range e.paths.locals {
		uses += l.uses
	}
	if uses != e.slab.live {
		t.Fatalf("local addresses used %d times by %d", uses, e.slab.live)
	}
	timers := 0
	for slot := uint32(1); slot <= e.slab.used; slot++ {
		s := e.slab.at(slot)
		if s.id == 0 {
			continue
		}
		if e.slotOf(s.id) != slot {
			t.Fatalf("slot %d is not found by its number", slot)
		}
		if s.hs != nil && s.hs.timer != 0 {
			timers++
		}
		if s.linger != nil {
			timers++
		}
		if s.move != nil && s.move.timer != 0 {
			timers++
		}
		if s.is(flagStored) && s.sendSeq > s.bound {
			t.Fatal(fmt.Sprintf("sequence number %d above the reserved %d", s.sendSeq, s.bound))
		}
	}
	if timers != e.timers.Len() {
		t.Fatalf("%d timers, %d in use", e.timers.Len(), timers)
	}
}
