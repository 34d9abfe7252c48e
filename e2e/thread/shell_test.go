//go:build peers

package thread

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// only names what the shell's transcripts have that OpenThread's node has not: an application's own commands, a name of
// old, and how long the node runs.
var only = map[string]bool{"extra a b": true, "fails": true, "masterkey": true, "uptime": true, "uptime ms": true}

// plain is the real world with a node of either maker in it and no peers.
type plain struct{ clock }

func (p *plain) pass(time.Duration) { time.Sleep(time.Millisecond) }

func (p *plain) program(t testing.TB, m maker, k kind, id int) *exec.Cmd {
	return program(t, "real", m, k, strconv.Itoa(id))
}

// TestTranscripts types what is typed in the tests of the shell, and has each answer byte for byte, of OpenThread's
// ot-cli-ftd and of the program itself.
func TestTranscripts(t *testing.T) {
	names, _ := filepath.Glob("../../thread/shell/testdata/*.txt")
	if len(names) == 0 {
		t.Fatal("no transcripts")
	}
	for _, m := range []maker{theirs, ours} {
		for _, name := range names {
			t.Run(string(m)+"/"+filepath.Base(name), func(t *testing.T) {
				b, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				p := &plain{clock{t, time.Now(), nextOffset(t)}}
				n := start(t, p, t.TempDir(), m, ftd, 1, "PORT_OFFSET="+strconv.Itoa(p.offset))
				for n.drain(); n.out.String() != "> " && p.now() < 10*time.Second; n.drain() {
					p.pass(time.Millisecond)
				}
				for _, part := range strings.Split("\n"+string(b), "\n> ")[1:] {
					typed, want, _ := strings.Cut(part, "\n")
					got := n.echoed(typed)
					want = "> " + typed + "\n" + strings.TrimSuffix(want, "\n")
					if got = strings.TrimSuffix(got, "\n"); strings.TrimSuffix(want, "\n") != got && !only[typed] {
						t.Errorf("%s has %q, the transcript %q", m, got, want)
					}
				}
			})
		}
	}
}

// echoed types a line and returns all that stands on the terminal until the next prompt.
func (n *node) echoed(line string) string {
	n.t.Helper()
	n.drain()
	n.out.Reset()
	n.write(line)
	for end := n.world.now() + 10*time.Second; ; n.world.pass(10 * time.Millisecond) {
		n.drain()
		text := strings.ReplaceAll(n.out.String(), "\r", "")
		if rest, ok := strings.CutSuffix("\n"+text, "\n> "); ok {
			return "> " + strings.TrimPrefix(rest, "\n")
		}
		if n.world.now() > end {
			n.t.Fatalf("%v does not answer %q: %q", n, line, text)
		}
	}
}
