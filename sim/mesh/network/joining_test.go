package network

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/joining"
	"heddle.example/thread/status"
)

// joins is a network whose leader is the commissioner, a router that the joiner hears, and the joiner, which the leader does
// not hear.
type joins struct {
	*Network
	leader, router, joiner *Node
	events                 []string
	done                   []error
	reason                 string // of the latest end
}

func newJoins(t *testing.T, mtd bool) *joins {
	t.Helper()
	w := &joins{Network: New(3, mesh.Config{})}
	w.leader = w.Add(NodeConfig{Position: mesh.Position{}})
	w.leader.Join(Dataset(0))
	w.Run(15 * time.Second)
	w.router = w.Add(NodeConfig{Position: mesh.Position{X: 60}})
	w.router.Join(Dataset(0))
	w.Run(150 * time.Second)
	w.joiner = w.Add(NodeConfig{Position: mesh.Position{X: 120}, MTD: mtd})
	w.leader.OnEvent = func(_ machine.Time, a machine.Action) {
		switch v := a.Value.(type) {
		case *info.CommissionerState:
			w.events = append(w.events, v.State)
		case *info.JoinerEvent:
			w.events = append(w.events, v.Event)
		}
	}
	w.joiner.OnEvent = func(_ machine.Time, a machine.Action) {
		if v, ok := a.Value.(*info.JoinerDone); ok {
			w.done, w.reason = append(w.done, v.Err), v.Reason
		}
	}
	w.leader.Input(func(now machine.Time, n *thread.Node) {
		if err := n.CommissionerStart(now, 0); err != nil {
			t.Fatal(err)
		}
	})
	w.Run(2 * time.Second)
	if s := w.leader.Thread().CommissionerState(); s != joining.Active {
		t.Fatal(s)
	}
	return w
}

func (w *joins) add(t *testing.T, e joining.Entry) {
	t.Helper()
	w.leader.Input(func(now machine.Time, n *thread.Node) {
		if err := n.AddJoiner(now, 0, e, 2*time.Minute); err != nil {
			t.Fatal(err)
		}
	})
	w.Run(5 * time.Second)
}

func (w *joins) join(t *testing.T, password string) error {
	t.Helper()
	w.done = nil
	w.joiner.Input(func(now machine.Time, n *thread.Node) {
		_ = n.Up(now, 0)
		if err := n.JoinerStart(now, 0, joining.JoinerConfig{Password: password}); err != nil {
			t.Fatal(err)
		}
	})
	w.RunUntil(func() bool { return len(w.done) > 0 }, 4*time.Minute)
	if len(w.done) != 1 {
		t.Fatalf("%d ends; %v, commissioner saw %v", len(w.done), w.joiner.Thread().JoinerState(), w.events)
	}
	return w.done[0]
}

func TestJoin(t *testing.T) {
	for name, mtd := range map[string]bool{"full": false, "minimal": true} {
		t.Run(name, func(t *testing.T) {
			w := newJoins(t, mtd)
			if err := w.join(t, "J01NME"); err != status.NotFound {
				t.Fatal("nobody wants it:", err)
			}
			w.add(t, joining.Entry{Kind: joining.ByEUI64, EUI64: w.joiner.Thread().EUI64(), Password: "J01NME"})
			if err := w.join(t, "WR0NGPW"); err != status.Security {
				t.Fatal("wrong password:", err)
			}
			w.Run(time.Minute)
			w.events = nil
			if err := w.join(t, "J01NME"); err != nil {
				t.Fatal(err, w.events)
			}
			w.joiner.Input(func(now machine.Time, n *thread.Node) {
				if err := n.Start(now, 0); err != nil {
					t.Fatal(err)
				}
			})
			if !w.RunUntil(func() bool { return w.joiner.Thread().MLE().Role().Attached() }, time.Minute) {
				t.Fatal("not attached", w.events)
			}
			if p := w.leader.Ping(w.joiner.EID()); p.Received != 1 {
				t.Error("no echo")
			}
			t.Log(w.events)
		})
	}
}

// A join that fails says why.
func TestWhyNot(t *testing.T) {
	w := newJoins(t, false)
	want := func(r joining.Reason) {
		t.Helper()
		if w.reason != r.String() {
			t.Errorf("%q, not %q", w.reason, r)
		}
	}
	_ = w.join(t, "J01NME")
	want(joining.NobodyJoins)
	w.add(t, joining.Entry{Kind: joining.ByEUI64, EUI64: [8]byte{1}, Password: "J01NME"})
	_ = w.join(t, "J01NME")
	want(joining.NotWanted)
	w.add(t, joining.Entry{Kind: joining.Anybody, Password: "J01NME"})
	_ = w.join(t, "WR0NGPW")
	want(joining.WrongPassword)
	w.Run(time.Minute)
	w.leader.Input(func(_ machine.Time, n *thread.Node) { _ = n.SetProvisioningURL("https://elsewhere") })
	w.done = nil
	w.joiner.Input(func(now machine.Time, n *thread.Node) {
		if err := n.JoinerStart(now, 0, joining.JoinerConfig{Password: "J01NME", ProvisioningURL: "https://here"}); err != nil {
			t.Fatal(err)
		}
	})
	w.RunUntil(func() bool { return len(w.done) > 0 }, 2*time.Minute)
	want(joining.Refused)
	w.Run(time.Minute)
	w.leader.Input(func(_ machine.Time, n *thread.Node) { _ = n.SetProvisioningURL("") })
	w.add(t, joining.Entry{Kind: joining.Anybody, Password: "J01NME"})
	w.leader.Kill()
	_ = w.join(t, "J01NME")
	want(joining.NoCommissioner)
	w.router.Kill()
	_ = w.join(t, "J01NME")
	want(joining.NobodyHeard)
}
