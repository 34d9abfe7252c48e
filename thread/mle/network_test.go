package mle_test

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
)

// town is a network on the simulated radio, with all layers.
type town struct {
	*network.Network
	t    *testing.T
	info meshcop.Info
}

func newTown(t *testing.T, seed uint64) *town {
	return &town{Network: network.New(seed, mesh.Config{}), t: t}
}

func mode(s string) (m mle.Mode) {
	for _, c := range s {
		m |= map[rune]mle.Mode{'r': neighbor.ModeRxOnWhenIdle, 'd': neighbor.ModeFTD, 'n': neighbor.ModeFullNetworkData}[c]
	}
	return m
}

// move adds a node of a mode and starts it with the network's dataset.
func (w *town) move(m string, before ...func(*network.Node)) *network.Node {
	w.t.Helper()
	n := w.Add(network.NodeConfig{MTD: !mode(m).FTD()})
	for _, f := range before {
		f(n)
	}
	if w.info.Has == 0 {
		w.info = n.Thread().Datasets().NewNetwork()
	}
	n.Input(func(now machine.Time, x *thread.Node) {
		set, err := w.info.Dataset()
		x.Do(now, 0, func() {
			if err == nil {
				err = x.Datasets().SetActive(now, set)
			}
			if err == nil {
				err = x.MLE().SetMode(now, mode(m))
			}
		})
		if err == nil && !mode(m).RxOn() {
			x.Do(now, 0, func() { x.MAC().SetExternalPollPeriod(now, 500*time.Millisecond) })
		}
		if err == nil {
			err = x.Up(now, 0)
		}
		if err == nil {
			err = x.Start(now, 0)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	})
	return n
}

// again starts a node after a reset, with what it kept.
func (w *town) again(n *network.Node) {
	n.Input(func(now machine.Time, x *thread.Node) {
		if !x.IsUp() {
			x.Up(now, 0)
		}
		if !x.MLE().Mode().RxOn() {
			x.Do(now, 0, func() { x.MAC().SetExternalPollPeriod(now, 500*time.Millisecond) })
		}
		if x.MLE().Role() == mle.Disabled {
			x.Start(now, 0)
		}
	})
}

func (w *town) until(d time.Duration, what string, ok func() bool) {
	w.t.Helper()
	if !w.RunUntil(ok, d) {
		w.t.Fatalf("after %v not: %s", d, what)
	}
}

func role(n *network.Node) mle.Role   { return n.Thread().MLE().Role() }
func eid(n *network.Node) ip6.Address { return n.Thread().MLE().MeshLocalEID() }

func (w *town) ping(from, to *network.Node) {
	w.t.Helper()
	if p := from.PingWith(thread.PingConfig{Dst: eid(to), Size: 50, Timeout: 10 * time.Second}); p.Received != 1 {
		w.t.Errorf("%s (%v) pings %s (%v): %+v", from.Name(), role(from), to.Name(), role(to), p)
	}
}

// End devices of all kinds attach over the whole stack, are reached, and are back at once after a reset of theirs or of
// their parent.
func TestEndDevicesOnAir(t *testing.T) {
	for _, m := range []string{"rn", "n", "-", "r"} {
		t.Run(m, func(t *testing.T) {
			w := newTown(t, 3)
			a := w.move("rdn")
			w.until(20*time.Second, "a leader", func() bool { return role(a) == mle.Leader })
			c := w.move(m)
			w.until(20*time.Second, "a child", func() bool { return role(c) == mle.Child })
			w.ping(c, a)
			w.ping(a, c)
			rloc16 := c.Thread().MLE().RLOC16()
			w.Run(20 * time.Second)
			c.Reset()
			w.again(c)
			w.until(5*time.Second, "a child again", func() bool { return role(c) == mle.Child })
			if got := c.Thread().MLE().RLOC16(); got != rloc16 {
				t.Errorf("%04x became %04x", rloc16, got)
			}
			w.ping(a, c)
			w.ping(c, a)
			a.Reset()
			w.again(a)
			w.until(45*time.Second, "leader again", func() bool { return role(a) == mle.Leader })
			w.Run(20 * time.Second)
			w.until(60*time.Second, "child", func() bool { return role(c) == mle.Child })
			w.ping(a, c)
			w.ping(c, a)
			before := c.Thread().MLE().Counters(w.World.Now()).AttachAttempts
			w.Run(15 * time.Minute)
			if got := c.Thread().MLE().Counters(w.World.Now()).AttachAttempts; got != before || role(c) != mle.Child {
				t.Errorf("%v, %d attempts", role(c), got-before)
			}
			w.ping(a, c)
		})
	}
}

// A child whose parent dies finds another one and is reached there.
func TestParentDies(t *testing.T) {
	for _, m := range []string{"rn", "-"} {
		w := newTown(t, 4)
		a := w.move("rdn")
		w.until(20*time.Second, "a leader", func() bool { return role(a) == mle.Leader })
		b := w.move("rdn")
		w.until(3*time.Minute, "a router", func() bool { return role(b) == mle.Router })
		c := w.move(m, func(c *network.Node) { w.SetLink(a.Number(), c.Number(), mesh.Link{Off: true}) })
		w.until(20*time.Second, "a child", func() bool { return role(c) == mle.Child })
		w.ping(a, c)
		w.SetLink(a.Number(), c.Number(), mesh.Link{})
		b.Kill()
		w.until(6*time.Minute, "detached", func() bool { return role(c) != mle.Child })
		w.until(time.Minute, "a child again", func() bool { return role(c) == mle.Child })
		w.ping(a, c)
	}
}
