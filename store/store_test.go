package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"heddle.example/machine"
)

func withSum(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(b), crc32.Checksum(b, castagnoli))
}

func open(t testing.TB, dir string, o Options) Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// put appends and waits.
func put(s Store, records ...machine.Record) error {
	done := make(chan error, 1)
	s.Append(records, func(err error) { done <- err })
	return <-done
}

func mustPut(t testing.TB, s Store, records ...machine.Record) {
	t.Helper()
	if err := put(s, records...); err != nil {
		t.Fatal(err)
	}
}

// dump reads a table as text.
func dump(t testing.TB, s Store, table machine.Table) string {
	t.Helper()
	var b strings.Builder
	err := s.Load(table, func(k, v []byte) error {
		fmt.Fprintf(&b, "%s=%s ", k, v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func both(t *testing.T, f func(t *testing.T, s Store)) {
	t.Run("memory", func(t *testing.T) { f(t, Memory()) })
	t.Run("disk", func(t *testing.T) { f(t, open(t, t.TempDir(), Options{})) })
}

func TestAppendAndLoad(t *testing.T) {
	both(t, func(t *testing.T, s Store) {
		mustPut(t, s, rec("a", "2", "two"), rec("a", "1", "one"), rec("b", "x", ""))
		mustPut(t, s, rec("a", "3", "three"), rec("a", "2", "zwei"), del("a", "1"), del("a", "none"))
		if got := dump(t, s, "a"); got != "2=zwei 3=three " {
			t.Errorf("table a: %s", got)
		}
		if got := dump(t, s, "b"); got != "x= " {
			t.Errorf("table b: %s", got)
		}
		if got := dump(t, s, "c"); got != "" {
			t.Errorf("table c: %s", got)
		}
		if got, err := s.Tables(); err != nil || fmt.Sprint(got) != "[a b]" {
			t.Errorf("tables %v, %v", got, err)
		}
		stop := errors.New("stop")
		if err := s.Load("a", func(k, v []byte) error { return stop }); err != stop {
			t.Errorf("Load returned %v, not the callback's error", err)
		}
		if st := s.Stats(); st.Appends != 2 || st.Records != 7 {
			t.Errorf("stats %+v", st)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := put(s, rec("a", "9", "")); err != ErrClosed {
			t.Errorf("Append after Close: %v", err)
		}
	})
}

// The records of an Append are copied before it returns.
func TestAppendCopies(t *testing.T) {
	both(t, func(t *testing.T, s Store) {
		r := rec("a", "key", "value")
		done := make(chan error, 1)
		s.Append([]machine.Record{r}, func(err error) { done <- err })
		r.Key[0], r.Value[0] = 'X', 'X'
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := dump(t, s, "a"); got != "key=value " {
			t.Error(got)
		}
	})
}

// Answers come in the order of the Appends, once each, with many appending at a time.
func TestAnswersInOrder(t *testing.T) {
	both(t, func(t *testing.T, s Store) {
		var group sync.WaitGroup
		for g := range 8 {
			group.Go(func() {
				var mu sync.Mutex
				var got []int
				for i := range 200 {
					s.Append([]machine.Record{rec("t", fmt.Sprint(g, "-", i), "v")}, func(err error) {
						if err != nil {
							t.Error(err)
						}
						mu.Lock()
						got = append(got, i)
						mu.Unlock()
					})
				}
				s.Flush()
				mu.Lock()
				defer mu.Unlock()
				if len(got) != 200 || !slices.IsSorted(got) {
					t.Errorf("appender %d: %d answers, in order: %v", g, len(got), slices.IsSorted(got))
				}
			})
		}
		group.Wait()
		n := 0
		s.Load("t", func(_, _ []byte) error { n++; return nil })
		if n != 1600 {
			t.Errorf("%d records", n)
		}
		if st := s.Stats(); st.Commits > st.Appends {
			t.Errorf("stats %+v", st)
		}
	})
}

// The store against a map, with folds, checkpoints and reopening at any time.
func TestAgainstModel(t *testing.T) {
	base := t.TempDir()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		dir := filepath.Join(base, fmt.Sprint(run))
		o := Options{
			window:    -1,
			foldBytes: rapid.SampledFrom([]int{50, 500, 8 << 20}).Draw(t, "foldBytes"),
			foldAfter: rapid.SampledFrom([]time.Duration{time.Nanosecond, time.Hour}).Draw(t, "foldAfter"),
		}
		s, err := Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { s.Close() }()
		model := map[machine.Table]map[string]string{"a": {}, "b": {}}
		tables := rapid.SampledFrom([]machine.Table{"a", "b"})
		for range 30 {
			switch op := rapid.IntRange(0, 9).Draw(t, "op"); op {
			case 0:
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if s, err = Open(dir, o); err != nil {
					t.Fatal(err)
				}
			case 1, 2:
				for table, want := range model {
					got := map[string]string{}
					last := ""
					if err := s.Load(table, func(k, v []byte) error {
						if string(k) <= last && last != "" {
							t.Fatalf("key %q after %q", k, last)
						}
						last = string(k)
						got[string(k)] = string(v)
						return nil
					}); err != nil {
						t.Fatal(err)
					}
					if fmt.Sprint(got) != fmt.Sprint(want) {
						t.Fatalf("table %s: %v, want %v", table, got, want)
					}
				}
			default:
				var records []machine.Record
				for range rapid.IntRange(1, 6).Draw(t, "records") {
					table := tables.Draw(t, "table")
					key := fmt.Sprint(rapid.IntRange(1, 12).Draw(t, "key"))
					if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
						records = append(records, machine.Record{Table: table, Key: []byte(key)})
						delete(model[table], key)
						continue
					}
					value := rapid.StringN(0, 5, 20).Draw(t, "value")
					records = append(records, machine.Record{Table: table, Key: []byte(key), Value: []byte(value)})
					model[table][key] = value
				}
				if err := put(s, records...); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestBulkIsOneCommit(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	records := make([]machine.Record, 10_000)
	for i := range records {
		records[i] = rec("credential", fmt.Sprintf("device-%05d", i), strings.Repeat("k", 60))
	}
	mustPut(t, s, records...)
	if st := s.Stats(); st.Commits != 1 || st.Records != 10_000 {
		t.Errorf("stats %+v", st)
	}
	s.Close()
	n := 0
	open(t, dir, Options{}).Load("credential", func(_, _ []byte) error { n++; return nil })
	if n != 10_000 {
		t.Errorf("%d records", n)
	}
}

// The fold moves everything into the tables by itself once it is quiet, and the journal is empty then.
func TestFoldWhenQuiet(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{foldAfter: time.Millisecond})
	for i := range 500 {
		mustPut(t, s, rec("t", fmt.Sprintf("%03d", i%300), fmt.Sprint(i)), del("t", "000"))
	}
	want := dump(t, s, "t")
	for d := s.(*disk); ; time.Sleep(time.Millisecond) {
		if st := d.Stats(); st.Journal == 0 && st.Folds > 0 && st.Checkpoints > 0 {
			break
		}
	}
	if got := dump(t, s, "t"); got != want {
		t.Errorf("after the fold: %s\nbefore: %s", got, want)
	}
	s.Close()
	if got := dump(t, open(t, dir, Options{}), "t"); got != want {
		t.Errorf("after reopening: %s\nbefore: %s", got, want)
	}
}

func TestOneProgramAtATime(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	_, err := Open(dir, Options{})
	want := fmt.Sprintf("store: the data directory is in use: %s belongs to process %d; stop it, or choose another directory with --data", dir, os.Getpid())
	if !errors.Is(err, ErrInUse) || err.Error() != want {
		t.Errorf("second Open: %v, want %s", err, want)
	}
	s.Close()
	open(t, dir, Options{})
}

func TestFilesAreClosedToOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := open(t, dir, Options{})
	mustPut(t, s, rec("t", "k", "v"))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 4 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		if i, err := e.Info(); err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), i.Mode(), err)
		}
	}
	if i, err := os.Stat(dir); err != nil || i.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", i.Mode(), err)
	}
}

func TestForeignAndNewerFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if _, err := s.(*disk).db.Exec("PRAGMA user_version=99"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, err := Open(dir, Options{})
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "has format 99, this program knows 2") {
		t.Errorf("newer: %v", err)
	}
	os.WriteFile(filepath.Join(dir, fileName), []byte(strings.Repeat("not a database at all. ", 300)), 0o600)
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("not a database: %v", err)
	}
	if _, err := Open(filepath.Join(dir, fileName), Options{}); err == nil || !strings.Contains(err.Error(), "it is a file") {
		t.Errorf("a file as directory: %v", err)
	}
}

func TestOddDirectoryNames(t *testing.T) {
	for _, name := range []string{"with space", "per%20cent", "quest?ion", "ha#sh", "ümlaut"} {
		dir := filepath.Join(t.TempDir(), name)
		s := open(t, dir, Options{})
		mustPut(t, s, rec("t", "k", name))
		s.Close()
		if _, err := os.Stat(filepath.Join(dir, fileName)); err != nil {
			t.Error(err)
		}
		if got := dump(t, open(t, dir, Options{}), "t"); got != "k="+name+" " {
			t.Errorf("%s: %s", name, got)
		}
	}
}
