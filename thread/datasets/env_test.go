package datasets

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/tlv"
)

// world is some nodes whose requests reach each other at once or after a while, with a transcript.
type world struct {
	now   machine.Time
	nodes []*node
	log   []string
	queue []func()
	lost  bool // requests get no answer
}

// node is one node's datasets in a world.
type node struct {
	*Manager
	w             *world
	name, role    string // disabled detached child router leader
	rloc16        uint16
	disk          [2][]byte
	commissioning []byte
	version       int
	session       uint16
	active        bool
	reports       []string
}

func (w *world) add(name, role string, rloc16 uint16, active string) *node {
	n := &node{w: w, name: name, role: role, rloc16: rloc16}
	n.disk[0] = unhex(active)
	r := &machinetest.Plain{N: uint64(len(w.nodes) + 1)}
	n.Manager = New(Config{Rand: r, Now: w.now, Params: DefaultParams(r), DelayMin: time.Second, DelayDefault: time.Second,
		Active: n.disk[0]}, n)
	n.Restore(w.now)
	w.nodes = append(w.nodes, n)
	return n
}

func (w *world) say(n *node, format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%.3f %s ", float64(w.now)/1e9, n.name)+fmt.Sprintf(format, args...))
}

// run lets time pass for all.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for {
		for len(w.queue) > 0 {
			f := w.queue[0]
			w.queue = w.queue[1:]
			f()
		}
		at := machine.Never
		for _, n := range w.nodes {
			at = min(at, n.Deadline())
		}
		if at > end {
			break
		}
		w.now = max(w.now, at)
		for _, n := range w.nodes {
			n.Expire(w.now)
			if n.Deadline() <= w.now {
				panic("the deadline does not pass")
			}
		}
	}
	w.now = end
}

func (w *world) want(t *testing.T, lines ...string) {
	t.Helper()
	if got := strings.Join(w.log, "\n"); got != strings.Join(lines, "\n") {
		t.Errorf("transcript:\n%s\nwant:\n%s", got, strings.Join(lines, "\n"))
	}
	w.log = nil
}

func (n *node) Disabled() bool { return n.role == "disabled" }
func (n *node) Attached() bool { return n.role == "child" || n.role == "router" || n.role == "leader" }
func (n *node) Leader() bool   { return n.role == "leader" }

func (n *node) Save(_ machine.Time, pending bool, tlvs []byte) {
	i := 0
	if pending {
		i = 1
	}
	n.disk[i] = tlvs
}

func (n *node) ParamsChanged(_ machine.Time, what meshcop.Fields) { n.w.say(n, "params %b", what) }

func (n *node) DatasetChanged(machine.Time, bool) {}

func (n *node) IncrementVersion(machine.Time, bool) {
	if n.role == "leader" {
		n.version++
	}
}

func (n *node) Post(_ machine.Time, to ip6.Address, path string, payload []byte, done func(machine.Time, []byte, error)) {
	n.w.say(n, "post %04x %s %x", to.IID().Locator(), path, payload)
	n.w.queue = append(n.w.queue, func() { n.deliver(to, path, payload, done) })
}

func (n *node) deliver(to ip6.Address, path string, payload []byte, done func(machine.Time, []byte, error)) {
	for _, o := range n.w.nodes {
		if r := to.IID().Locator(); n.w.lost || r != o.rloc16 && !(r == 0xfc00 && o.role == "leader") {
			continue
		}
		for _, r := range o.Resources(true) {
			if r.Path != path {
				continue
			}
			answer, ok := r.Handle(n.w.now, ip6.RLOC(n.params.MeshLocalPrefix, n.rloc16), payload, nil)
			if ok && done != nil {
				done(n.w.now, answer, nil)
			}
			return
		}
		o.reports = append(o.reports, path+" "+hex.EncodeToString(payload))
		return
	}
	if done != nil {
		done(n.w.now, nil, fmt.Errorf("no answer"))
	}
}

func (n *node) CommissioningSession() (uint16, bool) {
	return tlv.Uint16(n.commissioning, meshcop.CommissionerSession)
}
func (n *node) BorderAgent() (uint16, bool) {
	return tlv.Uint16(n.commissioning, meshcop.BorderAgentLocator)
}
func (n *node) MoveBorderAgent(_ machine.Time, r uint16) {
	v, _ := tlv.Find(n.commissioning, meshcop.BorderAgentLocator)
	binary.BigEndian.PutUint16(v, r)
}
func (n *node) SetCommissioning(_ machine.Time, b []byte) error {
	n.commissioning = append([]byte(nil), b...)
	n.w.say(n, "commissioning %x", b)
	return nil
}
func (n *node) Announce(_ machine.Time, c uint8) { n.w.say(n, "announce %d", c) }
func (n *node) EnergyScan(_ machine.Time, c uint8, d time.Duration) {
	n.w.say(n, "energy %d %v", c, d)
	n.EnergyScanned(n.w.now.Add(d), -int8(c), true)
}
func (n *node) ActiveScan(_ machine.Time, mask uint32) {
	n.w.say(n, "scan %08x", mask)
	n.Beacon(11, 0xabcd)
	n.Beacon(12, 0x1111)
	n.Beacon(26, 0xabcd)
	n.w.queue = append(n.w.queue, func() { n.ActiveScanned(n.w.now) })
}
func (n *node) Commissioner() (uint16, bool) { return n.session, n.active }

// mle carries the leader's dataset to another node, as MLE does.
func (n *node) mle(t *testing.T, to *node) {
	t.Helper()
	for _, pending := range []bool{true, false} {
		if n.Timestamp(pending) == to.Timestamp(pending) {
			continue
		}
		b, ok := n.AppendDataset(n.w.now, nil, pending)
		if !ok {
			if pending {
				to.ClearPending(n.w.now)
			}
			continue
		}
		if err := to.SaveDataset(n.w.now, pending, n.Timestamp(pending), b); err != nil {
			t.Error(err)
		}
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	if err != nil {
		panic(err)
	}
	return b
}

func dataset(t *testing.T, s string) meshcop.Dataset {
	t.Helper()
	d, err := meshcop.ParseDataset(unhex(s))
	if err == nil {
		err = d.Validate()
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}
