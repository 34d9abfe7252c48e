package endpoint

import (
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
)

// outgoing is a message of ours on its way: a confirmable one until its ACK, or a non-confirmable request for as long
// as it counts towards NSTART (RFC 7252 sections 4.2 and 4.7).
type outgoing struct {
	owner   owner // nil: nobody waits for the outcome
	peer    *peer
	path    *machine.Path // nil: wherever the peer is
	data    []byte
	after   machine.Seq
	cause   machine.Cause
	sent    machine.Time // last transmission
	timeout time.Duration
	timer   machine.TimerID
	id      uint16
	retries uint8
	con     bool
	urgent  bool // does not wait for NSTART
	queued  bool
	live    bool
}

// owner is told what became of an outgoing message, which is over by then.
type owner interface {
	acked(e *Endpoint, now machine.Time, cause machine.Cause, path *machine.Path)    // by an empty ACK
	rejected(e *Endpoint, now machine.Time, cause machine.Cause, path *machine.Path) // by an RST
	expired(e *Endpoint, now machine.Time)                                           // never acknowledged
	refresh(e *Endpoint, o *outgoing)                                                // about to be retransmitted
}

// send starts a message, or queues it until NSTART allows it. o.data is the encoded message; its id is set here.
func (e *Endpoint) send(now machine.Time, o *outgoing) {
	d := e.deal(o.peer)
	if !o.urgent && d.busy >= e.config.NStart {
		o.queued = true
		d.queue = append(d.queue, o)
		return
	}
	e.transmit(now, o)
}

func (e *Endpoint) transmit(now machine.Time, o *outgoing) {
	d := e.deal(o.peer)
	o.id = e.messageID(o.peer)
	o.setID()
	d.inflight = append(d.inflight, o)
	if !o.urgent {
		d.busy++
	}
	o.live, o.retries, o.timeout = true, 0, e.initialTimeout()
	e.emit(now, o)
}

func (o *outgoing) setID() { o.data[2], o.data[3] = byte(o.id>>8), byte(o.id) }

// emit sends the message once and waits.
func (e *Endpoint) emit(now machine.Time, o *outgoing) {
	path := e.where(o.peer)
	if o.path != nil {
		path = o.path
	}
	e.touch(now, o.peer)
	o.sent = now
	o.timer = e.timers.Set(o.timer, now.Add(o.timeout), o)
	e.push(o.cause, *path, o.after, e.out.Nest().Copy(o.data))
}

// expire implements expirer: retransmission with exponential back-off (RFC 7252 section 4.2).
func (o *outgoing) expire(e *Endpoint, now machine.Time) {
	o.timer = 0
	p := o.peer
	switch {
	case !o.con:
		e.stop(o) // it has counted for long enough
	case int(o.retries) < e.config.MaxRetransmit:
		o.retries++
		o.timeout *= 2
		if o.owner != nil {
			o.owner.refresh(e, o)
		}
		e.stats.Retransmissions++
		e.emit(now, o)
		return
	default:
		e.stats.Timeouts++
		e.stop(o)
		if o.owner != nil {
			o.owner.expired(e, now)
		}
	}
	e.pump(now, p)
}

// stop ends a message's transmission. Call pump when what its owner does next is under way.
func (e *Endpoint) stop(o *outgoing) {
	if o.queued {
		o.queued = false
		o.peer.dealings.queue = remove(o.peer.dealings.queue, o)
	}
	if o.live {
		o.live = false
		o.peer.dealings.inflight = remove(o.peer.dealings.inflight, o)
		if !o.urgent {
			o.peer.dealings.busy--
		}
		e.timers.Stop(o.timer)
		o.timer = 0
	}
}

// pump starts what waits for NSTART, and settles the peer.
func (e *Endpoint) pump(now machine.Time, p *peer) {
	for d := p.dealings; d != nil && len(d.queue) > 0 && d.busy < e.config.NStart; {
		o := d.queue[0]
		d.queue = remove(d.queue, o)
		o.queued = false
		e.transmit(now, o)
	}
	e.settle(p)
}

// inflight returns our message with an id that waits for an answer of the message layer.
func (p *peer) inflight(id uint16) *outgoing {
	if p != nil && p.dealings != nil {
		for _, o := range p.dealings.inflight {
			if o.id == id {
				return o
			}
		}
	}
	return nil
}

// receiveEmpty takes in an empty message (RFC 7252 sections 4.2 and 4.3).
func (e *Endpoint) receiveEmpty(now machine.Time, cause machine.Cause, path *machine.Path, m *coap.Message) {
	switch m.Type {
	case coap.CON: // a ping
		e.pushEmpty(cause, *path, coap.RST, m.ID, 0)
		return
	case coap.NON:
		e.stats.Malformed++
		return
	}
	p := e.find(path)
	o := p.inflight(m.ID)
	if o == nil || m.Type == coap.ACK && !o.con {
		if m.Type != coap.RST || p == nil || !e.rejectedNotification(now, p, m.ID) {
			e.stats.Ignored++
		}
		return
	}
	e.touch(now, p)
	e.stop(o)
	if o.owner != nil {
		if m.Type == coap.ACK {
			o.owner.acked(e, now, cause, path)
		} else {
			o.owner.rejected(e, now, cause, path)
		}
	}
	e.pump(now, p)
}
