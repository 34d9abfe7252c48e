package simulate

import (
	"strings"
	"time"

	"heddle.example/machine"
	"heddle.example/sim"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/shell"
)

// Seat is a place at a node's command line.
type Seat struct {
	net    *network.Network
	node   *network.Node
	config func() shell.Config
	print  func(text string)
	timer  *sim.Timer
	shell  *shell.Shell
	thread *thread.Node // that the shell belongs to: a reset makes another
}

// Sit takes a place at a node's command line, which has what config says besides OpenThread's words. What it prints goes to
// print, without prompts.
func Sit(net *network.Network, n *network.Node, config func() shell.Config, print func(text string)) *Seat {
	s := &Seat{net: net, node: n, config: config, print: print}
	s.timer = net.World.Timer(func() {
		n.Input(func(now machine.Time, t *thread.Node) {
			if s.open(t) {
				s.shell.Expire(now)
			}
		})
		s.settle()
	})
	before := n.OnEvent
	n.OnEvent = func(now machine.Time, a machine.Action) {
		if before != nil {
			before(now, a)
		}
		if s.thread == n.Thread() && s.shell != nil {
			s.shell.Observe(now, a)
			s.flush()
		}
	}
	return s
}

// open makes the shell, if the node is another than before, and reports whether there is one.
func (s *Seat) open(t *thread.Node) bool {
	if t != nil && t != s.thread {
		s.thread, s.shell = t, shell.New(t, s.config())
		s.shell.Output() // the first prompt
	}
	return t != nil
}

// Type types a line. What it prints comes at once, or as time passes.
func (s *Seat) Type(line string) {
	s.node.Input(func(now machine.Time, t *thread.Node) {
		if s.open(t) {
			s.shell.Run(now, s.net.World.Cause(), line)
		}
	})
	s.settle()
}

// Busy reports whether a command goes on.
func (s *Seat) Busy() bool {
	return s.shell != nil && s.thread == s.node.Thread() && s.shell.Pending()
}

// Wait lets time pass until the command has ended, at most for d.
func (s *Seat) Wait(d time.Duration) bool {
	return s.net.RunUntil(func() bool { return !s.Busy() }, d)
}

func (s *Seat) settle() {
	if s.shell == nil {
		return
	}
	s.flush()
	switch s.shell.Exit() {
	case shell.Reset:
		s.node.Reset()
	case shell.FactoryReset:
		s.node.FactoryReset()
	}
	if s.node.On() {
		s.timer.Set(s.shell.Deadline())
	}
}

func (s *Seat) flush() {
	text := strings.ReplaceAll(string(s.shell.Output()), "\r", "")
	if text = strings.TrimSuffix(text, "> "); strings.TrimSpace(text) != "" {
		s.print(text)
	}
}

// Lines returns the function that runs a script's command lines. What they print stands in the transcript.
func Lines(net *network.Network, config func(n *network.Node) shell.Config) func(n *network.Node, line string) {
	seats := map[*network.Node]*Seat{}
	return func(n *network.Node, line string) {
		s := seats[n]
		if s == nil {
			s = Sit(net, n, func() shell.Config { return config(n) }, func(text string) {
				for _, l := range strings.Split(text, "\n") {
					if l = strings.TrimPrefix(strings.TrimSpace(l), "> "); l != "" {
						net.World.Log("%s: %s", n.Name(), l)
					}
				}
			})
			seats[n] = s
		}
		s.Type(line)
	}
}
