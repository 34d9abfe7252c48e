package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"heddle.example/machine"
)

// credentials adds the devices' keys to the server.
func (r *runner) credentials(ctx context.Context) error {
	r.progress(Progress{Phase: "credentials", Total: int64(r.o.Clients)})
	before, start := stat(r.o.PID), time.Now()
	r.added = true
	if err := r.api.addCredentials(ctx, r.endpoints(), r.o.key); err != nil {
		return fmt.Errorf("load: the keys could not be added: %w", err)
	}
	p := Phase{Name: "credentials", Operations: uint64(r.o.Clients), Seconds: time.Since(start).Seconds()}
	p.rate()
	p.cost(before, stat(r.o.PID))
	r.report.Phases = append(r.report.Phases, p)
	return nil
}

// reads reads a resource through REST, one at a time and then many.
func (r *runner) reads(ctx context.Context) error {
	if r.api == nil {
		r.note("no reads: give --rest")
		return nil
	}
	for _, flight := range []int{1, r.o.Concurrency} {
		if err := r.readPhase(ctx, flight); err != nil {
			return err
		}
		if r.o.Concurrency == 1 {
			break
		}
	}
	return nil
}

func (r *runner) readPhase(ctx context.Context, flight int) error {
	name := fmt.Sprintf("read, %d at a time", flight)
	before, start := stat(r.o.PID), time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		mu       sync.Mutex
		total    histogram
		firstErr string
		done     atomic.Int64
		errors   atomic.Uint64
		group    sync.WaitGroup
	)
	for w := range flight {
		group.Go(func() {
			var h histogram
			read, closeReader := r.api.reader()
			defer closeReader()
			for i := w; time.Since(start) < r.o.Duration && ctx.Err() == nil; i += flight {
				from := time.Now()
				if err := read(ctx, endpointName(r.o.Prefix, i%r.o.Clients)); err != nil {
					errors.Add(1)
					mu.Lock()
					firstErr = or(firstErr, err.Error())
					mu.Unlock()
					if errors.Load() > 100 && done.Load() == 0 {
						cancel() // it does not work at all
					}
					continue
				}
				h.add(time.Since(from))
				done.Add(1)
			}
			mu.Lock()
			total.merge(&h)
			mu.Unlock()
		})
	}
	ended := make(chan struct{})
	go func() { group.Wait(); close(ended) }()
	for running := true; running; {
		select {
		case <-ended:
			running = false
		case <-time.After(200 * time.Millisecond):
			e := time.Since(start)
			r.progress(Progress{Phase: name, Done: done.Load(), Elapsed: e, Of: r.o.Duration, Rate: float64(done.Load()) / e.Seconds()})
		}
	}
	p := Phase{Name: name, Operations: total.n, Errors: errors.Load(), Seconds: time.Since(start).Seconds(), FirstError: firstErr}
	p.rate()
	p.latency(&total)
	p.cost(before, stat(r.o.PID))
	r.report.Phases = append(r.report.Phases, p)
	return nil
}

// notifications has some devices observed and lets them notify: confirmably as fast as the server acknowledges, then
// non-confirmably at a rate.
func (r *runner) notifications(ctx context.Context) error {
	if r.api == nil {
		r.note("no notifications: give --rest, to observe the devices")
		return nil
	}
	n := min(r.o.Observed, r.o.Clients)
	r.progress(Progress{Phase: "observe", Total: int64(n)})
	if err := each(ctx, 16, r.endpoints()[:n], r.api.observe); err != nil {
		return fmt.Errorf("load: the devices could not be observed: %w", err)
	}
	observed := 0
	r.owner.Do(func(machine.Time) { observed = r.swarm.observed() })
	if observed < n {
		r.note("only %d of %d devices were observed", observed, n)
	}
	for _, w := range []work{
		{op: opNotify, target: r.o.Concurrency, devices: n, duration: r.o.Duration},
		{op: opNotifyNon, rate: r.o.Rate, devices: n, duration: r.o.Duration},
	} {
		name := "notify, CON"
		if w.op == opNotifyNon {
			name = fmt.Sprintf("notify, NON at %d/s", w.rate)
			if w.rate == 0 {
				continue
			}
		}
		if err := r.notifyPhase(ctx, name, w); err != nil {
			return err
		}
	}
	return nil
}

// notifyPhase is a phase with a listener to the server's events.
func (r *runner) notifyPhase(ctx context.Context, name string, w work) error {
	listening, cancel := context.WithCancel(ctx)
	defer cancel()
	var seen atomic.Uint64
	connected := make(chan struct{})
	ended := make(chan error, 1)
	var once sync.Once
	go func() {
		ended <- r.api.listen(listening, func(n int) {
			seen.Add(uint64(n))
			once.Do(func() { close(connected) })
		})
	}()
	select {
	case <-connected:
	case err := <-ended:
		return fmt.Errorf("load: the server's events cannot be read: %w", err)
	case <-time.After(5 * time.Second):
		return fmt.Errorf("load: the server's events cannot be read: no answer")
	}
	before, counts := r.api.notifications(ctx)
	if err := r.phase(ctx, name, w); err != nil {
		return err
	}
	// What is on its way still counts, until nothing more comes.
	for last := uint64(0); ; {
		time.Sleep(300 * time.Millisecond)
		if n := seen.Load(); n == last {
			break
		} else {
			last = n
		}
	}
	p := &r.report.Phases[len(r.report.Phases)-1]
	p.Seen = seen.Load()
	if after, ok := r.api.notifications(ctx); ok && counts {
		n := after - before
		p.Counted = &n
	}
	select {
	case err := <-ended:
		r.note("%s: the server ended the listener's event stream: %v", name, err)
	default:
	}
	return nil
}
