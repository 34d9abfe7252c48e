// Package machinetest is the conformance kit for machines: random inputs, commands, deadlines and drains, and the rules
// that every machine keeps whatever comes in.
package machinetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"heddle.example/machine"
)

// Rand is the kit's deterministic source; it is also the machine's.
type Rand struct{ *rand.Rand }

// NewRand returns the source for a seed.
func NewRand(seed uint64) Rand { return Rand{rand.New(rand.NewPCG(seed, 0x68656464))} }

// Fill implements machine.Rand.
func (r Rand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// Plain is a source for transcripts that are written out in a test: what it gives is the same whatever the library's sources
// become. N is the seed.
type Plain struct{ N uint64 }

// Uint64 implements machine.Rand.
func (r *Plain) Uint64() uint64 {
	r.N = r.N*6364136223846793005 + 1442695040888963407
	return r.N >> 20
}

// Fill implements machine.Rand.
func (r *Plain) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint64())
	}
}

// Bytes returns up to limit random bytes.
func (r Rand) Bytes(limit int) []byte {
	b := make([]byte, r.IntN(limit+1))
	r.Fill(b)
	return b
}

// Mutate returns b with a few random changes: flipped, cut, doubled.
func (r Rand) Mutate(b []byte) []byte {
	b = bytes.Clone(b)
	for range r.IntN(4) {
		if len(b) == 0 {
			break
		}
		switch r.IntN(4) {
		case 0, 1:
			b[r.IntN(len(b))] = byte(r.Uint32())
		case 2:
			b = b[:r.IntN(len(b)+1)]
		default:
			at := r.IntN(len(b))
			b = append(b[:at:at], append(bytes.Clone(b[at:]), b[at:]...)...)
		}
	}
	return b
}

// Kit describes the machine under test.
type Kit struct {
	// New makes a fresh machine. Everything random in it comes from r.
	New func(r machine.Rand) machine.Machine
	// Paths are where datagrams come from.
	Paths []machine.Path
	// Datagram makes an input. What the machine sent so far is offered for echo, replay and mutation. Nil: random bytes and
	// echoes only.
	Datagram func(r Rand, sent [][]byte) []byte
	// Commands are the machine's other inputs; each is called with the machine now and then.
	Commands []func(m machine.Machine, now machine.Time, cause machine.Cause, r Rand)
	// Steps per seed (default 300) and Seeds (default 20).
	Steps, Seeds int
}

// start is an arbitrary instant that machines must not depend on.
const start = machine.Time(1_790_000_000_000_000_000)

// Conform runs the kit:
//
//   - after Expire(now), Deadline() > now, and time never has to stand still;
//   - a borrowed datagram is not kept: it is overwritten right after Receive;
//   - slices of actions stay as they were until the drain is over;
//   - commits are numbered upwards, and a Send waits only for a commit that was asked for;
//   - a Send names where it goes;
//   - the same seed gives the same actions.
func Conform(t *testing.T, k Kit) {
	t.Helper()
	if k.Steps == 0 {
		k.Steps = 300
	}
	if k.Seeds == 0 {
		k.Seeds = 20
	}
	for seed := range uint64(k.Seeds) {
		first := run(t, k, seed)
		second := run(t, k, seed)
		if len(first) != len(second) {
			t.Fatalf("seed %d: %d actions, then %d", seed, len(first), len(second))
		}
		for i := range first {
			if first[i] != second[i] {
				t.Fatalf("seed %d: action %d differs between two runs:\n%s\n%s", seed, i, first[i], second[i])
			}
		}
	}
}

type runner struct {
	t          *testing.T
	kit        Kit
	seed       uint64
	m          machine.Machine
	now        machine.Time
	asked      machine.Seq
	persisted  machine.Seq
	sent       [][]byte
	transcript []string
}

func run(t *testing.T, k Kit, seed uint64) []string {
	t.Helper()
	r := NewRand(seed)
	x := &runner{t: t, kit: k, seed: seed, now: start, m: k.New(NewRand(seed + 1<<32))}
	x.drain("New")
	for step := range k.Steps {
		cause := machine.Cause(step + 1)
		switch op := r.IntN(10); {
		case op < 5:
			b := x.datagram(r)
			x.m.Receive(x.now, cause, k.Paths[r.IntN(len(k.Paths))], b)
			for i := range b {
				b[i] = 0xa5
			}
			x.drain("Receive")
		case op < 7 && len(k.Commands) > 0:
			k.Commands[r.IntN(len(k.Commands))](x.m, x.now, cause, r)
			x.drain("command")
		case op == 7:
			if d, ok := x.m.(machine.Durable); ok && x.persisted < x.asked {
				x.persisted += machine.Seq(1 + r.Uint64N(uint64(x.asked-x.persisted)))
				d.Persisted(x.now, x.persisted)
				x.drain("Persisted")
			}
		default:
			x.advance(r)
		}
	}
	return x.transcript
}

func (x *runner) datagram(r Rand) []byte {
	if len(x.sent) > 0 && r.IntN(4) == 0 {
		return r.Mutate(x.sent[r.IntN(len(x.sent))])
	}
	if x.kit.Datagram != nil && r.IntN(5) > 0 {
		return bytes.Clone(x.kit.Datagram(r, x.sent))
	}
	return r.Bytes(200)
}

// advance lets time pass, to the next deadline or by some while, firing timers on the way.
func (x *runner) advance(r Rand) {
	until := x.now.Add(time.Duration(r.Int64N(int64(40 * time.Second))))
	for range 10_000 {
		d := x.m.Deadline()
		if d > until {
			x.now = until
			return
		}
		x.now = max(x.now, d)
		x.m.Expire(x.now)
		if d := x.m.Deadline(); d <= x.now {
			x.t.Fatalf("seed %d: after Expire(%d) the deadline is %d", x.seed, x.now, d)
		}
		x.drain("Expire")
		if d := x.m.Deadline(); d <= x.now {
			x.t.Fatalf("seed %d: after Expire(%d) and a drain the deadline is %d", x.seed, x.now, d)
		}
	}
	x.t.Fatalf("seed %d: 10,000 deadlines within 40 s: the machine never rests", x.seed)
}

func (x *runner) drain(after string) {
	type held struct{ live, copy []byte }
	var slices []held
	for n := 0; ; n++ {
		a, ok := x.m.Next()
		if !ok {
			break
		}
		if n > 100_000 {
			x.t.Fatalf("seed %d: the drain after %s does not end", x.seed, after)
		}
		switch a.Kind {
		case machine.Send:
			if !a.Path.Remote.IsValid() {
				x.t.Fatalf("seed %d: a Send to nowhere after %s: %+v", x.seed, after, a)
			}
			slices = append(slices, held{a.Data, bytes.Clone(a.Data)})
			if len(x.sent) < 1000 {
				x.sent = append(x.sent, bytes.Clone(a.Data))
			}
		case machine.Persist:
			if a.Seq <= x.asked {
				x.t.Fatalf("seed %d: commit %d after commit %d", x.seed, a.Seq, x.asked)
			}
			x.asked = a.Seq
			for _, rec := range a.Records {
				slices = append(slices, held{rec.Key, bytes.Clone(rec.Key)}, held{rec.Value, bytes.Clone(rec.Value)})
			}
		case machine.Event, machine.Result, machine.Ask:
		default:
			x.t.Fatalf("seed %d: action of unknown kind %d after %s", x.seed, a.Kind, after)
		}
		if a.After > x.asked {
			x.t.Fatalf("seed %d: a Send waits for commit %d, but only %d were asked for", x.seed, a.After, x.asked)
		}
		x.transcript = append(x.transcript, describe(x.now, after, a))
	}
	for _, h := range slices {
		if !bytes.Equal(h.live, h.copy) {
			x.t.Fatalf("seed %d: a slice of an action after %s changed before the drain was over:\n%x\n%x", x.seed, after, h.copy, h.live)
		}
	}
}

func describe(now machine.Time, after string, a machine.Action) string {
	s := fmt.Sprintf("%d %s: kind %d cause %d after %d seq %d op %d %v>%v %x %T", now, after, a.Kind, a.Cause, a.After, a.Seq, a.Op,
		a.Path.Local, a.Path.Remote, a.Data, a.Value)
	for _, r := range a.Records {
		s += fmt.Sprintf(" %s[%x]=%x", r.Table, r.Key, r.Value)
	}
	return s
}
