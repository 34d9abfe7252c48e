package dtls

import "encoding/binary"

// helloVerifyRequest is RFC 6347 section 4.3.2.
type helloVerifyRequest struct {
	version uint16 // says nothing about the version that is negotiated later (section 4.2.1)
	cookie  []byte
}

func (m *helloVerifyRequest) decode(b []byte) bool {
	r := reader{b: b}
	m.version = uint16(r.uint16())
	m.cookie = r.vector8()
	return r.done()
}

func (m *helloVerifyRequest) append(dst []byte) []byte {
	return appendVector8(binary.BigEndian.AppendUint16(dst, m.version), m.cookie)
}
