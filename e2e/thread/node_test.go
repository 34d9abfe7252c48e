//go:build peers

package thread

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// maker is whose node it is.
type maker string

const (
	ours   maker = "heddle"
	theirs maker = "openthread"
)

// other is the maker that m is not.
func (m maker) other() maker {
	if m == ours {
		return theirs
	}
	return ours
}

// kind is which of the programs of a maker runs.
type kind string

const (
	ftd kind = "ftd"
	mtd kind = "mtd"
)

// node is a process with a command line.
type node struct {
	t      testing.TB
	world  world
	id     int
	maker  maker
	kind   kind
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *os.File
	out    strings.Builder // what nobody has read yet
	log    strings.Builder // all of it
	dead   bool
}

// world is what lets time pass for nodes: the real one or the virtual one.
type world interface {
	// typed is called after something was written to a node's standard input, at the world's present time.
	typed(n *node)
	// before is called before something is written.
	before(n *node)
	// pass lets a short time pass, at most d.
	pass(d time.Duration)
	// now is the world's time since it began.
	now() time.Duration
	// program returns what to start.
	program(t testing.TB, m maker, k kind, id int) *exec.Cmd
}

func openThread(t testing.TB, build, name string) string {
	path, err := filepath.Abs(filepath.Join("..", "..", ".set-up", "openthread", build, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is not built: scripts/set-up-openthread builds it", path)
	}
	return path
}

func program(t testing.TB, build string, m maker, k kind, args ...string) *exec.Cmd {
	if m == theirs {
		return exec.Command(openThread(t, build, "ot-cli-"+string(k)), args...)
	}
	if k == mtd {
		args = append([]string{"--device", "mtd"}, args...)
	}
	return exec.Command(peer.Program(t), append([]string{"node"}, args...)...)
}

// start starts a node in a directory of the world, where its settings are.
func start(t testing.TB, w world, dir string, m maker, k kind, id int, env ...string) *node {
	t.Helper()
	n := &node{t: t, world: w, id: id, maker: m, kind: k}
	n.cmd = w.program(t, m, k, id)
	n.cmd.Dir = dir
	n.cmd.Env = slices.Concat(os.Environ(), n.cmd.Env, env)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if n.stdin, err = n.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	r, wr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	n.stdout, n.cmd.Stdout, n.cmd.Stderr = r, wr, wr
	if err := n.cmd.Start(); err != nil {
		t.Fatalf("%v: %v", n, err)
	}
	wr.Close()
	t.Cleanup(func() {
		n.kill()
		n.drain()
		r.Close()
		if t.Failed() {
			t.Logf("everything of %v:\n%s", n, strings.ReplaceAll(n.log.String(), "\r", ""))
		}
	})
	return n
}

func (n *node) String() string { return fmt.Sprintf("%s %s %d", n.maker, n.kind, n.id) }

// kill ends the process without a word, as a power cut does.
func (n *node) kill() {
	if !n.dead {
		n.dead = true
		n.cmd.Process.Kill()
		n.cmd.Wait()
	}
}

// logLine is what OpenThread's nodes of virtual time log between their answers.
var logLine = regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d\d\d \[`)

// drain reads what the process has written, without waiting for more.
func (n *node) drain() {
	c, err := n.stdout.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 16<<10)
	for more := true; more; {
		more = false
		c.Read(func(fd uintptr) bool {
			if k, err := syscall.Read(int(fd), buf); err == nil && k > 0 {
				n.out.Write(buf[:k])
				n.log.Write(buf[:k])
				more = true
			}
			return true
		})
	}
}

// write types a line.
func (n *node) write(line string) {
	n.t.Helper()
	n.world.before(n)
	if _, err := io.WriteString(n.stdin, line+"\n"); err != nil {
		n.drain()
		n.t.Fatalf("%v took no %q: %v\n%s", n, line, err, n.log.String())
	}
	n.world.typed(n)
}

// try types a command and returns its output and its last line: "Done" or "Error N: Name".
func (n *node) try(timeout time.Duration, format string, args ...any) (lines []string, last string) {
	n.t.Helper()
	command := fmt.Sprintf(format, args...)
	n.drain()
	n.out.Reset()
	n.write(command)
	for end := n.world.now() + timeout; ; n.world.pass(10 * time.Millisecond) {
		n.drain()
		text := strings.ReplaceAll(n.out.String(), "\r", "")
		for _, l := range strings.SplitAfter(text, "\n") {
			l = strings.TrimPrefix(l, "> ")
			switch {
			case !strings.HasSuffix(l, "\n"):
				continue // not whole yet
			case strings.HasPrefix(l, "Done\n"), strings.HasPrefix(l, "Error "):
				return lines, strings.TrimSpace(l)
			case logLine.MatchString(l):
			case strings.TrimSpace(l) != command && strings.TrimSpace(l) != "":
				lines = append(lines, strings.TrimSuffix(l, "\n"))
			}
		}
		lines = nil
		if n.world.now() > end {
			n.t.Fatalf("%v does not answer %q within %v:\n%s", n, command, timeout, text)
		}
	}
}

// do types a command that must succeed, and returns its output.
func (n *node) do(format string, args ...any) []string {
	n.t.Helper()
	lines, last := n.try(20*time.Second, format, args...)
	if last != "Done" {
		n.t.Fatalf("%v: %s: %q %s", n, fmt.Sprintf(format, args...), lines, last)
	}
	return lines
}

// all types several commands.
func (n *node) all(commands ...string) {
	n.t.Helper()
	for _, c := range commands {
		n.do("%s", c)
	}
}

// get types a command with one line of output.
func (n *node) get(format string, args ...any) string {
	n.t.Helper()
	lines := n.do(format, args...)
	if len(lines) != 1 {
		n.t.Fatalf("%v: %s: %q is not one line", n, fmt.Sprintf(format, args...), lines)
	}
	return lines[0]
}

// reset types reset, which answers with nothing but a new prompt. What is typed before that prompt is there may be read by
// the node that is about to go, and be lost: so the prompt of the command before is waited for, and then the new one.
func (n *node) reset(command string) {
	n.t.Helper()
	prompt := func(what string) {
		n.t.Helper()
		until(n.t, n.world, 20*time.Second, fmt.Sprintf("%v: the prompt %s", n, what), func() bool {
			n.drain()
			return strings.Contains("\n"+strings.ReplaceAll(n.out.String(), "\r", ""), "\n> ")
		})
		n.out.Reset()
	}
	if _, after, done := strings.Cut(n.out.String(), "Done"); done {
		n.out.Reset()
		n.out.WriteString(after)
		prompt("before " + command)
	}
	n.write(command)
	n.world.pass(100 * time.Millisecond)
	prompt("after " + command)
}

// until lets time pass until ok, and fails the test when that takes longer than timeout.
func until(t testing.TB, w world, timeout time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := w.now() + timeout; !ok(); w.pass(200 * time.Millisecond) {
		if w.now() > end {
			t.Fatalf("not within %v: %s", timeout, what)
		}
	}
}

// awaits waits until a command prints a line.
func (n *node) awaits(timeout time.Duration, command string, want ...string) {
	n.t.Helper()
	var got []string
	for end := n.world.now() + timeout; ; n.world.pass(200 * time.Millisecond) {
		got = n.do("%s", command)
		for _, w := range want {
			if len(got) == 1 && got[0] == w {
				return
			}
		}
		if n.world.now() > end {
			n.t.Fatalf("%v: %s is %q, not %q, after %v", n, command, got, want, timeout)
		}
	}
}

// state waits for a role.
func (n *node) state(timeout time.Duration, roles ...string) {
	n.t.Helper()
	n.awaits(timeout, "state", roles...)
}

// ping sends count echo requests and wants an answer to each.
func (n *node) ping(address string, size, count int) {
	n.t.Helper()
	n.reach(address, size, count, 0)
}

// reach pings until count of one run were answered, repeating the run up to again times: routes may still be settling.
func (n *node) reach(address string, size, count, again int) {
	n.t.Helper()
	for ; ; again-- {
		lines, last := n.try(time.Duration(count)*2*time.Second+20*time.Second, "ping %s %d %d 1 64 8", address, size, count)
		text := strings.Join(lines, "\n")
		if last == "Done" && strings.Contains(text, fmt.Sprintf("%d packets transmitted, %d packets received", count, count)) {
			return
		}
		if again <= 0 {
			n.t.Fatalf("%v: ping %s %d %d: %s %s", n, address, size, count, text, last)
		}
		n.world.pass(2 * time.Second)
	}
}
