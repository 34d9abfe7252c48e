package host

import (
	"sync"
	"sync/atomic"

	"heddle.example/machine"
)

// commits is what an owner knows of the disk.
type commits struct {
	gate    machine.Gate
	waiting []machine.Seq // handed to the committer and not answered, oldest first
	issued  machine.Seq   // the newest that the machine asked for
	// Everything in [lostFrom, lostTo] failed, or was issued after a commit that did.
	lostFrom, lostTo machine.Seq
	limit            int // of datagrams that the gate holds
	dropped          uint64
	done, failed     uint64
}

// completions carries the committer's answers from its goroutine to the owner.
type completions struct {
	mu      sync.Mutex
	errs    []error
	waiting atomic.Int64
}

func (c *commits) lost(seq machine.Seq) bool { return seq >= c.lostFrom && seq <= c.lostTo }

// sendAfter sends now what hangs on no commit or on one that is on disk; the gate keeps the rest.
func (o *Owner) sendAfter(a *machine.Action) {
	switch c := &o.commits; {
	case c.lost(a.After) || c.gate.Held() >= c.limit:
		c.dropped++
	case c.gate.Pass(*a):
		o.send(&a.Path, a.Data)
	}
}

// persist hands records to the committer.
func (o *Owner) persist(now machine.Time, a *machine.Action) {
	c := &o.commits
	c.issued = max(c.issued, a.Seq)
	if o.committer == nil {
		c.done++
		o.persisted(now, a.Seq)
		return
	}
	c.waiting = append(c.waiting, a.Seq)
	o.committer.Append(a.Records, o.completed)
}

// completed is the committer's answer to the oldest commit that it has not answered.
func (o *Owner) completed(err error) {
	c := &o.completions
	c.mu.Lock()
	c.errs = append(c.errs, err)
	first := c.waiting.Add(1) == 1
	c.mu.Unlock()
	if first {
		o.rouse()
	}
}

// bringCommits tells the machine about finished commits and lets go what hung on them.
func (o *Owner) bringCommits(now machine.Time) {
	if o.completions.waiting.Load() == 0 {
		return
	}
	o.completions.mu.Lock()
	errs := o.completions.errs
	o.completions.errs = nil
	o.completions.waiting.Store(0)
	o.completions.mu.Unlock()
	c := &o.commits
	for len(errs) > 0 {
		// Those that went well one after the other are one input.
		n := 0
		for n < len(errs) && errs[n] == nil {
			n++
		}
		if n > 0 {
			seq := c.answered(n)
			c.done += uint64(n)
			errs = errs[n:]
			if !c.lost(seq) {
				o.persisted(now, seq)
				o.drain(now)
			}
			continue
		}
		seq, err := c.answered(1), errs[0]
		c.failed++
		errs = errs[1:]
		if c.lost(seq) {
			continue // the machine knows already
		}
		c.lostFrom, c.lostTo = seq, c.issued
		o.h.log.Error("commit failed", "seq", seq, "error", err)
		held := c.gate.Held()
		c.gate.PersistFailed(seq)
		c.dropped += uint64(held - c.gate.Held())
		o.durable.PersistFailed(now, seq, err)
		o.drain(now)
	}
}

// answered takes the n oldest commits off the list and returns the newest of them.
func (c *commits) answered(n int) machine.Seq {
	seq := c.waiting[n-1]
	c.waiting = c.waiting[:copy(c.waiting, c.waiting[n:])]
	return seq
}

func (o *Owner) persisted(now machine.Time, seq machine.Seq) {
	o.commits.gate.Persisted(seq, o.release)
	o.durable.Persisted(now, seq)
}

// forgetful stands in for a machine that persists nothing.
type forgetful struct{ machine.Machine }

func (forgetful) Persisted(machine.Time, machine.Seq)            {}
func (forgetful) PersistFailed(machine.Time, machine.Seq, error) {}
