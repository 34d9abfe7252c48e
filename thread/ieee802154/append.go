package ieee802154

import "encoding/binary"

// Plan decides which PAN identifiers the header carries and sets Compressed, HasDstPAN and HasSrcPAN so. Before it,
// HasDstPAN and HasSrcPAN say which the sender knows. It is called once for a new frame; Append obeys what stands there.
func (f *Frame) Plan() {
	if f.Type == Multipurpose {
		f.HasSrcPAN = false
		return
	}
	f.Compressed = f.compression()
	f.HasDstPAN, f.HasSrcPAN = panFields(f.Version, f.Dst.Kind, f.Src.Kind, f.Compressed)
}

// HeaderLen returns the number of bytes before the payload.
func (f *Frame) HeaderLen() int {
	n := 2 + f.Dst.Len() + f.Src.Len() + f.Security.Len() + len(f.IEs)
	if f.Type == Multipurpose && f.ShortHeader {
		n--
	}
	if !f.NoSequence {
		n++
	}
	if f.HasDstPAN {
		n += 2
	}
	if f.HasSrcPAN {
		n += 2
	}
	if f.Type == Command && f.Version != Version2015 {
		n++
	}
	return n
}

// Overhead returns the number of bytes of the PSDU that are not payload.
func (f *Frame) Overhead() int { return f.HeaderLen() + f.Security.Level.MIC() + FCSLen }

// Append appends the PSDU with the payload as it is, MIC (zeros where there is none yet) and check sequence.
// The payload of a command frame of version 2015 begins with the command itself.
func (f *Frame) Append(dst []byte) []byte {
	start := len(dst)
	dst = f.appendHeader(dst)
	dst = append(dst, f.Payload...)
	n := f.Security.Level.MIC()
	dst = append(dst, f.MIC[:min(n, len(f.MIC))]...)
	for range n - min(n, len(f.MIC)) {
		dst = append(dst, 0)
	}
	dst = append(dst, 0, 0)
	SetFCS(dst[start:])
	return dst
}

// AppendSealed appends the PSDU with the payload secured under key as Security says, with the nonce of source.
func (f *Frame) AppendSealed(dst []byte, key *Key, source ExtAddr) []byte {
	start := len(dst)
	dst = f.appendHeader(dst)
	text := len(dst)
	dst = append(dst, f.Payload...)
	tag := len(dst)
	for range f.Security.Level.MIC() {
		dst = append(dst, 0)
	}
	end := len(dst)
	if f.Secured() {
		nonce := MakeNonce(source, f.Security.Counter, f.Security.Level)
		key.Seal(&nonce, f.Security.Level, dst[start:text], dst[text:tag], dst[tag:end])
	}
	dst = append(dst, 0, 0)
	SetFCS(dst[start:])
	return dst
}

// Open decrypts the payload of a parsed frame to dst, which needs room for it, and reports whether the MIC is right.
func (f *Frame) Open(dst []byte, key *Key, source ExtAddr) ([]byte, bool) {
	nonce := MakeNonce(source, f.Security.Counter, f.Security.Level)
	dst = dst[:len(f.Payload)]
	return dst, key.Open(&nonce, f.Security.Level, f.header, dst, f.Payload, f.MIC)
}

func (f *Frame) appendHeader(dst []byte) []byte {
	c := f.control()
	dst = append(dst, byte(c))
	if f.Type != Multipurpose || !f.ShortHeader {
		dst = append(dst, byte(c>>8))
	}
	if !f.NoSequence {
		dst = append(dst, f.Sequence)
	}
	if f.HasDstPAN {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(f.DstPAN))
	}
	dst = appendAddress(dst, f.Dst)
	if f.HasSrcPAN {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(f.SrcPAN))
	}
	dst = appendAddress(dst, f.Src)
	if s := &f.Security; s.Level != NoSecurity {
		dst = append(dst, byte(s.Level)|byte(s.Mode)<<3)
		dst = binary.LittleEndian.AppendUint32(dst, s.Counter)
		dst = append(dst, s.KeySource[:s.Mode.sourceLen()]...)
		if s.Mode != KeyIDMode0 {
			dst = append(dst, s.KeyIndex)
		}
	}
	dst = append(dst, f.IEs...)
	if f.Type == Command && f.Version != Version2015 {
		dst = append(dst, byte(f.Command))
	}
	return dst
}

func (f *Frame) control() uint16 {
	if f.Type == Multipurpose {
		c := uint16(f.Type) | uint16(f.Dst.Kind)<<mpDstShift | uint16(f.Src.Kind)<<mpSrcShift
		if f.ShortHeader {
			return c
		}
		return c | mpLong | bit(f.HasDstPAN, mpPAN) | bit(f.Secured(), mpSecurity) | bit(f.NoSequence, mpNoSeq) |
			bit(f.Pending, mpPending) | bit(f.AckRequest, mpAck) | bit(f.HasIEs, mpIEs)
	}
	return uint16(f.Type) | uint16(f.Version)<<fcfVersion | uint16(f.Dst.Kind)<<fcfDstShift | uint16(f.Src.Kind)<<fcfSrcShift |
		bit(f.Secured(), fcfSecurity) | bit(f.Pending, fcfPending) | bit(f.AckRequest, fcfAck) |
		bit(f.Compressed, fcfCompress) | bit(f.NoSequence, fcfNoSeq) | bit(f.HasIEs, fcfIEs)
}

func bit(on bool, b uint16) uint16 {
	if on {
		return b
	}
	return 0
}
