package machine

import (
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTimeAdd(t *testing.T) {
	for _, c := range []struct {
		t    Time
		d    time.Duration
		want Time
	}{
		{0, time.Second, 1e9},
		{5, -5, 0},
		{Never, time.Second, Never},
		{Never - 1, time.Hour, Never},
	} {
		if got := c.t.Add(c.d); got != c.want {
			t.Errorf("%d.Add(%v) = %d, want %d", c.t, c.d, got, c.want)
		}
	}
	if got := Time(-1).Unix(); got != -1 {
		t.Errorf("Time(-1).Unix() = %d, want -1", got)
	}
}

// The table of timers against a sorted list: any order of set, move, stop and pop gives the same keys in the same order.
func TestTimersAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type model struct {
			id    TimerID
			at    Time
			order int
			key   int
		}
		var (
			tt    Timers[int]
			live  []model
			order int
		)
		for step := 0; step < 200; step++ {
			order++
			at := Time(rapid.IntRange(0, 40).Draw(t, "at"))
			switch op := rapid.IntRange(0, 3).Draw(t, "op"); {
			case op == 0 || len(live) == 0:
				live = append(live, model{tt.Set(0, at, order), at, order, order})
			case op == 1:
				m := &live[rapid.IntRange(0, len(live)-1).Draw(t, "i")]
				m.at, m.order, m.key = at, order, order
				if id := tt.Set(m.id, at, order); id != m.id {
					t.Fatalf("moving timer %d gave it id %d", m.id, id)
				}
			case op == 2:
				i := rapid.IntRange(0, len(live)-1).Draw(t, "i")
				tt.Stop(live[i].id)
				live = append(live[:i], live[i+1:]...)
			default:
				sort.Slice(live, func(i, j int) bool {
					return live[i].at < live[j].at || live[i].at == live[j].at && live[i].order < live[j].order
				})
				for len(live) > 0 && live[0].at <= at {
					if key, ok := tt.Pop(at); !ok || key != live[0].key {
						t.Fatalf("Pop(%d) = %d, %v; want %d", at, key, ok, live[0].key)
					}
					live = live[1:]
				}
				if key, ok := tt.Pop(at); ok {
					t.Fatalf("Pop(%d) = %d though nothing is due", at, key)
				}
			}
			want := Never
			for _, m := range live {
				want = min(want, m.at)
				if got := tt.At(m.id); got != m.at {
					t.Fatalf("At(%d) = %d, want %d", m.id, got, m.at)
				}
			}
			if got := tt.Deadline(); got != want || tt.Len() != len(live) {
				t.Fatalf("Deadline() = %d, want %d; Len() = %d, want %d", got, want, tt.Len(), len(live))
			}
		}
	})
}

func TestOutboxKeepsSlicesUntilDrained(t *testing.T) {
	outer := NewOutbox(nil)
	inner := NewOutbox(outer.Nest())
	outer.Begin()
	for i := byte(0); i < 100; i++ {
		inner.Begin()
		inner.Push(Action{Kind: Send, Data: inner.Nest().Copy([]byte{i, i, i})})
		a, _ := inner.Next()
		outer.Push(a)
	}
	for i := byte(0); i < 100; i++ {
		a, ok := outer.Next()
		if !ok || a.Data[0] != i || a.Data[2] != i {
			t.Fatalf("action %d: %v %v", i, a.Data, ok)
		}
	}
	if _, ok := outer.Next(); ok || !outer.Empty() {
		t.Fatal("more actions than were pushed")
	}
}

func BenchmarkTimers(b *testing.B) {
	var t Timers[uint32]
	for i := range 10_000 {
		t.Set(0, Time(i*7919%10_000), uint32(i))
	}
	b.ReportAllocs()
	now := Time(0)
	for b.Loop() {
		now = t.Deadline()
		k, _ := t.Pop(now)
		t.Set(0, now+Time(k*31%10_000), k)
	}
}
