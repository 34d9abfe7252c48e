// Package sim runs machines in virtual time: a world with a clock, an event queue, IP networks that lose, repeat, reorder
// and delay, NATs that forget, and disks that lose what was not synced. One root seed decides everything: the same seed
// gives the same transcript, to the byte. Nothing sleeps.
package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"heddle.example/machine"
)

// Start is when every world begins: 2026-01-01 00:00:00 UTC.
const Start = machine.Time(1_767_225_600_000_000_000)

// World is a simulated world. It is used by one goroutine.
type World struct {
	seed       uint64
	began      machine.Time
	now        machine.Time
	events     machine.Timers[func()]
	transcript []string
	cause      machine.Cause
	// Quiet turns the transcript of datagrams off; Log still writes.
	Quiet bool
}

// New returns an empty world at Start.
func New(seed uint64) *World { return NewAt(seed, Start) }

// NewAt returns an empty world at an instant: of one that keeps step with the real clock, and is spoken to from outside.
func NewAt(seed uint64, start machine.Time) *World {
	return &World{seed: seed, began: start, now: start}
}

// Began returns when the world began.
func (w *World) Began() machine.Time { return w.began }

// Next returns when something is due, or Never.
func (w *World) Next() machine.Time { return w.events.Deadline() }

// Now returns the virtual time.
func (w *World) Now() machine.Time { return w.now }

// Seed returns the root seed, to be printed when a test fails.
func (w *World) Seed() uint64 { return w.seed }

// Cause returns a fresh cause for an input from outside.
func (w *World) Cause() machine.Cause { w.cause++; return w.cause }

// source is a deterministic stream of randomness.
type source struct{ *rand.ChaCha8 }

func (s source) Fill(b []byte) {
	if _, err := s.Read(b); err != nil {
		panic("sim: ChaCha8 never fails: " + err.Error())
	}
}

// Rand returns the stream of randomness called name: streams do not depend on each other, so that one more node does not
// change what the others draw.
func (w *World) Rand(name string) machine.Rand { return w.source(name) }

func (w *World) source(name string) source {
	return source{rand.NewChaCha8(sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, w.seed), name...)))}
}

// At calls f at the instant t, or now if that is past. Calls for one instant keep their order.
func (w *World) At(t machine.Time, f func()) { w.events.Set(0, max(t, w.now), f) }

// After calls f once d has passed.
func (w *World) After(d time.Duration, f func()) { w.At(w.now.Add(d), f) }

// Timer is one place in the event queue, for a driver that is called again and again: setting it allocates nothing.
type Timer struct {
	world *World
	id    machine.TimerID
	fire  func()
}

// Timer makes a timer that calls f whenever it fires. It is not set yet.
func (w *World) Timer(f func()) *Timer {
	t := &Timer{world: w}
	t.fire = func() { t.id = 0; f() }
	return t
}

// Set sets the timer for the instant at, or now if that is past. Never stops it.
func (t *Timer) Set(at machine.Time) { t.id = t.world.events.Set(t.id, max(at, t.world.now), t.fire) }

// At returns when the timer fires, or Never.
func (t *Timer) At() machine.Time { return t.world.events.At(t.id) }

// Stop stops the timer.
func (t *Timer) Stop() { t.world.events.Stop(t.id); t.id = 0 }

// Log adds a line to the transcript, with the time since the world began.
func (w *World) Log(format string, args ...any) {
	w.transcript = append(w.transcript, fmt.Sprintf("%12.6f ", w.now.Sub(w.began).Seconds())+fmt.Sprintf(format, args...))
}

// Transcript returns what happened, a line each.
func (w *World) Transcript() []string { return w.transcript }

// step goes on to the next event, if it is not after limit.
func (w *World) step(limit machine.Time) bool {
	next := w.events.Deadline()
	if next > limit || next == machine.Never {
		return false
	}
	w.now = max(w.now, next)
	if f, ok := w.events.Pop(w.now); ok {
		f()
	}
	return true
}

// Run lets time pass until the instant t.
func (w *World) Run(t machine.Time) {
	for w.step(t) {
	}
	w.now = max(w.now, t)
}

// RunFor lets d pass.
func (w *World) RunFor(d time.Duration) { w.Run(w.now.Add(d)) }

// RunUntil lets time pass until done reports true, at most for d, and reports whether it did.
func (w *World) RunUntil(done func() bool, d time.Duration) bool {
	limit := w.now.Add(d)
	for !done() {
		if !w.step(limit) {
			w.now = max(w.now, limit)
			return done()
		}
	}
	return true
}
