package topology

import (
	"context"
	"strings"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/shell"
)

// seat is somebody at a node's prompt.
type seat struct {
	thread *thread.Node // the one that the shell is of: a node that was reset is another
	shell  *shell.Shell
	cause  machine.Cause
}

// sitDown has the events of all nodes reach the shells that there are.
func (w *World) sitDown() {
	for _, n := range w.net.Members() {
		id := n.Number()
		n.OnEvent = func(now machine.Time, a machine.Action) {
			if s := w.seats[id]; s != nil && s.thread == w.net.Member(id).Thread() {
				s.shell.Observe(now, a)
			}
		}
	}
}

const (
	commandMost = 10 * time.Second // of virtual time
	commandStep = 20 * time.Millisecond
)

// Type types a line at a node's prompt, lets time pass until the command is over, and returns what it printed.
func (w *World) Type(ctx context.Context, id int, line string) (said Said, err error) {
	err = w.do(ctx, func() error {
		n, err := w.member(id)
		if err != nil {
			return err
		}
		if n.Thread() == nil {
			return ErrOff
		}
		said = parseSaid(w.typeIn(n, line))
		w.look()
		return nil
	})
	return said, err
}

// typeIn is Type in the owner. Lines within the line are not possible.
func (w *World) typeIn(n *network.Node, line string) string {
	t := n.Thread()
	s := w.seats[n.Number()]
	if s == nil || s.thread != t {
		s = &seat{thread: t, shell: shell.New(t, shell.Config{})}
		w.seats[n.Number()] = s
	}
	line, _, _ = strings.Cut(strings.ReplaceAll(line, "\r", "\n"), "\n")
	s.shell.Output() // what came of its own meanwhile, and the prompt
	s.cause++
	n.Input(func(now machine.Time, _ *thread.Node) { s.shell.Run(now, s.cause, line) })
	w.settle(n, s)
	return string(s.shell.Output())
}

// settle lets time pass until the command is over.
func (w *World) settle(n *network.Node, s *seat) {
	limit := w.net.World.Now().Add(commandMost)
	for s.shell.Pending() && w.net.World.Now() < limit && n.Thread() == s.thread {
		w.net.World.RunFor(commandStep)
		if s.shell.Deadline() <= w.net.World.Now() {
			n.Input(func(now machine.Time, _ *thread.Node) { s.shell.Expire(now) })
		}
	}
	switch s.shell.Exit() {
	case shell.Reset:
		n.Reset()
	case shell.FactoryReset:
		n.FactoryReset()
	}
}

// parseSaid cuts what a shell prints into lines, and takes the end and the prompt off.
func parseSaid(text string) (s Said) {
	s.Output = []string{}
	for _, line := range strings.Split(strings.ReplaceAll(text, "\r", ""), "\n") {
		switch line = strings.TrimPrefix(line, "> "); {
		case line == "":
		case line == "Done" || strings.HasPrefix(line, "Error "):
			s.Last = line
		default:
			s.Output = append(s.Output, line)
		}
	}
	return s
}
