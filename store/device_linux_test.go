package store

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mount mounts a file system for the test, which needs root.
func mount(t *testing.T, source, kind, data string, flags ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
	dir := t.TempDir()
	args := append(flags, "-t", kind, source, dir)
	if data != "" {
		args = append(args, "-o", data)
	}
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a %s here: %s", kind, out)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestRealDiskFull(t *testing.T) {
	dir := mount(t, "tmpfs", "tmpfs", "size=4m")
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	s := open(t, data, Options{retry: 5 * time.Millisecond, foldBytes: 50_000})
	checkFull(t, data, s, func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	})
}

// A file system in a file on a tmpfs that fills up: writes reach the page cache and succeed, and fsync fails.
func TestRealFailedSync(t *testing.T) {
	mkfs, err := exec.LookPath("mkfs.ext4")
	if err != nil {
		t.Skip("needs mkfs.ext4")
	}
	below := mount(t, "tmpfs", "tmpfs", "size=12m")
	image := filepath.Join(below, "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 64<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mkfs, "-q", "-O", "^has_journal", image).CombinedOutput(); err != nil {
		t.Skipf("mkfs.ext4: %s", out)
	}
	dir := filepath.Join(mount(t, image, "ext4", "", "-o", "loop"), "data")
	s := open(t, dir, Options{foldAfter: time.Hour})
	promised := 0
	for i := range 20 {
		mustPut(t, s, rec("t", fmt.Sprintf("%06d", i), strings.Repeat("x", 3000)))
		promised++
	}
	ballast, err := os.Create(filepath.Join(below, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = ballast.Write(make([]byte, 64<<10))
	}
	ballast.Close()
	for i := promised; err == nil || !errors.Is(err, ErrFailed); i++ {
		if err = put(s, rec("t", fmt.Sprintf("%06d", i), strings.Repeat("x", 3000))); err == nil {
			promised++
		}
		if i > 20_000 {
			t.Fatal("the disk never failed")
		}
	}
	t.Log(err)
	if err := os.Remove(ballast.Name()); err != nil {
		t.Fatal(err)
	}
	if err := put(s, rec("t", "later", "x")); !errors.Is(err, ErrFailed) {
		t.Errorf("the disk works again, and is believed: %v", err)
	}
	n := 0
	if err := s.Load("t", func(_, _ []byte) error { n++; return nil }); err != nil || n < promised {
		t.Errorf("%d records can be read, %d were promised: %v", n, promised, err)
	}
}

// What the promise rests on.
func TestPragmas(t *testing.T) {
	d := open(t, t.TempDir(), Options{}).(*disk)
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "wal_autocheckpoint": "0"} {
		var got string
		if err := d.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s: %v", pragma, got, want, err)
		}
	}
}
