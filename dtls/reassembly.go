package dtls

// reassembly puts a peer's handshake messages together and in order (RFC 6347 section 4.2.2). The usual case, whole
// messages in order, stores nothing.
type reassembly struct {
	next    uint16 // message that is due
	waiting []partial
	bytes   int
}

type partial struct {
	typ  byte
	seq  uint16
	body []byte
	have []uint64 // bit i: byte i of body is there
	left int      // bytes missing
}

// offer takes a fragment of a message that is due or ahead. It returns the message if it is due and complete. What
// does not fit in the limits is dropped: the peer repeats it.
func (r *reassembly) offer(f *fragment) (typ byte, body []byte, ok bool) {
	if f.length > maxMessage {
		return 0, nil, false
	}
	ahead := f.seq - r.next
	if ahead >= maxAhead {
		return 0, nil, false
	}
	if ahead == 0 && f.whole() {
		r.drop(f.seq)
		r.next++
		return f.typ, f.body, true
	}
	p := r.find(f.seq)
	if p == nil {
		if r.bytes+f.length > maxReassembly {
			return 0, nil, false
		}
		r.bytes += f.length
		r.waiting = append(r.waiting, partial{
			typ: f.typ, seq: f.seq, body: make([]byte, f.length), have: make([]uint64, (f.length+63)/64), left: f.length,
		})
		p = &r.waiting[len(r.waiting)-1]
	}
	if p.typ != f.typ || len(p.body) != f.length { // two peers, or a broken one: the first one counts
		return 0, nil, false
	}
	for i, b := range f.body {
		at := f.offset + i
		if bit := uint64(1) << (at % 64); p.have[at/64]&bit == 0 {
			p.have[at/64] |= bit
			p.body[at] = b
			p.left--
		}
	}
	return r.pop()
}

// pop returns the message that is due if it has been complete for a while.
func (r *reassembly) pop() (typ byte, body []byte, ok bool) {
	p := r.find(r.next)
	if p == nil || p.left > 0 {
		return 0, nil, false
	}
	typ, body = p.typ, p.body
	r.drop(r.next)
	r.next++
	return typ, body, true
}

func (r *reassembly) find(seq uint16) *partial {
	for i := range r.waiting {
		if r.waiting[i].seq == seq {
			return &r.waiting[i]
		}
	}
	return nil
}

func (r *reassembly) drop(seq uint16) {
	for i := range r.waiting {
		if r.waiting[i].seq == seq {
			r.bytes -= len(r.waiting[i].body)
			r.waiting = append(r.waiting[:i], r.waiting[i+1:]...)
			return
		}
	}
}
