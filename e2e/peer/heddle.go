package peer

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// folder holds the built program, "" as long as nobody asked for it.
var folder string

// CleanUp removes the built program; TestMain calls it at the end.
func CleanUp() {
	if folder != "" {
		os.RemoveAll(folder)
	}
}

// program builds cmd/heddle once, into a folder of the operating system's for temporary files.
var program = sync.OnceValues(func() (string, error) {
	out, err := os.MkdirTemp("", "heddle-e2e-")
	if err != nil {
		return "", err
	}
	folder = out
	path := filepath.Join(out, "heddle")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/heddle")
	cmd.Dir = filepath.Dir(dir())
	if msg, err := cmd.CombinedOutput(); err != nil {
		return string(msg), err
	}
	return path, nil
})

// Heddle starts the built program with a subcommand and its flags.
func Heddle(t testing.TB, args ...string) *Process {
	t.Helper()
	return Start(t, "heddle "+args[0], Program(t), args...)
}

// Program returns the path of the built program.
func Program(t testing.TB) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatalf("go build ./cmd/heddle: %v\n%s", err, path)
	}
	return path
}
