package backup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/internal/access"
	"heddle.example/internal/history"
	"heddle.example/lwm2m"
	points "heddle.example/lwm2m/history"
	"heddle.example/machine"
	"heddle.example/store"
)

func options() store.Options {
	return store.Options{Points: &store.Points{Table: "points", Packer: history.Packer{}}}
}

func open(t testing.TB, dir string) store.Store {
	t.Helper()
	s, err := store.Open(dir, options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t testing.TB, s store.Store, records ...machine.Record) {
	t.Helper()
	done := make(chan error, 1)
	s.Append(records, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func rec(table machine.Table, key, value string) machine.Record {
	return machine.Record{Table: table, Key: []byte(key), Value: []byte(value)}
}

var resource = lwm2m.MustPath("/3303/0/5700")

func value(endpoint string, n int) machine.Record {
	b, _ := points.AppendItem(nil, resource, int64(n)*1000, lwm2m.Int(int64(n)))
	return machine.Record{Table: "points", Key: []byte(endpoint), Value: b}
}

var meta = Meta{time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC), "test"}

// full is a data directory with something of everything.
func full(t testing.TB) (dir string, s store.Store) {
	dir = t.TempDir()
	s = open(t, dir)
	for n := range 500 {
		put(t, s, rec("credentials", fmt.Sprint(n), "key"), rec(dtls.SessionTable, fmt.Sprint(n), "secret session"), value("lamp", n))
	}
	put(t, s, rec(access.SessionTable, "cookie", "secret session"), rec("empty", "k", ""))
	os.MkdirAll(filepath.Join(dir, "packages", "sub"), 0o700)
	for name, content := range map[string]string{"packages/p1": strings.Repeat("package ", 100_000), "packages/sub/p2": "", "packages/.upload": "half", "packages/x.tmp": "half", "web-key.pem": "pem", "stray": "not ours"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, s
}

func write(t testing.TB, s store.Store, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := Write(&b, s, dir, meta); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestThereAndBack(t *testing.T) {
	dir, s := full(t)
	file := write(t, s, dir)
	if bytes.Contains(file, []byte("secret session")) {
		t.Error("a live session is in the backup")
	}
	sum, err := Verify(bytes.NewReader(file))
	if want := (Summary{meta, 501, sum.Blocks, 500, 3, 800_003}); err != nil || sum != want || sum.Blocks == 0 {
		t.Errorf("%+v, %v, want %+v", sum, err, want)
	}
	to := filepath.Join(t.TempDir(), "data")
	if got, err := Restore(bytes.NewReader(file), to, false); err != nil || got != sum {
		t.Fatalf("%+v, %v", got, err)
	}
	r := open(t, to)
	tables, err := r.Tables()
	if err != nil || fmt.Sprint(tables) != "[credentials empty]" {
		t.Errorf("%v, %v", tables, err)
	}
	if list, next, err := history.New(r).Points("lamp", resource, history.Query{To: 1 << 60, Limit: 1000}); err != nil || len(list) != 500 || next != "" || list[499].At != 499_000 {
		t.Errorf("%d values, %v", len(list), err)
	}
	for name, want := range map[string]int64{"packages/p1": 800_000, "packages/sub/p2": 0, "web-key.pem": 3, "packages/.upload": -1, "packages/x.tmp": -1, "stray": -1} {
		if i, err := os.Stat(filepath.Join(to, name)); want < 0 && err == nil || want >= 0 && (err != nil || i.Size() != want || i.Mode().Perm() != 0o600) {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
	// The backup of the copy is the same but for its time.
	if again := write(t, r, to); len(again) != len(file) {
		t.Errorf("the copy's backup has %d bytes, the first one %d", len(again), len(file))
	}
}

// Whatever was changed in a file, nothing is touched.
func TestDamage(t *testing.T) {
	dir, s := full(t)
	file := write(t, s, dir)
	to := t.TempDir()
	kept := open(t, to)
	put(t, kept, rec("t", "k", "old"))
	kept.Close()
	refused := func(name string, b []byte, want error) {
		t.Helper()
		if _, err := Restore(bytes.NewReader(b), to, true); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		b := bytes.Clone(file)
		at := r.IntN(len(b))
		b[at] ^= byte(1 + r.IntN(255))
		if _, err := Restore(bytes.NewReader(b), to, true); err == nil {
			t.Errorf("byte %d was changed, and restored", at)
		}
		refused("cut", file[:20+r.IntN(len(file)-20)], ErrDamaged)
	}
	refused("longer", append(bytes.Clone(file), 0), ErrDamaged)
	refused("empty", nil, ErrForeign)
	refused("another file", []byte(strings.Repeat("x", 100_000)), ErrForeign)
	refused("newer", append([]byte("heddle backup 2\n"), file...), ErrNewer)
	if list, err := os.ReadDir(to); err != nil || len(list) > 3 {
		t.Errorf("%v, %v", list, err)
	}
	again := open(t, to)
	if tables, err := again.Tables(); err != nil || fmt.Sprint(tables) != "[t]" {
		t.Errorf("%v, %v", tables, err)
	}
}

// A file that somebody made by hand, with a right sum, gets no file elsewhere, no session, and no order of its own.
func TestHostile(t *testing.T) {
	make := func(fill func(f *frames)) []byte {
		var b bytes.Buffer
		f, err := newFrames(&b)
		if err != nil {
			t.Fatal(err)
		}
		fill(f)
		if err := f.finish(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	frame := func(f *frames, kind byte, fields ...string) {
		f.begin(kind)
		for _, s := range fields {
			f.bytes([]byte(s))
		}
		f.end()
	}
	for name, fill := range map[string]func(*frames){
		"file elsewhere":  func(f *frames) { frame(f, metaFrame, "{}"); frame(f, fileFrame, "../../etc/passwd") },
		"file of a store": func(f *frames) { frame(f, metaFrame, "{}"); frame(f, fileFrame, "heddle.db") },
		"folder":          func(f *frames) { frame(f, metaFrame, "{}"); frame(f, dirFrame, "packages/../..") },
		"no meta":         func(f *frames) { frame(f, recordFrame, "t", "k", "v") },
		"meta twice":      func(f *frames) { frame(f, metaFrame, "{}"); frame(f, metaFrame, "{}") },
		"data first":      func(f *frames) { frame(f, metaFrame, "{}"); frame(f, dataFrame, "x") },
		"short record":    func(f *frames) { frame(f, metaFrame, "{}"); frame(f, recordFrame, "t", "k") },
		"long record":     func(f *frames) { frame(f, metaFrame, "{}"); frame(f, recordFrame, "t", "k", "v", "w") },
		"unknown kind":    func(f *frames) { frame(f, metaFrame, "{}"); frame(f, 'z') },
	} {
		to := filepath.Join(t.TempDir(), "data")
		if _, err := Restore(bytes.NewReader(make(fill)), to, false); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(to); err == nil {
			t.Errorf("%s: the directory was made", name)
		}
	}
	to := t.TempDir()
	b := make(func(f *frames) {
		frame(f, metaFrame, "{}")
		frame(f, recordFrame, string(dtls.SessionTable), "k", "v")
		frame(f, recordFrame, "t", "k", "v")
	})
	if _, err := Restore(bytes.NewReader(b), to, false); err != nil {
		t.Fatal(err)
	}
	if tables, err := open(t, to).Tables(); err != nil || fmt.Sprint(tables) != "[t]" {
		t.Errorf("%v, %v", tables, err)
	}
	// A length that nothing follows costs no memory.
	huge := binary.BigEndian.AppendUint32([]byte("heddle backup 1\nm"), frameMost)
	if _, err := Verify(bytes.NewReader(huge)); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}

func FuzzVerify(f *testing.F) {
	var b bytes.Buffer
	Write(&b, store.Memory(), "", meta)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) { Verify(bytes.NewReader(b)) })
}
