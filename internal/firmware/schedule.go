package firmware

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"heddle.example/lwm2m/server"
)

// launch starts an update's scheduler, where it does not run already. The caller holds the lock.
func (m *Manager) launch(u *update) {
	for _, d := range u.devices {
		u.queue(d)
	}
	u.kick()
	if !m.started || u.runs {
		return
	}
	u.runs = true
	m.running.Go(func() { m.schedule(u) })
}

// queue puts a device into the line of those that a worker looks at.
func (u *update) queue(d *device) {
	switch {
	case d.State.ended() || d.queued:
	case d.working:
		d.again = true
	default:
		d.queued = true
		u.ready = append(u.ready, d)
	}
}

func (u *update) kick() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// schedule hands devices to workers until all have ended.
func (m *Manager) schedule(u *update) {
	tick := time.NewTicker(max(m.c.Poll/15, 10*time.Millisecond))
	defer tick.Stop()
	for m.turn(u) {
		select {
		case <-m.ctx.Done():
			return
		case <-u.wake:
		case <-tick.C:
		}
	}
}

// turn does what is due, and reports whether there is more to come.
func (m *Manager) turn(u *update) bool {
	u.heardMu.Lock()
	heard := u.heard
	u.heard = nil
	u.heardMu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx.Err() != nil {
		return false
	}
	for _, d := range heard {
		d.tries = 0
		u.queue(d)
	}
	at := time.Now()
	for _, d := range u.devices {
		if !d.due.IsZero() && !at.Before(d.due) {
			d.due = time.Time{}
			u.queue(d)
		}
	}
	if u.State == Running && u.StopAfter > 0 && u.failed >= u.StopAfter {
		m.end(u, Stopped, "too many devices failed")
		m.save(u.toRecord())
	}
	for u.active < u.Concurrency && len(u.ready) > 0 {
		d := u.ready[0]
		u.ready = u.ready[1:]
		if d.queued = false; d.State.ended() {
			continue
		}
		ctx, cancel := context.WithCancel(m.ctx)
		d.working, d.again, d.due, d.cancel = true, false, time.Time{}, cancel
		if d.movedAt.IsZero() {
			d.movedAt = time.Now()
		}
		u.active++
		m.running.Go(func() {
			defer cancel()
			m.leave(d, m.work(ctx, d))
		})
	}
	if u.open > 0 || u.active > 0 {
		return true
	}
	if u.State == Running {
		t := now()
		u.State, u.EndedAt = Finished, &t
		m.save(u.toRecord())
	}
	u.runs = false
	return false
}

// leave takes a device back from its worker; it is looked at again after a while, or when it is heard of.
func (m *Manager) leave(d *device, after time.Duration) {
	m.mu.Lock()
	u := d.update
	u.active--
	d.working, d.cancel = false, nil
	if d.again && !d.State.ended() {
		u.queue(d)
	} else {
		d.due = time.Now().Add(after)
	}
	clean := d.dirty
	d.dirty = false
	observed := d.State.ended() && d.Observed
	d.Observed = d.Observed && !observed
	m.mu.Unlock()
	u.kick()
	if clean {
		m.running.Go(func() { m.cleanUp(d) })
	}
	if observed {
		m.running.Go(func() { m.unobserve(d) })
	}
}

// end ends an update before its devices have. Those that install the package are followed to their end.
func (m *Manager) end(u *update, s State, why string) {
	t := now()
	u.State, u.EndedAt = s, &t
	for _, d := range u.devices {
		if d.State.ended() || d.State == Updating {
			continue
		}
		begun := d.State != Waiting
		m.set(d, Cancelled, why)
		if d.working {
			d.dirty = begun
			d.cancel()
		} else if begun && m.started && m.ctx.Err() == nil {
			d.Observed = false
			m.running.Go(func() {
				m.cleanUp(d)
				m.unobserve(d)
			})
		}
		m.save(d.toRecord())
	}
	u.kick()
}

// set changes a device's state and tells who follows. The caller holds the lock.
func (m *Manager) set(d *device, s State, detail string) {
	u := d.update
	if d.State != s {
		u.counts[d.State]--
		u.counts[s]++
		if s == Failed {
			u.failed++
		}
		if s.ended() {
			u.open--
			t := now()
			d.EndedAt = &t
			m.dismiss(d)
			switch s {
			case Done:
				m.counters.Updated++
			case Failed:
				m.counters.Failed++
			case Cancelled:
				m.counters.Cancelled++
			}
		}
		d.movedAt = time.Now()
	}
	d.State, d.Detail = s, detail
	if detail != "" {
		d.step("%s: %s", s, detail)
	} else {
		d.step("%s", s)
	}
	m.tell(d)
}

// tell publishes how a device stands.
func (m *Manager) tell(d *device) {
	if m.c.Hub == nil || m.c.Hub.Idle() {
		return
	}
	v := struct {
		DeviceInfo
		Update  string `json:"update"`
		Package string `json:"package"`
	}{d.view(false), d.update.ID, d.update.Package}
	m.c.Hub.PublishCell("firmware", d.Endpoint, v.Update, func() []byte {
		b, _ := json.Marshal(v)
		return b
	})
}

var errEnded = errors.New("firmware: the device's update has ended")

// change changes a device that a worker has, unless it has ended meanwhile.
func (m *Manager) change(d *device, f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d.State.ended() {
		return errEnded
	}
	f()
	return nil
}

// Take takes in what a shard tells: a device that was heard of can be asked now. It is called on the shard's goroutine.
func (m *Manager) Take(value any) {
	var endpoint string
	switch e := value.(type) {
	case *server.Registered:
		endpoint = e.Registration.Endpoint
	case *server.Updated:
		endpoint = e.Registration.Endpoint
	case *server.Notified:
		endpoint = e.Registration.Endpoint
	default:
		return
	}
	x, ok := m.watches.Load(endpoint)
	if !ok {
		return
	}
	d := x.(*device)
	u := d.update
	u.heardMu.Lock()
	if len(u.heard) < 2*devicesMost {
		u.heard = append(u.heard, d)
	}
	u.heardMu.Unlock()
	select {
	case d.news <- struct{}{}:
	default:
	}
	u.kick()
}
