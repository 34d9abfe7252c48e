package store

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"heddle.example/machine"
)

// images collects what the disk could hold if the power went at some instant: the files as they were at the last fsync,
// with any of the sectors that the writer's steps have written since then, and not the others.
type images struct {
	t      *testing.T
	rng    *rand.Rand
	dir    string
	before map[string][]byte
	// The step before was not followed by an fsync.
	loose    bool
	checked  int
	unsynced int // of these, images without something that was never fsynced
	progress func() (acked, offered int)
}

const sector = 512

func (m *images) files() map[string][]byte {
	f := map[string][]byte{}
	for _, name := range []string{fileName, fileName + "-wal"} {
		b, err := os.ReadFile(filepath.Join(m.dir, name))
		if err != nil && !os.IsNotExist(err) {
			m.t.Error(err)
		}
		f[name] = b
	}
	return f
}

// step is called by the writer before each of its transactions and checkpoints.
func (m *images) step() error {
	switch {
	case m.before == nil:
		m.before = m.files()
	case m.loose:
		acked, offered := m.progress()
		after := m.files()
		for range 3 {
			m.check(m.mix(after), acked, offered)
		}
		m.unsynced += 3
	}
	m.loose = true
	return nil
}

// synced is called by the writer when all that it has written is on disk. A crash may have come before that.
func (m *images) synced() {
	after := m.files()
	acked, offered := m.progress()
	for range 2 {
		m.check(m.mix(after), acked, offered)
	}
	m.before, m.loose = after, false
}

// mix writes an image to a new directory.
func (m *images) mix(after map[string][]byte) string {
	dir := m.t.TempDir()
	kind := m.rng.IntN(3)
	for name, now := range after {
		was := m.before[name]
		image := bytes.Clone(now)
		cut := m.rng.IntN(len(now) + 1)
		for at := 0; at < len(now); at += sector {
			end := min(at+sector, len(now))
			lost := false
			switch kind {
			case 0:
				lost = m.rng.IntN(2) == 0 // any sectors
			case 1:
				lost = at >= cut // a suffix
			case 2:
				lost = true // all of it
			}
			if !lost {
				continue
			}
			clear(image[at:end]) // the file had grown, but the data had not come
			if at < len(was) {
				copy(image[at:end], was[at:])
			}
		}
		if kind == 1 && len(was) < len(now) {
			image = image[:max(len(was), cut)]
		}
		if err := os.WriteFile(filepath.Join(dir, name), image, 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	return dir
}

// check opens an image: all commits up to acked must be there, none beyond offered, none in part, and no gap.
func (m *images) check(dir string, acked, offered int) {
	m.checked++
	s, err := Open(dir, Options{Points: testPoints(), foldAfter: time.Hour})
	if err != nil {
		m.t.Errorf("image after %d promises: %v", acked, err)
		return
	}
	defer s.Close()
	n := seen(m.t, s)
	if n < acked || n > offered {
		m.t.Errorf("image holds %d commits; %d were promised, %d offered", n, acked, offered)
	}
}

// commitN is the n-th Append of these tests: it moves a counter, writes a key of its own, overwrites and deletes.
func commitN(n int) []machine.Record {
	r := []machine.Record{
		rec("t", "counter", strconv.Itoa(n)),
		rec("t", fmt.Sprintf("own %08d", n), strings.Repeat("x", n%700)),
		rec("t", fmt.Sprintf("shared %d", n%7), strconv.Itoa(n)),
		point("owner", n%3, int64(n)),
	}
	if n%10 == 0 {
		r = append(r, noPoints("gone"))
	}
	r = append(r, point("gone", 0, int64(n)))
	if n > 20 {
		r = append(r, del("t", fmt.Sprintf("own %08d", n-20)))
	}
	return r
}

// seen returns how many commits a store holds, and checks that it is exactly their outcome.
func seen(t testing.TB, s Store) int {
	t.Helper()
	got := map[string]string{}
	if err := s.Load("t", func(k, v []byte) error { got[string(k)] = string(v); return nil }); err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(got["counter"])
	want := map[string]string{}
	for i := max(1, n-40); i <= n; i++ {
		for _, r := range commitN(i) {
			if r.Table != "t" {
				continue
			}
			if want[string(r.Key)] = string(r.Value); r.Value == nil {
				delete(want, string(r.Key))
			}
		}
	}
	for k := range want { // those of before the window are gone
		if strings.HasPrefix(k, "own ") && k <= fmt.Sprintf("own %08d", n-20) {
			delete(want, k)
		}
	}
	var left []int64
	for i := max(1, n-n%10); i <= n; i++ {
		left = append(left, int64(i))
	}
	if points := pointsOf(t, s, "gone", 0); !slices.Equal(points, left) {
		t.Errorf("after %d commits: points %v, want %v", n, points, left)
	}
	for name := range 3 {
		var list []int64
		for i := int64(1); i <= int64(n); i++ {
			if int(i%3) == name {
				list = append(list, i)
			}
		}
		if points := pointsOf(t, s, "owner", name); !slices.Equal(points, list) {
			t.Errorf("after %d commits: series %d has %d points, want %d: %v", n, name, len(points), len(list), points)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after %d commits: %d records, want %d", n, len(got), len(want))
	}
	return n
}

func TestPowerLoss(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	m := &images{t: t, rng: rand.New(rand.NewPCG(seed, 1)), dir: t.TempDir()}
	var mu sync.Mutex
	acked, offered := 0, 0
	folds := uint64(0)
	m.progress = func() (int, int) {
		mu.Lock()
		defer mu.Unlock()
		return acked, offered
	}
	// The first step is the first commit: the making of the database is before it.
	s := open(t, m.dir, Options{Points: testPoints(), window: -1, foldBytes: 2000, fault: m.step, synced: m.synced})
	for n := 1; n <= 120; n++ {
		mu.Lock()
		offered = n
		mu.Unlock()
		s.Append(commitN(n), func(err error) {
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			acked = n
			mu.Unlock()
		})
		if n%5 != 0 { // most commits are alone, some have company
			s.Flush()
		}
		if n%40 == 0 {
			s.Flush()
			folds += s.Stats().Folds
			s.Close()
			m.before, m.loose = nil, false
			s = open(t, m.dir, Options{Points: testPoints(), window: -1, foldBytes: 2000, fault: m.step, synced: m.synced})
		}
	}
	t.Logf("%d images, %d of them before an fsync that the writer left out, %d folds", m.checked, m.unsynced, folds)
	if m.checked < 100 || m.unsynced < 20 || folds < 3 {
		t.Errorf("only %d images, %d without an fsync, and %d folds", m.checked, m.unsynced, folds)
	}
}

const childVariable = "HEDDLE_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// child appends until it is killed, and says what was promised.
func child(dir string) {
	s, err := Open(dir, Options{Points: testPoints(), foldBytes: 20_000})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	n := 0
	if err := s.Load("t", func(k, v []byte) error {
		if string(k) == "counter" {
			n, err = strconv.Atoi(string(v))
		}
		return err
	}); err != nil {
		fmt.Println("error", err)
		return
	}
	room := make(chan struct{}, 50)
	for n++; ; n++ {
		room <- struct{}{}
		number := n
		s.Append(commitN(n), func(err error) {
			if err != nil {
				fmt.Println("error", err)
			}
			fmt.Println(number)
			<-room
		})
	}
}

func TestKill9(t *testing.T) {
	dir := t.TempDir()
	last := 0
	for round := range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acked := 0
		kill := time.AfterFunc(time.Duration(100+rand.IntN(200))*time.Millisecond, func() { cmd.Process.Kill() })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Fatal(lines.Text())
			}
			acked, _ = strconv.Atoi(lines.Text())
		}
		kill.Stop()
		cmd.Wait()
		s, err := Open(dir, Options{Points: testPoints(), foldAfter: time.Hour})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		n := seen(t, s)
		if n < acked || n > max(acked, last)+50 {
			t.Errorf("round %d: %d commits, %d were promised", round, n, acked)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		last = n
	}
	if last < 100 {
		t.Errorf("only %d commits in all rounds", last)
	}
}
