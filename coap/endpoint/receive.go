package endpoint

import (
	"errors"

	"heddle.example/coap"
	"heddle.example/machine"
)

// Receive implements machine.Machine.
func (e *Endpoint) Receive(now machine.Time, cause machine.Cause, from machine.Path, b []byte) {
	e.begin(now)
	e.stats.Received++
	m, path := &e.msg, &e.from
	*path = from // in the endpoint, so that a pointer to it costs no memory
	// What is handed up outlives the borrowed datagram.
	if err := m.Decode(e.out.Nest().Copy(b)); err != nil {
		switch {
		case errors.Is(err, coap.ErrVersion):
			e.stats.Ignored++
		case errors.Is(err, coap.ErrShort), m.Type != coap.CON:
			e.stats.Malformed++
		default:
			e.stats.Malformed++
			e.pushEmpty(cause, from, coap.RST, m.ID, 0) // RFC 7252 section 4.2
		}
		return
	}
	confirmable := m.Type == coap.CON
	switch {
	case m.Code == coap.Empty:
		e.receiveEmpty(now, cause, path, m)
	case m.Code.IsRequest() && m.Type <= coap.NON:
		e.receiveRequest(now, cause, path, m)
	case m.Code.IsResponse() && m.Type == coap.ACK:
		e.receivePiggybacked(now, cause, path, m)
	case m.Code.IsResponse() && m.Type <= coap.NON:
		e.receiveResponse(now, cause, path, m)
	case confirmable: // a reserved class of codes
		e.stats.Malformed++
		e.pushEmpty(cause, from, coap.RST, m.ID, 0)
	default:
		e.stats.Malformed++
	}
}

// duplicate answers a message that was received before (RFC 7252 sections 4.2 and 4.3). It reports false where the
// message is to be handled once more.
func (e *Endpoint) duplicate(now machine.Time, cause machine.Cause, p *peer, path *machine.Path, m *coap.Message, place int) bool {
	e.stats.Duplicates++
	switch p.ids()[place].state &^ nonFlag {
	case working:
		if m.Type == coap.CON { // the peer grows impatient
			for x := p.exchanges; x != nil; x = x.next {
				if x.id == m.ID && x.con {
					if x.unacked.on != nil {
						e.ackNow(x)
					} else {
						e.pushEmpty(cause, *path, coap.ACK, m.ID, 0)
					}
					return true
				}
			}
		}
	case answered:
		if m.Type == coap.CON {
			e.stats.Rerun++
			return false
		}
	case kept:
		if data, after := p.kept(m.ID); data != nil && m.Type == coap.CON {
			e.stats.Replayed++
			e.push(cause, *path, after, e.out.Nest().Copy(data))
		}
	case acked:
		if m.Type == coap.CON {
			e.pushEmpty(cause, *path, coap.ACK, m.ID, p.after)
		}
	case reset:
		e.pushEmpty(cause, *path, coap.RST, m.ID, 0)
	}
	return true
}
