package dtls

import "heddle.example/machine"

// flight holds the messages that we sent last, so that they can be repeated (RFC 6347 section 4.2.4).
type flight struct {
	buf      []byte // bodies
	messages []outMessage
	room     [512]byte
	first    [4]outMessage
}

type outMessage struct {
	typ        byte
	epoch      uint8
	seq        uint16
	start, end int // in buf
}

// changeCipherSpec stands for the record that is no handshake message.
const changeCipherSpec = 255

func (f *flight) reset() { f.buf, f.messages = f.room[:0], f.first[:0] }

func (f *flight) add(m outMessage) []outMessage { return append(f.messages, m) }

// smallMTU is used when the larger one got no answer twice (RFC 6347 section 4.1.1.1); minMTU is the least that makes
// sense at all.
const (
	smallMTU = 508
	minMTU   = 128
)

// newFlight starts a flight of ours: what was sent before needs no repetition any more.
func (e *Engine) newFlight(hs *handshake) {
	hs.flight.reset()
	hs.tries = 0
	hs.trigger = hs.in.next - 1
	hs.timeout = e.cfg.RetransmitInitial
}

// startFlight sends a flight and sets the timer that repeats it.
func (e *Engine) startFlight(s *session) {
	e.sendFlight(s)
	s.hs.timer = e.timers.Set(s.hs.timer, e.now.Add(s.hs.timeout), timerKey{timerFlight, s.slot})
}

// flightDue repeats a flight that got no answer, twice as late each time.
func (e *Engine) flightDue(s *session) {
	hs := s.hs
	hs.timer = 0
	e.cause = hs.cause
	if hs.alert >= 0 {
		e.failHandshake(s, AlertError{uint8(hs.alert)})
		return
	}
	if hs.tries >= e.cfg.Retransmissions {
		e.failHandshake(s, ErrTimeout)
		return
	}
	hs.tries++
	e.stats.Retransmissions++
	hs.timeout = min(2*hs.timeout, e.cfg.RetransmitMax)
	e.startFlight(s)
}

// sendFlight sends the current flight in as few datagrams as the MTU allows.
func (e *Engine) sendFlight(s *session) {
	hs := s.hs
	p := packer{e: e, s: s, seq: &hs.seq, mtu: e.cfg.MTU}
	if hs.tries >= 2 {
		p.mtu = min(p.mtu, smallMTU)
	}
	for _, m := range hs.flight.messages {
		p.message(m, hs.flight.buf[m.start:m.end])
	}
	p.flush()
}

// packer packs handshake messages into records and records into datagrams.
type packer struct {
	e     *Engine
	s     *session
	seq   *uint64 // of epoch 0
	mtu   int
	buf   []byte
	after machine.Seq
}

func (p *packer) message(m outMessage, body []byte) {
	if m.typ == changeCipherSpec {
		p.record(contentChangeCipherSpec, 0, []byte{1})
		return
	}
	limit := p.s.fragmentLimit() - messageHeaderLen
	for offset := 0; ; {
		left := len(body) - offset
		room := p.mtu - len(p.buf) - p.overhead(m.epoch) - messageHeaderLen
		// What fits whole into the next datagram is not torn: some peers cannot put fragments together (tinydtls).
		whole := left <= min(limit, p.mtu-p.overhead(m.epoch)-messageHeaderLen)
		if len(p.buf) > 0 && (room < min(left, 64) || room < left && whole) {
			p.flush()
			continue
		}
		n := min(left, limit, max(room, 1))
		if m.typ == typeClientHello { // never in fragments: a server that keeps nothing could not read it
			n = left
		}
		b := appendMessageHeader(p.e.packed[:0], m.typ, len(body), m.seq, offset, n)
		p.e.packed = append(b, body[offset:offset+n]...)
		p.record(contentHandshake, m.epoch, p.e.packed)
		if offset += n; offset == len(body) {
			return
		}
	}
}

func (p *packer) overhead(epoch uint8) int {
	if epoch == 0 {
		return recordHeaderLen
	}
	return p.s.sealedLen(0)
}

func (p *packer) record(typ byte, epoch uint8, content []byte) {
	n := p.overhead(epoch) + len(content)
	if len(p.buf)+n > p.mtu {
		p.flush()
	}
	if p.buf == nil {
		p.buf = p.e.out.Nest().Buf(max(p.mtu, n))
	}
	if epoch == 0 {
		p.buf = appendRecordHeader(p.buf, typ, version12, 0, *p.seq, nil, len(content))
		p.buf = append(p.buf, content...)
		*p.seq++
		return
	}
	seq, after, err := p.e.nextSequence(p.s)
	if err != nil {
		return
	}
	p.after = max(p.after, after)
	p.buf = p.e.seal(p.buf, p.s, typ, seq, content)
}

func (p *packer) flush() {
	if len(p.buf) > 0 {
		p.e.send(p.e.paths.path(p.s), p.buf, p.after)
	}
	p.buf, p.after = nil, 0
}

// linger is what stays of a handshake whose last flight was ours, until the peer shows that it has it or twice the
// MSL has passed (RFC 6347 section 4.2.4).
type linger struct {
	finished [verifyDataLen]byte
	seq      uint16 // of our Finished
	trigger  uint16 // message of the peer that asks for it again
	records  uint64 // next sequence number of epoch 0
	repeats  int
	timer    machine.TimerID
}

const maxRepeats = 16

func (e *Engine) startLinger(s *session) {
	hs := s.hs
	m := hs.flight.messages[len(hs.flight.messages)-1]
	l := &linger{seq: m.seq, trigger: hs.in.next - 1, records: hs.seq}
	copy(l.finished[:], hs.flight.buf[m.start:m.end])
	l.timer = e.timers.Set(0, e.now.Add(lingerTime), timerKey{timerLinger, s.slot})
	s.linger = l
}

func (e *Engine) endLinger(s *session) {
	if s.linger != nil {
		e.timers.Stop(s.linger.timer)
		s.linger = nil
	}
}

// repeatLast answers a repeated Finished of the peer by repeating ours.
func (e *Engine) repeatLast(s *session, f *fragment) {
	l := s.linger
	if l == nil || f.typ != typeFinished || f.seq != l.trigger || f.offset != 0 || l.repeats >= maxRepeats {
		return
	}
	l.repeats++
	p := packer{e: e, s: s, seq: &l.records, mtu: e.cfg.MTU}
	p.message(outMessage{typ: changeCipherSpec}, nil)
	p.message(outMessage{typ: typeFinished, epoch: 1, seq: l.seq}, l.finished[:])
	p.flush()
}
