package topology

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"heddle.example/internal/simulate"
	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/shell"
)

// Options say what is shown.
type Options struct {
	Scenario *simulate.Scenario
	Speed    float64 // 0: as fast as it can
	Paused   bool

	// Network, where set, is what is shown: somebody else has made it of the scenario, or of other things.
	Network *network.Network
	// Dataset is that of the network, where it is not that of scenarios.
	Dataset *meshcop.Info
	// Live keeps step with the real clock, without an end, because real sockets are on the other side. A command waits for
	// its end in real time.
	Live bool
	// Device, where set, says what a node is besides a Thread node. It is called in the owner, for each node at each look.
	Device func(id int) Device
	// Shell, where set, says what a node's command line has besides OpenThread's words.
	Shell func(n *network.Node) shell.Config
}

// Device is what a node is besides a Thread node.
type Device struct {
	Client string // endpoint name of its LwM2M client
	LwM2M  string // state of that client
	Border bool   // it is a way out of the mesh
}

// World is a scenario that runs while it is looked at. Its methods are safe for use by many goroutines: they pass through
// the owner, which is Run.
type World struct {
	scenario *simulate.Scenario
	options  Options
	net      *network.Network
	script   *network.Run
	epoch    string
	end      machine.Time
	commands chan func()
	closed   chan struct{}
	feed     feed

	synced time.Time // the real instant that virtual time has kept step with
	speed  float64
	paused bool
	rate   float64
	seek   machine.Time // where time goes as fast as it can, and pauses; 0: nowhere
	view   view
	past   past
	air    air
	seats  map[int]*sitter
	ears   ears
}

// Errors of commands.
var (
	ErrNode    = errors.New("there is no such node")
	ErrOff     = errors.New("the node is off")
	ErrBusy    = errors.New("the simulation has too much to do: try again")
	ErrClosed  = errors.New("the simulation has ended")
	ErrRunning = errors.New("pause the simulation first")
	ErrCannot  = errors.New("only a simulation can do it")
	ErrPast    = errors.New("that moment is not remembered: choose a later one")
)

const (
	turn       = 20 * time.Millisecond // of real time, for a slice of virtual time
	lookEvery  = 100 * time.Millisecond
	clockEvery = 250 * time.Millisecond
	inboxRoom  = 256
	liveStep   = 500 * time.Microsecond
)

// New makes the world of a scenario. Time passes in Run.
func New(o Options) (*World, error) {
	made := &simulate.Made{Net: o.Network}
	if o.Scenario == nil {
		o.Scenario = &simulate.Scenario{}
	}
	if o.Network == nil {
		var err error
		if made, err = o.Scenario.Build(); err != nil {
			return nil, err
		}
		o.Shell = made.Shell
		o.Device = func(id int) (d Device) { d.Client, d.LwM2M, d.Border = made.Device(id); return d }
	}
	net := made.Net
	net.World.Quiet = true
	steps, err := network.ParseScript(o.Scenario.Script)
	if err != nil {
		return nil, err
	}
	w := &World{scenario: o.Scenario, options: o, net: net, epoch: strconv.FormatInt(time.Now().UnixMilli(), 36),
		end: net.World.Now().Add(time.Duration(o.Scenario.For)), commands: make(chan func(), inboxRoom), closed: make(chan struct{}),
		feed: feed{readers: map[*Reader]bool{}}, speed: o.Speed, paused: o.Paused, seats: map[int]*sitter{}}
	if o.Live {
		w.end = machine.Never
	}
	w.script = net.Play(steps)
	w.script.Shell = simulate.Lines(net, made.Shell)
	w.air.init(w)
	w.view.init(w)
	w.sitDown()
	return w, nil
}

// Run lets time pass until ctx ends. It is the world's owner.
func (w *World) Run(ctx context.Context) {
	defer close(w.closed)
	var looked, told time.Time
	clock := time.Now()
	w.synced = clock
	counted, countedAt := w.net.World.Now(), clock
	for ctx.Err() == nil {
		w.pass()
		clock = time.Now()
		if clock.Sub(looked) >= lookEvery {
			looked = clock
			w.look()
		}
		if clock.Sub(told) >= clockEvery {
			w.rate = w.net.World.Now().Sub(counted).Seconds() / clock.Sub(countedAt).Seconds()
			counted, countedAt, told = w.net.World.Now(), clock, clock
			w.feed.publish("clock", 0, w.clock())
		}
		w.wait(ctx, clock)
	}
}

// pass lets a slice of virtual time pass: what the speed says for the real time since the last one, and no more than can be
// computed in a few turns.
func (w *World) pass() {
	now := w.net.World.Now()
	begin := time.Now()
	since := w.synced
	w.synced = begin
	if w.paused || now >= w.end {
		return
	}
	if w.speed == 0 || w.seek > 0 {
		end := w.end
		if w.seek > 0 {
			end = min(end, w.seek)
		}
		for time.Since(begin) < turn && w.net.World.Now() < end {
			w.net.World.Run(min(end, w.net.World.Now().Add(50*time.Millisecond)))
		}
		if w.seek > 0 && w.net.World.Now() >= end {
			w.seek, w.paused = 0, true
			w.feed.publish("clock", 0, w.clock())
		}
		return
	}
	to := min(w.end, now.Add(time.Duration(float64(min(begin.Sub(since), 5*turn))*w.speed)))
	step := 50 * time.Millisecond
	for w.net.World.Now() < to && time.Since(begin) < 2*turn {
		w.net.World.Run(min(to, w.net.World.Now().Add(step)))
	}
}

// wait carries out commands until the next slice is due.
func (w *World) wait(ctx context.Context, since time.Time) {
	pause := max(0, turn-time.Since(since))
	if w.options.Live && !w.paused {
		// What is due is done when it is due: packets of real programs are on their way.
		next := w.net.World.Next().Sub(w.net.World.Now())
		pause = min(pause, max(liveStep, time.Duration(float64(next)/max(w.speed, 1))))
	}
	due := time.NewTimer(pause)
	defer due.Stop()
	if (w.speed == 0 || w.seek > 0) && !w.paused && w.net.World.Now() < w.end {
		due.Reset(0)
	}
	for {
		select {
		case f := <-w.commands:
			if w.options.Live {
				w.pass() // it comes now, not when the last slice ended
			}
			f()
			if w.options.Live {
				return
			}
		case <-due.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// do runs f in the owner and waits for it. Where ctx ends first, f is not run, or has been: it never writes what nobody waits for.
func (w *World) do(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	var taken atomic.Bool
	select {
	case w.commands <- func() {
		if !taken.Swap(true) {
			done <- f()
		}
	}:
	case <-w.closed:
		return ErrClosed
	default:
		return ErrBusy
	}
	select {
	case err := <-done:
		return err
	case <-w.closed:
		return ErrClosed
	case <-ctx.Done():
	}
	if !taken.Swap(true) {
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-w.closed:
		return ErrClosed
	}
}

// Post has the owner run f soon, and reports whether there was room for it. It does not wait.
func (w *World) Post(f func()) bool {
	select {
	case w.commands <- f:
		return true
	default:
		return false
	}
}

// Do has the owner run f, and waits for its end. f may use the network.
func (w *World) Do(ctx context.Context, f func(net *network.Network) error) error {
	return w.do(ctx, func() error { return f(w.net) })
}

// Hurry changes how much faster than the clock a live world is: for whom waits for nothing but the mesh.
func (w *World) Hurry(ctx context.Context, speed float64) error {
	return w.do(ctx, func() error { w.speed = speed; return nil })
}

// Note adds a line to the history. It is called in the owner.
func (w *World) Note(kind string, node int, text string) { w.view.note(kind, node, text) }

// us returns virtual microseconds since the start.
func (w *World) us(t machine.Time) int64 {
	return int64(t.Sub(w.net.World.Began()) / time.Microsecond)
}

func (w *World) clock() Clock {
	until := int64(0)
	if w.end != machine.Never {
		until = w.us(w.end)
	}
	return Clock{Now: w.us(w.net.World.Now()), Until: until, Speed: w.speed, Paused: w.paused, Done: w.net.World.Now() >= w.end,
		Rate: math.Round(100*w.rate) / 100}
}

// Follow returns a reader of the events, or nil where there are too many.
func (w *World) Follow() *Reader { return w.feed.Follow() }

// Snapshot returns everything as it is now.
func (w *World) Snapshot(ctx context.Context) (s *Snapshot, err error) {
	err = w.do(ctx, func() error {
		w.look()
		s = w.view.snapshot()
		return nil
	})
	return s, err
}

// Control changes how time passes, and returns how it does now.
func (w *World) Control(ctx context.Context, c Control) (clock Clock, err error) {
	err = w.do(ctx, func() error {
		if w.options.Live {
			return ErrCannot
		}
		if c.Speed != nil {
			w.speed = *c.Speed
		}
		if c.Pause != nil {
			w.paused, w.seek = *c.Pause, 0
		}
		if c.To != nil {
			to := w.net.World.Began().Add(time.Duration(*c.To) * time.Microsecond)
			if to <= w.net.World.Now() {
				return ErrPast
			}
			w.seek, w.paused = min(to, w.end), false
		}
		switch c.Step {
		case "frame", "second":
			if !w.paused {
				return ErrRunning
			}
			w.step(c.Step)
		}
		clock = w.clock()
		w.feed.publish("clock", 0, clock)
		return nil
	})
	return clock, err
}

func (w *World) step(what string) {
	if what == "second" {
		w.net.World.Run(min(w.end, w.net.World.Now().Add(time.Second)))
	} else {
		sent := w.air.sent
		w.net.World.RunUntil(func() bool { return w.air.sent != sent }, min(time.Hour, w.end.Sub(w.net.World.Now())))
	}
	w.look()
}

func (w *World) member(id int) (*network.Node, error) {
	if id < 1 || id > len(w.net.Members()) {
		return nil, ErrNode
	}
	return w.net.Member(id), nil
}

// Act changes a node, and returns its row.
func (w *World) Act(ctx context.Context, id int, a Action) (row Row, err error) {
	err = w.do(ctx, func() error {
		n, err := w.member(id)
		if err != nil {
			return err
		}
		switch a.Action {
		case "kill":
			n.Kill()
			w.view.note("kill", id, fmt.Sprintf("node %d was switched off", id))
		case "revive", "reset":
			if a.Action == "reset" || n.Thread() == nil {
				n.Reset()
				w.view.note("note", id, fmt.Sprintf("node %d was switched on", id))
			}
		case "move":
			p := n.Position()
			if a.X != nil {
				p.X = *a.X
			}
			if a.Y != nil {
				p.Y = *a.Y
			}
			n.Move(p)
		default:
			return fmt.Errorf("%q: kill, revive, reset and move are known", a.Action)
		}
		w.look()
		row = w.view.rows[id-1]
		return nil
	})
	return row, err
}

// SetLink cuts the link between two nodes, or lets the air decide again.
func (w *World) SetLink(ctx context.Context, a, b int, on bool) error {
	return w.do(ctx, func() error {
		for _, id := range []int{a, b} {
			if _, err := w.member(id); err != nil {
				return err
			}
		}
		if a == b {
			return ErrNode
		}
		w.net.SetLink(a, b, mesh.Link{Off: !on})
		what := "was cut"
		if on {
			what = "is as the air has it again"
		}
		w.view.note("note", a, fmt.Sprintf("the link %d - %d %s", a, b, what))
		w.look()
		return nil
	})
}
