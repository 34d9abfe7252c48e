package dataset

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"heddle.example/internal/simulate"
	"heddle.example/internal/topology"
	"heddle.example/thread/meshcop"
)

func TestNetwork(t *testing.T) {
	groups, err := simulate.Groups(3, "router", "disc 5", 0, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	w, err := topology.New(topology.Options{Speed: 200, Scenario: &simulate.Scenario{Seed: 4, For: simulate.Time(24 * time.Hour), Nodes: groups}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	go w.Run(ctx)
	one, two := New(w.Seat(1)), New(w.Seat(2))
	await := func(s *Service, what string, done func(st *Status) bool) *Status {
		t.Helper()
		for {
			st, err := s.Status(ctx, true)
			if err == nil && done(st) {
				return st
			}
			if ctx.Err() != nil {
				t.Fatal("it does not come to: ", what)
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	st := await(two, "two attached", func(st *Status) bool { return st.Attached })
	if st.Active.NetworkKey == "" || st.Active.TLVs == "" {
		t.Errorf("no keys for who asks: %+v", st.Active)
	}
	if plain, _ := two.Status(ctx, false); plain.Active.NetworkKey+plain.Active.PSKc+plain.Active.TLVs != "" {
		t.Error("keys for who does not ask")
	}
	await(one, "one attached", func(st *Status) bool { return st.Attached })
	// All nodes take another channel and name at the same instant.
	if err := one.Set(ctx, Change{Dataset: Dataset{Name: "upstairs", Channel: 21}, After: 60_000}); err != nil {
		t.Fatal(err)
	}
	p := await(two, "the pending dataset at the other node", func(st *Status) bool { return st.Pending != nil })
	if p.Pending.Name != "upstairs" || p.Pending.Delay == 0 || p.Pending.Delay > 60_000 || p.Pending.NetworkKey != st.Active.NetworkKey {
		t.Errorf("%+v", p.Pending)
	}
	p = await(two, "the change", func(st *Status) bool { return st.Active.Name == "upstairs" && st.Pending == nil })
	if p.Active.Channel != 21 || p.Active.Timestamp != st.Active.Timestamp+1 {
		t.Errorf("%+v", p.Active)
	}
	// A new network, with Thread stopped.
	if err := one.Run(ctx, false); err != nil {
		t.Fatal(err)
	}
	d, err := one.Draw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Set(ctx, Change{Dataset: *d}); err != nil {
		t.Fatal(err)
	}
	if now, _ := one.Status(ctx, true); now.Active.NetworkKey != d.NetworkKey || now.Up {
		t.Errorf("%+v", now)
	}
	again, err := one.Look(Parse{TLVs: d.TLVs})
	a, _ := json.Marshal(d)
	b, _ := json.Marshal(again)
	if err != nil || string(a) != string(b) {
		t.Errorf("%s\n%s %v", a, b, err)
	}
	if err := one.Run(ctx, true); err != nil {
		t.Fatal(err)
	}
	await(one, "a leader again", func(st *Status) bool { return st.Role == "leader" })
	for _, bad := range []Dataset{{Channel: 27}, {PANID: "0xffff"}, {NetworkKey: "00"}, {MeshLocal: "2001:db8::/64"}, {TLVs: "zz"}, {TLVs: "0e0800"}, {Name: "much too long for it"}} {
		if err := one.Set(ctx, Change{Dataset: bad}); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// What a page's policy has no word for stays as the network has it.
func TestPolicyKeeps(t *testing.T) {
	var d meshcop.Dataset
	was := meshcop.Info{Has: meshcop.HasSecurityPolicy, SecurityPolicy: meshcop.SecurityPolicy{RotationHours: 672, ObtainNetworkKey: true, RoutingVersionThreshold: 3}}
	if err := was.Write(&d); err != nil {
		t.Fatal(err)
	}
	if err := (&Dataset{Policy: &Policy{Rotation: 100, Flags: "rR"}}).write(&d); err != nil {
		t.Fatal(err)
	}
	want := meshcop.SecurityPolicy{RotationHours: 100, Routers: true, NonCCMRouters: true, RoutingVersionThreshold: 3}
	if now := d.Info(); now.SecurityPolicy != want {
		t.Errorf("%+v", now.SecurityPolicy)
	}
}

func FuzzTLVs(f *testing.F) {
	f.Add("0e080000000000010000000300000f")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseTLVs(text)
		if err != nil {
			return
		}
		s := fromTLVs(&d, true)
		if s.TLVs == "" || strings.ContainsAny(s.Name, "\x00\n") {
			t.Errorf("%+v", s)
		}
	})
}
