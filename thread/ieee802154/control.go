package ieee802154

// Type is a frame's type.
type Type uint8

// The types of frame (IEEE 802.15.4-2015 table 7-1).
const (
	Beacon       Type = 0
	Data         Type = 1
	Ack          Type = 2
	Command      Type = 3
	Multipurpose Type = 5
)

// Version is the version of the standard that a frame's header follows.
type Version uint8

// The versions, with the numbers of the frame control field.
const (
	Version2003 Version = 0
	Version2006 Version = 1
	Version2015 Version = 2
)

// CommandID says what a command frame wants.
type CommandID uint8

// The commands that Thread uses (table 7-49).
const (
	DataRequest   CommandID = 4
	BeaconRequest CommandID = 7
)

// Level is a security level.
type Level uint8

// The security levels (table 9-6). Thread uses EncMIC32 on all secured frames.
const (
	NoSecurity Level = iota
	MIC32
	MIC64
	MIC128
	Enc
	EncMIC32
	EncMIC64
	EncMIC128
)

// MIC returns the length of the tag.
func (l Level) MIC() int {
	switch l & 3 {
	case 1:
		return 4
	case 2:
		return 8
	case 3:
		return 16
	}
	return 0
}

// Encrypted reports whether the payload is.
func (l Level) Encrypted() bool { return l&4 != 0 }

// KeyIDMode says how a frame names its key (table 9-7).
type KeyIDMode uint8

// The modes. Thread uses mode 0 with the key-encryption key of a joining, mode 1 with the MAC key of a sequence number
// and mode 2 with a fixed key.
const (
	KeyIDMode0 KeyIDMode = iota // implicit
	KeyIDMode1                  // a key index of 1 byte
	KeyIDMode2                  // a key source of 4 bytes and the index
	KeyIDMode3                  // a key source of 8 bytes and the index
)

func (m KeyIDMode) sourceLen() int {
	switch m {
	case KeyIDMode2:
		return 4
	case KeyIDMode3:
		return 8
	}
	return 0
}

// Security is the auxiliary security header (section 9.4). The zero value is none.
type Security struct {
	Level     Level
	Mode      KeyIDMode
	Counter   uint32
	KeySource [8]byte // the first 4 in mode 2
	KeyIndex  uint8   // not in mode 0
}

// Len returns the length of the header.
func (s *Security) Len() int {
	if s.Level == NoSecurity {
		return 0
	}
	n := 5 + s.Mode.sourceLen()
	if s.Mode != KeyIDMode0 {
		n++
	}
	return n
}

// Bits of the frame control field (section 7.2.2), and of the one of multipurpose frames (section 7.3.5).
const (
	fcfSecurity  = 1 << 3
	fcfPending   = 1 << 4
	fcfAck       = 1 << 5
	fcfCompress  = 1 << 6
	fcfNoSeq     = 1 << 8
	fcfIEs       = 1 << 9
	fcfDstShift  = 10
	fcfVersion   = 12
	fcfSrcShift  = 14
	mpLong       = 1 << 3
	mpDstShift   = 4
	mpSrcShift   = 6
	mpPAN        = 1 << 8
	mpSecurity   = 1 << 9
	mpNoSeq      = 1 << 10
	mpPending    = 1 << 11
	mpAck        = 1 << 14
	mpIEs        = 1 << 15
	fcfTypeMask  = 7
	versionMask  = 3
	addrModeMask = 3
)

// panFields says which PAN identifiers a frame of version 2015 carries (table 7-2). Older ones carry one for each
// address, but the source's only without compression.
func panFields(v Version, dst, src Kind, compress bool) (hasDst, hasSrc bool) {
	if v != Version2015 {
		return dst != None, src != None && !compress
	}
	switch {
	case dst == None && src == None:
		return compress, false
	case src == None:
		return !compress, false
	case dst == None:
		return false, !compress
	case dst == Extended && src == Extended:
		return !compress, false
	}
	return true, !compress
}

// compression chooses the PAN compression bit for a new frame of which the sender knows both identifiers, or says with
// has that it has none.
func (f *Frame) compression() bool {
	dst, src := f.Dst.Kind != None, f.Src.Kind != None
	if f.Version != Version2015 {
		return dst && src && f.DstPAN == f.SrcPAN
	}
	switch {
	case !dst && !src:
		return f.HasDstPAN
	case !dst:
		return !f.HasDstPAN && !f.HasSrcPAN
	case !src:
		return !f.HasDstPAN
	case f.Dst.Kind == Extended && f.Src.Kind == Extended:
		return !f.HasDstPAN
	}
	return f.DstPAN == f.SrcPAN
}
