package endpoint

import (
	"heddle.example/coap"
	"heddle.example/machine"
)

// receivePiggybacked takes in a response on an ACK: message id and token must both be right (RFC 7252 section 5.3.2).
func (e *Endpoint) receivePiggybacked(now machine.Time, cause machine.Cause, path *machine.Path, m *coap.Message) {
	p := e.find(path)
	o := p.inflight(m.ID)
	if o == nil || !o.con {
		e.stats.Ignored++
		return
	}
	c, ok := o.owner.(*call)
	if !ok || c.ping || c.token != m.Token {
		e.stats.Ignored++
		return
	}
	e.touch(now, p)
	options, bad := m.Options.Recognize(e.responseOption)
	m.Options = options
	e.answer(now, c, path, m, bad)
	e.pump(now, p)
}

// receiveResponse takes in a response in a message of its own: a separate one, one to a non-confirmable request, or a
// notification.
func (e *Endpoint) receiveResponse(now machine.Time, cause machine.Cause, path *machine.Path, m *coap.Message) {
	p := e.find(path)
	if p != nil {
		if place, seen := e.lookup(now, p, m.ID); seen {
			e.touch(now, p)
			if p.ids()[place].state&^nonFlag == answered {
				e.stats.Ignored++ // the id of a request of the peer's: it breaks the rules
				return
			}
			e.duplicate(now, cause, p, path, m, place)
			return
		}
	}
	c, o, other := e.holders(m.Token, p)
	if c != nil && o == nil && c.leave && c.sending && m.Options.Has(coap.Observe) {
		c = nil // a notification of what is being ended, while the request's body is on its way: no answer to that
	}
	if c == nil && o == nil {
		if other {
			e.stats.WrongSession++
		} else {
			e.stats.UnknownToken++
		}
		e.pushEmpty(cause, *path, coap.RST, m.ID, 0)
		return
	}
	e.touch(now, p)
	options, bad := m.Options.Recognize(e.responseOption)
	if m.Options = options; bad != 0 {
		// RFC 7252 section 5.4.1; the request it answers has no other answer to wait for.
		e.note(now, p, m.ID, reset)
		e.pushEmpty(cause, *path, coap.RST, m.ID, 0)
	} else if m.Type == coap.CON {
		e.note(now, p, m.ID, acked)
	} else {
		e.note(now, p, m.ID, silent|nonFlag)
	}
	switch {
	case c != nil && !(c.leave && o != nil && m.Options.Has(coap.Observe)): // else one that left before we did
		if bad == 0 && m.Type == coap.CON {
			e.pushEmpty(cause, *path, coap.ACK, m.ID, 0)
		}
		e.answer(now, c, path, m, bad)
	case bad != 0:
		e.stats.BadOption++
	default:
		e.notified(now, cause, o, path, m)
	}
	e.pump(now, p)
}
