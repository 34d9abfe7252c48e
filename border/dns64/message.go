package dns64

import (
	"encoding/binary"
	"errors"
)

// The parts of DNS that a forwarder looks at (RFC 1035 section 4).
const (
	headerSize = 12
	maxName    = 255

	typeA     = 1
	typeCNAME = 5
	typeSOA   = 6
	typePTR   = 12
	typeAAAA  = 28
	typeDNAME = 39
	typeOPT   = 41
	classIN   = 1

	flagResponse  = 1 << 15
	flagTruncated = 1 << 9
	flagDesired   = 1 << 8 // recursion
	flagAvailable = 1 << 7
	flagChecking  = 1 << 4 // disabled: the client validates for itself

	codeOK       = 0
	codeFormat   = 1
	codeServFail = 2
	codeNoName   = 3
	codeRefused  = 5
)

var errMessage = errors.New("dns64: the message is malformed")

// name is a domain name as on the wire, uncompressed and in lower case.
type name string

// question is what a message asks. asked is its name as the client wrote it.
type question struct {
	name  name
	asked []byte
	kind  uint16
	class uint16
}

// record is a resource record. Its data is borrowed; names in it may be compressed.
type record struct {
	owner name
	kind  uint16
	class uint16
	ttl   uint32
	data  []byte
	at    int // of the data in the message
}

// message is the header of a message, its question, and where its records begin.
type message struct {
	b        []byte
	id       uint16
	flags    uint16
	counts   [4]uint16
	question question
	records  int
}

func (m *message) code() int { return int(m.flags & 15) }

// parse reads a message with one question.
func parse(b []byte) (m message, err error) {
	if len(b) < headerSize {
		return m, errMessage
	}
	m.b, m.id, m.flags = b, binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	for i := range m.counts {
		m.counts[i] = binary.BigEndian.Uint16(b[4+2*i:])
	}
	if m.counts[0] != 1 {
		return m, errMessage
	}
	n, raw, at, err := readName(b, headerSize)
	if err != nil || len(b) < at+4 || at-headerSize != len(raw) { // the first name has nothing to point at
		return m, errMessage
	}
	m.question = question{n, raw, binary.BigEndian.Uint16(b[at:]), binary.BigEndian.Uint16(b[at+2:])}
	m.records = at + 4
	return m, nil
}

// readName reads a name and follows its pointers, which go back only. It returns where the name ends in the message.
func readName(b []byte, at int) (n name, raw []byte, end int, err error) {
	var buf [maxName]byte
	out := buf[:0]
	limit := at
	for {
		if at >= len(b) {
			return "", nil, 0, errMessage
		}
		switch l := int(b[at]); {
		case l == 0:
			if end == 0 {
				end = at + 1
			}
			out = append(out, 0)
			raw = append([]byte(nil), out...)
			for i := 0; i < len(out); { // length bytes are below 'A'
				for j := i + 1; j <= i+int(out[i]) && j < len(out); j++ {
					if c := out[j]; c >= 'A' && c <= 'Z' {
						out[j] = c + 'a' - 'A'
					}
				}
				i += int(out[i]) + 1
			}
			return name(out), raw, end, nil
		case l < 64:
			if at+1+l > len(b) || len(out)+1+l >= maxName {
				return "", nil, 0, errMessage
			}
			out = append(out, b[at:at+1+l]...)
			at += 1 + l
		case l >= 192:
			if at+2 > len(b) {
				return "", nil, 0, errMessage
			}
			to := int(binary.BigEndian.Uint16(b[at:]) & 0x3fff)
			if end == 0 {
				end = at + 2
			}
			if to >= limit {
				return "", nil, 0, errMessage
			}
			at, limit = to, to
		default:
			return "", nil, 0, errMessage
		}
	}
}

// answers calls each for the records of the answer section, and of the authority section with authority set.
func (m *message) each(f func(r *record, authority bool) bool) error {
	at := m.records
	for i := range int(m.counts[1]) + int(m.counts[2]) {
		var r record
		var err error
		if r, at, err = readRecord(m.b, at); err != nil {
			return err
		}
		if !f(&r, i >= int(m.counts[1])) {
			return nil
		}
	}
	return nil
}

func readRecord(b []byte, at int) (r record, end int, err error) {
	r.owner, _, at, err = readName(b, at)
	if err != nil || len(b) < at+10 {
		return r, 0, errMessage
	}
	r.kind, r.class, r.ttl = binary.BigEndian.Uint16(b[at:]), binary.BigEndian.Uint16(b[at+2:]), binary.BigEndian.Uint32(b[at+4:])
	n := int(binary.BigEndian.Uint16(b[at+8:]))
	r.at = at + 10
	if end = r.at + n; len(b) < end {
		return r, 0, errMessage
	}
	r.data = b[r.at:end]
	return r, end, nil
}

// appendHeader appends a header with one question.
func appendHeader(dst []byte, id, flags uint16, q *question, answers int) []byte {
	dst = binary.BigEndian.AppendUint16(dst, id)
	dst = binary.BigEndian.AppendUint16(dst, flags)
	dst = append(dst, 0, 1, byte(answers>>8), byte(answers), 0, 0, 0, 0)
	dst = append(dst, q.asked...)
	dst = binary.BigEndian.AppendUint16(dst, q.kind)
	return binary.BigEndian.AppendUint16(dst, q.class)
}

// appendRecord appends a record. The question's name is written as a pointer to it.
func appendRecord(dst []byte, q *question, owner name, kind uint16, ttl uint32, data []byte) []byte {
	if owner == q.name {
		dst = append(dst, 0xc0, headerSize)
	} else {
		dst = append(dst, owner...)
	}
	dst = binary.BigEndian.AppendUint16(dst, kind)
	dst = binary.BigEndian.AppendUint16(dst, classIN)
	dst = binary.BigEndian.AppendUint32(dst, ttl)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(data)))
	return append(dst, data...)
}

// text returns a name as people write it, without the dot at its end.
func (n name) text() string {
	var b []byte
	for i := 0; i < len(n) && n[i] != 0; {
		l := int(n[i])
		if len(b) > 0 {
			b = append(b, '.')
		}
		b = append(b, n[i+1:min(len(n), i+1+l)]...)
		i += 1 + l
	}
	return string(b)
}

// toName makes a name of what people write.
func toName(s string) name {
	var b []byte
	for len(s) > 0 {
		label := s
		if i := indexByte(s, '.'); i >= 0 {
			label, s = s[:i], s[i+1:]
		} else {
			s = ""
		}
		b = append(append(b, byte(len(label))), label...)
	}
	return name(append(b, 0))
}

func indexByte(s string, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}
