package dtls

import "encoding/binary"

// Handshake types (RFC 5246 section 7.4, RFC 6347 section 4.3.2).
const (
	typeHelloRequest       = 0
	typeClientHello        = 1
	typeServerHello        = 2
	typeHelloVerifyRequest = 3
	typeCertificate        = 11
	typeServerKeyExchange  = 12
	typeCertificateRequest = 13
	typeServerHelloDone    = 14
	typeCertificateVerify  = 15
	typeClientKeyExchange  = 16
	typeFinished           = 20
)

const messageHeaderLen = 12

// fragment is one fragment of a handshake message (RFC 6347 section 4.2.2). body is a slice of the record.
type fragment struct {
	typ    byte
	length int // of the whole message
	seq    uint16
	offset int
	body   []byte
}

// decode reads the first fragment of a record and returns what follows it.
func (f *fragment) decode(b []byte) (rest []byte, ok bool) {
	if len(b) < messageHeaderLen {
		return nil, false
	}
	f.typ = b[0]
	f.length = uint24(b[1:])
	f.seq = binary.BigEndian.Uint16(b[4:])
	f.offset = uint24(b[6:])
	n := uint24(b[9:])
	b = b[messageHeaderLen:]
	if n > len(b) || f.offset+n > f.length || n == 0 && f.length != 0 {
		return nil, false
	}
	f.body = b[:n]
	return b[n:], true
}

func (f *fragment) whole() bool { return len(f.body) == f.length }

// appendMessageHeader appends the header of a fragment. With offset 0 and n equal to length it is the header that the
// transcript has, too (RFC 6347 section 4.2.6).
func appendMessageHeader(dst []byte, typ byte, length int, seq uint16, offset, n int) []byte {
	return append(dst, typ, byte(length>>16), byte(length>>8), byte(length), byte(seq>>8), byte(seq),
		byte(offset>>16), byte(offset>>8), byte(offset), byte(n>>16), byte(n>>8), byte(n))
}

func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

// reader reads the vectors of TLS's presentation language (RFC 5246 section 4.3). After a failure everything is empty
// and ok is false.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) bytes(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) uint8() int {
	if v := r.bytes(1); v != nil {
		return int(v[0])
	}
	return 0
}

func (r *reader) uint16() int {
	if v := r.bytes(2); v != nil {
		return int(v[0])<<8 | int(v[1])
	}
	return 0
}

func (r *reader) vector8() []byte  { return r.bytes(r.uint8()) }
func (r *reader) vector16() []byte { return r.bytes(r.uint16()) }

func (r *reader) vector24() []byte {
	if n := r.bytes(3); n != nil {
		return r.bytes(uint24(n))
	}
	return nil
}

// done reports whether everything was read and nothing is left.
func (r *reader) done() bool { return !r.bad && len(r.b) == 0 }

func appendVector8(dst, v []byte) []byte {
	return append(append(dst, byte(len(v))), v...)
}

func appendVector16(dst, v []byte) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(v))), v...)
}
