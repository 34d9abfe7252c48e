package ip6

// OptionType is the number of an option in a hop-by-hop or destination options header (RFC 8200 section 4.2).
type OptionType uint8

// Options that a Thread node meets.
const (
	Pad1      OptionType = 0
	PadN      OptionType = 1
	OptionMPL OptionType = 0x6d // RFC 7731 section 6.1
)

// MaySkip reports whether a node that does not know an option may skip it: the action bits are zero.
func (t OptionType) MaySkip() bool { return t>>6 == 0 }

// Extension is one extension header, but a fragment header.
type Extension struct {
	Next    Protocol
	Content []byte // what follows the two bytes of next header and length: options, or a routing header's fields
	Size    int    // of the whole header, a multiple of 8
}

// ParseExtension reads an extension header at the start of b.
func ParseExtension(b []byte) (e Extension, err error) {
	if len(b) < 8 {
		return e, ErrTruncated
	}
	e.Size = 8 * (int(b[1]) + 1)
	if len(b) < e.Size {
		return e, ErrTruncated
	}
	e.Next, e.Content = Protocol(b[0]), b[2:e.Size]
	return e, nil
}

// Option is one option of an extension header.
type Option struct {
	Type OptionType
	Data []byte
	Size int // with type and length
}

// IsPadding reports whether the option is there to fill space only.
func (o *Option) IsPadding() bool { return o.Type == Pad1 || o.Type == PadN }

// ParseOption reads the option at the start of an extension header's content, which is not empty.
func ParseOption(b []byte) (o Option, err error) {
	if len(b) == 0 {
		return o, ErrTruncated
	}
	if o.Type = OptionType(b[0]); o.Type == Pad1 {
		o.Size = 1
		return o, nil
	}
	if len(b) < 2 || len(b) < 2+int(b[1]) {
		return o, ErrTruncated
	}
	o.Size = 2 + int(b[1])
	o.Data = b[2:o.Size]
	return o, nil
}

// AppendPadding appends one padding option of n bytes.
func AppendPadding(dst []byte, n int) []byte {
	switch {
	case n <= 0:
		return dst
	case n == 1:
		return append(dst, byte(Pad1))
	}
	dst = append(dst, byte(PadN), byte(n-2))
	for range n - 2 {
		dst = append(dst, 0)
	}
	return dst
}

// FragmentSize is the size of a fragment header (RFC 8200 section 4.5).
const FragmentSize = 8

// FragmentHeader is the extension header of a fragment.
type FragmentHeader struct {
	Next   Protocol
	Offset int // in bytes, a multiple of 8
	More   bool
	ID     uint32
}

// ParseFragment reads a fragment header at the start of b.
func ParseFragment(b []byte) (f FragmentHeader, err error) {
	if len(b) < FragmentSize {
		return f, ErrTruncated
	}
	at := get16(b[2:])
	return FragmentHeader{Protocol(b[0]), int(at &^ 7), at&1 != 0, get32(b[4:])}, nil
}

// Append appends the fragment header.
func (f *FragmentHeader) Append(dst []byte) []byte {
	at := uint16(f.Offset) &^ 7
	if f.More {
		at |= 1
	}
	dst = append16(append(dst, byte(f.Next), 0), at)
	return append32(dst, f.ID)
}

// MPL is the option that carries seed and sequence of a multicast (RFC 7731 section 6.1). Thread uses seeds of 0 bytes
// (then it is the locator in the source address) or 2.
type MPL struct {
	HasSeed  bool
	Seed     uint16
	Max      bool // the M flag
	Sequence uint8
}

// ParseMPL reads the option's data. Seeds of 8 and 16 bytes are malformed, as OpenThread has it.
func ParseMPL(data []byte) (m MPL, err error) {
	if len(data) < 2 {
		return m, ErrTruncated
	}
	m.Max, m.Sequence = data[0]&0x20 != 0, data[1]
	switch data[0] >> 6 {
	case 0:
	case 1:
		if len(data) < 4 {
			return m, ErrTruncated
		}
		m.HasSeed, m.Seed = true, get16(data[2:])
	default:
		return m, ErrMalformed
	}
	return m, nil
}

// Size returns the size of the whole option.
func (m *MPL) Size() int {
	if m.HasSeed {
		return 6
	}
	return 4
}

// Append appends the whole option, with type and length.
func (m *MPL) Append(dst []byte) []byte {
	control := byte(0)
	if m.HasSeed {
		control = 1 << 6
	}
	if m.Max {
		control |= 0x20
	}
	dst = append(dst, byte(OptionMPL), byte(m.Size()-2), control, m.Sequence)
	if m.HasSeed {
		dst = append16(dst, m.Seed)
	}
	return dst
}

// AppendMPLHeader appends a hop-by-hop header that has the MPL option and no other, padded to its 8 bytes.
func AppendMPLHeader(dst []byte, next Protocol, m *MPL) []byte {
	dst = m.Append(append(dst, byte(next), 0))
	return AppendPadding(dst, 6-m.Size())
}
