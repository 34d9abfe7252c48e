package mac

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

var testKey = meshcop.NetworkKey{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}

// world is a medium in which all hear all, without air time, for the tests of this package.
type world struct {
	t        *testing.T
	now      machine.Time
	events   machine.Timers[func()]
	stations []*station
	lose     func(from, to *station, h *ieee802154.Frame) bool
	log      []string // frames on the air
}

// station is a MAC with its radio and what its upper layers heard.
type station struct {
	w        *world
	name     string
	mac      *MAC
	keys     *keys.Manager
	table    *neighbor.Table
	filter   radio.Filter
	state    radio.State
	pending  *radio.Transmit
	stored   []keys.Counters
	keyIndex uint8 // what a radio that seals frames was told last
	counter  uint32
	slowDisk bool // what is stored does not come to disk
	got      []string
	sent     []Result
	queue    []*Tx // what is sent next when the slot is free
	listens  func(now machine.Time, c *neighbor.Child, csl bool)
	polls    []radio.Err
	beacons  []BeaconInfo
	scanDone int
	energies []int
	lost     int
	schedule int
	done     func(tx *Tx, r Result)
}

func newWorld(t *testing.T) *world { return &world{t: t, now: 1_000_000_000} }

func ext(n byte) ieee802154.ExtAddr { return ieee802154.ExtAddr{0x11, 0x22, 0x33, 0, 0, 0, 0, n} }

func (w *world) add(n byte, short uint16, change func(*Config)) *station {
	s := &station{w: w, name: fmt.Sprintf("%d", n)}
	s.table = neighbor.New(16, -100, testRand{rand.New(rand.NewPCG(uint64(n), 9))})
	s.table.Self.Ext = ext(n)
	s.table.Self.Role, s.table.Self.RLOC16 = neighbor.RoleLeader, short
	s.keys = keys.New(s, keys.NewCache(), testKey, keys.Counters{})
	cfg := Config{Ext: ext(n), Rand: testRand{rand.New(rand.NewPCG(uint64(n), 1))}, Keys: s.keys, Neighbors: s.table,
		FullThread: true}
	if change != nil {
		change(&cfg)
	}
	s.mac = New(cfg, s)
	w.stations = append(w.stations, s)
	s.mac.SetPAN(w.now, 0xabcd)
	s.mac.SetShort(w.now, short)
	s.mac.SetChannel(w.now, 15)
	s.mac.SetRxOnWhenIdle(w.now, true)
	return s
}

// child makes c a valid child of p.
func (w *world) child(p, c *station, sleepy bool) *neighbor.Child {
	ch := p.table.NewChild(c.mac.Ext())
	p.table.SetChildRLOC16(ch, c.mac.Short())
	ch.Mode, ch.Version, ch.UseShort = neighbor.RouterMode, neighbor.Version1p4, true
	if sleepy {
		ch.Mode = 0
	}
	ch.SetState(w.now, neighbor.Valid)
	c.table.Self.Role = neighbor.RoleChild
	c.table.Parent.Ext, c.table.Parent.RLOC16, c.table.Parent.Version = p.mac.Ext(), p.mac.Short(), neighbor.Version1p4
	c.table.Parent.SetState(w.now, neighbor.Valid)
	if sleepy {
		c.mac.SetRxOnWhenIdle(w.now, false)
	}
	return ch
}

func (w *world) at(t machine.Time, f func()) { w.events.Set(0, t, f) }

func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for n := 0; ; n++ {
		if n > 2_000_000 {
			w.t.Fatal("the world does not rest")
		}
		next := w.events.Deadline()
		for _, s := range w.stations {
			next = min(next, s.mac.Deadline(), s.keys.Deadline())
		}
		if next > end {
			break
		}
		w.now = max(w.now, next)
		if f, ok := w.events.Pop(w.now); ok {
			f()
			continue
		}
		for _, s := range w.stations {
			s.mac.Expire(w.now)
			s.keys.Expire(w.now)
			if s.mac.Deadline() <= w.now {
				w.t.Fatalf("station %s: a deadline stays after Expire", s.name)
			}
		}
	}
	w.now = end
}

func (s *station) hears(channel uint8) bool {
	return s.state.Mode == radio.Receive && s.state.Channel == channel
}

// Transmit is the air: the frame is there at once, and its ack too.
func (s *station) Transmit(now machine.Time, t *radio.Transmit, after machine.Seq) {
	tx := *t
	tx.PSDU = append([]byte(nil), t.PSDU...)
	s.pending = &tx
	s.w.at(max(now, tx.TxAt), func() { s.air(&tx) })
}

func (s *station) air(tx *radio.Transmit) {
	w := s.w
	a := radio.NewAir(tx.Channel, tx.PSDU)
	h := a.Parsed()
	if h == nil || !ieee802154.CheckFCS(tx.PSDU) {
		w.t.Fatalf("station %s sends nonsense: %x", s.name, tx.PSDU)
	}
	w.log = append(w.log, fmt.Sprintf("%.4f %s: %v %v>%v seq %d", float64(w.now)/1e9, s.name, h.Type, h.Src, h.Dst, h.Sequence))
	s.state = radio.State{Mode: radio.Receive, Channel: tx.Channel}
	var ack *radio.Frame
	for _, r := range w.stations {
		if r == s || !r.hears(tx.Channel) || w.lose != nil && w.lose(s, r, h) {
			continue
		}
		f := &radio.Frame{Air: a, RSSI: -20, At: w.now}
		if !r.filter.Accept(h) {
			continue
		}
		if b := r.filter.Ack(nil, f, w.now); len(b) > 0 {
			aa := radio.NewAir(tx.Channel, b)
			if w.lose == nil || !w.lose(r, s, aa.Parsed()) {
				ack = &radio.Frame{Air: aa, RSSI: -20, At: w.now}
			}
		}
		w.at(w.now, func() { r.mac.RadioReceived(w.now, f) })
	}
	w.at(w.now, func() {
		switch {
		case !tx.AckRequest:
			s.mac.RadioSent(w.now, radio.Sent{ID: tx.ID})
		case ack != nil && tx.AckedBy(ack.Parsed()):
			s.mac.RadioSent(w.now, radio.Sent{ID: tx.ID, Ack: ack})
		}
	})
}

func (s *station) RadioState(_ machine.Time, st *radio.State) { s.state = *st }
func (s *station) RadioConfig(_ machine.Time, c *radio.Config) {
	s.filter.Update(c.Filter)
	s.keyIndex, s.counter = c.KeyIndex, c.MACCounter
}
func (s *station) CountersStored() bool                          { return !s.slowDisk }
func (s *station) ParentLinkQuality(machine.Time)                {}
func (s *station) ParentLost(machine.Time)                       { s.lost++ }
func (s *station) ChildCSLChanged(machine.Time, *neighbor.Child) { s.schedule++ }
func (s *station) RadioEnergy(_ machine.Time, e *radio.EnergyScan) {
	scan := *e
	s.w.at(s.w.now.Add(scan.Duration), func() { s.mac.RadioEnergy(s.w.now, -int8(scan.Channel)) })
}

func (s *station) Received(now machine.Time, rx *Rx) {
	s.got = append(s.got, string(rx.Payload))
}

func (s *station) Sent(now machine.Time, tx *Tx, r Result) {
	s.sent = append(s.sent, r)
	if s.done != nil {
		s.done(tx, r)
	}
	s.next(now)
}

func (s *station) next(now machine.Time) {
	if len(s.queue) > 0 && !s.mac.Busy() {
		tx := s.queue[0]
		s.queue = s.queue[1:]
		if !s.mac.Send(now, tx) {
			s.w.t.Fatal("a free slot takes nothing")
		}
	}
}

func (s *station) ChildListens(now machine.Time, c *neighbor.Child, csl bool) {
	if s.listens != nil {
		s.listens(now, c, csl)
	}
}

func (s *station) PollSent(_ machine.Time, _ *neighbor.Neighbor, e radio.Err) {
	s.polls = append(s.polls, e)
}

func (s *station) ScanResult(_ machine.Time, b *BeaconInfo) {
	if b == nil {
		s.scanDone++
	} else {
		s.beacons = append(s.beacons, *b)
	}
}

func (s *station) EnergyResult(_ machine.Time, channel uint8, rssi int8, done bool) {
	if done {
		s.scanDone++
	} else {
		s.energies = append(s.energies, int(rssi))
	}
}

func (s *station) StoreCounters(_ machine.Time, c keys.Counters) machine.Seq {
	s.stored = append(s.stored, c)
	return machine.Seq(len(s.stored))
}

func (s *station) KeySequenceChanged(now machine.Time) {
	if s.mac != nil {
		s.mac.KeysChanged(now)
	}
}

func (s *station) NetworkKeyChanged(machine.Time) {}

// data is a secured frame from s to d.
func (s *station) data(d *station, text string) *Tx {
	return &Tx{Src: ieee802154.ShortAddr(s.mac.Short()), Dst: ieee802154.ShortAddr(d.mac.Short()), Security: NetworkKey,
		Payload: []byte(text)}
}
