package dtls

import "encoding/binary"

// serverHello is RFC 5246 section 7.4.1.3. Slices are of the message.
type serverHello struct {
	version     uint16
	random      []byte // 32 bytes
	sessionID   []byte
	suite       Suite
	compression byte
	ext         extensions
}

func (m *serverHello) decode(b []byte) bool {
	r := reader{b: b}
	m.version = uint16(r.uint16())
	m.random = r.bytes(32)
	m.sessionID = r.vector8()
	m.suite = Suite(r.uint16())
	m.compression = byte(r.uint8())
	return !r.bad && len(m.sessionID) <= 32 && m.ext.decode(r.b)
}

func (m *serverHello) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, m.version)
	dst = append(dst, m.random...)
	dst = appendVector8(dst, m.sessionID)
	dst = binary.BigEndian.AppendUint16(dst, uint16(m.suite))
	dst = append(dst, m.compression)
	return m.ext.append(dst)
}
