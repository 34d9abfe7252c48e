package topology

import (
	"context"
	"strings"
	"time"

	"heddle.example/internal/seat"
	"heddle.example/machine"
	"heddle.example/sim"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/shell"
)

// sitter is somebody at a node's prompt.
type sitter struct {
	thread *thread.Node // the one that the shell is of: a node that was reset is another
	shell  *shell.Shell
	timer  *sim.Timer
	cause  machine.Cause
}

// sitDown has the events of all nodes reach the shells that there are.
func (w *World) sitDown() {
	for _, n := range w.net.Members() {
		w.hear(n)
	}
}

func (w *World) hear(n *network.Node) {
	id := n.Number()
	before := n.OnEvent
	n.OnEvent = func(now machine.Time, a machine.Action) {
		if before != nil {
			before(now, a)
		}
		w.ears.tell(id, now, a)
		if s := w.seats[id]; s != nil && s.thread == w.net.Member(id).Thread() {
			s.shell.Observe(now, a)
			s.timer.Set(s.shell.Deadline())
		}
	}
}

const (
	commandMost = 10 * time.Second // of virtual time
	commandStep = 20 * time.Millisecond
)

// Type types a line at a node's prompt, lets time pass until the command is over, and returns what it printed.
func (w *World) Type(ctx context.Context, id int, line string) (said Said, err error) {
	var s *sitter
	var n *network.Node
	err = w.do(ctx, func() error {
		if n, err = w.member(id); err != nil {
			return err
		}
		if n.Thread() == nil {
			return ErrOff
		}
		s = w.typeIn(n, line)
		if !w.options.Live {
			w.settle(n, s)
		}
		return nil
	})
	if err != nil {
		return said, err
	}
	for wait := time.Now().Add(commandMost); ; {
		over := false
		err := w.do(ctx, func() error {
			if over = !w.options.Live || !s.shell.Pending() || n.Thread() != s.thread || time.Now().After(wait); over {
				said = seat.ParseSaid(string(s.shell.Output()))
				w.leave(n, s)
				w.look()
			}
			return nil
		})
		if err != nil || over {
			return said, err
		}
		select {
		case <-time.After(commandStep):
		case <-ctx.Done():
			return said, ctx.Err()
		}
	}
}

// typeIn is Type in the owner. Lines within the line are not possible.
func (w *World) typeIn(n *network.Node, line string) *sitter {
	t := n.Thread()
	s := w.seats[n.Number()]
	if s == nil || s.thread != t {
		c := shell.Config{}
		if w.options.Shell != nil {
			c = w.options.Shell(n)
		}
		s = &sitter{thread: t, shell: shell.New(t, c)}
		s.timer = w.net.World.Timer(func() {
			if n.Thread() != s.thread {
				return
			}
			n.Input(func(now machine.Time, _ *thread.Node) { s.shell.Expire(now) })
			s.timer.Set(s.shell.Deadline())
		})
		w.seats[n.Number()] = s
	}
	line, _, _ = strings.Cut(strings.ReplaceAll(line, "\r", "\n"), "\n")
	s.shell.Output() // what came of its own meanwhile, and the prompt
	s.cause++
	n.Input(func(now machine.Time, _ *thread.Node) { s.shell.Run(now, s.cause, line) })
	s.timer.Set(s.shell.Deadline())
	return s
}

// settle lets time pass until the command is over.
func (w *World) settle(n *network.Node, s *sitter) {
	limit := w.net.World.Now().Add(commandMost)
	for s.shell.Pending() && w.net.World.Now() < limit && n.Thread() == s.thread {
		w.net.World.RunFor(commandStep)
	}
}

// leave does what the command has asked of whoever runs the node.
func (w *World) leave(n *network.Node, s *sitter) {
	switch s.shell.Exit() {
	case shell.Reset:
		n.Reset()
	case shell.FactoryReset:
		n.FactoryReset()
	}
}

// Seat returns the seat at one of the nodes.
func (w *World) Seat(id int) seat.Seat { return w.SeatAt(func() int { return id }) }

// SeatAt returns the seat at a node that is not known yet, or changes. id is called in the owner.
func (w *World) SeatAt(id func() int) seat.Seat { return &worldSeat{w, id} }

type worldSeat struct {
	w  *World
	id func() int
}

// Do implements seat.Seat.
func (s *worldSeat) Do(ctx context.Context, f func(now machine.Time, n *thread.Node) error) error {
	return s.w.do(ctx, func() (err error) {
		n, err := s.w.member(s.id())
		switch {
		case err != nil:
			return err
		case n.Thread() == nil:
			return ErrOff
		}
		n.Input(func(now machine.Time, t *thread.Node) { err = f(now, t) })
		return err
	})
}

// Type implements seat.Seat.
func (s *worldSeat) Type(ctx context.Context, line string) (Said, error) {
	id := 0
	if err := s.w.do(ctx, func() error { id = s.id(); return nil }); err != nil {
		return Said{}, err
	}
	return s.w.Type(ctx, id, line)
}

// Listen implements seat.Seat. It may be called before Run.
func (s *worldSeat) Listen(f func(now machine.Time, a machine.Action)) (stop func()) {
	return s.w.ears.add(s.id, f)
}
