package dtls

import "encoding/binary"

// Content types of records.
const (
	contentChangeCipherSpec = 20
	contentAlert            = 21
	contentHandshake        = 22
	contentApplicationData  = 23
	contentCID              = 25 // tls12_cid, RFC 9146
	contentRRC              = 27 // return_routability_check, RFC 9853
)

// Versions on the wire: ones' complement of major and minor (RFC 6347 section 4.1).
const (
	version10 = 0xFEFF
	version12 = 0xFEFD
)

const recordHeaderLen = 13 // without a connection ID

// record is one record as it is on the wire. cid and body are slices of the datagram.
type record struct {
	typ     byte
	version uint16
	epoch   uint16
	seq     uint64 // 48 bits
	cid     []byte
	body    []byte
}

// decode reads the first record of a datagram and returns what follows it. cidLen is the length of our own connection
// IDs: only the receiver knows it (RFC 9146 section 4). It fails when the rest of the datagram makes no sense.
func (r *record) decode(b []byte, cidLen int) (rest []byte, ok bool) {
	if len(b) < recordHeaderLen {
		return nil, false
	}
	r.typ = b[0]
	r.version = binary.BigEndian.Uint16(b[1:])
	r.epoch = binary.BigEndian.Uint16(b[3:])
	r.seq = binary.BigEndian.Uint64(b[3:]) & maxSequence
	r.cid = nil
	b = b[11:]
	if r.typ == contentCID {
		if cidLen == 0 || len(b) < cidLen+2 {
			return nil, false
		}
		r.cid, b = b[:cidLen], b[cidLen:]
	}
	n := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if n > len(b) {
		return nil, false
	}
	r.body = b[:n]
	return b[n:], true
}

// appendRecordHeader appends the header of a record whose body has n bytes.
func appendRecordHeader(dst []byte, typ byte, version, epoch uint16, seq uint64, cid []byte, n int) []byte {
	dst = append(dst, typ, byte(version>>8), byte(version))
	dst = binary.BigEndian.AppendUint64(dst, uint64(epoch)<<48|seq&maxSequence)
	dst = append(dst, cid...)
	return append(dst, byte(n>>8), byte(n))
}

// CIDFirst returns the first byte of the connection ID of the first record of a datagram: the shard that owns it.
func CIDFirst(b []byte) (first byte, ok bool) {
	if len(b) < recordHeaderLen+1 || b[0] != contentCID || b[1] != version12>>8 {
		return 0, false
	}
	return b[11], true
}
