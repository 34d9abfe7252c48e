package history

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/history"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/store"
)

const table = server.HistoryTable

var temperature = lwm2m.MustPath("/3303/0/5700")

func newStore(t testing.TB) store.Store {
	t.Helper()
	s, err := store.Open(t.TempDir(), store.Options{Points: &store.Points{Table: table, Packer: Packer{}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func add(t testing.TB, s store.Store, endpoint string, p lwm2m.Path, points ...Point) {
	t.Helper()
	var value []byte
	for _, pt := range points {
		value, _ = history.AppendItem(value, p, pt.At, pt.Value)
	}
	done := make(chan error, 1)
	s.Append([]machine.Record{{Table: table, Key: []byte(endpoint), Value: value}}, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func pt(at int64, v lwm2m.Value) Point { return Point{At: at, Value: v} }

func all(from, to int64, limit int) Query { return Query{From: from, To: to, Limit: limit} }

// pages reads everything, page by page.
func pages(t testing.TB, h *History, endpoint string, p lwm2m.Path, q Query) (list []Point) {
	t.Helper()
	for {
		page, next, err := h.Points(endpoint, p, q)
		if err != nil || len(page) > q.Limit {
			t.Fatalf("%d points, %v", len(page), err)
		}
		list = append(list, page...)
		if q.After = next; next == "" {
			return list
		}
		if len(page) == 0 {
			t.Fatal("an empty page that is not the last")
		}
	}
}

// Whatever the order in which values come, and however they are spread over blocks, they are read by time, each once,
// whatever the size of a page.
func TestPointsByTime(t *testing.T) {
	for kind, s := range map[string]store.Store{"disk": newStore(t), "memory": store.MemoryWith(&store.Points{Table: table, Packer: Packer{}})} {
		t.Run(kind, func(t *testing.T) {
			h := New(s)
			r := rand.New(rand.NewPCG(1, 2))
			var want []Point
			for n := 0; n < 5000; {
				var batch []Point
				for range 1 + r.IntN(40) {
					p := Point{At: int64(n)*10 - int64(r.IntN(3))*int64(r.IntN(2000)), Value: lwm2m.Int(int64(n))}
					if r.IntN(4) == 0 && len(want) > 0 {
						p.At = want[len(want)-1].At // many at one time
					}
					batch, want = append(batch, p), append(want, p)
					n++
				}
				add(t, s, "dev", temperature, batch...)
				add(t, s, "other", temperature, pt(1, lwm2m.Int(-1)))
			}
			slices.SortStableFunc(want, func(a, b Point) int { return int(a.At - b.At) })
			for _, q := range []Query{all(math.MinInt64, math.MaxInt64, 10000), all(math.MinInt64, math.MaxInt64, 7), all(12_345, 33_333, 100), all(40_000, 40_000, 3), all(90_000, 99_999, 5)} {
				got := pages(t, h, "dev", temperature, q)
				var in []Point
				for _, p := range want {
					if p.At >= q.From && p.At <= q.To {
						in = append(in, p)
					}
				}
				if len(got) != len(in) {
					t.Fatalf("%+v: %d points, want %d", q, len(got), len(in))
				}
				seen := map[lwm2m.Value]bool{}
				for i := range got {
					if got[i].At != in[i].At || seen[got[i].Value] {
						t.Fatalf("%+v: point %d is %v, want %v", q, i, got[i], in[i])
					}
					seen[got[i].Value] = true
				}
			}
			if list, err := h.Resources("dev"); err != nil || len(list) != 1 || list[0] != temperature {
				t.Errorf("%v, %v", list, err)
			}
			if err := h.Forget("dev"); err != nil {
				t.Fatal(err)
			}
			if list, err := h.Resources("dev"); err != nil || len(list) != 0 || len(pages(t, h, "dev", temperature, all(math.MinInt64, math.MaxInt64, 10))) != 0 {
				t.Errorf("forgotten, and there is %v, %v", list, err)
			}
			if got := pages(t, h, "other", temperature, all(0, 10, 10_000)); len(got) == 0 {
				t.Error("the other one's values are gone")
			}
		})
	}
}

func TestBuckets(t *testing.T) {
	s := newStore(t)
	h := New(s)
	add(t, s, "dev", temperature, pt(-1, lwm2m.Num(8)), pt(1000, lwm2m.Num(1)), pt(1500, lwm2m.Num(4)), pt(1999, lwm2m.Num(1)),
		pt(2000, lwm2m.Str("off")), pt(5000, lwm2m.Bool(true)), pt(5001, lwm2m.Num(math.NaN())), pt(9000, lwm2m.Num(math.MaxFloat64)), pt(9001, lwm2m.Num(math.MaxFloat64)))
	show := func(q Query, step int64) string {
		var b strings.Builder
		for {
			list, next, err := h.Buckets("dev", temperature, q, step)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range list {
				fmt.Fprintf(&b, "%d:%g..%g/%g*%d ", k.At, k.Min, k.Max, k.Avg, k.Count)
			}
			if q.After = next; next == "" {
				return b.String()
			}
			b.WriteString("| ")
		}
	}
	if got, want := show(all(-5000, 8000, 100), 1000), "-1000:8..8/8*1 1000:1..4/2*3 5000:1..1/1*1 "; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got, want := show(all(-5000, 8000, 1), 1000), "-1000:8..8/8*1 | 1000:1..4/2*3 | 5000:1..1/1*1 "; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if list, _, _ := h.Buckets("dev", temperature, all(9000, 10000, 5), 1000); len(list) != 1 || math.IsInf(list[0].Avg, 0) {
		t.Errorf("%+v", list)
	}
}

func TestCursorOfAStranger(t *testing.T) {
	h := New(newStore(t))
	for _, c := range []string{"x", ".", "1.-1", "zzzzzzzzzzzzzzzzzzzz.0", "1.zzzzzzzzz", "1.1.1"} {
		if _, _, err := h.Points("dev", temperature, Query{After: c, Limit: 1}); !errors.Is(err, ErrCursor) {
			t.Errorf("%q: %v", c, err)
		}
	}
}

// A damaged block loses its own points and nothing else.
func TestPackAfterDamage(t *testing.T) {
	var w []byte
	w, _ = history.AppendItem(nil, temperature, 5, lwm2m.Int(7))
	var points [][]byte
	history.Split(w, func(_, p []byte) { points = append(points, p, []byte{1}) })
	list := Packer{}.Pack(store.Block{First: 1, Last: 2, Points: 3, Data: []byte("damaged")}, points)
	if len(list) != 2 || string(list[0].Data) != "damaged" || list[1].Points != 1 || list[1].First != 5 || list[1].Last != 5 {
		t.Errorf("%+v", list)
	}
}

// BenchmarkPack adds ten values to a block that is half full, as a fold does for each device.
func BenchmarkPack(b *testing.B) {
	var points [][]byte
	for i := range 10 {
		rec, _ := history.AppendItem(nil, temperature, 1_790_000_000_000+int64(i)*60_000, lwm2m.Num(float64(2000+i)/100))
		history.Split(rec, func(_, p []byte) { points = append(points, p) })
	}
	var last store.Block
	for len(last.Data) < 400 {
		last = Packer{}.Pack(last, points)[0]
	}
	b.ReportAllocs()
	for b.Loop() {
		Packer{}.Pack(last, points)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10, "ns/point")
}
