package dns

import "encoding/binary"

// Writer makes a message from its beginning to its end. Names in it are compressed, the ends of names that were written before
// (RFC 1035 section 4.1.4).
type Writer struct {
	b       []byte
	labels  []uint16 // where labels begin that a pointer may lead to
	data    int      // where the data of the record begins that is being written; 0: none is
	section int
	// Plain: names are written whole.
	Plain bool
}

// Header begins a message.
func (w *Writer) Header(id, flags uint16) {
	w.b = binary.BigEndian.AppendUint16(w.b[:0], id)
	w.b = binary.BigEndian.AppendUint16(w.b, flags)
	w.b = append(w.b, 0, 0, 0, 0, 0, 0, 0, 0)
	w.labels, w.section = w.labels[:0], 1
}

// SetFlags changes the flags.
func (w *Writer) SetFlags(flags uint16) { binary.BigEndian.PutUint16(w.b[2:], flags) }

// Section says in which section the next records stand: Answer, Authority or Additional.
func (w *Writer) Section(s int) { w.section = 1 + s }

// Count returns how many records there are in a section.
func (w *Writer) Count(s int) int { return int(binary.BigEndian.Uint16(w.b[6+2*s:])) }

func (w *Writer) count(section int) {
	at := w.b[4+2*section:]
	binary.BigEndian.PutUint16(at, binary.BigEndian.Uint16(at)+1)
}

// Question writes a question, or the zone of an update.
func (w *Writer) Question(n Name, kind uint16) {
	w.Name(n)
	w.U16(kind)
	w.U16(ClassIN)
	w.count(0)
}

// Questions returns how many there are.
func (w *Writer) Questions() int { return int(binary.BigEndian.Uint16(w.b[4:])) }

// Begin starts a record; what is written until End is its data.
func (w *Writer) Begin(owner Name, kind, class uint16, ttl uint32) {
	w.Name(owner)
	w.U16(kind)
	w.U16(class)
	w.U32(ttl)
	w.U16(0)
	w.data = len(w.b)
	w.count(w.section)
}

// End ends it.
func (w *Writer) End() {
	binary.BigEndian.PutUint16(w.b[w.data-2:], uint16(len(w.b)-w.data))
	w.data = 0
}

// Record writes a record whose data has no name that could be compressed.
func (w *Writer) Record(owner Name, kind, class uint16, ttl uint32, data []byte) {
	w.Begin(owner, kind, class, ttl)
	w.b = append(w.b, data...)
	w.End()
}

// U16, U32 and Append write data.
func (w *Writer) U16(v uint16) { w.b = binary.BigEndian.AppendUint16(w.b, v) }

// U32 writes four bytes.
func (w *Writer) U32(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }

// Append writes bytes.
func (w *Writer) Append(b ...byte) { w.b = append(w.b, b...) }

// Name writes a name.
func (w *Writer) Name(n Name) {
	for i := 0; i < len(n) && n[i] != 0; i += int(n[i]) + 1 {
		if at := w.find(n[i:]); at != 0 && !w.Plain {
			w.U16(0xc000 | at)
			return
		}
		if len(w.b) < 0x4000 {
			w.labels = append(w.labels, uint16(len(w.b)))
		}
		w.b = append(w.b, n[i:i+1+int(n[i])]...)
	}
	w.b = append(w.b, 0)
}

// find returns where a name was written before, or 0.
func (w *Writer) find(n Name) uint16 {
	for _, at := range w.labels {
		if w.is(int(at), n) {
			return at
		}
	}
	return 0
}

// is reports whether a name stands at an offset. Letters are compared as they are, so that a pointer changes none.
func (w *Writer) is(at int, n Name) bool {
	for at < len(w.b) {
		l := int(w.b[at])
		switch {
		case l >= 192 && at+1 < len(w.b):
			at = (l&63)<<8 | int(w.b[at+1])
			continue
		case l == 0:
			return n == "\x00"
		case at+1+l > len(w.b) || len(n) < 1+l || string(w.b[at:at+1+l]) != string(n[:1+l]):
			return false
		}
		at, n = at+1+l, n[1+l:]
	}
	return false
}

// Bytes returns the message so far.
func (w *Writer) Bytes() []byte { return w.b }

// Cut takes back what stands behind an offset, and the count of one record with it.
func (w *Writer) Cut(at, section int) {
	w.b = w.b[:at]
	for len(w.labels) > 0 && int(w.labels[len(w.labels)-1]) >= at {
		w.labels = w.labels[:len(w.labels)-1]
	}
	c := w.b[6+2*section:]
	binary.BigEndian.PutUint16(c, binary.BigEndian.Uint16(c)-1)
}
