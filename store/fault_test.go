package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"heddle.example/machine"
)

var errDisk = errors.New("input/output error")

// After the disk failed once nothing is tried again, not even by Close; what was promised before can be read, then and
// after a restart.
func TestFailureIsFinal(t *testing.T) {
	dir := t.TempDir()
	var broken atomic.Bool
	var asked atomic.Int64
	s := open(t, dir, Options{foldAfter: time.Hour, fault: func() error {
		if broken.Load() {
			asked.Add(1)
			return errDisk
		}
		return nil
	}})
	mustPut(t, s, rec("t", "before", "1"))
	if err := s.Failed(); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	if err := put(s, rec("t", "during", "2")); !errors.Is(err, ErrFailed) {
		t.Fatalf("the failed commit: %v", err)
	}
	broken.Store(false) // a disk that works again is not believed
	for range 3 {
		if err := put(s, rec("t", "after", "3")); !errors.Is(err, ErrFailed) {
			t.Errorf("after the failure: %v", err)
		}
	}
	if err := s.Failed(); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), errDisk.Error()) {
		t.Errorf("Failed: %v", err)
	}
	if st := s.Stats(); st.Commits != 1 || st.Failed == nil || st.Refused != 4 {
		t.Errorf("stats %+v", st)
	}
	if got := dump(t, s, "t"); got != "before=1 " {
		t.Errorf("readable: %s", got)
	}
	wal := filepath.Join(dir, fileName+"-wal")
	was, _ := os.ReadFile(wal)
	if err := s.Close(); !errors.Is(err, ErrFailed) {
		t.Errorf("Close: %v", err)
	}
	if is, err := os.ReadFile(wal); err != nil || !bytes.Equal(was, is) {
		t.Errorf("Close wrote to the failed disk (%v)", err)
	}
	if got := dump(t, open(t, dir, Options{}), "t"); got != "before=1 " {
		t.Errorf("after a restart: %s", got)
	}
}

// A failing fold or checkpoint is a failing disk too.
func TestFailureOfTheFoldIsFinal(t *testing.T) {
	calls := 0
	s := open(t, t.TempDir(), Options{foldAfter: time.Nanosecond, fault: func() error {
		if calls++; calls > 1 {
			return errDisk
		}
		return nil
	}})
	mustPut(t, s, rec("t", "k", "v"))
	for deadline := time.Now().Add(5 * time.Second); s.Failed() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the failure of the fold went unseen")
		}
	}
	if err := put(s, rec("t", "k", "w")); !errors.Is(err, ErrFailed) {
		t.Errorf("Append: %v", err)
	}
	if got := dump(t, s, "t"); got != "k=v " {
		t.Error(got)
	}
}

// fillUp appends until the disk is full and returns what was promised. A fold that is under way may make room once more:
// full is a disk that stays so.
func fillUp(t *testing.T, s Store) (promised int) {
	t.Helper()
	refused := 0
	for range 10_000 {
		err := put(s, rec("t", fmt.Sprintf("%06d", promised), strings.Repeat("x", 3000)))
		switch {
		case err == nil:
			promised++
			refused = 0
		case !errors.Is(err, ErrFull):
			t.Fatal(err)
		case refused == 5:
			return promised
		default:
			refused++
			time.Sleep(20 * time.Millisecond)
		}
	}
	t.Fatal("the disk never filled up")
	return 0
}

func checkFull(t *testing.T, dir string, s Store, makeRoom func()) {
	t.Helper()
	promised := fillUp(t, s)
	count := func(s Store) (n int) {
		if err := s.Load("t", func(_, _ []byte) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(s); n != promised {
		t.Errorf("full: %d records can be read, %d were promised", n, promised)
	}
	if st := s.Stats(); !st.Full || s.Failed() != nil {
		t.Errorf("full: %+v, %v", st, s.Failed())
	}
	if err := put(s, rec("t", "refused", "x")); !errors.Is(err, ErrFull) {
		t.Errorf("full: Append: %v", err)
	}
	makeRoom()
	deadline := time.Now().Add(10 * time.Second)
	for s.Stats().Full {
		if time.Now().After(deadline) {
			t.Fatal("there is room, but the store does not see it")
		}
		time.Sleep(time.Millisecond)
	}
	mustPut(t, s, rec("t", "again", "x"))
	if n := count(s); n != promised+1 {
		t.Errorf("after room was made: %d records, want %d", n, promised+1)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := count(open(t, dir, Options{})); n != promised+1 {
		t.Errorf("after a restart: %d records, want %d", n, promised+1)
	}
}

func TestFullDiskRecovers(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{maxPages: 100, retry: 500 * time.Millisecond, foldBytes: 50_000})
	checkFull(t, dir, s, func() {
		if err := s.(*disk).limitPages(10_000); err != nil {
			t.Fatal(err)
		}
	})
}

// What was appended behind a commit that failed for want of room fails too, in order: a later record is never kept
// without an earlier one.
func TestNothingOvertakesAFailure(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{maxPages: 60, retry: time.Hour, window: -1, foldAfter: time.Hour})
	promised := 0
	failed := false
	for i := range 500 {
		s.Append([]machine.Record{rec("t", fmt.Sprintf("%06d", i), strings.Repeat("x", 1+i*97%3000))}, func(err error) {
			switch {
			case err == nil && failed:
				t.Errorf("commit %d succeeded after one had failed", i)
			case err == nil:
				promised = i + 1
			default:
				failed = true
			}
		})
		if i%3 == 0 {
			s.Flush()
		}
	}
	s.Flush()
	if !failed || promised == 0 {
		t.Fatalf("promised %d, failed %v", promised, failed)
	}
	n := 0
	s.Load("t", func(k, _ []byte) error {
		if string(k) != fmt.Sprintf("%06d", n) {
			t.Fatalf("key %s after %d records", k, n)
		}
		n++
		return nil
	})
	if n != promised {
		t.Errorf("%d records, %d promised", n, promised)
	}
}

func TestTooMuchWaiting(t *testing.T) {
	block := make(chan struct{})
	s := open(t, t.TempDir(), Options{maxPending: 1000, window: -1, fault: func() error { <-block; return nil }})
	answers := make(chan error, 100)
	for range 20 {
		s.Append([]machine.Record{rec("t", "k", strings.Repeat("x", 300))}, func(err error) { answers <- err })
	}
	close(block)
	busy := 0
	for range 20 {
		if err := <-answers; errors.Is(err, ErrBusy) {
			busy++
		} else if err != nil {
			t.Error(err)
		}
	}
	if busy == 0 || busy > 17 {
		t.Errorf("%d of 20 appends were refused", busy)
	}
	mustPut(t, s, rec("t", "k", "v"))
}

// Damage in the journal is found at the start, named, and nothing is made of it.
func TestDamagedJournal(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{foldAfter: time.Hour})
	mustPut(t, s, rec("t", "1", "one"))
	mustPut(t, s, rec("t", "2", "two"))
	if _, err := s.(*disk).conn.ExecContext(context.Background(),
		"UPDATE journal SET data = substr(data, 1, 8) || x'ff' || substr(data, 10) WHERE id = 2"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, err := Open(dir, Options{})
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "journal row 2") || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("Open: %v", err)
	}
}
