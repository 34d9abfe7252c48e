package offers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"pgregory.net/rapid"
)

// The leader's store against a model: what nodes offer, as a set of lines.
func TestLeaderAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newBench("leader", 0x0c00)
		l.quiet = true
		model := map[uint16][]string{} // by locator
		rlocs := []uint16{0x0c00, 0x1400, 0x1401, 0x1402, 0xb800}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			r := rapid.SampledFrom(rlocs).Draw(t, "node")
			before := slices.Clone(l.Data())
			v, sv := l.version, l.stable
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				l.RemoveRouter(l.now, r)
				for x := range model {
					if x>>10 == r>>10 {
						delete(model, x)
					}
				}
			case 1:
				l.run(rapid.SampledFrom([]time.Duration{1e9, 299e9, 301e9}).Draw(t, "time"))
			default:
				n := newBench("router", r)
				n.quiet = true
				offer(t, n)
				n.local.SetRLOC(r)
				full := l.full
				l.request("a/sd", r, append([]byte{threadNetworkTLV, byte(len(n.Local()))}, n.Local()...))
				if l.full != full { // what did not fit is not in the model: begin again
					l.Reset(l.now)
					clear(model)
					continue
				}
				model[r] = lines(n.Local(), false)
			}
			var want []string
			for _, x := range slices.Sorted(maps.Keys(model)) {
				want = append(want, model[x]...)
			}
			slices.Sort(want)
			if got := lines(l.Data(), false); !slices.Equal(got, want) {
				t.Fatalf("data\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if len(l.Data()) > netdata.MaxSize {
				t.Fatal(len(l.Data()))
			}
			checkShape(t, l.Data())
			if !slices.Equal(lines(before, true), lines(l.Data(), true)) != (v != l.version || sv != l.stable) {
				t.Fatalf("versions %d/%d -> %d/%d, data %x -> %x", v, sv, l.version, l.stable, before, []byte(l.Data()))
			}
			l.run(0)
			if l.Deadline() <= l.now {
				t.Fatal("the deadline does not pass")
			}
		}
	})
}

// offer lets a node offer some of few things.
func offer(t *rapid.T, n *bench) {
	for range rapid.IntRange(0, 4).Draw(t, "offers") {
		p := ip6.MustParsePrefix(rapid.SampledFrom([]string{"fd01::/64", "fd02::/64", "fd03::/48", "64:ff9b::/96", "::/0", "2001:db8::/63"}).Draw(t, "prefix"))
		stable := rapid.Bool().Draw(t, "stable")
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			if p.Bits > 0 {
				_ = n.AddOnMeshPrefix(n.now, netdata.OnMeshPrefix{Prefix: p, OnMesh: true, Stable: stable, Preference: int8(rapid.IntRange(-1, 1).Draw(t, "preference"))})
			}
		case 1:
			_ = n.AddExternalRoute(n.now, netdata.ExternalRoute{Prefix: p, Stable: stable, NAT64: p.Bits == 96})
		case 2:
			_ = n.AddService(n.now, rapid.SampledFrom([]uint32{netdata.ThreadEnterprise, 7}).Draw(t, "enterprise"), []byte{byte(rapid.IntRange(1, 3).Draw(t, "service"))}, stable,
				make([]byte, rapid.IntRange(0, 3).Draw(t, "server")))
		}
	}
}

// lines is the data as a sorted set of lines, without what the leader adds, or with it.
func lines(d netdata.Data, all bool) (list []string) {
	for _, l := range strings.Split(strings.TrimSpace(dump(d)), "\n") {
		if strings.HasPrefix(l, "context") && !all || l == "" {
			continue
		}
		if f := strings.Fields(l); f[0] == "service" && !all {
			f[1] = "id"
			l = strings.Join(f, " ")
		}
		list = append(list, l)
	}
	slices.Sort(list)
	return list
}

// checkShape checks that all lengths and stable flags fit, and that numbers are given out once.
func checkShape(t *rapid.T, d netdata.Data) {
	ids, contexts := map[uint8]bool{}, map[uint8]bool{}
	for i := 0; i < len(d); {
		x, ok := netdata.ReadItem(d, i, len(d))
		if !ok {
			t.Fatalf("%x breaks off at %d", []byte(d), i)
		}
		i = x.End
		f, ok := x.Fixed(d)
		if !ok {
			continue
		}
		stable, some := false, false
		for j := f.Sub; j < f.End; {
			s, ok := netdata.ReadItem(d, j, f.End)
			if !ok || s.Size() == 2 {
				t.Fatalf("%x: sub-TLV at %d", []byte(d), j)
			}
			j, stable, some = s.End, stable || s.Stable, true
			if s.Kind == netdata.KindContext {
				id := d[s.At+2] & 15
				if contexts[id] || id == 0 {
					t.Fatalf("context %d twice", id)
				}
				contexts[id] = true
			}
		}
		if stable != x.Stable || !some {
			t.Fatalf("%x: stable flag at %d, or nothing in it", []byte(d), x.At)
		}
		if f.Kind == netdata.KindService {
			if id := f.ServiceID(d); ids[id] {
				t.Fatal(fmt.Sprint("service id twice: ", id))
			} else {
				ids[id] = true
			}
		}
	}
}
