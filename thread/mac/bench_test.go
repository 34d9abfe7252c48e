package mac

import (
	"math/rand/v2"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// quiet is an Env for measurements.
type quiet struct {
	got  int
	last radio.Transmit
}

func (q *quiet) Transmit(_ machine.Time, t *radio.Transmit, _ machine.Seq) { q.last = *t }
func (q *quiet) RadioState(machine.Time, *radio.State)                     {}
func (q *quiet) CountersStored() bool                                      { return true }
func (q *quiet) RadioConfig(machine.Time, *radio.Config)                   {}
func (q *quiet) RadioEnergy(machine.Time, *radio.EnergyScan)               {}
func (q *quiet) Received(machine.Time, *Rx)                                { q.got++ }
func (q *quiet) Sent(machine.Time, *Tx, Result)                            {}
func (q *quiet) ChildListens(machine.Time, *neighbor.Child, bool)          {}
func (q *quiet) PollSent(machine.Time, *neighbor.Neighbor, radio.Err)      {}
func (q *quiet) ParentLost(machine.Time)                                   {}
func (q *quiet) ParentLinkQuality(machine.Time)                            {}
func (q *quiet) ScanResult(machine.Time, *BeaconInfo)                      {}
func (q *quiet) EnergyResult(machine.Time, uint8, int8, bool)              {}
func (q *quiet) ChildCSLChanged(machine.Time, *neighbor.Child)             {}
func (q *quiet) StoreCounters(machine.Time, keys.Counters) machine.Seq     { return 1 }
func (q *quiet) KeySequenceChanged(machine.Time)                           {}
func (q *quiet) NetworkKeyChanged(machine.Time)                            {}

func quietMAC(cache *keys.Cache, n byte) (*MAC, *quiet) {
	q := new(quiet)
	r := testRand{rand.New(rand.NewPCG(uint64(n), 1))}
	table := neighbor.New(16, -100, r)
	table.Self.Role = neighbor.RoleLeader
	m := New(Config{Ext: ext(n), Rand: r, Keys: keys.New(q, cache, testKey, keys.Counters{}), Neighbors: table, FullThread: true,
		Caps: radio.CapAckTimeout | radio.CapSleepToTx}, q)
	m.SetPAN(0, 0xabcd)
	m.SetShort(0, uint16(n))
	m.SetRxOnWhenIdle(0, true)
	return m, q
}

// receiving returns what gives a new secured frame of 100 bytes to a MAC, and its Env.
func receiving() (func(), *quiet) {
	cache := keys.NewCache()
	m, q := quietMAC(cache, 1)
	c := m.cfg.Neighbors.NewChild(ext(2))
	m.cfg.Neighbors.SetChildRLOC16(c, 2)
	c.Mode = neighbor.RouterMode
	c.SetState(0, neighbor.Valid)
	key := cache.Get(testKey, 0).MAC
	f := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, Dst: ieee802154.ShortAddr(1), Src: ieee802154.ShortAddr(2),
		DstPAN: 0xabcd, SrcPAN: 0xabcd, HasDstPAN: true, HasSrcPAN: true, AckRequest: true, Payload: make([]byte, 100),
		Security: ieee802154.Security{Level: ieee802154.EncMIC32, Mode: ieee802154.KeyIDMode1, KeyIndex: 1}}
	f.Plan()
	var air radio.Air
	psdu := make([]byte, 0, 256)
	rx := radio.Frame{Air: &air, RSSI: -40}
	now := machine.Time(0)
	return func() {
		f.Security.Counter++
		psdu = f.AppendSealed(psdu[:0], key, ext(2)) // half of the time is this
		air.Set(15, psdu)
		m.RadioReceived(now, &rx)
		now++
	}, q
}

// A secured frame of 100 bytes through the MAC: parsed, looked up, decrypted, given up.
func BenchmarkReceive(b *testing.B) {
	op, q := receiving()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		op()
		n++
	}
	if q.got != n {
		b.Fatalf("%d of %d got through", q.got, n)
	}
}

// A broadcast that 50 nodes hear: parsed and decrypted once.
func BenchmarkBroadcast50(b *testing.B) {
	cache := keys.NewCache()
	var list []*MAC
	for i := range byte(50) {
		m, _ := quietMAC(cache, 10+i)
		c := m.cfg.Neighbors.NewChild(ext(2))
		m.cfg.Neighbors.SetChildRLOC16(c, 2)
		c.Mode = neighbor.RouterMode
		c.SetState(0, neighbor.Valid)
		list = append(list, m)
	}
	key := cache.Get(testKey, 0).MAC
	f := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, Dst: ieee802154.Broadcast, Src: ieee802154.ShortAddr(2),
		DstPAN: 0xabcd, SrcPAN: 0xabcd, HasDstPAN: true, HasSrcPAN: true, Payload: make([]byte, 80),
		Security: ieee802154.Security{Level: ieee802154.EncMIC32, Mode: ieee802154.KeyIDMode1, KeyIndex: 1}}
	f.Plan()
	var air radio.Air
	psdu := make([]byte, 0, 256)
	rx := radio.Frame{Air: &air, RSSI: -40}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		f.Security.Counter++
		psdu = f.AppendSealed(psdu[:0], key, ext(2))
		air.Set(15, psdu)
		for _, m := range list {
			m.RadioReceived(machine.Time(n), &rx)
		}
		n++
	}
	if list[49].Counters.RxData != uint32(n) {
		b.Fatalf("%+v", list[49].Counters)
	}
}

// transmitting returns what sends a frame: secured, backed off, acknowledged.
func transmitting() func() {
	m, q := quietMAC(keys.NewCache(), 1)
	tx := Tx{Src: ieee802154.ShortAddr(1), Dst: ieee802154.ShortAddr(2), Security: NetworkKey, Payload: make([]byte, 80)}
	ack := radio.Frame{Air: radio.NewAir(11, []byte{2, 0, 0, 0, 0}), RSSI: -40}
	now := machine.Time(0)
	return func() {
		if !m.Send(now, &tx) {
			panic("busy")
		}
		for m.phase != sending {
			now = m.Deadline()
			m.Expire(now)
		}
		m.RadioSent(now, radio.Sent{ID: q.last.ID, Ack: &ack})
		now = now.Add(time.Millisecond)
	}
}

func BenchmarkSend(b *testing.B) {
	op := transmitting()
	b.ReportAllocs()
	for b.Loop() {
		op()
	}
}

func TestHotPathsAllocateNothing(t *testing.T) {
	receive, _ := receiving()
	for name, op := range map[string]func(){"receive": receive, "send": transmitting()} {
		if n := testing.AllocsPerRun(1500, op); n > 0 { // over a reservation of frame counters
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
