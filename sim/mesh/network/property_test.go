package network

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
)

var (
	seeds   = flag.Int("seeds", 20, "fresh seeds of the properties")
	oneSeed = flag.Uint64("seed", 0, "the only seed of the properties")
)

// The properties that hold for every network that the protocol can carry, whatever its topology: tried on 20 fixed seeds
// and on 20 fresh ones. -seed N runs one seed again, -seeds N runs so many fresh ones (scripts/soak).
func TestProperties(t *testing.T) {
	if *oneSeed != 0 {
		property(t, *oneSeed)
		return
	}
	fixed, fresh := 20, *seeds
	if testing.Short() {
		fixed, fresh = 3, 1
	}
	for i := range fixed + fresh {
		seed := uint64(i + 1)
		if i >= fixed {
			seed = rand.Uint64() >> 16
		}
		if !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { property(t, seed) }) {
			t.Logf("again: go test ./sim/mesh/network -run TestProperties -seed %d", seed)
		}
	}
}

// Within the protocol's own time-outs: a leader that has gone is missed after 120 s (NETWORK_ID_TIMEOUT), a parent after the
// child's time-out of 240 s; then all attach again.
const (
	toForm    = 8 * time.Minute
	toNotice  = 6 * time.Minute // that somebody is gone
	toRecover = 16 * time.Minute
)

// topology is a random network that the protocol can carry.
type topology struct {
	config mesh.Config
	at     []mesh.Position
	kinds  []Kind
}

// draw makes a topology: 5 to 50 nodes, connected by good links, each with 8 neighbours on average where there are enough.
func draw(r machine.Rand, seed uint64) topology {
	p := mesh.Indoors
	for {
		n := 5 + int(r.Uint64()%46)
		degree := 8 + float64(r.Uint64()%24)
		t := topology{config: mesh.Config{AirTime: seed%4 != 0, Propagation: &p}, at: mesh.Disc(n, mesh.DiscFor(n, min(degree, float64(n)), p.Reach(goodLink)), r)}
		for range n {
			k := Router
			switch r.Uint64() % 8 {
			case 0:
				k = SED
			case 1:
				k = MED
			case 2:
				k = FED
			}
			t.kinds = append(t.kinds, k)
		}
		if t.sound(seed) {
			return t
		}
	}
}

const goodLink = -85 // dBm: link quality 3 from -80 on, 2 from -90 on

// sound reports whether those that may be routers are connected by good links, over at most 12 hops, and hear all others.
func (t *topology) sound(seed uint64) bool {
	net := t.build(seed)
	hears := func(a, b int) bool { r, _ := net.RSSI(a+1, b+1); return r >= goodLink }
	dist := make([]int, len(t.at))
	first := -1
	for i := range dist {
		if dist[i] = -1; t.kinds[i] == Router && first < 0 {
			first = i
		}
	}
	if first < 0 {
		return false
	}
	dist[first] = 0
	queue := []int{first}
	for len(queue) > 0 {
		a := queue[0]
		queue = queue[1:]
		for b := range dist {
			if dist[b] < 0 && t.kinds[a] == Router && hears(a, b) {
				dist[b] = dist[a] + 1
				queue = append(queue, b)
			}
		}
	}
	for _, d := range dist {
		if d < 0 || d > 6 {
			return false
		}
	}
	return true
}

func (t *topology) build(seed uint64) *Network {
	net := New(seed, t.config)
	net.World.Quiet = true
	for i, p := range t.at {
		net.Add(NodeConfig{Position: p, Kind: t.kinds[i], PollPeriod: 500 * time.Millisecond, Off: true})
	}
	return net
}

func property(t *testing.T, seed uint64) {
	one, sum := run(t, seed)
	if t.Failed() {
		return
	}
	if seed%5 == 0 {
		if two, again := run(t, seed); sum != again || one != two {
			t.Errorf("two runs of one seed differ: %x and %x, %d and %d frames", sum, again, one, two)
		}
	}
}

// run lets one network live and checks it; it returns how many frames there were, and their hash.
func run(t *testing.T, seed uint64) (frames int, sum uint64) {
	shape := draw(New(seed, mesh.Config{}).World.Rand("topology"), seed)
	net := shape.build(seed)
	h := fnv.New64a()
	o := oracle{t: t, last: map[counterOf]uint32{}, used: map[counterOf]map[uint32]uint64{}}
	net.Tap(func(at machine.Time, from *mesh.Node, channel uint8, rssi int8, psdu []byte) {
		frames++
		fmt.Fprint(h, at, from.Number(), channel, rssi)
		h.Write(psdu)
		o.frame(from, psdu)
	})
	r := net.World.Rand("story")
	for _, n := range net.nodes {
		net.World.After(time.Duration(r.Uint64()%uint64(20*time.Second)), func() { n.Boot(); n.Join(Dataset(0)) })
	}
	net.Run(20 * time.Second)
	what := fmt.Sprintf("seed %d, %d nodes", seed, len(net.nodes))
	whole(t, net, &o, what+", at first", toForm)
	pings(t, net, r, what+", at first")
	for round := range 2 {
		story := ""
		switch r.Uint64() % 5 {
		case 0:
			story = "the leader dies"
			for _, n := range net.nodes {
				if n.Role() == neighbor.RoleLeader {
					n.Kill()
					if !shape.connectedWithout(net) {
						n.Boot()
						story = "the leader is reset"
					}
				}
			}
		case 1:
			story = "some are reset"
			for _, n := range net.nodes {
				if r.Uint64()%4 == 0 {
					n.Reset()
				}
			}
		case 2:
			story = "split and merge"
			var half []int
			for i := range net.nodes {
				if r.Uint64()%2 == 0 {
					half = append(half, i+1)
				}
			}
			net.Split(half)
			net.Run(4 * time.Minute)
			net.Heal()
		case 3:
			story = "some die"
			for _, n := range net.nodes {
				if r.Uint64()%6 == 0 {
					n.Kill()
					if !shape.connectedWithout(net) {
						n.Boot()
					}
				}
			}
		case 4:
			story = "some move"
			for _, n := range net.nodes {
				if r.Uint64()%6 == 0 {
					old, to := n.Position(), net.nodes[r.Uint64()%uint64(len(net.nodes))].Position()
					n.Move(mesh.Position{X: to.X + 1, Y: to.Y + 1})
					if !shape.connectedWithout(net) {
						n.Move(old)
					}
				}
			}
		}
		story = fmt.Sprintf("%s, round %d: %s", what, round+1, story)
		net.Run(toNotice)
		whole(t, net, &o, story, toRecover)
		if t.Failed() {
			return
		}
		pings(t, net, r, story)
	}
	return frames, h.Sum64()
}

// connectedWithout reports whether the nodes that are on are still a sound topology.
func (t *topology) connectedWithout(net *Network) bool {
	left := topology{config: t.config}
	for _, n := range net.nodes {
		if n.On() {
			left.at = append(left.at, n.Position())
			left.kinds = append(left.kinds, n.Kind())
		}
	}
	if len(left.at) == 0 {
		return false
	}
	return left.sound(net.World.Seed())
}

func whole(t *testing.T, net *Network, o *oracle, what string, limit time.Duration) {
	t.Helper()
	start := net.World.Now()
	ok := net.RunUntil(func() bool { o.look(net); return net.Whole() }, limit)
	sizes, detached := net.Partitions()
	routers, leaders := net.Routers()
	if !ok {
		t.Errorf("%s: after %v there are partitions %v with %d routers, %d leaders, and %d detached", what, net.World.Now().Sub(start), sizes, routers, leaders, detached)
		for _, n := range net.nodes {
			if n.On() && !n.Attached() {
				t.Logf("%s (%v) is %v", n.Name(), n.Kind(), n.Role())
			}
		}
	}
	if routers > 32*max(1, len(sizes)) {
		t.Errorf("%s: %d routers", what, routers)
	}
}

// pings lets pairs ping each other: all of a small network, 40 of a large one. The radio may lose
// some: each has six tries, and time between them for the delay after an address query that nobody answered (15 s, doubled).
func pings(t *testing.T, net *Network, r machine.Rand, what string) {
	t.Helper()
	net.Run(30 * time.Second) // routes spread with the next advertisements
	var on []*Node
	for _, n := range net.nodes {
		if n.On() {
			on = append(on, n)
		}
	}
	pairs := len(on) * (len(on) - 1)
	for k := range min(pairs, 40) {
		a, b := k/(len(on)-1), k%(len(on)-1)
		if pairs > 40 {
			a, b = int(r.Uint64()%uint64(len(on))), int(r.Uint64()%uint64(len(on)-1))
		}
		if b >= a {
			b++
		}
		ok := false
		for try := 0; try < 6 && !ok; try++ {
			if !on[a].On() || !on[b].On() {
				break
			}
			p := on[a].PingWith(thread.PingConfig{Dst: on[b].EID(), Size: 8 + int(r.Uint64()%200), Timeout: 5 * time.Second})
			if ok = p.Received > 0; !ok {
				net.Run(time.Duration(try+1) * 16 * time.Second)
			}
		}
		if !ok {
			t.Errorf("%s: %s (%v %v) does not reach %s (%v %v)", what, on[a].Name(), on[a].Kind(), on[a].Role(), on[b].Name(), on[b].Kind(), on[b].Role())
		}
	}
}

// oracle watches that no frame counter goes back, or is used for two frames: those on the air by key index, and MLE's in
// the nodes.
type oracle struct {
	t    *testing.T
	last map[counterOf]uint32
	used map[counterOf]map[uint32]uint64 // hash of the frame
	mle  map[int]uint32
	told bool
}

type counterOf struct {
	node int
	key  uint8
	ack  bool
}

func (o *oracle) frame(from *mesh.Node, psdu []byte) {
	var f ieee802154.Frame
	if f.Parse(psdu) != nil || !f.Secured() || f.Security.Mode != ieee802154.KeyIDMode1 || o.told {
		return
	}
	k, c := counterOf{from.Number(), f.Security.KeyIndex, f.Type == ieee802154.Ack}, f.Security.Counter
	// An indirect frame is sent again with its old counter, even if "more is coming" has become true meanwhile, as OpenThread
	// does: so that its receiver knows it again.
	h := fnv.New64a()
	h.Write(f.Payload)
	both := k
	both.ack = false // acknowledgements take their counters from the same number
	if o.used[both] == nil {
		o.used[both] = map[uint32]uint64{}
	}
	if old, ok := o.used[both][c]; ok {
		if old != h.Sum64() {
			o.t.Errorf("%s sends two frames with counter %d", from.Name(), c)
			o.told = true
		}
		return // sent again, as it was
	}
	o.used[both][c] = h.Sum64()
	if last, ok := o.last[k]; ok && c <= last {
		o.t.Errorf("%s sends frame counter %d after %d", from.Name(), c, last)
		o.told = true
	}
	o.last[k] = c
}

func (o *oracle) look(net *Network) {
	if o.mle == nil {
		o.mle = map[int]uint32{}
	}
	for _, n := range net.nodes {
		if n.thread == nil {
			continue
		}
		c := n.thread.Keys().Counters().MLE
		if c < o.mle[n.Number()] {
			o.t.Errorf("%s: the MLE counter went back from %d to %d", n.Name(), o.mle[n.Number()], c)
		}
		o.mle[n.Number()] = c
	}
}
