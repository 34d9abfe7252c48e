package commissioning

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"heddle.example/internal/simulate"
	"heddle.example/internal/topology"
	"heddle.example/machine"
	"heddle.example/thread"
)

// newWorld has a node that leads a network, and one that knows nothing of it.
func newWorld(t *testing.T) (*topology.World, context.Context) {
	t.Helper()
	groups, err := simulate.Groups(2, "router", "disc 5", 0, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	w, err := topology.New(topology.Options{Speed: 100, Scenario: &simulate.Scenario{Seed: 4, For: simulate.Time(24 * time.Hour), Nodes: groups}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	go w.Run(ctx)
	t.Cleanup(cancel)
	return w, ctx
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come to: " + what)
		}
	}
}

func TestCommissioning(t *testing.T) {
	w, ctx := newWorld(t)
	s := New(w.Seat(1))
	typed := func(id int, lines ...string) (last string) {
		t.Helper()
		for _, line := range lines {
			said, err := w.Type(ctx, id, line)
			if err != nil {
				t.Fatal(err)
			}
			last = strings.Join(append(said.Output, said.Last), " ")
		}
		return last
	}
	typed(2, "factoryreset")
	await(t, "a leader", func() bool { st, _ := s.Status(ctx); return st != nil && st.Role == "leader" })
	if err := s.Add(ctx, Add{ID: "*", PSKd: "J01NME"}); err != ErrActive {
		t.Errorf("a joiner before the commissioner: %v", err)
	}
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	await(t, "an active commissioner", func() bool { st, _ := s.Status(ctx); return st.State == "active" })
	eui64 := strings.Fields(typed(2, "eui64"))[0]
	for _, bad := range []Add{{ID: "12", PSKd: "J01NME"}, {ID: "*", PSKd: "short"}, {QR: "hello"}, {ID: "1/65", PSKd: "J01NME"}} {
		if s.Add(ctx, bad) == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if err := s.Add(ctx, Add{QR: QRText(eui64, "J01NME"), Timeout: 3600}); err != nil {
		t.Fatal(err)
	}
	if st, _ := s.Status(ctx); len(st.Joiners) != 1 || st.Joiners[0].ID != eui64 || st.Joiners[0].Left < 3000 {
		t.Errorf("%+v", st.Joiners)
	}
	// The wrong password first: the page says so.
	typed(2, "ifconfig up", "joiner start WR0NGPSKD")
	await(t, "a failed attempt", func() bool {
		st, _ := s.Status(ctx)
		return len(st.Attempts) > 0 && st.Attempts[0].State == "failed"
	})
	if st, _ := s.Status(ctx); !strings.Contains(st.Attempts[0].Why, "PSKd") || st.Attempts[0].Joiner != eui64 {
		t.Errorf("%+v", st.Attempts[0])
	}
	await(t, "the joiner gives up", func() bool { return typed(2, "joiner state") == "Idle Done" })
	typed(2, "joiner start J01NME")
	await(t, "it joined", func() bool { st, _ := s.Status(ctx); return st.Attempts[0].State == "joined" })
	// The commissioner is done first: then the joiner router hands over the network's keys.
	await(t, "it has the network's dataset", func() bool { return strings.HasSuffix(typed(2, "dataset active"), "Done") })
	await(t, "the joiner is done", func() bool { return typed(2, "joiner state") == "Idle Done" })
	if said := typed(2, "thread start"); said != "Done" {
		t.Fatal(said)
	}
	await(t, "it is attached", func() bool {
		attached := false
		_ = w.Seat(2).Do(ctx, func(_ machine.Time, n *thread.Node) error { attached = n.MLE().Role().Attached(); return nil })
		return attached
	})
	if err := s.Remove(ctx, "00:11:22:33:44:55:66:77"); err != ErrUnknown {
		t.Errorf("%v", err)
	}
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	await(t, "a disabled commissioner", func() bool { st, _ := s.Status(ctx); return st.State == "disabled" })
}

func FuzzQR(f *testing.F) {
	f.Add("v=1&&eui=18b4300000000005&&cc=J01NME")
	f.Fuzz(func(t *testing.T, text string) {
		a := Add{QR: text}
		if e, err := a.entry(); err == nil && e.Kind == 1 {
			again := Add{QR: QRText(hex.EncodeToString(e.EUI64[:]), e.Password)}
			if b, err := again.entry(); err != nil || b != e {
				t.Errorf("%+v is %+v again: %v", e, b, err)
			}
		}
	})
}

func TestPSKd(t *testing.T) {
	for range 100 {
		if (&Add{ID: "*", PSKd: NewPSKd()}).fits() != nil {
			t.Fatal("a drawn PSKd is refused")
		}
	}
}

func (a *Add) fits() error { _, err := a.entry(); return err }
