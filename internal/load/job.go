package load

import (
	"fmt"
	"time"

	"heddle.example/machine"
)

// work is what the swarm is to do.
type work struct {
	op       op
	target   int           // operations under way at a time
	devices  int           // that take part, the first ones; 0: all
	once     bool          // each of them has one turn
	duration time.Duration // else: until then
	rate     int           // opNotifyNon: per second
	finished func()        // called once, by the owner
}

type counts struct {
	done, errors, timeouts, retransmissions uint64
}

// job is a work being done: a closed loop, in which every operation that ends starts the next.
type job struct {
	work
	counts
	running   bool
	next      int // device
	turns     int // that were given out
	flight    int
	begun     machine.Time
	ended     machine.Time
	until     machine.Time
	latency   histogram
	firstErr  string
	pacer     machine.TimerID
	sent      uint64
	starting  bool // fill is running: what ends at once must not start more from inside
	abandoned bool
}

func (s *swarm) begin(now machine.Time, w work) {
	s.out.Begin()
	if w.devices == 0 {
		w.devices = len(s.devices)
	}
	s.job = job{work: w, running: true, begun: now, until: machine.Never}
	if !w.once {
		s.job.until = now.Add(w.duration)
	}
	if w.op == opNotifyNon {
		s.pace(now)
		return
	}
	s.fill(now)
}

// abandon ends a job early; what is under way is forgotten.
func (s *swarm) abandon(now machine.Time) {
	s.out.Begin()
	j := &s.job
	j.abandoned = true
	for i := range s.devices {
		if s.devices[i].op != opNone {
			s.clear(i)
		}
	}
	j.flight = 0
	s.timers.Stop(j.pacer)
	s.end(now)
}

// fill starts operations up to the target.
func (s *swarm) fill(now machine.Time) {
	j := &s.job
	if !j.running || j.starting {
		return
	}
	j.starting = true
	for j.flight < j.target && !j.abandoned {
		i, ok := s.choose(now)
		if !ok {
			break
		}
		s.startOp(now, i)
	}
	j.starting = false
	if j.flight == 0 {
		s.end(now)
	}
}

// choose returns the device whose turn is next.
func (s *swarm) choose(now machine.Time) (int, bool) {
	j := &s.job
	if !j.once && now >= j.until {
		return 0, false
	}
	for range j.devices {
		if j.once && j.turns >= j.devices {
			return 0, false
		}
		i := j.next
		j.turns++
		if j.next++; j.next == j.devices {
			j.next = 0
		}
		if d := &s.devices[i]; d.op == opNone && j.suits(d) {
			return i, true
		}
	}
	return 0, false
}

// suits reports whether a device can do the operation now.
func (j *job) suits(d *device) bool {
	switch j.op {
	case opUpdate, opDeregister:
		return d.location != ""
	case opNotify, opNotifyNon:
		return d.observed.active
	}
	return true
}

func (s *swarm) end(now machine.Time) {
	j := &s.job
	if !j.running {
		return
	}
	j.running = false
	j.ended = now
	j.finished()
}

// paceStep is how often a batch leaves that is sent at a rate.
const paceStep = time.Millisecond

// pace sends what is due.
func (s *swarm) pace(now machine.Time) {
	j := &s.job
	due := uint64(now.Sub(j.begun).Seconds() * float64(j.rate))
	for ; j.sent < due; j.sent++ {
		i, ok := s.choose(min(now, j.until-1))
		if !ok {
			j.fail("no device is observed")
			break
		}
		if err := s.notify(now, i); err != nil {
			j.fail(err.Error())
			continue
		}
		j.done++
	}
	if now >= j.until {
		s.end(now)
		return
	}
	j.pacer = s.timers.Set(0, now.Add(paceStep), pacer)
}

func (j *job) fail(why string) {
	j.errors++
	if j.firstErr == "" {
		j.firstErr = why
	}
}

// finish ends the exchange of a device. why is empty where it went well.
func (s *swarm) finish(now machine.Time, i int, why string) {
	d := &s.devices[i]
	j := &s.job
	counts := j.running && d.op == j.op
	took := now.Sub(d.begun)
	s.clear(i)
	if !counts {
		return
	}
	j.flight--
	if why == "" {
		j.done++
		j.latency.add(took)
	} else {
		j.fail(fmt.Sprintf("%s: %s", endpointName(s.c.prefix, i), why))
	}
	s.fill(now)
}

// clear ends an exchange without counting it.
func (s *swarm) clear(i int) {
	d := &s.devices[i]
	s.timers.Stop(d.timer)
	d.timer, d.op, d.attempt, d.acked = 0, opNone, 0, false
}

// phase returns what came out.
func (j *job) phase(name string) Phase {
	p := Phase{Name: name, Operations: j.done, Errors: j.errors, Timeouts: j.timeouts, Retransmissions: j.retransmissions,
		Seconds: j.ended.Sub(j.begun).Seconds(), FirstError: j.firstErr}
	p.rate()
	p.latency(&j.latency)
	return p
}

func (p *Phase) rate() {
	if p.Seconds > 0 {
		p.Rate = float64(p.Operations) / p.Seconds
	}
}

func (p *Phase) latency(h *histogram) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	p.P50, p.P90, p.P99, p.Max = ms(h.quantile(0.5)), ms(h.quantile(0.9)), ms(h.quantile(0.99)), ms(h.max)
	p.hasLatency = h.n > 0
}
