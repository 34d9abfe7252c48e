package lowpan

const (
	meshSize     = 5
	meshDeepSize = 6
	// FirstSize and NextSize are the sizes of the headers of first and later fragments.
	FirstSize = 4
	NextSize  = 5
	// MaxDatagram is the largest size that a fragment header can say.
	MaxDatagram = 0x7ff
)

// MeshHeader carries a frame over several hops (RFC 4944 section 5.2). Thread has short addresses in it only: RLOC16s.
type MeshHeader struct {
	HopsLeft uint8
	Src, Dst uint16
}

// ParseMesh reads a mesh header and returns its size.
func ParseMesh(b []byte) (m MeshHeader, size int, err error) {
	if len(b) < meshSize || b[0]>>4 != 0xb { // 10 for mesh, 11 for two short addresses
		return m, 0, ErrParse
	}
	m.HopsLeft, size = b[0]&0xf, meshSize
	if m.HopsLeft == 0xf {
		if len(b) < meshDeepSize {
			return m, 0, ErrParse
		}
		m.HopsLeft, size = b[1], meshDeepSize
	}
	at := b[size-4:]
	m.Src, m.Dst = uint16(at[0])<<8|uint16(at[1]), uint16(at[2])<<8|uint16(at[3])
	return m, size, nil
}

// Append appends the mesh header.
func (m *MeshHeader) Append(dst []byte) []byte {
	if m.HopsLeft < 0xf {
		dst = append(dst, 0xb0|m.HopsLeft)
	} else {
		dst = append(dst, 0xbf, m.HopsLeft)
	}
	return append(dst, byte(m.Src>>8), byte(m.Src), byte(m.Dst>>8), byte(m.Dst))
}

// FragmentHeader says which part of which datagram a frame holds (RFC 4944 section 5.3).
type FragmentHeader struct {
	Size   int // of the whole datagram, uncompressed
	Tag    uint16
	Offset int // a multiple of 8; 0 in the first fragment
}

// ParseFragment reads a fragment header and returns its size.
func ParseFragment(b []byte) (f FragmentHeader, size int, err error) {
	if len(b) < FirstSize || b[0]&0xd8 != 0xc0 {
		return f, 0, ErrParse
	}
	f.Size = int(b[0]&7)<<8 | int(b[1])
	f.Tag = uint16(b[2])<<8 | uint16(b[3])
	if b[0]&0x20 == 0 {
		return f, FirstSize, nil
	}
	if len(b) < NextSize {
		return f, 0, ErrParse
	}
	f.Offset = 8 * int(b[4])
	return f, NextSize, nil
}

// Append appends the fragment header: of a later fragment if the offset is not zero.
func (f *FragmentHeader) Append(dst []byte) []byte {
	if f.Offset == 0 {
		return append(dst, 0xc0|byte(f.Size>>8)&7, byte(f.Size), byte(f.Tag>>8), byte(f.Tag))
	}
	return append(dst, 0xe0|byte(f.Size>>8)&7, byte(f.Size), byte(f.Tag>>8), byte(f.Tag), byte(f.Offset/8))
}
