package dtls

// window refuses records that were seen before (RFC 6347 section 4.1.2.6). Its size is the preferred 64.
type window struct {
	high uint64 // highest sequence number seen
	seen uint64 // bit i: high - i was seen
}

// fresh reports whether seq was not seen yet and is not too old to tell.
func (w *window) fresh(seq uint64) bool {
	if seq > w.high {
		return true
	}
	d := w.high - seq
	return d < 64 && w.seen>>d&1 == 0
}

// newest reports whether seq is newer than everything seen.
func (w *window) newest(seq uint64) bool { return seq > w.high || w.seen == 0 }

// mark notes a record that was verified.
func (w *window) mark(seq uint64) {
	if seq > w.high {
		d := seq - w.high
		if d < 64 {
			w.seen <<= d
		} else {
			w.seen = 0
		}
		w.high = seq
		w.seen |= 1
		return
	}
	if d := w.high - seq; d < 64 {
		w.seen |= 1 << d
	}
}

// close refuses everything up to the highest number: after a restart nobody knows what was seen below.
func (w *window) close() { w.seen = ^uint64(0) }
