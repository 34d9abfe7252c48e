package machinetest

import (
	"net/netip"
	"testing"
	"time"

	"heddle.example/machine"
)

// echo answers every datagram after a second, and commits a count of them.
type echo struct {
	out    machine.Outbox
	timers machine.Timers[[]byte]
	path   machine.Path
}

func (e *echo) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	e.out.Begin()
	e.path = path
	e.timers.Set(0, now.Add(time.Second), append([]byte(nil), b...))
}

func (e *echo) Expire(now machine.Time) {
	e.out.Begin()
	for {
		b, ok := e.timers.Pop(now)
		if !ok {
			return
		}
		seq := e.out.Nest().NextSeq()
		e.out.Push(machine.Action{Kind: machine.Persist, Seq: seq, Records: []machine.Record{{Table: "echo", Key: e.out.Nest().Copy(b)}}})
		e.out.Push(machine.Action{Kind: machine.Send, Path: e.path, Data: e.out.Nest().Copy(b), After: seq})
	}
}

func (e *echo) Deadline() machine.Time                               { return e.timers.Deadline() }
func (e *echo) Next() (machine.Action, bool)                         { return e.out.Next() }
func (e *echo) Persisted(machine.Time, machine.Seq)                  { e.out.Begin() }
func (e *echo) PersistFailed(_ machine.Time, _ machine.Seq, _ error) { e.out.Begin() }

func TestKitAcceptsAGoodMachine(t *testing.T) {
	Conform(t, Kit{
		New:   func(machine.Rand) machine.Machine { return &echo{out: machine.NewOutbox(nil)} },
		Paths: []machine.Path{{Remote: netip.MustParseAddrPort("[::1]:5683")}},
	})
}
