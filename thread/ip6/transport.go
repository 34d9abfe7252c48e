package ip6

// UDPSize is the size of the UDP header.
const UDPSize = 8

// UDPHeader is the header of RFC 768.
type UDPHeader struct {
	SrcPort, DstPort uint16
	Length           uint16 // of header and payload
	Checksum         uint16
}

// ParseUDP reads a UDP header at the start of b. b need not hold the payload.
func ParseUDP(b []byte) (u UDPHeader, err error) {
	if len(b) < UDPSize {
		return u, ErrTruncated
	}
	return UDPHeader{get16(b), get16(b[2:]), get16(b[4:]), get16(b[6:])}, nil
}

// Append appends the UDP header.
func (u *UDPHeader) Append(dst []byte) []byte {
	return append16(append16(append16(append16(dst, u.SrcPort), u.DstPort), u.Length), u.Checksum)
}

// AppendUDP appends a whole datagram with one UDP message, its lengths and checksum set. h.Next and h.PayloadLen are not
// looked at.
func AppendUDP(dst []byte, h Header, srcPort, dstPort uint16, payload []byte) []byte {
	at := len(dst)
	h.Next, h.PayloadLen = UDP, uint16(UDPSize+len(payload))
	dst = h.Append(dst)
	u := UDPHeader{SrcPort: srcPort, DstPort: dstPort, Length: h.PayloadLen}
	dst = append(u.Append(dst), payload...)
	SetChecksum(dst[at:], HeaderSize, UDP)
	return dst
}

// ICMPType is the type of an ICMPv6 message (RFC 4443).
type ICMPType uint8

// Types of ICMPv6 messages. Those below 128 are errors.
const (
	DstUnreachable ICMPType = 1
	PacketTooBig   ICMPType = 2
	TimeExceeded   ICMPType = 3
	ParamProblem   ICMPType = 4
	EchoRequest    ICMPType = 128
	EchoReply      ICMPType = 129
	RouterSolicit  ICMPType = 133
	RouterAdvert   ICMPType = 134
	NeighborSol    ICMPType = 135
	NeighborAdvert ICMPType = 136
)

// Codes of ICMPv6 errors.
const (
	NoRoute            = 0 // of DstUnreachable
	AdminProhibited    = 1
	ReassemblyExceeded = 1 // of TimeExceeded
)

// IsError reports whether messages of the type tell of an error: no error is sent about them.
func (t ICMPType) IsError() bool { return t < 128 }

// ICMPSize is the size of an ICMPv6 header with its four bytes that depend on the type.
const ICMPSize = 8

// ICMPHeader is the header of an ICMPv6 message. ID and Sequence are an echo's.
type ICMPHeader struct {
	Type     ICMPType
	Code     uint8
	Checksum uint16
	ID       uint16
	Sequence uint16
}

// ParseICMP reads an ICMPv6 header at the start of b.
func ParseICMP(b []byte) (i ICMPHeader, err error) {
	if len(b) < ICMPSize {
		return i, ErrTruncated
	}
	return ICMPHeader{ICMPType(b[0]), b[1], get16(b[2:]), get16(b[4:]), get16(b[6:])}, nil
}

// Append appends the ICMPv6 header.
func (i *ICMPHeader) Append(dst []byte) []byte {
	return append16(append16(append16(append(dst, byte(i.Type), i.Code), i.Checksum), i.ID), i.Sequence)
}

// AppendICMP appends a whole datagram with one ICMPv6 message, its lengths and checksum set.
func AppendICMP(dst []byte, h Header, m ICMPHeader, payload []byte) []byte {
	at := len(dst)
	h.Next, h.PayloadLen = ICMP6, uint16(ICMPSize+len(payload))
	dst = h.Append(dst)
	m.Checksum = 0
	dst = append(m.Append(dst), payload...)
	SetChecksum(dst[at:], HeaderSize, ICMP6)
	return dst
}
