package dtls

import "encoding/binary"

// clientHello is RFC 6347 section 4.3.2. Slices are of the message.
type clientHello struct {
	version      uint16
	random       []byte // 32 bytes
	sessionID    []byte
	cookie       []byte
	suites       []byte // 2 bytes each
	compressions []byte
	ext          extensions

	head, tail []byte // the body before and after the cookie: what the cookie is bound to
}

func (m *clientHello) decode(b []byte) bool {
	r := reader{b: b}
	m.version = uint16(r.uint16())
	m.random = r.bytes(32)
	m.sessionID = r.vector8()
	m.head = b[:len(b)-len(r.b)]
	m.cookie = r.vector8()
	m.tail = r.b
	m.suites = r.vector16()
	m.compressions = r.vector8()
	if r.bad || len(m.sessionID) > 32 || len(m.suites) < 2 || len(m.suites)%2 != 0 || len(m.compressions) < 1 {
		return false
	}
	return m.ext.decode(r.b)
}

func (m *clientHello) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, m.version)
	dst = append(dst, m.random...)
	dst = appendVector8(dst, m.sessionID)
	dst = appendVector8(dst, m.cookie)
	dst = appendVector16(dst, m.suites)
	dst = appendVector8(dst, m.compressions)
	return m.ext.append(dst)
}

// offers reports whether a suite is in the client's list.
func (m *clientHello) offers(s Suite) bool {
	for i := 0; i+1 < len(m.suites); i += 2 {
		if Suite(binary.BigEndian.Uint16(m.suites[i:])) == s {
			return true
		}
	}
	return false
}
