package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"heddle.example/machine"
)

// tens writes points of 8 bytes, ten to a block. A record is names and points: 1 byte, 8 bytes.
type tens struct{}

func (tens) Split(record []byte, each func(name, point []byte)) error {
	for ; len(record) >= 9; record = record[9:] {
		each(record[:1], record[1:9])
	}
	if len(record) > 0 {
		return errors.New("malformed")
	}
	return nil
}

func (tens) Pack(last Block, points [][]byte) (list []Block) {
	b := last
	b.Data = slices.Clone(b.Data)
	for _, p := range points {
		if b.Points == 10 {
			list = append(list, b)
			b = Block{}
		}
		at := int64(binary.BigEndian.Uint64(p))
		if b.Points == 0 {
			b.First, b.Last = at, at
		}
		b.First, b.Last = min(b.First, at), max(b.Last, at)
		b.Points++
		b.Data = append(b.Data, p...)
	}
	if b.Points > 0 {
		list = append(list, b)
	}
	return list
}

func testPoints() *Points {
	return &Points{Table: "points", Packer: tens{}, PerSeries: 1 << 30}
}

func point(owner string, name int, at int64) machine.Record {
	return machine.Record{Table: "points", Key: []byte(owner), Value: binary.BigEndian.AppendUint64([]byte{byte(name)}, uint64(at))}
}

func noPoints(owner string) machine.Record {
	return machine.Record{Table: "points", Key: []byte(owner)}
}

func pointsOf(t testing.TB, s Store, owner string, name int) (list []int64) {
	t.Helper()
	return pointsIn(t, s, owner, name, -1<<62, 1<<62)
}

func pointsIn(t testing.TB, s Store, owner string, name int, from, to int64) (list []int64) {
	t.Helper()
	first := int64(-1 << 63)
	err := s.Blocks([]byte(owner), []byte{byte(name)}, from, to, func(b Block) error {
		if b.First < first || b.Last < b.First || b.Points*8 != len(b.Data) {
			t.Errorf("block %+v after one from %d", b, first)
		}
		first = b.First
		for d := b.Data; len(d) > 0; d = d[8:] {
			list = append(list, int64(binary.BigEndian.Uint64(d)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// waitFolded waits until the journal is empty.
func waitFolded(t testing.TB, s Store) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); s.Stats().Journal > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the journal is not folded")
		}
	}
}

// Points are there at once, after the fold and after a restart, also where a device's clock goes back; states in the same
// commits are not disturbed.
func TestPoints(t *testing.T) {
	for _, kind := range []string{"disk", "memory"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			again := func() Store {
				return open(t, dir, Options{Points: testPoints(), foldAfter: time.Millisecond})
			}
			s := again()
			if kind == "memory" {
				s = MemoryWith(testPoints())
			}
			for n := range 25 {
				mustPut(t, s, point("a", 1, int64(100+n)), rec("t", "k", fmt.Sprint(n)), point("b", 1, int64(n)))
			}
			mustPut(t, s, point("a", 2, 7), point("a", 1, 50))
			check := func(when string) {
				t.Helper()
				if got := pointsOf(t, s, "a", 1); len(got) != 26 || !slices.Contains(got, 50) {
					t.Errorf("%s: %v", when, got)
				}
				if got := pointsIn(t, s, "a", 1, 112, 112); !slices.Contains(got, 112) || len(got) > 20 {
					t.Errorf("%s, from 112 to 112: %v", when, got)
				}
				if got := pointsOf(t, s, "a", 2); !slices.Equal(got, []int64{7}) {
					t.Errorf("%s: %v", when, got)
				}
				if got, err := s.Series([]byte("a")); err != nil || fmt.Sprint(got) != "[[1] [2]]" {
					t.Errorf("%s: series %v, %v", when, got, err)
				}
				if got, _ := s.Series([]byte("")); len(got) != 0 {
					t.Errorf("%s: nobody's series %v", when, got)
				}
				if got := dump(t, s, "t"); got != "k=24 " {
					t.Errorf("%s: %s", when, got)
				}
				if got := dump(t, s, "points"); got != "" {
					t.Errorf("%s: a table of points has states: %s", when, got)
				}
				if got, err := s.Tables(); err != nil || fmt.Sprint(got) != "[t]" {
					t.Errorf("%s: tables %v, %v", when, got, err)
				}
			}
			check("before the fold")
			if kind == "memory" {
				return
			}
			waitFolded(t, s)
			check("folded")
			if n := s.Stats().BlockBytes; n < 8*52 || n > 3000 {
				t.Errorf("blocks take %d bytes", n)
			}
			was := s.Stats().BlockBytes
			s.Close()
			s = again()
			check("after a restart")
			if n := s.Stats().BlockBytes; n != was {
				t.Errorf("after a restart blocks take %d bytes, they took %d", n, was)
			}
		})
	}
}

// The age of a block is the age of its last point's arrival.
func TestPointsGoByAge(t *testing.T) {
	var day atomic.Int64
	p := testPoints()
	p.Days = 10
	p.now = func() time.Time { return time.Unix(day.Load()*86400, 0) }
	dir := t.TempDir()
	for day.Store(100); day.Load() < 130; day.Add(1) {
		s := open(t, dir, Options{Points: p, foldAfter: time.Nanosecond})
		for n := range int64(10) {
			mustPut(t, s, point("a", 1, day.Load()*100+n))
		}
		waitFolded(t, s)
		s.Close()
	}
	s := open(t, dir, Options{Points: p, foldAfter: time.Nanosecond})
	defer s.Close()
	mustPut(t, s, rec("t", "k", "v")) // wakes the writer
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got := pointsOf(t, s, "a", 1)
		if len(got) > 0 && got[0] == 12000 && len(got) == 100 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d points from %d on, want 100 from 12000 on", len(got), got[0])
		}
	}
}

// However much comes, there is room for so much, the newest.
func TestPointsGoForRoom(t *testing.T) {
	var day atomic.Int64
	p := testPoints()
	p.MaxBytes = 20_000
	p.PerSeries = 40
	p.now = func() time.Time { return time.Unix(day.Load()*86400, 0) }
	s := open(t, t.TempDir(), Options{Points: p, foldAfter: time.Nanosecond})
	for n := int64(0); n < 2000; n += 10 {
		day.Store(n / 100)
		var records []machine.Record
		for k := n; k < n+10; k++ {
			records = append(records, point("a", int(k%4), k))
		}
		mustPut(t, s, records...)
		if n%50 == 0 {
			waitFolded(t, s)
		}
	}
	waitFolded(t, s)
	for deadline := time.Now().Add(5 * time.Second); s.Stats().BlockBytes > p.MaxBytes; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("blocks take %d bytes", s.Stats().BlockBytes)
		}
	}
	for name := range 4 {
		got := pointsOf(t, s, "a", name)
		if len(got) < 100 || len(got) > 40*10+80 || got[len(got)-1] < 1990 {
			t.Errorf("series %d: %d points up to %d", name, len(got), got[len(got)-1])
		}
	}
}

// A device cannot have as many series as it likes, and those of others are not touched by it.
func TestPointsOfTooManySeries(t *testing.T) {
	p := testPoints()
	p.PerOwner = 20
	for kind, s := range map[string]Store{"disk": open(t, t.TempDir(), Options{Points: p, foldAfter: time.Nanosecond}), "memory": MemoryWith(p)} {
		for n := range 50 {
			mustPut(t, s, point("many", n, 1), point("few", n%3, int64(n)))
			if n%10 == 9 && kind == "disk" {
				waitFolded(t, s)
			}
		}
		if names, err := s.Series([]byte("many")); err != nil || len(names) != 20 {
			t.Errorf("%s: %d series, %v", kind, len(names), err)
		}
		if got := pointsOf(t, s, "few", 0); len(got) != 17 {
			t.Errorf("%s: few has %d points", kind, len(got))
		}
	}
}

// A directory of format 1 gets its blocks.
func TestFormat1(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	mustPut(t, s, rec("t", "k", "v"))
	ctx := context.Background()
	s.Close()
	old := newDisk(Options{})
	lock, err := lockFile(dir + "/" + lockName)
	if err != nil {
		t.Fatal(err)
	}
	old.lock = lock
	if err := old.open(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := old.conn.ExecContext(ctx, "DROP TABLE blocks; DELETE FROM meta WHERE name = 'blocks'; PRAGMA user_version=1"); err != nil {
		t.Fatal(err)
	}
	old.closeHandles()
	s = open(t, dir, Options{Points: testPoints(), foldAfter: time.Nanosecond})
	mustPut(t, s, point("a", 1, 5))
	waitFolded(t, s)
	if got := pointsOf(t, s, "a", 1); len(got) != 1 || dump(t, s, "t") != "k=v " {
		t.Errorf("%v, %s", got, dump(t, s, "t"))
	}
}

// Whatever the order of commits, folds and restarts, a series has each of its points once.
func TestPointsModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		o := Options{Points: testPoints(), foldAfter: time.Hour, foldBytes: rapid.IntRange(50, 2000).Draw(rt, "fold")}
		s, err := Open(dir, o)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { s.Close() }()
		want := map[[2]int][]int64{}
		n := int64(0)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 1: // all of one owner go; in the same commit some come before that and some after
				owner := rapid.IntRange(0, 2).Draw(rt, "owner")
				n += 2
				if err := put(s, point(fmt.Sprint(owner), 0, n-1), noPoints(fmt.Sprint(owner)), point(fmt.Sprint(owner), 1, n)); err != nil {
					rt.Fatal(err)
				}
				want[[2]int{owner, 0}], want[[2]int{owner, 1}], want[[2]int{owner, 2}] = nil, []int64{n}, nil
			case 0:
				s.Close()
				if s, err = Open(dir, o); err != nil {
					rt.Fatal(err)
				}
			default:
				var records []machine.Record
				for range rapid.IntRange(1, 15).Draw(rt, "points") {
					k := [2]int{rapid.IntRange(0, 2).Draw(rt, "owner"), rapid.IntRange(0, 2).Draw(rt, "name")}
					n++
					records = append(records, point(fmt.Sprint(k[0]), k[1], n))
					want[k] = append(want[k], n)
				}
				if err := put(s, records...); err != nil {
					rt.Fatal(err)
				}
			}
			if rapid.IntRange(0, 3).Draw(rt, "look") > 0 {
				continue
			}
			for k, list := range want {
				if got := pointsOf(t, s, fmt.Sprint(k[0]), k[1]); !slices.Equal(got, list) {
					rt.Fatalf("series %v has %v, want %v", k, got, list)
				}
			}
			for owner := range 3 {
				var names []string
				for name := range 3 {
					if len(want[[2]int{owner, name}]) > 0 {
						names = append(names, fmt.Sprint("[", name, "]"))
					}
				}
				if got, err := s.Series([]byte(fmt.Sprint(owner))); err != nil || fmt.Sprint(got) != fmt.Sprint(names) {
					rt.Fatalf("owner %d has series %v, want %v, %v", owner, got, names, err)
				}
			}
			snap, err := s.Snapshot()
			if err != nil {
				rt.Fatal(err)
			}
			count := 0
			snap.Blocks(func(b StoredBlock) error { count += b.Points; return nil })
			snap.Close()
			for _, list := range want {
				count -= len(list)
			}
			if count != 0 {
				rt.Fatalf("a snapshot has %d points too many", count)
			}
		}
	})
}

// An owner's points go at once, also those in blocks, however many.
func TestPointsAreForgotten(t *testing.T) {
	for kind, s := range map[string]Store{"disk": open(t, t.TempDir(), Options{Points: testPoints(), foldAfter: time.Nanosecond}), "memory": MemoryWith(testPoints())} {
		var many []machine.Record
		for n := range 10_000 {
			many = append(many, point("a", n%4, int64(n)))
		}
		mustPut(t, s, many...)
		mustPut(t, s, point("b", 1, 1))
		if kind == "disk" {
			waitFolded(t, s)
		}
		mustPut(t, s, noPoints("a"))
		if got := pointsOf(t, s, "a", 1); len(got) != 0 {
			t.Errorf("%s: %d points are left", kind, len(got))
		}
		mustPut(t, s, point("a", 2, 5))
		if kind == "disk" {
			waitFolded(t, s)
		}
		if names, err := s.Series([]byte("a")); err != nil || fmt.Sprint(names) != "[[2]]" {
			t.Errorf("%s: %v, %v", kind, names, err)
		}
		if got := pointsOf(t, s, "b", 1); len(got) != 1 {
			t.Errorf("%s: another owner has %d points", kind, len(got))
		}
		if n := s.Stats().BlockBytes; n != 2*(8+blockOverhead) {
			t.Errorf("%s: blocks take %d bytes", kind, n)
		}
	}
}
