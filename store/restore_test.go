package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
)

// copyStore restores a snapshot of one store into another directory.
func copyStore(t testing.TB, s Store, dir string, replace bool) error {
	t.Helper()
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	return Restore(dir, replace, func(b *Builder) error {
		if err := snap.Records(func(table machine.Table) bool { return table == "secret" }, b.Put); err != nil {
			return err
		}
		f, err := b.File("packages/one")
		if err != nil {
			return err
		}
		f.WriteString("new")
		return errors.Join(f.Close(), snap.Blocks(b.PutBlock))
	})
}

// A snapshot is what was committed at its instant, whatever happens after it, folded or not.
func TestSnapshot(t *testing.T) {
	for kind, s := range map[string]Store{"disk": open(t, t.TempDir(), Options{Points: testPoints(), foldAfter: 20 * time.Millisecond, foldBytes: 3000}), "memory": MemoryWith(testPoints())} {
		t.Run(kind, func(t *testing.T) {
			for n := range 300 {
				mustPut(t, s, rec("t", fmt.Sprint("k", n%10), fmt.Sprint(n)), rec("secret", "key", "value"), point("a", n%2, int64(n)), point(fmt.Sprint("b", n), 1, int64(n)))
			}
			mustPut(t, s, del("t", "k3"))
			snap, err := s.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			defer snap.Close()
			for n := range 200 { // what is not in it
				mustPut(t, s, rec("t", "later", fmt.Sprint(n)), del("t", "k4"), point("a", 0, 9999))
			}
			if kind == "disk" {
				waitFolded(t, s)
			}
			var got []string
			skip := func(table machine.Table) bool { return table == "secret" }
			if err := snap.Records(skip, func(r machine.Record) error {
				got = append(got, fmt.Sprintf("%s %s=%s", r.Table, r.Key, r.Value))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if want := "[t k0=290 t k1=291 t k2=292 t k4=294 t k5=295 t k6=296 t k7=297 t k8=298 t k9=299]"; fmt.Sprint(got) != want {
				t.Errorf("%v\nwant %s", got, want)
			}
			points := map[string]int{}
			last := ""
			if err := snap.Blocks(func(b StoredBlock) error {
				name := string(b.Owner) + "/" + string(b.Name)
				if points[name] > 0 && name != last {
					t.Errorf("series %q is not in one piece", name)
				}
				last = name
				points[name] += b.Points
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if len(points) != 302 || points["a/\x00"] != 150 || points["a/\x01"] != 150 || points["b7/\x01"] != 1 {
				t.Errorf("%d series, %d %d %d points", len(points), points["a/\x00"], points["a/\x01"], points["b7/\x01"])
			}
		})
	}
}

func TestRestore(t *testing.T) {
	s := open(t, t.TempDir(), Options{Points: testPoints(), foldAfter: time.Hour, foldBytes: 5000})
	for n := range 6000 {
		s.Append([]machine.Record{rec("t", fmt.Sprint(n), "x"), point("a", 1, int64(n)), rec("secret", fmt.Sprint(n), "x")}, func(error) {})
	}
	s.Flush()
	dir := filepath.Join(t.TempDir(), "new", "data")
	if err := copyStore(t, s, dir, false); err != nil {
		t.Fatal(err)
	}
	if err := copyStore(t, s, dir, false); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("into a directory with something in it: %v", err)
	}
	r := open(t, dir, Options{Points: testPoints(), foldAfter: time.Nanosecond})
	if err := copyStore(t, s, dir, true); !errors.Is(err, ErrInUse) {
		t.Errorf("into a directory in use: %v", err)
	}
	if n := strings.Count(dump(t, r, "t"), "=x "); n != 6000 {
		t.Errorf("%d states", n)
	}
	if got := dump(t, r, "secret"); got != "" {
		t.Errorf("what was left out is there: %.40s", got)
	}
	if got := pointsOf(t, r, "a", 1); len(got) != 6000 {
		t.Errorf("%d points", len(got))
	}
	if r.Stats().BlockBytes < 6000*8 {
		t.Errorf("blocks take %d bytes", r.Stats().BlockBytes)
	}
	mustPut(t, r, point("a", 1, 6000))
	waitFolded(t, r)
	if got := pointsOf(t, r, "a", 1); len(got) != 6001 {
		t.Errorf("%d points, one was added", len(got))
	}
	if b, err := os.ReadFile(filepath.Join(dir, "packages", "one")); err != nil || string(b) != "new" {
		t.Errorf("%q, %v", b, err)
	}
	if list, _ := filepath.Glob(filepath.Join(dir, "restore*")); len(list) > 0 {
		t.Errorf("left behind: %v", list)
	}
}

// Wherever a restore is cut short, the directory is the old one or, from the moment that decides, the new one.
func TestRestoreCutShort(t *testing.T) {
	s := open(t, t.TempDir(), Options{Points: testPoints()})
	mustPut(t, s, rec("t", "k", "new"), point("a", 1, 1))
	broken := errors.New("power is gone")
	defer func() { restoreFault = func() error { return nil } }()
	olds, news := 0, 0
	for cut := 0; ; cut++ {
		dir := t.TempDir()
		o := open(t, dir, Options{Points: testPoints()})
		mustPut(t, o, rec("t", "k", "old"), rec("t", "older", "old"))
		o.Close()
		os.Mkdir(filepath.Join(dir, "packages"), 0o700)
		os.WriteFile(filepath.Join(dir, "packages", "two"), []byte("old"), 0o600)
		// A log that a kill -9 has left.
		os.WriteFile(filepath.Join(dir, fileName+"-wal"), nil, 0o600)
		n := 0
		restoreFault = func() error {
			if n++; n > cut {
				return broken
			}
			return nil
		}
		err := copyStore(t, s, dir, true)
		if err != nil && !errors.Is(err, broken) {
			t.Fatal(err)
		}
		restoreFault = func() error { return nil }
		r := open(t, dir, Options{Points: testPoints()})
		list, _ := os.ReadDir(filepath.Join(dir, "packages"))
		var names []string
		for _, e := range list {
			names = append(names, e.Name())
		}
		switch got := dump(t, r, "t"); {
		case got == "k=old older=old " && slices.Equal(names, []string{"two"}):
			olds++
			if news > 0 {
				t.Errorf("cut %d: old again", cut)
			}
		case got == "k=new " && slices.Equal(names, []string{"one"}) && len(pointsOf(t, r, "a", 1)) == 1:
			news++
		default:
			t.Errorf("cut %d: %s, %v", cut, got, names)
		}
		r.Close()
		if err == nil {
			break
		}
	}
	if olds < 1 || news < 4 {
		t.Errorf("%d times old, %d times new", olds, news)
	}
}

func TestRestoreThatFails(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir, Options{})
	mustPut(t, o, rec("t", "k", "old"))
	o.Close()
	broken := errors.New("broken")
	if err := Restore(dir, true, func(b *Builder) error { b.Put(rec("t", "k", "new")); return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	for _, name := range []string{"", ".", "..", "../x", "/etc/x", fileName, fileName + "-wal", "lock", "restore.ready/x", "a/../../x"} {
		if err := Restore(dir, true, func(b *Builder) error { _, err := b.File(name); return err }); err == nil {
			t.Errorf("a file %q", name)
		}
	}
	if got := dump(t, open(t, dir, Options{}), "t"); got != "k=old " {
		t.Error(got)
	}
}
