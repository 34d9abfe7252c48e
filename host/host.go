// Package host runs machines in the real world: UDP sockets, the clock, randomness and commits to disk.
//
// An Owner holds one machine and is the only one to touch it. Datagrams, timers, finished commits and functions from
// other goroutines (Do, Post) enter one after the other; after each the machine is drained, its datagrams leave in
// batches, and what it wants to be durable goes to a Committer. Package sim is the other world, in virtual time.
package host

import (
	"log/slog"
	"sync/atomic"
	"time"

	"heddle.example/machine"
)

// Options are the settings of a Host. The zero value is good.
type Options struct {
	Log           *slog.Logger // nil: silent
	ReceiveBuffer int          // bytes to ask for per socket; 0: 8 MiB
	SendBuffer    int          // bytes to ask for per socket; 0: 4 MiB
}

// Host is this computer: its clock, randomness and sockets. All its methods may be called from any goroutine.
type Host struct {
	log           *slog.Logger
	anchor        time.Time // with Go's monotonic reading
	wall          int64     // the anchor in nanoseconds since the epoch
	receiveBuffer int
	sendBuffer    int
	zones         zoneTable
	causes        atomic.Uint64
}

// New returns the host. Its clock starts at the wall clock's present value.
func New(o Options) *Host {
	now := time.Now()
	h := &Host{log: o.Log, anchor: now, wall: now.UnixNano(), receiveBuffer: o.ReceiveBuffer, sendBuffer: o.SendBuffer}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.receiveBuffer == 0 {
		h.receiveBuffer = 8 << 20
	}
	if h.sendBuffer == 0 {
		h.sendBuffer = 4 << 20
	}
	return h
}

// Now returns the time. It advances with the monotonic clock from the wall clock's value at New, so it never goes back
// and a step of the wall clock (NTP, a person) sets off no timer.
func (h *Host) Now() machine.Time { return machine.Time(h.wall + int64(time.Since(h.anchor))) }

// NextCause returns a new cause, for an input that begins a chain of events (a click, a REST call).
func (h *Host) NextCause() machine.Cause { return machine.Cause(h.causes.Add(1)) }

// until returns how long from now the instant t is, at least zero.
func (h *Host) until(t machine.Time) time.Duration { return max(0, t.Sub(h.Now())) }
