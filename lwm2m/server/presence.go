package server

import (
	"time"

	"heddle.example/machine"
)

// Presence says that a device in queue mode has woken up or fallen asleep.
type Presence struct {
	Endpoint string
	Awake    bool
	Window   time.Duration // how long it listens after each message
	Until    machine.Time  // while Awake: the end of the window if nothing more is heard
	At       machine.Time
}

// DefaultAwakeWindow is MAX_TRANSMIT_WAIT (RFC 7252 section 4.8.2), which LwM2M recommends.
const DefaultAwakeWindow = 93 * time.Second

// maxWindow bounds a device's awake window.
const maxWindow = 24 * time.Hour

// heard notes that a device has sent something. It is awake from a Register, an Update, a Send and any notification until
// the awake window after its last message is over; an answer proves the same. Every place where a message of a device
// has been attributed to its registration ends with this call, after the message's own event.
func (s *Server) heard(n slot, e *entry) {
	e.lastSeen = s.now
	l := s.lines.of[n]
	if l == nil {
		if !e.reg.Queue {
			return
		}
		l = s.newLine(n, e)
	}
	l.silent, l.moving = false, s.moves(e)
	if e.reg.Queue && l.sleep == 0 {
		s.listens(n, l, s.now.Add(s.window(l)))
		s.presence(e, l)
	}
	if !e.reg.Queue {
		s.sleeps(l)
	}
	s.attend(n, l)
	s.settleLine(n, l)
}

// moves reports whether what has just come from a device came from an address that its secure session has not proved yet.
func (s *Server) moves(e *entry) bool {
	own, from := session(e.reg.Path.Security), session(s.from.Security)
	return own != 0 && own == from && s.proved(s.from).Remote != s.from.Remote
}

// listens sets the end of a device's awake window.
func (s *Server) listens(n slot, l *line, until machine.Time) {
	if l.sleep == 0 {
		s.lines.awake++
	}
	l.sleep = s.timers.Set(l.sleep, until, timer{sleepTimer, uint32(n)})
}

// sleeps ends it.
func (s *Server) sleeps(l *line) {
	if l.sleep != 0 {
		s.lines.awake--
		s.timers.Stop(l.sleep)
		l.sleep = 0
	}
}

// awake reports whether a device would hear a request. One that is not in queue mode always would, as far as it says.
func (e *entry) awake(l *line) bool { return !e.reg.Queue || l != nil && l.sleep != 0 }

func (s *Server) window(l *line) time.Duration {
	if l != nil && l.window != 0 {
		return time.Duration(l.window) * time.Second
	}
	return s.config.AwakeWindow
}

func (s *Server) presence(e *entry, l *line) {
	p := &Presence{Endpoint: e.reg.Endpoint, Awake: l.sleep != 0, Window: s.window(l), At: s.now}
	if p.Awake {
		p.Until = e.lastSeen.Add(p.Window)
	}
	s.emit(e.reg.Path, p)
}

// windowOver fires once the window that a message began is over. Later messages do not touch the timer: it is set for
// what is left. So a device that sends often costs no more than one that sends once.
func (s *Server) windowOver(n slot) {
	l := s.lines.of[n]
	if l == nil {
		return
	}
	e := s.table.at(n)
	l.sleep = 0
	s.lines.awake--
	if until := e.lastSeen.Add(s.window(l)); until > s.now {
		s.listens(n, l, until)
		return
	}
	s.fellAsleep(n, e, l)
}

// fellAsleep takes in that a device listens no more, or did not answer though it should. What was meant for it at once is
// kept from now on.
func (s *Server) fellAsleep(n slot, e *entry, l *line) {
	s.sleeps(l)
	if e.reg.Queue {
		s.presence(e, l)
	}
	s.keepAll(n, e, l)
	s.settleLine(n, l)
}

// Awake returns whether a device listens now, and until when if nothing more is heard: machine.Never for one that is not
// in queue mode.
func (s *Server) Awake(ep string) (awake bool, until machine.Time) {
	n, e := s.table.find(ep)
	if e == nil {
		return false, 0
	}
	l := s.lines.of[n]
	switch {
	case !e.reg.Queue:
		return true, machine.Never
	case !e.awake(l):
		return false, 0
	}
	return true, e.lastSeen.Add(s.window(l))
}

// AwakeWindow returns how long an endpoint listens after each message, and whether an operator has said so.
func (s *Server) AwakeWindow(ep string) (d time.Duration, own bool) {
	if w := s.lines.windows[ep]; w != 0 {
		return time.Duration(w) * time.Second, true
	}
	return s.config.AwakeWindow, false
}

// SetAwakeWindow tells how long an endpoint listens after each message, in whole seconds up to 24 h; zero is the server's
// window again. It holds for the endpoint, over restarts and registrations. It reports whether it will be stored.
func (s *Server) SetAwakeWindow(now machine.Time, cause machine.Cause, ep string, d time.Duration) bool {
	s.begin(now, cause)
	w := uint32(min(max(d, 0), maxWindow) / time.Second)
	if s.failed != nil || w != 0 && s.lines.windows[ep] == 0 && len(s.lines.windows) >= s.config.Limits.Registrations {
		s.finish()
		return false
	}
	record := machine.Record{Table: AwakeTable, Key: []byte(ep)}
	if w == 0 {
		delete(s.lines.windows, ep)
	} else {
		s.lines.windows[ep] = w
		var v writer
		v.uint(recordVersion)
		v.uint(uint64(w))
		record.Value = v
	}
	s.persist(record)
	if n, e := s.table.find(ep); e != nil {
		if l := s.lines.of[n]; l != nil {
			l.window = w
			if l.sleep != 0 {
				s.listens(n, l, max(s.now, e.lastSeen.Add(s.window(l))))
				s.presence(e, l)
			}
		}
	}
	s.finish()
	return true
}

func (s *Server) restoreWindow(key, value []byte) error {
	r := reader{b: value}
	r.version()
	w := r.uint()
	if r.err != nil || w == 0 || w > uint64(maxWindow/time.Second) {
		return errRecord
	}
	s.lines.windows[string(key)] = uint32(w)
	return nil
}
