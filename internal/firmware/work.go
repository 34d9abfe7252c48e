package firmware

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Where everything is on a device.
var (
	object       = lwm2m.MustPath("/5/0")
	packagePath  = lwm2m.MustPath("/5/0/0")
	uriPath      = lwm2m.MustPath("/5/0/1")
	executePath  = lwm2m.MustPath("/5/0/2")
	statePath    = lwm2m.MustPath("/5/0/3")
	resultPath   = lwm2m.MustPath("/5/0/5")
	protocolPath = lwm2m.MustPath("/5/0/8")
	methodPath   = lwm2m.MustPath("/5/0/9")
	versionPath  = lwm2m.MustPath("/3/0/3")
)

// The states of resource 3.
const (
	idle        = 0
	downloading = 1
	downloaded  = 2
	updating    = 3
)

// results are what resource 5 says.
var results = map[int]string{0: "none", 1: "updated", 2: "not enough storage", 3: "out of memory", 4: "the connection was lost during the download", 5: "the package is damaged",
	6: "the package is of an unsupported type", 7: "the package's URI is not valid", 8: "the installation failed", 9: "the protocol of the package's URI is not supported",
	10: "cancelled", 11: "the device put the update off"}

// ResultText says what an Update Result means.
func ResultText(n int) string {
	if s := results[n]; s != "" {
		return s
	}
	return fmt.Sprintf("update result %d", n)
}

// away says that a device cannot be asked at the moment.
type away struct {
	why    string
	asleep bool // it is to be heard of first
}

func (e *away) Error() string { return e.why }

// fault ends an attempt, or the device's update.
type fault struct {
	why    string
	result int  // of the device, or 0
	again  bool // another attempt may do better
}

func (f *fault) Error() string { return f.why }

// requestTimeout bounds one exchange with a device.
const requestTimeout = 60 * time.Second

// executesMost is how often a device is told to install a package that it says it has not begun with.
const executesMost = 3

// work looks after one device as far as it goes, and returns when to look at it again.
func (m *Manager) work(ctx context.Context, d *device) time.Duration {
	err := m.advance(ctx, d)
	var a *away
	var f *fault
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case d.State.ended() || m.ctx.Err() != nil:
		return 0
	case err == nil:
		d.tries = 0
		return m.c.Poll
	case errors.As(err, &a):
		return m.isAway(d, a)
	case errors.As(err, &f):
	default:
		f = &fault{why: err.Error()}
	}
	if f.result != 0 {
		d.Result = &f.result
	}
	if f.again && d.Attempts <= d.update.Retries {
		d.step("attempt %d failed: %s", d.Attempts, f.why)
		d.Sent = 0
		m.set(d, Waiting, "another attempt follows")
		m.save(d.toRecord())
		return m.c.Backoff * time.Duration(d.Attempts)
	}
	m.set(d, Failed, f.why)
	m.save(d.toRecord())
	return 0
}

// isAway notes that a device cannot be asked now. A device in reach that answers nothing for long has failed.
func (m *Manager) isAway(d *device, a *away) time.Duration {
	d.Asleep = a.asleep
	if d.Detail != a.why {
		d.Detail = a.why
		m.tell(d)
	}
	if d.State == Updating && d.ExecutedAt != nil {
		patience := m.c.Installed
		if a.asleep {
			patience += 24 * time.Hour
		}
		if time.Since(*d.ExecutedAt) > patience {
			m.set(d, Failed, "the device was told to install the package and did not come back")
			m.save(d.toRecord())
			return 0
		}
		return m.c.Poll
	}
	if a.asleep {
		return time.Hour // it is looked at when it is heard of
	}
	if d.tries++; d.tries > 5 && !d.movedAt.IsZero() && time.Since(d.movedAt) > m.c.Stalled {
		m.set(d, Failed, a.why)
		m.save(d.toRecord())
		return 0
	}
	return min(m.c.Backoff<<min(d.tries-1, 10), 2*time.Minute)
}

// stage is a device's state as its worker sees it.
func (m *Manager) stage(d *device) State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return d.State
}

// advance goes from stage to stage until the device ends, or has to be waited for.
func (m *Manager) advance(ctx context.Context, d *device) error {
	for {
		var err error
		s, more := m.stage(d), false
		switch s {
		case Waiting:
			more, err = m.prepare(ctx, d)
		case Downloading:
			more, err = m.transfer(ctx, d)
		case Downloaded:
			more, err = m.install(ctx, d)
		case Updating:
			more, err = m.follow(ctx, d)
		default:
			return nil
		}
		if err != nil || !more {
			return err
		}
	}
}

// ask sends an operation to a device that can hear it.
func (m *Manager) ask(ctx context.Context, d *device, op *server.Operation) (*server.Outcome, error) {
	if err := m.reachable(d); err != nil {
		return nil, err
	}
	op.Timeout, op.Queue = requestTimeout, server.QueueNever // it is waited for here
	out, err := m.c.Run(ctx, d.Endpoint, op)
	return out, m.failure(ctx, d, out, err)
}

// reachable says why a device cannot be asked, or nil.
func (m *Manager) reachable(d *device) error {
	switch reg := m.c.Registration(d.Endpoint); {
	case reg == nil:
		return &away{"the device is not registered", true}
	case m.c.Asleep(d.Endpoint):
		return &away{"the device is asleep", true}
	}
	return nil
}

// failure makes an error of an operation without an answer; what only has to be tried again is an away.
func (m *Manager) failure(ctx context.Context, d *device, out *server.Outcome, err error) error {
	var invalid *server.ErrInvalid
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && out.Code == coap.ServiceUnavailable:
		return &away{"the device asks for a pause", false}
	case err == nil, errors.As(err, &invalid), errors.Is(err, server.ErrUnreadable), errors.Is(err, server.ErrNotObserved):
		if err == nil {
			m.mu.Lock()
			d.Asleep = false
			m.mu.Unlock()
		}
		return err
	case errors.Is(err, server.ErrUnknownEndpoint), errors.Is(err, server.ErrDeregistered):
		return &away{"the device is not registered", true}
	case errors.Is(err, server.ErrTimeout):
		return &away{"the device does not answer", m.c.Asleep(d.Endpoint)}
	}
	return &away{err.Error(), false}
}

// status is what object 5 of a device says.
type status struct {
	state, result int
	protocols     []int64
	method        int // 5/0/9, or -1
}

// read asks a device how it stands.
func (m *Manager) read(ctx context.Context, d *device) (s status, err error) {
	out, err := m.ask(ctx, d, &server.Operation{Kind: server.Read, Path: object})
	if err != nil {
		return s, err
	}
	s.state, s.result, s.method = -1, -1, -1
	if out.Code == coap.Content {
		s.take(out.Entries)
	}
	// A device that cannot tell all tells these two.
	for _, r := range []struct {
		path lwm2m.Path
		to   *int
	}{{statePath, &s.state}, {resultPath, &s.result}} {
		if *r.to >= 0 {
			continue
		}
		if out, err = m.ask(ctx, d, &server.Operation{Kind: server.Read, Path: r.path}); err != nil {
			return s, err
		}
		s.take(out.Entries)
	}
	if s.state < 0 || s.result < 0 {
		return s, &fault{why: "the device does not tell State and Update Result (5/0/3 and 5/0/5): " + out.Code.String()}
	}
	return s, nil
}

func (s *status) take(entries []lwm2m.Entry) {
	for _, e := range entries {
		n, ok := e.Value.AsInt()
		switch {
		case !ok:
		case e.Path == statePath:
			s.state = int(n)
		case e.Path == resultPath:
			s.result = int(n)
		case e.Path == methodPath:
			s.method = int(n)
		case e.Path.HasPrefix(protocolPath):
			s.protocols = append(s.protocols, n)
		}
	}
}

// version reads 3/0/3; a device without it has none.
func (m *Manager) version(ctx context.Context, d *device) (string, error) {
	out, err := m.ask(ctx, d, &server.Operation{Kind: server.Read, Path: versionPath})
	if err != nil || len(out.Entries) == 0 {
		return "", err
	}
	s, _ := out.Entries[0].Value.AsString()
	return s, nil
}

// prepare begins with a device: it is in a state for an update, and what happens to it will be told.
func (m *Manager) prepare(ctx context.Context, d *device) (bool, error) {
	if err := m.reachable(d); err != nil {
		return false, err
	}
	if !hasObject(m.c.Registration(d.Endpoint)) {
		return false, &fault{why: "the device has no Firmware Update object (5)"}
	}
	before, err := m.version(ctx, d)
	if err != nil {
		return false, err
	}
	u := d.update
	if u.Version != "" && before == u.Version && !u.Force {
		return false, m.change(d, func() {
			d.Before, d.Version = before, before
			m.set(d, Done, "the device has this version already")
			m.save(d.toRecord())
		})
	}
	s, err := m.read(ctx, d)
	switch {
	case err != nil:
		return false, err
	case s.state == updating:
		return false, &away{"the device is installing another package", false}
	}
	method, err := m.choose(d, &s)
	if err != nil {
		return false, err
	}
	if s.state != idle {
		if err := m.reset(ctx, d, method); err != nil {
			return false, err
		}
	}
	if err := m.observe(ctx, d); err != nil {
		return false, err
	}
	return true, m.change(d, func() {
		if d.StartedAt == nil {
			t := now()
			d.StartedAt = &t
		}
		d.Before, d.Method, d.Sent, d.Result, d.Asleep = before, method, 0, nil, false
		d.Attempts++
		m.set(d, Downloading, "")
		m.save(d.toRecord())
	})
}

func hasObject(reg *server.Registration) bool {
	if reg == nil {
		return true // it has gone this moment: see when it is back
	}
	inventory := reg.Objects.Inventory()
	return inventory.Object(5) != nil
}

// reset takes away what the device has of another package.
func (m *Manager) reset(ctx context.Context, d *device, method string) error {
	uri := &server.Operation{Kind: server.Write, Path: uriPath, Entries: []lwm2m.Entry{{Path: uriPath, Value: lwm2m.Str("")}}}
	pkg := &server.Operation{Kind: server.Write, Path: packagePath, Entries: []lwm2m.Entry{{Path: packagePath, Value: lwm2m.Bytes([]byte{0})}}}
	first, second := uri, pkg
	if method == Push {
		first, second = pkg, uri
	}
	for _, op := range []*server.Operation{first, second} {
		out, err := m.ask(ctx, d, op)
		if err != nil {
			return err
		}
		if out.Code.Class() == 2 {
			return nil
		}
	}
	return &fault{why: "the device does not let go of the package that it has", again: true}
}

// observe makes the device tell its State and Update Result. Where somebody observes them already, nothing changes.
func (m *Manager) observe(ctx context.Context, d *device) error {
	list, err := m.c.Devices.Observations(d.Endpoint)
	if err != nil {
		return err
	}
	have := map[lwm2m.Path]bool{}
	for _, o := range list {
		have[o.Path] = true
	}
	for _, p := range []lwm2m.Path{statePath, resultPath} {
		if have[p] || have[p.Parent()] || have[p.Cut(1)] {
			continue
		}
		out, err := m.ask(ctx, d, &server.Operation{Kind: server.Observe, Path: p})
		switch {
		case errors.Is(err, server.ErrNotObserved), err == nil && out.Code.Class() != 2:
			continue // then it is asked from time to time
		case err != nil && !errors.Is(err, server.ErrUnreadable):
			return err
		}
		m.mu.Lock()
		d.Observed = true
		m.mu.Unlock()
	}
	return nil
}

// unobserve ends what observe began.
func (m *Manager) unobserve(d *device) {
	for _, p := range []lwm2m.Path{statePath, resultPath} {
		ctx, cancel := context.WithTimeout(m.ctx, requestTimeout)
		m.c.Run(ctx, d.Endpoint, &server.Operation{Kind: server.CancelObserve, Path: p, Timeout: requestTimeout})
		cancel()
	}
}

// cleanUp takes a half transferred package off a device whose update was cancelled.
func (m *Manager) cleanUp(d *device) {
	ctx, cancel := context.WithTimeout(m.ctx, requestTimeout)
	defer cancel()
	m.reset(ctx, d, d.Method)
}

// install tells a device to install the package that it has. That it was told is on disk before it is, so that a restart
// of this program never tells it twice without looking.
func (m *Manager) install(ctx context.Context, d *device) (bool, error) {
	s, err := m.read(ctx, d)
	switch {
	case err != nil:
		return false, err
	case s.state == idle || s.state == downloading:
		return false, &fault{why: "the device has lost the package before it was installed", again: true}
	case s.state == updating:
		return true, m.change(d, func() { m.told(d) })
	}
	if err := m.change(d, func() { d.Executes++; m.told(d) }); err != nil {
		return false, err
	}
	if err := m.commit(d.update.deviceRecord(m, d)); err != nil {
		return false, err
	}
	out, err := m.ask(ctx, d, &server.Operation{Kind: server.Execute, Path: executePath})
	if err != nil {
		return false, err // perhaps it has heard it: follow sees
	}
	if out.Code.Class() != 2 {
		m.change(d, func() { d.step("Update (5/0/2) was answered %s", out.Code) })
	}
	return true, nil
}

// told notes that the device is to install its package.
func (m *Manager) told(d *device) {
	if d.State != Updating || d.ExecutedAt == nil {
		t := now()
		d.ExecutedAt = &t
	}
	m.set(d, Updating, "")
}

func (u *update) deviceRecord(m *Manager, d *device) machine.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return d.toRecord()
}

// follow waits for a device that installs its package.
func (m *Manager) follow(ctx context.Context, d *device) (bool, error) {
	s, err := m.read(ctx, d)
	if err != nil {
		return false, err
	}
	switch {
	case s.state == updating:
		return false, &away{"the device is installing the package", false}
	case s.result >= 2 && s.result != 11:
		return false, &fault{why: ResultText(s.result), result: s.result}
	case s.state == downloaded && d.Executes >= executesMost, s.result == 11:
		return false, &fault{why: "the device has the package and does not install it", result: s.result}
	case s.state == downloaded:
		return true, m.change(d, func() { m.set(d, Downloaded, "the device has not begun to install it") })
	case s.state == downloading:
		return false, &fault{why: "the device is downloading again", again: true}
	}
	after, err := m.version(ctx, d)
	if err != nil {
		return false, err
	}
	if s.result != 1 && after == d.Before {
		return false, &fault{why: "the device came back with the firmware that it had"}
	}
	return false, m.change(d, func() {
		d.Version, d.Result = after, &s.result
		m.set(d, Done, "")
		m.save(d.toRecord())
	})
}
