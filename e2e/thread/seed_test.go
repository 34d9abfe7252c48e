//go:build peers

package thread

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

var worldSeed = flag.Uint64("seed", 1, "of the randomness of nodes in virtual time; 0: another one for each world, for runs that look for what is rare")

func newSeed() uint64 {
	if *worldSeed == 0 {
		return rand.Uint64()
	}
	return *worldSeed
}

// seeded has a node that is about to start in virtual time take its randomness from what is called name.
func seeded(t testing.TB, c *exec.Cmd, m maker, name string) {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	if m == ours {
		c.Env = append(c.Env, "VIRTUAL_SEED="+strconv.FormatUint(binary.BigEndian.Uint64(seed[:]), 10))
		return
	}
	c.ExtraFiles, c.Env = []*os.File{entropy(t, seed)}, append(c.Env, "OT_ENTROPY=/dev/fd/3") // scripts/set-up-openthread
}

// entropy is an endless file of randomness. It is a pipe: a node that is reset goes on where it was. Theirs opens it for each
// need and reads a page; where whole pages are written, and are always there, each run gets the same ones.
func entropy(t testing.TB, seed [32]byte) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	stream, page := rand.NewChaCha8(seed), [4096]byte{}
	more := func() error {
		stream.Read(page[:])
		_, err := w.Write(page[:])
		return err
	}
	for range 8 {
		if err := more(); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		for more() == nil {
		}
	}()
	return r
}
