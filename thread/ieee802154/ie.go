package ieee802154

import "encoding/binary"

// IEID is the element identifier of a header information element (table 7-7).
type IEID uint8

// The header information elements that Thread uses.
const (
	IEVendor      IEID = 0x00
	IECSL         IEID = 0x1a
	IERendezvous  IEID = 0x1d
	IETermination IEID = 0x7f // HT2: payload follows
)

// Vendors, and the subtypes of their elements. A vendor's identifier is on the air with its last byte first.
const (
	OUIThread = 0xeab89b
	OUINest   = 0x18b430

	ThreadProbing    = 0x00 // link metrics in an enhanced ack
	ThreadConnection = 0x01
	NestTime         = 0x01
)

// headerIEs returns the length of the elements at the start of b, and whether they are well formed. They end with a
// termination or with the frame.
func headerIEs(b []byte) (int, bool) {
	at := 0
	for {
		if len(b)-at < 2 {
			return 0, false
		}
		h := binary.LittleEndian.Uint16(b[at:])
		at += 2 + int(h&0x7f)
		if at > len(b) {
			return 0, false
		}
		if IEID(h>>7) == IETermination || at == len(b) {
			return at, true
		}
	}
}

// IE returns the content of the first element with the identifier.
func (f *Frame) IE(id IEID) ([]byte, bool) {
	for b := f.IEs; len(b) >= 2; {
		h := binary.LittleEndian.Uint16(b)
		n := int(h & 0x7f)
		if 2+n > len(b) {
			break
		}
		if IEID(h>>7) == id {
			return b[2 : 2+n], true
		}
		b = b[2+n:]
	}
	return nil, false
}

// VendorIE returns the content of a vendor's element behind its subtype.
func (f *Frame) VendorIE(oui uint32, subtype uint8) ([]byte, bool) {
	for b := f.IEs; len(b) >= 2; {
		h := binary.LittleEndian.Uint16(b)
		n := int(h & 0x7f)
		if 2+n > len(b) {
			break
		}
		if v := b[2 : 2+n]; IEID(h>>7) == IEVendor && n >= 4 &&
			uint32(v[0])|uint32(v[1])<<8|uint32(v[2])<<16 == oui && v[3] == subtype {
			return v[4:], true
		}
		b = b[2+n:]
	}
	return nil, false
}

// CSL returns period and phase of the CSL element, in units of 160 us.
func (f *Frame) CSL() (period, phase uint16, ok bool) {
	v, ok := f.IE(IECSL)
	if !ok || len(v) < 4 {
		return 0, 0, false
	}
	return binary.LittleEndian.Uint16(v[2:]), binary.LittleEndian.Uint16(v), true
}

func appendIE(dst []byte, id IEID, n int) []byte {
	return binary.LittleEndian.AppendUint16(dst, uint16(n)|uint16(id)<<7)
}

// AppendCSL appends a CSL element.
func AppendCSL(dst []byte, period, phase uint16) []byte {
	dst = appendIE(dst, IECSL, 4)
	dst = binary.LittleEndian.AppendUint16(dst, phase)
	return binary.LittleEndian.AppendUint16(dst, period)
}

// AppendVendor appends a vendor's element.
func AppendVendor(dst []byte, oui uint32, subtype uint8, content []byte) []byte {
	dst = appendIE(dst, IEVendor, 4+len(content))
	dst = append(dst, byte(oui), byte(oui>>8), byte(oui>>16), subtype)
	return append(dst, content...)
}

// AppendRendezvous appends a rendezvous time element, in units of 10 symbols (160 us).
func AppendRendezvous(dst []byte, time uint16) []byte {
	return binary.LittleEndian.AppendUint16(appendIE(dst, IERendezvous, 2), time)
}

// AppendTermination appends the element that says that payload follows.
func AppendTermination(dst []byte) []byte { return appendIE(dst, IETermination, 0) }
