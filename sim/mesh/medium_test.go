package mesh

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// mote is the smallest device: it sends what it is told to, and writes down what it hears.
type mote struct {
	out   machine.Outbox
	short uint16
	log   []string
	sent  []radio.Sent
	heard int
}

func newMote(short uint16, channel uint8) *mote {
	m := &mote{out: machine.NewOutbox(nil), short: short}
	f := radio.Filter{PAN: 0xabcd, Short: short, AltShort: ieee802154.InvalidShort, Ext: ieee802154.ExtAddr{7: byte(short)}, SourceMatch: true}
	m.out.Push(machine.Action{Kind: machine.Ask, Value: &radio.Config{Filter: f}})
	m.out.Push(machine.Action{Kind: machine.Ask, Value: &radio.State{Mode: radio.Receive, Channel: channel}})
	return m
}

func (m *mote) Receive(machine.Time, machine.Cause, machine.Path, []byte) {}
func (m *mote) Expire(machine.Time)                                       {}
func (m *mote) Deadline() machine.Time                                    { return machine.Never }
func (m *mote) Next() (machine.Action, bool)                              { return m.out.Next() }
func (m *mote) RadioEnergy(_ machine.Time, _ machine.Cause, rssi int8) {
	m.log = append(m.log, fmt.Sprint("energy ", rssi))
}
func (m *mote) RadioReceived(_ machine.Time, _ machine.Cause, f *radio.Frame) {
	m.heard++
	m.log = append(m.log, fmt.Sprintf("%s %d dBm", f.Parsed().Payload, f.RSSI))
}
func (m *mote) RadioSent(_ machine.Time, _ machine.Cause, s radio.Sent) {
	m.sent = append(m.sent, s)
	m.log = append(m.log, fmt.Sprint("sent ", s.Err))
}

func (m *mote) send(n *Node, to ieee802154.Address, ack bool, text string, cca bool) {
	n.Do(func(machine.Time) {
		f := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, Sequence: byte(len(m.sent) + 1), AckRequest: ack,
			Dst: to, Src: ieee802154.ShortAddr(m.short), DstPAN: 0xabcd, SrcPAN: 0xabcd, HasDstPAN: true, Payload: []byte(text)}
		f.Plan()
		m.out.Push(machine.Action{Kind: machine.Send, Value: &radio.Transmit{ID: 1, PSDU: f.Append(nil), Channel: 15, AckRequest: ack, Sequence: f.Sequence, CCA: cca}})
	})
}

// motes makes a medium with n motes on channel 15.
func motes(t testing.TB, n int, c Config, at []Position) (*Medium, []*mote) {
	m := New(sim.New(1), c)
	var list []*mote
	for i := range n {
		var p Position
		if at != nil {
			p = at[i]
		}
		d := newMote(uint16(i+1), 15)
		m.Add(p).Boot(d)
		list = append(list, d)
	}
	return m, list
}

var modes = map[string]Config{"no air time": {}, "air time": {AirTime: true}}

func (m *mote) take() string { s := strings.Join(m.log, ", "); m.log = nil; return s }

func TestUnicastAndBroadcast(t *testing.T) {
	for name, c := range modes {
		t.Run(name, func(t *testing.T) {
			m, d := motes(t, 3, c, nil)
			want := func(texts ...string) {
				t.Helper()
				m.World().RunFor(10 * time.Millisecond)
				for i, w := range texts {
					if got := d[i].take(); got != w {
						t.Errorf("node %d: %q, want %q", i+1, got, w)
					}
				}
			}
			d[0].send(m.Node(1), ieee802154.ShortAddr(2), true, "a", true)
			want("sent OK", "a -20 dBm", "")
			d[0].send(m.Node(1), ieee802154.Broadcast, false, "b", true)
			want("sent OK", "b -20 dBm", "b -20 dBm")
			d[0].send(m.Node(1), ieee802154.ExtendedAddr(ieee802154.ExtAddr{7: 3}), true, "c", true)
			want("sent OK", "", "c -20 dBm")
			d[0].send(m.Node(1), ieee802154.ShortAddr(9), true, "d", true)
			want("sent NoAck", "", "")
			m.SetOneWay(2, 1, Link{Off: true}) // the acknowledgement does not get back
			d[0].send(m.Node(1), ieee802154.ShortAddr(2), true, "e", true)
			want("sent NoAck", "e -20 dBm", "")
			m.SetOneWay(2, 1, Link{})
			m.SetLink(1, 3, Link{RSSI: -70})
			d[0].send(m.Node(1), ieee802154.Broadcast, false, "f", true)
			want("sent OK", "f -20 dBm", "f -70 dBm")
			m.Split([]int{1, 2})
			d[0].send(m.Node(1), ieee802154.Broadcast, false, "g", true)
			want("sent OK", "g -20 dBm", "")
			m.Heal()
			m.Node(2).Crash()
			d[0].send(m.Node(1), ieee802154.ShortAddr(2), true, "h", true)
			want("sent NoAck", "", "")
			m.Only([]int{1, 3})
			d[0].send(m.Node(1), ieee802154.ShortAddr(3), true, "i", true)
			want("sent OK", "", "i -20 dBm")
			m.Node(3).Do(func(machine.Time) {
				d[2].out.Push(machine.Action{Kind: machine.Ask, Value: &radio.State{Mode: radio.Sleep}})
			})
			d[0].send(m.Node(1), ieee802154.ShortAddr(3), true, "j", true)
			want("sent NoAck", "", "")
			if c := m.Node(1).Counts(); c.Sent != 10 || c.Acked != 3 || c.NoAck != 4 {
				t.Errorf("counts %+v", c)
			}
			if e := m.Node(3).Energy(); e.Sleep != 10*time.Millisecond {
				t.Errorf("node 3 slept %v", e.Sleep)
			}
		})
	}
}

func TestAirTime(t *testing.T) {
	// 1 and 3 do not hear each other, both hear 2: hidden nodes.
	m, d := motes(t, 4, Config{AirTime: true}, nil)
	m.SetLink(1, 3, Link{Off: true})
	w := m.World()
	start := w.Now()
	d[0].send(m.Node(1), ieee802154.ShortAddr(2), true, strings.Repeat("a", 50), true)
	w.RunUntil(func() bool { return len(d[0].sent) == 1 }, time.Second)
	// 128 + 192 to begin, 61 + 6 bytes, 192 to turn around, 5 + 6 bytes
	if took, want := w.Now().Sub(start), 320*time.Microsecond+67*byteTime+turnaround+11*byteTime; took != want {
		t.Errorf("took %v, want %v", took, want)
	}
	d[1].take()

	// Frames that overlap at 2 kill each other there; 4, near 1 and far from 3, captures.
	m.SetOneWay(3, 4, Link{RSSI: -60})
	d[0].send(m.Node(1), ieee802154.Broadcast, false, "one", true)
	d[2].send(m.Node(3), ieee802154.Broadcast, false, "two", true)
	w.RunFor(10 * time.Millisecond)
	if got := d[1].take(); got != "" {
		t.Errorf("node 2 heard %q through a collision", got)
	}
	if got := d[3].take(); got != "one -20 dBm" {
		t.Errorf("node 4 heard %q", got)
	}
	if m.Stats().Collisions == 0 {
		t.Error("no collision counted")
	}
	d[0].take()
	d[2].take()

	// Who hears another send waits.
	d[0].send(m.Node(1), ieee802154.Broadcast, false, "one", true)
	w.RunFor(500 * time.Microsecond)
	d[1].send(m.Node(2), ieee802154.Broadcast, false, "two", true)
	w.RunFor(10 * time.Millisecond)
	if got := d[1].take(); got != "sent ChannelAccessFailure, one -20 dBm" {
		t.Errorf("node 2: %q", got)
	}

	// The sender's power is cut in the middle of a frame: the rest of the world goes on.
	d[0].send(m.Node(1), ieee802154.Broadcast, false, "one", true)
	w.RunFor(500 * time.Microsecond)
	m.Node(1).Crash()
	w.RunFor(10 * time.Millisecond)
	for ch, list := range m.active {
		if len(list) > 0 {
			t.Errorf("channel %d is not empty", ch+firstChannel)
		}
	}
}

func TestPositions(t *testing.T) {
	p := Indoors
	p.Shadow = 0
	m, d := motes(t, 3, Config{AirTime: true, Propagation: &p}, Line(3, 30))
	d[0].send(m.Node(1), ieee802154.Broadcast, false, "x", true)
	m.World().RunFor(10 * time.Millisecond)
	if a, b := d[1].take(), d[2].take(); a != "x -92 dBm" || b != "" {
		t.Errorf("at 30 m %q, at 60 m %q", a, b)
	}
	m.Node(3).Move(Position{X: 10})
	d[0].send(m.Node(1), ieee802154.Broadcast, false, "x", true)
	m.World().RunFor(10 * time.Millisecond)
	if a, b := d[1].take(), d[2].take(); a != "x -92 dBm" || b != "x -75 dBm" {
		t.Errorf("at 30 m %q, at 10 m %q", a, b)
	}
	for i := 1; i <= 3; i++ {
		for j := 1; j <= 3; j++ {
			a, _ := m.RSSI(i, j)
			if b, _ := m.RSSI(j, i); a != b {
				t.Errorf("%d -> %d %d dBm, back %d", i, j, a, b)
			}
		}
	}
}

func TestDiscHasItsDegree(t *testing.T) {
	w := sim.New(3)
	m := New(w, Config{AirTime: true, Propagation: &Indoors})
	for _, p := range Disc(1000, DiscFor(1000, 60, Indoors.Reach(Sensitivity)), w.Rand("layout")) {
		m.Add(p)
	}
	degrees := make([]int, 1000)
	sum := 0
	for i := range degrees {
		for _, l := range m.nodes[i].links {
			if l.rssi >= Sensitivity {
				degrees[i]++
			}
		}
		sum += degrees[i]
	}
	slices.Sort(degrees)
	if mean := sum / 1000; mean < 50 || mean > 70 {
		t.Errorf("mean degree %d, want about 60 (%d to %d)", mean, degrees[0], degrees[999])
	}
}

func TestSurvives(t *testing.T) {
	if p := survives(-60, 0, 127); p != 1 {
		t.Errorf("-60 dBm: %v", p)
	}
	if p := survives(-60, power(-60), 50); p > 0.05 {
		t.Errorf("two equal signals: %v", p)
	}
	if p := survives(-60, power(-66), 50); p < 0.9 {
		t.Errorf("6 dB above another: %v", p)
	}
	for r := -100; r < -90; r++ {
		if survives(int8(r), 0, 100) > survives(int8(r+1), 0, 100) {
			t.Errorf("%d dBm survives better than %d", r, r+1)
		}
	}
}

// The same seed gives the same bytes, with loss and collisions.
func TestSameSeedSameAir(t *testing.T) {
	run := func() []byte {
		var b bytes.Buffer
		m, d := motes(t, 20, Config{AirTime: true, Loss: 0.1}, nil)
		p := NewPcapng(&b)
		m.Tap(func(at machine.Time, from *Node, channel uint8, rssi int8, psdu []byte) {
			p.Frame(at, from.Name(), channel, rssi, psdu)
		})
		r := m.World().Rand("traffic")
		for i := range 500 {
			k := int(r.Uint64() % 20)
			if s := m.Node(k + 1); s.radio.sending == nil {
				d[k].send(s, ieee802154.ShortAddr(uint16(r.Uint64()%20+1)), true, fmt.Sprint("frame ", i), r.Uint64()%8 != 0)
			}
			m.World().RunFor(time.Duration(r.Uint64()%2000) * time.Microsecond)
		}
		return b.Bytes()
	}
	if a, b := run(), run(); !bytes.Equal(a, b) || len(a) < 10000 {
		t.Error("two runs differ", len(a), len(b))
	}
}

// A broadcast to 1,000 hearers, and a unicast among them.
func BenchmarkMedium(b *testing.B) {
	for name, c := range modes {
		for _, to := range []ieee802154.Address{ieee802154.Broadcast, ieee802154.ShortAddr(7)} {
			b.Run(fmt.Sprint(name, "/", to), func(b *testing.B) {
				m := New(sim.New(1), c)
				for i := range 1000 {
					m.Add(Position{}).Boot(&silent{newMote(uint16(i+1), 15)})
				}
				d := m.Node(1).Device().(*silent).mote
				f := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, AckRequest: !to.IsBroadcast(),
					Dst: to, Src: ieee802154.ShortAddr(1), DstPAN: 0xabcd, SrcPAN: 0xabcd, HasDstPAN: true, Payload: make([]byte, 60)}
				f.Plan()
				t := &radio.Transmit{PSDU: f.Append(nil), Channel: 15, AckRequest: f.AckRequest, CCA: true}
				b.ReportAllocs()
				for b.Loop() {
					m.Node(1).Do(func(machine.Time) { d.out.Push(machine.Action{Kind: machine.Send, Value: t}) })
					m.World().RunFor(10 * time.Millisecond)
				}
			})
		}
	}
}

type silent struct{ *mote }

func (s *silent) RadioReceived(machine.Time, machine.Cause, *radio.Frame) { s.out.Begin() }
func (s *silent) RadioSent(machine.Time, machine.Cause, radio.Sent)       { s.out.Begin() }
