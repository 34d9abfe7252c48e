package ieee802154

import (
	"encoding/binary"
	"errors"
)

// ErrFrame says that bytes are no frame.
var ErrFrame = errors.New("ieee802154: malformed frame")

// Frame is a frame's header and what it carries. Parsed, its slices borrow from the PSDU. To send one, fill it in, and
// Append makes the PSDU.
type Frame struct {
	Type        Type
	Version     Version
	Pending     bool // the sender has more for the receiver
	AckRequest  bool
	Compressed  bool // the PAN compression bit; NewHeader and Plan choose it
	NoSequence  bool
	HasIEs      bool
	HasDstPAN   bool
	HasSrcPAN   bool
	ShortHeader bool // of a multipurpose frame
	Sequence    uint8
	DstPAN      PANID
	SrcPAN      PANID
	Dst, Src    Address
	Security    Security
	IEs         []byte    // header information elements with their termination
	Command     CommandID // of a command frame; of a secured one of 2015 it is the first byte of the opened payload
	Payload     []byte    // as on the air: encrypted if Security says so
	MIC         []byte

	header []byte // the part that is authenticated only
}

// Secured reports whether the frame has a security header.
func (f *Frame) Secured() bool { return f.Security.Level != NoSecurity }

// Header returns the bytes before the payload of a parsed frame.
func (f *Frame) Header() []byte { return f.header }

// PAN returns the identifier of the network that the frame belongs to: the destination's, else the source's.
func (f *Frame) PAN() (PANID, bool) {
	if f.HasDstPAN {
		return f.DstPAN, true
	}
	return f.SrcPAN, f.HasSrcPAN
}

// Parse reads a PSDU, whose check sequence it takes off without looking at it.
func (f *Frame) Parse(psdu []byte) error {
	*f = Frame{}
	if len(psdu) < 2+FCSLen || len(psdu) > MaxPSDU {
		return ErrFrame
	}
	b := psdu[:len(psdu)-FCSLen]
	at, dst, src, secured, ok := f.parseControl(b)
	if !ok {
		return ErrFrame
	}
	if !f.NoSequence {
		if at >= len(b) {
			return ErrFrame
		}
		f.Sequence = b[at]
		at++
	}
	need := Address{Kind: dst}.Len() + Address{Kind: src}.Len()
	if f.HasDstPAN {
		need += 2
	}
	if f.HasSrcPAN {
		need += 2
	}
	if at+need > len(b) {
		return ErrFrame
	}
	if f.HasDstPAN {
		f.DstPAN = PANID(binary.LittleEndian.Uint16(b[at:]))
		at += 2
	}
	f.Dst = readAddress(b[at:], dst)
	at += f.Dst.Len()
	if f.HasSrcPAN {
		f.SrcPAN = PANID(binary.LittleEndian.Uint16(b[at:]))
		at += 2
	} else if f.HasDstPAN {
		f.SrcPAN = f.DstPAN
	}
	f.Src = readAddress(b[at:], src)
	at += f.Src.Len()
	mic := 0
	if secured {
		n, ok := f.Security.parse(b[at:])
		if !ok {
			return ErrFrame
		}
		at += n
		mic = f.Security.Level.MIC()
	}
	if at+mic > len(b) {
		return ErrFrame
	}
	if f.HasIEs {
		n, ok := headerIEs(b[at : len(b)-mic])
		if !ok {
			return ErrFrame
		}
		f.IEs = b[at : at+n]
		at += n
	}
	if f.Type == Command {
		if at+mic >= len(b) {
			return ErrFrame
		}
		f.Command = CommandID(b[at])
		if f.Version != Version2015 {
			at++ // the command is part of the header that is not encrypted
		}
	}
	f.header, f.Payload, f.MIC = b[:at], b[at:len(b)-mic], b[len(b)-mic:]
	return nil
}

// parseControl reads the frame control field.
func (f *Frame) parseControl(b []byte) (at int, dst, src Kind, secured, ok bool) {
	f.Type = Type(b[0] & fcfTypeMask)
	if f.Type == Multipurpose {
		return f.parseMultipurpose(b)
	}
	c := binary.LittleEndian.Uint16(b)
	f.Version = Version(c >> fcfVersion & versionMask)
	secured = c&fcfSecurity != 0
	f.Pending, f.AckRequest, f.Compressed = c&fcfPending != 0, c&fcfAck != 0, c&fcfCompress != 0
	if f.Version == Version2015 {
		f.NoSequence, f.HasIEs = c&fcfNoSeq != 0, c&fcfIEs != 0
	}
	dst, src = Kind(c>>fcfDstShift&addrModeMask), Kind(c>>fcfSrcShift&addrModeMask)
	f.HasDstPAN, f.HasSrcPAN = panFields(f.Version, dst, src, f.Compressed)
	return 2, dst, src, secured, f.Version <= Version2015 && dst != 1 && src != 1
}

func (f *Frame) parseMultipurpose(b []byte) (at int, dst, src Kind, secured, ok bool) {
	c := uint16(b[0])
	at = 1
	if f.ShortHeader = c&mpLong == 0; !f.ShortHeader {
		c |= uint16(b[1]) << 8
		at = 2
	}
	// The version field of a multipurpose frame is its own (section 7.3.5): what else it shares is with 2015.
	f.Version = Version2015
	secured = c&mpSecurity != 0
	f.Pending, f.AckRequest, f.NoSequence, f.HasIEs = c&mpPending != 0, c&mpAck != 0, c&mpNoSeq != 0, c&mpIEs != 0
	f.HasDstPAN = c&mpPAN != 0
	dst, src = Kind(c>>mpDstShift&addrModeMask), Kind(c>>mpSrcShift&addrModeMask)
	return at, dst, src, secured, c>>fcfVersion&versionMask == 0 && dst != 1 && src != 1
}

func (s *Security) parse(b []byte) (n int, ok bool) {
	if len(b) < 5 {
		return 0, false
	}
	s.Level, s.Mode = Level(b[0]&7), KeyIDMode(b[0]>>3&3)
	s.Counter = binary.LittleEndian.Uint32(b[1:])
	// Bits 5 and 6 suppress the counter and the ASN; Thread uses neither.
	if s.Level == NoSecurity || b[0]&0xe0 != 0 || len(b) < s.Len() {
		return 0, false
	}
	n = 5 + copy(s.KeySource[:s.Mode.sourceLen()], b[5:])
	if s.Mode != KeyIDMode0 {
		s.KeyIndex = b[n]
		n++
	}
	return n, true
}
