package radio

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"heddle.example/machine"
)

func TestFlash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tmp", "0_1.flash")
	open := func() *Flash {
		t.Helper()
		f, err := OpenFlash(path, FlashOptions{Sync: true})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := open()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(f.Write([]machine.Record{
		{Table: "b", Key: []byte{2}, Value: []byte("two")}, {Table: "b", Key: []byte{1}, Value: []byte{}}, {Table: "a", Key: nil, Value: []byte{9}},
	}))
	must(f.Write([]machine.Record{{Table: "b", Key: []byte{2}}, {Table: "bb", Key: []byte{3}, Value: []byte("x")}}))
	f = open()
	if n := len(f.Records()); n != 3 {
		t.Fatalf("%d records", n)
	}
	var got []byte
	must(f.Load("b", func(k, v []byte) error { got = append(append(got, k...), v...); return nil }))
	if !bytes.Equal(got, []byte{1}) {
		t.Fatalf("table b holds %x", got)
	}
	good, err := os.ReadFile(path)
	must(err)
	for i := range good { // any damage is a fresh start
		bad := bytes.Clone(good)
		bad[i] ^= 0x55
		must(os.WriteFile(path, bad, 0o600))
		if n := len(open().Records()); n != 0 {
			t.Fatalf("byte %d damaged, still %d records", i, n)
		}
	}
	must(os.WriteFile(path, bytes.Repeat([]byte{0xff}, 4096), 0o600)) // OpenThread's empty flash
	f = open()
	must(f.Write([]machine.Record{{Table: "c", Key: []byte{1}, Value: []byte{1}}}))
	must(f.Wipe())
	if n := len(open().Records()); n != 0 {
		t.Fatalf("%d records after a wipe", n)
	}
	if m, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(m) != 1 {
		t.Fatalf("files left: %v", m)
	}
}
