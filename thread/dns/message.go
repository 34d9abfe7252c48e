// Package dns is the wire format of DNS as far as forwarders, clients and registries of a Thread network need it (RFC 1035,
// 2136, 2782).
package dns

import (
	"encoding/binary"
	"errors"
	"strings"
)

// Types of records, flags and codes.
const (
	HeaderSize = 12
	MaxName    = 255
	MaxLabel   = 63

	TypeA     = 1
	TypeNS    = 2
	TypeCNAME = 5
	TypeSOA   = 6
	TypePTR   = 12
	TypeTXT   = 16
	TypeSIG   = 24
	TypeKEY   = 25
	TypeAAAA  = 28
	TypeSRV   = 33
	TypeDNAME = 39
	TypeOPT   = 41
	TypeNSEC  = 47
	TypeANY   = 255
	ClassIN   = 1
	ClassNone = 254
	ClassANY  = 255

	OpQuery  = 0
	OpUpdate = 5

	FlagResponse         = 1 << 15
	FlagTruncated        = 1 << 9
	FlagRecursion        = 1 << 8 // desired
	FlagAvailable        = 1 << 7 // recursion
	FlagCheckingDisabled = 1 << 4 // the client validates for itself

	CodeOK             = 0
	CodeFormat         = 1
	CodeServFail       = 2
	CodeNoName         = 3
	CodeNotImplemented = 4
	CodeRefused        = 5
	CodeNameExists     = 6
)

// Errors of the codec.
var (
	ErrMessage = errors.New("dns: the message is malformed")
	ErrName    = errors.New("dns: not a domain name")
)

// Name is a domain name as on the wire, uncompressed and in lower case.
type Name string

// Question is what a message asks. Asked is its name as it was written.
type Question struct {
	Name  Name
	Asked []byte
	Type  uint16
	Class uint16
}

// NewQuestion returns a question about a name as people write it.
func NewQuestion(s string, kind uint16) (Question, error) {
	n, err := ParseName(s)
	if err != nil {
		return Question{}, err
	}
	return Question{Name: lower([]byte(n)), Asked: []byte(n), Type: kind, Class: ClassIN}, nil
}

// Record is a resource record. Its data is borrowed; names in it may be compressed.
type Record struct {
	Owner Name
	Name  []byte // the owner as it was written
	Type  uint16
	Class uint16
	TTL   uint32
	Data  []byte
	At    int // of the data in the message
}

// Message is a message that was looked at: its records are read by Each.
type Message struct {
	Bytes    []byte
	ID       uint16
	Flags    uint16
	Counts   [4]uint16 // of questions, answers, authority and additional records
	Question Question
	Records  int // where they begin
}

// Code returns the response code.
func (m *Message) Code() int { return int(m.Flags & 15) }

// Opcode returns what kind of message it is.
func (m *Message) Opcode() int { return int(m.Flags >> 11 & 15) }

// maxQuestions is how many questions ParseAll reads. More than two nobody asks.
const maxQuestions = 4

// ParseAll reads the header and the questions of a message, of which there need not be any. b is borrowed.
func ParseAll(b []byte) (m Message, questions []Question, err error) {
	return ParseMany(b, maxQuestions)
}

// ParseMany is ParseAll for messages with more questions, as multicast DNS has them.
func ParseMany(b []byte, most int) (m Message, questions []Question, err error) {
	if len(b) < HeaderSize {
		return m, nil, ErrMessage
	}
	m.Bytes, m.ID, m.Flags = b, binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	for i := range m.Counts {
		m.Counts[i] = binary.BigEndian.Uint16(b[4+2*i:])
	}
	if int(m.Counts[0]) > most {
		return m, nil, ErrMessage
	}
	at := HeaderSize
	for range m.Counts[0] {
		n, raw, end, err := ReadName(b, at)
		if err != nil || len(b) < end+4 {
			return m, nil, ErrMessage
		}
		questions = append(questions, Question{n, raw, binary.BigEndian.Uint16(b[end:]), binary.BigEndian.Uint16(b[end+2:])})
		at = end + 4
	}
	if len(questions) > 0 {
		m.Question = questions[0]
	}
	m.Records = at
	return m, questions, nil
}

// Parse reads the header and the question of a message with one question. b is borrowed.
func Parse(b []byte) (m Message, err error) {
	m, _, err = ParseAll(b)
	if err != nil || m.Counts[0] != 1 || m.Records-4-HeaderSize != len(m.Question.Asked) { // the first name has nothing to point at
		return m, ErrMessage
	}
	return m, nil
}

// ReadName reads the name at an offset of a message, as it stands there and in lower case, and follows its pointers, which
// go back only. end is where the name ends in the message.
func ReadName(b []byte, at int) (n Name, raw []byte, end int, err error) {
	limit := at
	for {
		if at >= len(b) {
			return "", nil, 0, ErrMessage
		}
		switch l := int(b[at]); {
		case l == 0:
			if end == 0 {
				end = at + 1
			}
			raw = append(raw, 0)
			return lower(append([]byte(nil), raw...)), raw, end, nil
		case l <= MaxLabel:
			if at+1+l > len(b) || len(raw)+1+l >= MaxName {
				return "", nil, 0, ErrMessage
			}
			raw = append(raw, b[at:at+1+l]...)
			at += 1 + l
		case l >= 192:
			if at+2 > len(b) {
				return "", nil, 0, ErrMessage
			}
			to := int(binary.BigEndian.Uint16(b[at:]) & 0x3fff)
			if end == 0 {
				end = at + 2
			}
			if to >= limit {
				return "", nil, 0, ErrMessage
			}
			at, limit = to, to
		default:
			return "", nil, 0, ErrMessage
		}
	}
}

// lower makes a whole name lower case, in place.
func lower(b []byte) Name {
	for i := 0; i < len(b); i += int(b[i]) + 1 {
		for j := i + 1; j <= i+int(b[i]) && j < len(b); j++ {
			if c := b[j]; c >= 'A' && c <= 'Z' {
				b[j] = c + 'a' - 'A'
			}
		}
	}
	return Name(b)
}

// The sections of a message.
const (
	Answer = iota
	Authority
	Additional
)

// Each calls f for the records of a message in order, until it returns false.
func (m *Message) Each(f func(r *Record, section int) bool) error {
	at := m.Records
	for section := range 3 {
		for range m.Counts[1+section] {
			var r Record
			var err error
			if r, at, err = ReadRecord(m.Bytes, at); err != nil {
				return err
			}
			if !f(&r, section) {
				return nil
			}
		}
	}
	return nil
}

// ReadRecord reads the record at an offset of a message, and returns where the next one begins.
func ReadRecord(b []byte, at int) (r Record, end int, err error) {
	r.Owner, r.Name, at, err = ReadName(b, at)
	if err != nil || len(b) < at+10 {
		return r, 0, ErrMessage
	}
	r.Type, r.Class, r.TTL = binary.BigEndian.Uint16(b[at:]), binary.BigEndian.Uint16(b[at+2:]), binary.BigEndian.Uint32(b[at+4:])
	n := int(binary.BigEndian.Uint16(b[at+8:]))
	r.At = at + 10
	if end = r.At + n; len(b) < end {
		return r, 0, ErrMessage
	}
	r.Data = b[r.At:end]
	return r, end, nil
}

// AppendHeader appends a header with one question.
func AppendHeader(dst []byte, id, flags uint16, q *Question, answers int) []byte {
	dst = binary.BigEndian.AppendUint16(dst, id)
	dst = binary.BigEndian.AppendUint16(dst, flags)
	dst = append(dst, 0, 1, byte(answers>>8), byte(answers), 0, 0, 0, 0)
	dst = append(dst, q.Asked...)
	dst = binary.BigEndian.AppendUint16(dst, q.Type)
	return binary.BigEndian.AppendUint16(dst, q.Class)
}

// AppendRecord appends a record. The question's name is written as a pointer to it.
func AppendRecord(dst []byte, q *Question, owner Name, kind uint16, ttl uint32, data []byte) []byte {
	if owner == q.Name {
		dst = append(dst, 0xc0, HeaderSize)
	} else {
		dst = append(dst, owner...)
	}
	dst = binary.BigEndian.AppendUint16(dst, kind)
	dst = binary.BigEndian.AppendUint16(dst, ClassIN)
	dst = binary.BigEndian.AppendUint32(dst, ttl)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(data)))
	return append(dst, data...)
}

// Text returns a name as people write it, without the dot at its end.
func (n Name) Text() string {
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

// ParseName makes a name of what people write, with or without a dot at its end. Letters stay as they are.
func ParseName(s string) (Name, error) {
	s = strings.TrimSuffix(s, ".")
	var b []byte
	for label := range strings.SplitSeq(s, ".") {
		if s == "" {
			break
		}
		if label == "" || len(label) > MaxLabel {
			return "", ErrName
		}
		b = append(append(b, byte(len(label))), label...)
	}
	if len(b) >= MaxName {
		return "", ErrName
	}
	return Name(append(b, 0)), nil
}

// MustName is ParseName for constants, in lower case. It panics.
func MustName(s string) Name {
	n, err := ParseName(s)
	if err != nil {
		panic(err)
	}
	return lower([]byte(n))
}
