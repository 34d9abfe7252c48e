// Package peer drives other programs in the end-to-end tests: the LwM2M peers of e2e/peers, libcoap, OpenSSL, GnuTLS,
// tshark, and Heddle itself as it was built. Everything has a time-out, and every process ends with its test.
package peer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Timeout is how long a test waits for what should happen soon. Java takes seconds to start on a busy computer.
const Timeout = 30 * time.Second

// Process is a program that was started. Its output is kept as lines; those that are JSON objects are events.
type Process struct {
	t     testing.TB
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser

	mu     sync.Mutex
	lines  []string
	events []Event // those that nobody has expected yet
	grown  chan struct{}
	ended  chan struct{}
	err    error
}

// Start starts a program. It is killed, by its pid, at the end of the test; where the test failed, its output is logged.
func Start(t testing.TB, name, path string, args ...string) *Process {
	t.Helper()
	return StartIn(t, "", nil, name, path, args...)
}

// StartIn is Start in a directory, with more in the environment.
func StartIn(t testing.TB, dir string, env []string, name, path string, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, name: name, cmd: exec.Command(path, args...), grown: make(chan struct{}), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, append(append(os.Environ(), "LC_ALL=C.UTF-8"), env...)
	// Where the test program itself dies, the peer must not stay behind.
	p.cmd.SysProcAttr = dieWithParent()
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var readers sync.WaitGroup
	readers.Go(func() { p.read(stdout) })
	readers.Go(func() { p.read(stderr) })
	go func() {
		readers.Wait()
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("output of %s:\n%s", name, p.Output())
		}
	})
	return p
}

func (p *Process) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		p.mu.Lock()
		p.lines = append(p.lines, line)
		if strings.HasPrefix(line, "{") {
			var e Event
			if json.Unmarshal([]byte(line), &e) == nil {
				p.events = append(p.events, e)
			}
		}
		close(p.grown)
		p.grown = make(chan struct{})
		p.mu.Unlock()
	}
}

// Pid returns the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Output returns all lines so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// Link returns the first word of the output that has part in it, as the links have that heddle prints.
func (p *Process) Link(part string) string {
	p.t.Helper()
	for _, word := range strings.Fields(p.Output()) {
		if strings.Contains(word, part) {
			return word
		}
	}
	p.t.Fatalf("%s printed no link with %s:\n%s", p.name, part, p.Output())
	return ""
}

// Send writes a line to standard input.
func (p *Process) Send(format string, args ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.stdin, format+"\n", args...); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// wait calls look, with the lock held, until it reports true, the time is over or the process has ended.
func (p *Process) wait(timeout time.Duration, look func() bool) bool {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	ended := p.ended
	for {
		p.mu.Lock()
		found, grown := look(), p.grown
		p.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-grown:
		case <-ended:
			ended = nil // all output is in: look once more
			if p.mu.Lock(); look() {
				p.mu.Unlock()
				return true
			}
			p.mu.Unlock()
			return false
		case <-deadline.C:
			return false
		}
	}
}

// Expect waits for an event of a name that has all the given fields ("path=/3/0/9"), and takes it away. The test ends
// where it does not come.
func (p *Process) Expect(name string, fields ...string) Event {
	p.t.Helper()
	e, ok := p.Await(Timeout, name, fields...)
	if !ok {
		p.t.Fatalf("%s: no event %s %v came; its output:\n%s", p.name, name, fields, p.Output())
	}
	return e
}

// Await is Expect with a time-out and without an end of the test.
func (p *Process) Await(timeout time.Duration, name string, fields ...string) (e Event, ok bool) {
	ok = p.wait(timeout, func() bool {
		for i := range p.events {
			if e = p.events[i]; e.is(name, fields) {
				p.events = slices.Delete(p.events, i, i+1)
				return true
			}
		}
		return false
	})
	return e, ok
}

// Forget takes away all events so far: what is expected from here on is new.
func (p *Process) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = nil
}

// ExpectLine waits for a line of output that contains a text, and returns it. It looks at all output, always.
func (p *Process) ExpectLine(text string) string {
	p.t.Helper()
	line := ""
	if !p.wait(Timeout, func() bool {
		for _, line = range p.lines {
			if strings.Contains(line, text) {
				return true
			}
		}
		return false
	}) {
		p.t.Fatalf("%s: no line with %q came; its output:\n%s", p.name, text, p.Output())
	}
	return line
}

// Stop ends the process: its input ends, then SIGTERM, then SIGKILL. It returns what Wait returned.
func (p *Process) Stop() error {
	p.stdin.Close()
	patience := 300 * time.Millisecond
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case <-p.ended:
			return p.err
		case <-time.After(patience):
		}
		p.cmd.Process.Signal(s)
		patience = 5 * time.Second
	}
	<-p.ended
	return p.err
}

// Interrupt sends SIGINT and waits for the end.
func (p *Process) Interrupt() error {
	p.cmd.Process.Signal(syscall.SIGINT)
	return p.End(Timeout)
}

// Kill is kill -9, and waits until the process is gone.
func (p *Process) Kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.ended
}

// End waits until the process ends by itself.
func (p *Process) End(timeout time.Duration) error {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(timeout):
		p.t.Fatalf("%s does not end; its output:\n%s", p.name, p.Output())
		return nil
	}
}
