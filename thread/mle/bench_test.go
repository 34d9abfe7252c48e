package mle

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/captures"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
	"heddle.example/thread/neighbor"
)

// bench runs some MLEs in virtual time. What one sends the others receive a millisecond later: no MAC, no 6LoWPAN, so
// that only MLE can be wrong.
type bench struct {
	t       testing.TB
	now     machine.Time
	nodes   []*benchNode
	air     []flight
	order   int
	seed    uint64
	log     []string
	logging bool
	deaf    map[[2]int]bool // from, to: out of range
	rssi    map[[2]int]int8 // where not -20
	tamper  func(f *flight) // what a hostile medium does
	records map[Command][]flight
}

type flight struct {
	at    machine.Time
	order int
	from  int
	to    ip6.Address
	ch    uint8
	pan   ieee802154.PANID
	src   ip6.Address
	bytes []byte
	tag   Tag
	call  func(now machine.Time) // or something else that happens then
}

type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

type dataset struct {
	ts   Timestamp
	tlvs []byte
}

type benchNode struct {
	*MLE
	b         *bench
	id        int
	keys      *keys.Manager
	table     *neighbor.Table
	ext       ieee802154.ExtAddr
	channel   uint8
	temporary uint8
	pan       ieee802154.PANID
	short     uint16
	alternate uint16
	rxOn      bool
	polling   bool // in attach mode, or fast
	paused    bool
	down      bool
	events    Event
	version   uint8
	stable    uint8
	data      []byte
	sets      [2]dataset // in use
	stored    [2]dataset
	unicast   []ip6.Address
	multicast []ip6.Address
	info      *NetworkInfo
	parent    *ParentInfo
	onDisk    keys.Counters
	informed  []uint16
	dead      bool
	routing   benchRouting
}

func newBench(t testing.TB) *bench {
	return &bench{t: t, deaf: map[[2]int]bool{}, rssi: map[[2]int]int8{}, records: map[Command][]flight{}}
}

// add makes a node of a mode: "rdn" as the shell has it.
func (b *bench) add(mode string) *benchNode {
	id := len(b.nodes) + 1
	n := &benchNode{b: b, id: id, ext: ieee802154.ExtAddr{0x11, 0x22, 0x33, 0, 0, 0, 0, byte(id)},
		channel: 15, pan: 0xabcd, short: InvalidRLOC16, rxOn: true}
	n.stored[0] = dataset{1 << 16, []byte{}}
	b.nodes = append(b.nodes, n)
	n.boot(mode)
	return n
}

func (n *benchNode) boot(mode string) {
	r := testRand{rand.New(rand.NewPCG(uint64(n.id)|n.b.seed<<16, uint64(n.b.now)+7))}
	n.table = neighbor.New(10, -100, r)
	n.keys = keys.New((*benchKeys)(n), keys.NewCache(), captures.Key, n.onDisk)
	var m Mode
	for _, c := range mode {
		m |= map[rune]Mode{'r': neighbor.ModeRxOnWhenIdle, 'd': neighbor.ModeFTD, 'n': neighbor.ModeFullNetworkData}[c]
	}
	n.MLE = New(Config{
		Rand: r, Table: n.table, Keys: n.keys, Mode: m, SupportedChannels: 0x07fff800,
		MeshLocalPrefix: ip6.Network{0xfd, 0, 0x0d, 0xb8}, SupervisionInterval: 129, SupervisionTimeout: 190,
		Restored: n.info, RestoredParent: n.parent,
	}, n)
	n.Restore(n.b.now)
}

// reset makes a node anew from what it stored.
func (n *benchNode) reset() {
	mode := ""
	n.version, n.stable, n.data, n.sets = 0, 0, nil, [2]dataset{}
	n.rxOn, n.polling, n.paused, n.temporary, n.short = true, false, false, 0, InvalidRLOC16
	n.events = 0
	n.boot(mode)
}

// run lets time pass.
func (b *bench) run(d time.Duration) {
	end := b.now.Add(d)
	for {
		next := machine.Never
		for _, n := range b.nodes {
			if !n.dead {
				next = min(next, n.Deadline(), n.keys.Deadline())
			}
		}
		if len(b.air) > 0 {
			next = min(next, b.air[0].at)
		}
		if next > end {
			b.now = end
			return
		}
		b.now = max(b.now, next)
		for len(b.air) > 0 && b.air[0].at <= b.now {
			f := b.air[0]
			b.air = b.air[1:]
			b.land(f)
		}
		for _, n := range b.nodes {
			if n.dead {
				continue
			}
			if n.keys.Deadline() <= b.now {
				n.keys.Expire(b.now)
			}
			if n.Deadline() <= b.now {
				n.Expire(b.now)
			}
			n.settle()
			if n.Deadline() <= b.now {
				b.t.Fatalf("%d: deadline %v is not after now %v", n.id, n.Deadline(), b.now)
			}
		}
	}
}

func (n *benchNode) settle() {
	for n.events != 0 {
		e := n.events
		n.events = 0
		n.HandleEvents(n.b.now, e)
	}
}

// until runs until a condition holds, for d at most.
func (b *bench) until(d time.Duration, what string, ok func() bool) {
	b.t.Helper()
	for end := b.now.Add(d); !ok(); b.run(10 * time.Millisecond) {
		if b.now >= end {
			b.t.Fatalf("after %v not: %s\n%s", d, what, strings.Join(b.log, "\n"))
		}
	}
}

func (b *bench) fly(f flight) {
	b.order++
	f.order = b.order
	b.air = append(b.air, f)
	sort.SliceStable(b.air, func(i, j int) bool { return b.air[i].at < b.air[j].at })
}

func (b *bench) land(f flight) {
	if f.call != nil {
		f.call(b.now)
		return
	}
	if b.tamper != nil {
		b.tamper(&f)
	}
	if f.bytes == nil {
		return
	}
	heard := false
	for _, n := range b.nodes {
		ch := n.channel
		if n.temporary != 0 {
			ch = n.temporary
		}
		switch {
		case n.id == f.from || n.dead || n.down || b.deaf[[2]int{f.from, n.id}] || ch != f.ch:
			continue
		case f.pan != n.pan && f.pan != ieee802154.BroadcastPAN:
			continue
		case !f.to.IsMulticast() && f.to != n.LinkLocal():
			continue
		case f.to.IsMulticast() && !n.rxOn:
			continue
		case f.to == ip6.LinkLocalAllRouters && !n.mode.FTD():
			continue
		}
		rssi, ok := b.rssi[[2]int{f.from, n.id}]
		if !ok {
			rssi = -20
		}
		heard = true
		n.Receive(b.now, &Datagram{Src: f.src, Dst: f.to, HopLimit: 255, Payload: append([]byte(nil), f.bytes...), RSSI: rssi,
			Channel: f.ch, PAN: b.pan(f.from), PANBroadcast: f.pan == ieee802154.BroadcastPAN})
		n.settle()
	}
	if f.tag != NoTag {
		s := b.nodes[f.from-1]
		s.Sent(b.now, Sent{Tag: f.tag, OK: heard || f.to.IsMulticast()})
		s.settle()
	}
}

func (b *bench) pan(id int) ieee802154.PANID {
	if id == 0 {
		return 0xabcd
	}
	return b.nodes[id-1].pan
}

// Send implements Env.
func (n *benchNode) Send(now machine.Time, o *Outgoing) {
	if n.dead {
		return
	}
	f := flight{at: now.Add(time.Millisecond), from: n.id, to: o.Dst, ch: n.channel, pan: n.pan, src: n.LinkLocal(),
		bytes: append([]byte(nil), o.Payload...), tag: o.Tag}
	if o.Channel != 0 {
		f.ch = o.Channel
	}
	if o.PAN != 0 {
		f.pan = o.PAN
	}
	for _, to := range n.b.nodes {
		if !to.rxOn && to.LinkLocal() == o.Dst {
			f.at = f.at.Add(150 * time.Millisecond) // it polls
		}
	}
	if n.b.logging {
		to := "all"
		if !o.Dst.IsMulticast() {
			to = fmt.Sprint(o.Dst[15])
		}
		n.b.log = append(n.b.log, fmt.Sprintf("%.3f %d -> %s %v", float64(now)/1e9, n.id, to, o.Command))
	}
	n.b.records[o.Command] = append(n.b.records[o.Command], f)
	n.b.fly(f)
}

func (n *benchNode) Signal(now machine.Time, e Event)               { n.events |= e }
func (n *benchNode) Store(now machine.Time, i *NetworkInfo)         { c := *i; n.info = &c }
func (n *benchNode) StoreParent(now machine.Time, p ParentInfo)     { n.parent = &p }
func (n *benchNode) ExtAddress() ieee802154.ExtAddr                 { return n.ext }
func (n *benchNode) Channel() uint8                                 { return n.channel }
func (n *benchNode) PANID() ieee802154.PANID                        { return n.pan }
func (n *benchNode) SetChannel(now machine.Time, channel uint8)     { n.channel = channel }
func (n *benchNode) SetPANID(now machine.Time, p ieee802154.PANID)  { n.pan = p }
func (n *benchNode) SetShortAddress(now machine.Time, a uint16)     { n.short = a }
func (n *benchNode) SetAlternateAddress(now machine.Time, a uint16) { n.alternate = a }
func (n *benchNode) SetTemporaryChannel(now machine.Time, c uint8)  { n.temporary = c }
func (n *benchNode) PauseSending(now machine.Time, p bool)          { n.paused = p }
func (n *benchNode) RxOnWhenIdle() bool                             { return n.rxOn }
func (n *benchNode) SetPollAttachMode(now machine.Time, on bool)    { n.polling = on }
func (n *benchNode) SendFastPolls(now machine.Time, k int)          { n.polling = true }
func (n *benchNode) StopFastPolls(now machine.Time)                 { n.polling = false }
func (n *benchNode) RecalculatePollPeriod(now machine.Time)         {}
func (n *benchNode) SetRxOnWhenIdle(now machine.Time, on bool) {
	n.rxOn = on
	n.RxOnChanged(now)
}

func (n *benchNode) DataVersion() uint8       { return n.version }
func (n *benchNode) StableDataVersion() uint8 { return n.stable }
func (n *benchNode) AppendData(dst []byte, full bool) []byte {
	return append(dst, n.data...)
}
func (n *benchNode) SetData(now machine.Time, version, stable uint8, full bool, tlvs []byte) error {
	n.version, n.stable, n.data = version, stable, append([]byte(nil), tlvs...)
	n.events |= NetworkDataChanged
	return nil
}

// change makes a leader's network data newer.
func (n *benchNode) change(data string) {
	n.version++
	n.stable++
	n.data = []byte(data)
	n.events |= NetworkDataChanged
	n.settle()
}
func (n *benchNode) IncrementDataVersions(now machine.Time) {
	n.version++
	n.stable++
	n.events |= NetworkDataChanged
}
func (n *benchNode) Context(a ip6.Address) (uint8, bool, bool) {
	return 0, true, a.Network() == n.meshLocal
}
func (n *benchNode) ContextPrefix(id uint8) (ip6.Network, bool)      { return n.meshLocal, id == 0 }
func (n *benchNode) AppendSteeringData(dst []byte) ([]byte, bool)    { return dst, false }
func (n *benchNode) DatasetPartlyComplete() bool                     { return true }
func (n *benchNode) DatasetChannels() (uint32, bool)                 { return 0x07fff800, true }
func (n *benchNode) PendingActive() (Timestamp, time.Duration, bool) { return 0, 0, false }
func (n *benchNode) UnicastAddresses() []ip6.Address                 { return n.unicast }
func (n *benchNode) MulticastAddresses() []ip6.Address               { return n.multicast }
func (n *benchNode) InterfaceUp() bool                               { return true }
func (n *benchNode) InformPreviousParent(now machine.Time, rloc16 uint16) {
	n.informed = append(n.informed, rloc16)
}
func (n *benchNode) ClearPending(now machine.Time) { n.sets[1], n.stored[1] = dataset{}, dataset{} }
func (n *benchNode) ApplyPending(now machine.Time) {}
func (n *benchNode) DatasetTimestamp(pending bool) Timestamp {
	if d := n.sets[which(pending)]; d.tlvs != nil {
		return d.ts
	}
	return NoTimestamp
}

func which(pending bool) int {
	if pending {
		return 1
	}
	return 0
}

func (n *benchNode) SaveDataset(now machine.Time, pending bool, ts Timestamp, tlvs []byte) error {
	n.sets[which(pending)] = dataset{ts, append([]byte{}, tlvs...)}
	n.stored[which(pending)] = n.sets[which(pending)]
	return nil
}
func (n *benchNode) AppendDataset(dst []byte, pending bool) ([]byte, bool) {
	d := n.sets[which(pending)]
	return append(dst, d.tlvs...), d.tlvs != nil
}
func (n *benchNode) RestoreDataset(now machine.Time, pending bool) bool {
	n.sets[which(pending)] = n.stored[which(pending)]
	return n.stored[which(pending)].tlvs != nil
}

type benchKeys benchNode

func (k *benchKeys) StoreCounters(now machine.Time, c keys.Counters) machine.Seq {
	k.onDisk = c
	return 0
}
func (k *benchKeys) KeySequenceChanged(now machine.Time) { k.events |= KeySequenceChanged }
func (k *benchKeys) NetworkKeyChanged(now machine.Time)  { k.MLE.NetworkKeyChanged(now) }

// state fails the test unless a node has a role.
func (n *benchNode) is(r Role) {
	n.b.t.Helper()
	if n.role != r {
		n.b.t.Fatalf("node %d is %v, not %v\n%s", n.id, n.role, r, strings.Join(n.b.log, "\n"))
	}
}
