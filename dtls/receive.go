package dtls

import (
	"encoding/binary"

	"heddle.example/machine"
)

// Receive takes in a datagram: one or several records.
func (e *Engine) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	e.begin(now, cause)
	path.Security = nil
	e.size = len(b)
	for len(b) > 0 {
		var r record
		rest, ok := r.decode(b, e.cfg.CIDLen)
		if !ok {
			e.stats.Malformed++
			return
		}
		b = rest
		e.dispatch(path, &r)
	}
}

// dispatch finds the session or handshake that a record belongs to.
func (e *Engine) dispatch(path machine.Path, r *record) {
	if r.version != version12 && (r.version != version10 || r.epoch != 0) {
		e.stats.Malformed++
		return
	}
	switch {
	case r.typ == contentCID:
		slot := e.slotOf(binary.BigEndian.Uint64(r.cid))
		if slot == 0 || !e.slab.at(slot).is(flagOwnCID) { // silently: RFC 9146 section 3
			e.stats.UnknownCID++
			return
		}
		e.protected(e.slab.at(slot), path, r)
	case r.epoch == 0:
		e.plain(path, r)
	default:
		// A living session and the handshake that will replace it may share an address.
		if slot := e.findEstablished(path); slot != 0 {
			if s := e.slab.at(slot); !s.is(flagOwnCID) && e.protected(s, path, r) {
				return
			}
		}
		if slot := e.findPending(path); slot != 0 {
			if s := e.slab.at(slot); !s.is(flagOwnCID) {
				e.protected(s, path, r)
			}
		}
	}
}

// plain takes in a record of epoch 0. It is not authenticated, so it can only further a handshake.
func (e *Engine) plain(path machine.Path, r *record) {
	slot := e.findPending(path)
	switch r.typ {
	case contentHandshake:
		for b := r.body; len(b) > 0; {
			var f fragment
			rest, ok := f.decode(b)
			if !ok {
				e.stats.Malformed++
				return
			}
			b = rest
			if f.typ == typeClientHello {
				e.clientHello(path, r, &f)
			} else if slot != 0 {
				if s := e.slab.at(slot); s.hs != nil {
					e.handshakeFragment(s, &f, 0)
				}
			}
			slot = e.findPending(path)
		}
	case contentAlert:
		level, desc, ok := decodeAlert(r.body)
		if slot == 0 || !ok || level != alertFatal {
			e.stats.UnverifiedAlerts++
			return
		}
		e.suspect(e.slab.at(slot), desc)
	}
}

// suspect notes a fatal alert that anybody could have sent. If the handshake does not go on within the first time-out,
// the alert was true.
func (e *Engine) suspect(s *session, desc uint8) {
	hs := s.hs
	hs.alert = int16(desc)
	if at := e.now.Add(e.cfg.RetransmitInitial); hs.timer != 0 && e.timers.At(hs.timer) > at {
		hs.timer = e.timers.Set(hs.timer, at, timerKey{timerFlight, s.slot})
	}
}
