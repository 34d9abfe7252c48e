package netdata

import (
	"encoding/binary"
	"slices"

	"heddle.example/thread/ip6"
)

// Editor is network data that can be changed in place. It grows on demand, up to MaxSize.
type Editor struct{ Bytes []byte }

// Room reports whether n bytes more fit.
func (s *Editor) Room(n int) bool { return len(s.Bytes)+n <= MaxSize }

// Insert makes n bytes of room at i, all zero.
func (s *Editor) Insert(i, n int) {
	s.Bytes = slices.Insert(s.Bytes, i, make([]byte, n)...)
}

// Remove takes n bytes out at i.
func (s *Editor) Remove(i, n int) { s.Bytes = slices.Delete(s.Bytes, i, i+n) }

// RemoveTLV takes a TLV out, and shortens the one that it is in, if any.
func (s *Editor) RemoveTLV(t Item, outer *Item) {
	s.Remove(t.At, t.Size())
	if outer != nil {
		s.Resize(outer, -t.Size())
	}
}

// Resize corrects a TLV's length after bytes went in or out.
func (s *Editor) Resize(t *Item, by int) {
	t.End += by
	s.Bytes[t.At+1] += byte(by)
}

// SetStable sets the stable bit of the TLV that begins at at.
func (s *Editor) SetStable(at int, on bool) {
	s.Bytes[at] &^= 1
	if on {
		s.Bytes[at] |= 1
	}
}

// AppendPrefix appends a Prefix TLV without sub-TLVs.
func (s *Editor) AppendPrefix(domain, bits uint8, prefix []byte) Item {
	at := len(s.Bytes)
	s.Bytes = append(s.Bytes, KindPrefix<<1, byte(2+PrefixBytes(bits)), domain, bits)
	s.Bytes = append(s.Bytes, prefix[:PrefixBytes(bits)]...)
	return Item{At: at, Sub: len(s.Bytes), End: len(s.Bytes), Kind: KindPrefix}
}

// ServiceSize is how long a Service TLV without sub-TLVs is.
func ServiceSize(enterprise uint32, data []byte) int {
	if enterprise == ThreadEnterprise {
		return 4 + len(data)
	}
	return 8 + len(data)
}

// AppendService appends a Service TLV without sub-TLVs.
func (s *Editor) AppendService(id uint8, enterprise uint32, data []byte) Item {
	at := len(s.Bytes)
	s.Bytes = append(s.Bytes, KindService<<1, byte(ServiceSize(enterprise, data)-2))
	if enterprise == ThreadEnterprise {
		s.Bytes = append(s.Bytes, 0x80|id)
	} else {
		s.Bytes = binary.BigEndian.AppendUint32(append(s.Bytes, id), enterprise)
	}
	s.Bytes = append(append(s.Bytes, byte(len(data))), data...)
	return Item{At: at, Sub: len(s.Bytes), End: len(s.Bytes), Kind: KindService}
}

// Settle ends a change of a Prefix or Service TLV: one without sub-TLVs goes, and it is stable if one of them is.
func (s *Editor) Settle(t Item) (removed bool) {
	if t.Sub >= t.End {
		s.RemoveTLV(t, nil)
		return true
	}
	stable := false
	for x, ok := ReadItem(s.Bytes, t.Sub, t.End); ok; x, ok = ReadItem(s.Bytes, x.End, t.End) {
		stable = stable || x.Stable
	}
	s.SetStable(t.At, stable)
	return false
}

// Stable appends the stable subset of d: what temporary entries hold is left out, and locators are replaced by anycast ones
// or by 0xfffe, so that a sleeping child need not wake for each change (5.15.3).
func (d Data) Stable(dst []byte) []byte {
	s := Editor{append([]byte(nil), d...)}
	for i := 0; ; {
		t, ok := ReadItem(s.Bytes, i, len(s.Bytes))
		if !ok {
			return append(dst, s.Bytes[:min(i, len(s.Bytes))]...)
		}
		f, composed := t.Fixed(s.Bytes)
		switch {
		case composed:
			for j := f.Sub; ; {
				x, ok := ReadItem(s.Bytes, j, f.End)
				if !ok {
					break
				}
				if !x.Stable {
					s.RemoveTLV(x, &f)
					continue
				}
				s.anonymous(f, x)
				j = x.End
			}
			if f.Sub >= f.End {
				s.RemoveTLV(f, nil)
				continue
			}
			i = f.End
		case !t.Stable:
			s.RemoveTLV(t, nil)
		default:
			i = t.End
		}
	}
}

// anonymous replaces the locators of a stable sub-TLV x of t.
func (s *Editor) anonymous(t, x Item) {
	v := s.Bytes[x.At+2 : x.End]
	switch x.Kind {
	case KindBorderRouter:
		c, has := t.Next(s.Bytes, t.Sub, KindContext)
		for ; len(v) >= 4; v = v[4:] {
			r := uint16(InvalidRLOC16)
			if binary.BigEndian.Uint16(v[2:])&(FlagDHCP|FlagConfigure) != 0 && has {
				r = 0xfc00 | uint16(s.Bytes[c.At+2]&0x0f)
			}
			binary.BigEndian.PutUint16(v, r)
		}
	case KindHasRoute:
		for ; len(v) >= 3; v = v[3:] {
			binary.BigEndian.PutUint16(v, InvalidRLOC16)
		}
	case KindServer:
		if len(v) >= 2 {
			binary.BigEndian.PutUint16(v, ServiceALOC16(t.ServiceID(s.Bytes)))
		}
	}
}

// ServiceALOC16 is the anycast locator of a service.
func ServiceALOC16(id uint8) uint16 { return 0xfc10 + uint16(id) }

// DropPrefix takes a Prefix TLV out, and reports whether there was one.
func (s *Editor) DropPrefix(p ip6.Prefix) bool {
	t, ok := Data(s.Bytes).FindPrefix(p.Addr[:], p.Bits)
	if ok {
		s.RemoveTLV(t, nil)
	}
	return ok
}

// SetRLOC writes the node's locator into all entries of its local data.
func (s *Editor) SetRLOC(rloc16 uint16) {
	for i := 0; ; {
		t, ok := ReadItem(s.Bytes, i, len(s.Bytes))
		if !ok {
			return
		}
		i = t.End
		if t, ok = t.Fixed(s.Bytes); ok {
			binary.BigEndian.PutUint16(s.Bytes[t.Sub+2:], rloc16)
		}
	}
}
