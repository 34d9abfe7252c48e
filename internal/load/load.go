// Package load measures an LwM2M server with many simulated devices: how fast it registers, updates, notifies and is
// read through REST, with what latency, and what it costs the server in CPU and memory.
//
// The devices are one machine (swarm) on package host, not one client machine each: a generator must cost less than
// what it measures.
package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"heddle.example/host"
	"heddle.example/machine"
)

// Options say what to measure.
type Options struct {
	Server      string        // "coap://127.0.0.1:5683" or "coaps://..."
	REST        string        // "http://127.0.0.1:8080"; empty: no reads and no notifications
	API         string        // "heddle", "leshan", or "auto"
	Token       string        // API token
	Phases      []string      // of Phases
	Clients     int           // simulated devices
	Sockets     int           // that they share
	Concurrency int           // operations under way at a time
	Duration    time.Duration // of each phase that is not over when every device had its turn
	Observed    int           // devices that are observed in the notify phases
	Rate        int           // non-confirmable notifications per second
	Prefix      string        // of endpoint names
	Key         []byte        // one key for all devices, which the server knows already; nil: keys are made and added by REST
	Lifetime    time.Duration
	PID         int  // of the server, to measure its CPU and memory; 0: not measured
	AllowRemote bool // a server that is not on loopback
	Keep        bool // leave registrations and credentials behind
	Progress    func(Progress)

	keys func(i int) []byte
}

// Phases are all phases, in their order.
var Phases = []string{"register", "update", "read", "notify", "deregister"}

// Progress is told some times a second.
type Progress struct {
	Phase       string
	Done, Total int64         // operations; Total 0: until the time is over
	Elapsed, Of time.Duration // Of 0: until all are done
	Rate        float64       // per second, over the phase so far
}

// Report is what was measured.
type Report struct {
	Server      string      `json:"server"`
	API         string      `json:"api,omitempty"`
	Clients     int         `json:"clients"`
	Sockets     int         `json:"sockets"`
	Concurrency int         `json:"concurrency"`
	StartedAt   time.Time   `json:"startedAt"`
	IdleMB      float64     `json:"serverIdleMB,omitempty"`   // before the first device
	LoadedMB    float64     `json:"serverLoadedMB,omitempty"` // with all devices registered, after a pause
	BytesClient float64     `json:"bytesPerClient,omitempty"` // the difference, per device
	KernelDrops uint64      `json:"generatorDrops,omitempty"` // datagrams that the generator's own sockets lost
	Phases      []Phase     `json:"phases"`
	Notes       []string    `json:"notes,omitempty"`
	process     processStat // at the start
}

// Phase is what was measured in one phase.
type Phase struct {
	Name            string  `json:"name"`
	Operations      uint64  `json:"operations"`
	Errors          uint64  `json:"errors"`
	Timeouts        uint64  `json:"timeouts"`
	Retransmissions uint64  `json:"retransmissions"`
	Seconds         float64 `json:"seconds"`
	Rate            float64 `json:"perSecond"`
	P50             float64 `json:"p50ms"`
	P90             float64 `json:"p90ms"`
	P99             float64 `json:"p99ms"`
	Max             float64 `json:"maxms"`
	ServerCPU       float64 `json:"serverCPUus,omitempty"` // per operation
	ServerMB        float64 `json:"serverMB,omitempty"`    // resident, at the end
	Seen            uint64  `json:"seen,omitempty"`        // notifications that a listener of the server's events saw
	Counted         *uint64 `json:"counted,omitempty"`     // notifications that the server says it received
	FirstError      string  `json:"firstError,omitempty"`
	hasLatency      bool
}

// ErrRemote says that the server is not on this computer.
var ErrRemote = errors.New("load: the server is not on this computer; loading somebody else's is an attack. If it is yours, say --allow-remote")

// Run measures. When ctx ends it stops early and says so; what it added to the server is removed.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.keys = newKeys(); o.Key != nil {
		o.keys = func(int) []byte { return o.Key }
	}
	h := host.New(host.Options{})
	t, err := resolveTarget(ctx, h, o.Server, o.AllowRemote)
	if err != nil {
		return nil, err
	}
	r := &runner{o: o, host: h, target: t, report: &Report{
		Server: o.Server, Clients: o.Clients, Concurrency: o.Concurrency, StartedAt: time.Now().UTC(),
	}}
	if o.REST != "" {
		if r.api, err = newAPI(ctx, o); err != nil {
			return nil, err
		}
		r.report.API = r.api.name()
	}
	if err := r.start(); err != nil {
		return nil, err
	}
	defer r.stop()
	return r.report, r.run(ctx)
}

func (o *Options) check() error {
	for _, c := range []struct {
		n    int
		name string
	}{{o.Clients, "--clients"}, {o.Sockets, "--sockets"}, {o.Concurrency, "--concurrency"}} {
		if c.n <= 0 {
			return fmt.Errorf("load: %s must be at least 1", c.name)
		}
	}
	if o.Duration <= 0 {
		return errors.New("load: --duration must be more than 0")
	}
	if o.Clients > maxDevices {
		return fmt.Errorf("load: --clients can be %d at most", maxDevices)
	}
	for _, p := range o.Phases {
		if !known(p) {
			return fmt.Errorf("load: there is no phase %q; phases are %v", p, Phases)
		}
	}
	if len(o.Phases) == 0 || o.Phases[0] != "register" {
		return errors.New("load: the first of --phases must be register: what is not registered can do nothing else")
	}
	return nil
}

func known(phase string) bool {
	for _, p := range Phases {
		if p == phase {
			return true
		}
	}
	return false
}

// runner runs the phases.
type runner struct {
	o       Options
	host    *host.Host
	target  target
	api     api
	report  *Report
	swarm   *swarm
	owner   *host.Owner
	sockets []*host.Socket
	added   bool // credentials
}

func (r *runner) start() error {
	sockets, paths, err := r.target.sockets(r.host, r.o)
	if err != nil {
		return err
	}
	r.sockets = sockets
	r.report.Sockets = len(sockets)
	s, err := newSwarm(swarmConfig{
		rand: r.host.Rand(), secure: r.target.secure, remote: r.target.addr, paths: paths, clients: r.o.Clients,
		prefix: r.o.Prefix, key: r.o.key, lifetime: r.o.Lifetime,
	})
	if err != nil {
		return err
	}
	r.swarm = s
	r.owner, err = r.host.Run(s, host.RunOptions{Sockets: sockets, Batch: 32, MaxDatagram: 2048})
	return err
}

func (r *runner) stop() {
	for _, s := range r.owner.Stats().Sockets {
		r.report.KernelDrops += s.KernelDrops
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r.owner.Stop(ctx)
}

// run does the phases and cleans up, whatever happens.
func (r *runner) run(ctx context.Context) (err error) {
	r.report.process = stat(r.o.PID)
	r.report.IdleMB = r.report.process.residentMB
	if r.o.PID != 0 && !r.report.process.ok {
		return fmt.Errorf("load: there is no process %d whose CPU and memory could be read", r.o.PID)
	}
	defer func() {
		if !r.o.Keep {
			r.cleanUp()
		}
	}()
	if r.target.secure && r.o.Key == nil {
		if r.api == nil {
			return errors.New("load: coaps needs --rest, to add the devices' keys to the server, or --key with the key that it has for all")
		}
		if err := r.credentials(ctx); err != nil {
			return err
		}
	}
	for _, p := range r.o.Phases {
		if ctx.Err() != nil {
			return fmt.Errorf("load: %w", context.Cause(ctx))
		}
		switch p {
		case "register":
			err = r.register(ctx)
		case "update":
			err = r.phase(ctx, p, work{op: opUpdate, target: r.o.Concurrency, duration: r.o.Duration})
		case "read":
			err = r.reads(ctx)
		case "notify":
			err = r.notifications(ctx)
		case "deregister":
			if !r.o.Keep {
				err = r.phase(ctx, p, work{op: opDeregister, target: r.o.Concurrency, once: true})
			}
		}
		if err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("load: %w", context.Cause(ctx))
	}
	return nil
}

func (r *runner) note(format string, args ...any) {
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...))
}

func (r *runner) register(ctx context.Context) error {
	name := "register"
	if r.target.secure {
		name = "handshake+register"
	}
	if err := r.phase(ctx, name, work{op: opRegister, target: r.o.Concurrency, once: true}); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil // run says so
	}
	if p := r.report.Phases[len(r.report.Phases)-1]; p.Operations == 0 {
		return fmt.Errorf("load: no device could register with %s: %s", r.o.Server, or(p.FirstError, "no answer"))
	}
	if r.o.PID == 0 {
		return nil
	}
	// A pause, so that what the registrations left behind is collected and the memory is that of idle clients.
	r.wait(ctx, "settle", min(r.o.Duration, 5*time.Second))
	s := stat(r.o.PID)
	r.report.LoadedMB = s.residentMB
	r.report.BytesClient = (s.residentMB - r.report.IdleMB) * (1 << 20) / float64(r.o.Clients)
	return nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (r *runner) wait(ctx context.Context, name string, d time.Duration) {
	for start := time.Now(); time.Since(start) < d && ctx.Err() == nil; time.Sleep(min(100*time.Millisecond, d)) {
		r.progress(Progress{Phase: name, Elapsed: time.Since(start), Of: d})
	}
}

func (r *runner) progress(p Progress) {
	if r.o.Progress != nil {
		r.o.Progress(p)
	}
}

// phase has the swarm work and adds what came out to the report.
func (r *runner) phase(ctx context.Context, name string, w work) error {
	before := stat(r.o.PID)
	started := time.Now()
	done := make(chan struct{})
	if err := r.owner.Do(func(now machine.Time) {
		w.finished = func() { close(done) }
		r.swarm.begin(now, w)
	}); err != nil {
		return err
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-ctx.Done():
			r.owner.Do(func(now machine.Time) { r.swarm.abandon(now) })
			<-done
			running = false
		case <-tick.C:
			var c counts
			if r.owner.Do(func(machine.Time) { c = r.swarm.job.counts }) != nil {
				return host.ErrStopped
			}
			p := Progress{Phase: name, Done: int64(c.done + c.errors), Elapsed: time.Since(started), Of: w.duration}
			if w.once {
				p.Total = int64(r.o.Clients)
			}
			p.Rate = float64(c.done) / p.Elapsed.Seconds()
			r.progress(p)
		}
	}
	var p Phase
	r.owner.Do(func(machine.Time) { p = r.swarm.job.phase(name) })
	p.cost(before, stat(r.o.PID))
	r.report.Phases = append(r.report.Phases, p)
	return nil
}

// cost adds what the server spent.
func (p *Phase) cost(before, after processStat) {
	if before.ok && after.ok && p.Operations > 0 {
		p.ServerCPU = float64((after.cpu - before.cpu).Microseconds()) / float64(p.Operations)
		p.ServerMB = after.residentMB
	}
}

// cleanUp takes back what was added to the server.
func (r *runner) cleanUp() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	n := 0
	r.owner.Do(func(machine.Time) { n = r.swarm.registered() })
	if n > 0 {
		quiet := *r
		quiet.report = &Report{} // not part of the measurement
		quiet.o.PID = 0
		if err := quiet.phase(ctx, "clean up", work{op: opDeregister, target: r.o.Concurrency, once: true}); err != nil {
			r.note("devices could not be deregistered: %v", err)
		}
	}
	if r.added {
		if err := r.api.removeCredentials(ctx, r.endpoints()); err != nil {
			r.note("credentials could not be removed: %v", err)
		}
	}
}

func (r *runner) endpoints() []string {
	e := make([]string, r.o.Clients)
	for i := range e {
		e[i] = endpointName(r.o.Prefix, i)
	}
	return e
}

func endpointName(prefix string, i int) string { return fmt.Sprintf("%s%06d", prefix, i) }

// target is the server's CoAP port.
type target struct {
	addr   netip.AddrPort
	secure bool
}
