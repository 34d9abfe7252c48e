package shell

import (
	"slices"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/radio"
)

// lone is a node with nobody else on the air, and its shell.
type lone struct {
	t   *testing.T
	n   *thread.Node
	s   *Shell
	now machine.Time
}

func newLone(t *testing.T) *lone {
	n := testNode(t, &thread.TestProfile)
	l := &lone{t: t, n: n, s: New(n, Config{}), now: 2e9}
	for _, line := range []string{"dataset init new", "dataset commit active", "ifconfig up", "thread start", "state leader"} {
		l.run(line, time.Second)
	}
	return l
}

// run types a line and lets time pass for node and shell. A deadline that does not pass fails the test: a program would spin.
func (l *lone) run(line string, d time.Duration) string {
	l.t.Helper()
	l.s.Run(l.now, 0, line)
	end := l.now.Add(d)
	for stuck := 0; ; stuck++ {
		for a, ok := l.n.Next(); ok; a, ok = l.n.Next() {
			l.s.Observe(l.now, a)
			if x, is := a.Value.(*radio.Transmit); is {
				l.n.RadioSent(l.now, 0, radio.Sent{ID: x.ID})
			}
		}
		at := min(l.n.Deadline(), l.s.Deadline())
		if at > end {
			l.now = end
			return string(l.s.Output())
		}
		if at > l.now {
			l.now, stuck = at, 0
		}
		if stuck > 10_000 {
			l.t.Fatalf("after %q the clock stands still: node %v, shell %v", line, l.n.Deadline()-l.now, l.s.Deadline()-l.now)
		}
		if l.n.Deadline() <= l.now {
			l.n.Expire(l.now)
		}
		if l.s.Deadline() <= l.now {
			l.s.Expire(l.now)
		}
	}
}

// A leader without a network asks itself, and is answered before the command has ended.
func TestTopologyOfOne(t *testing.T) {
	l := newLone(t)
	l.s.Output()
	const want = "Done\r\n> "
	if got := l.run("meshdiag topology", 20*time.Second); len(got) < len(want) || got[len(got)-len(want):] != want {
		t.Errorf("%q", got)
	}
	if l.s.Pending() || l.s.Deadline() != machine.Never {
		t.Errorf("pending %v, deadline %v", l.s.Pending(), l.s.Deadline())
	}
}

// Whatever a user types, time goes on.
func TestTimeGoesOn(t *testing.T) {
	for _, name := range newLone(t).s.Names() {
		l := newLone(t)
		lines := []string{name}
		for _, sub := range l.s.subcommands(name) {
			for _, rest := range []string{"", " 0", " enable", " fd00::1", " start 1 1 1"} {
				lines = append(lines, name+" "+sub+rest)
			}
		}
		for _, line := range lines {
			if !slices.Contains([]string{"reset", "factoryreset"}, name) {
				l.run(line, 7*time.Second)
			}
		}
		l.run("", 2*time.Minute)
	}
}
