package netdata

import (
	"encoding/binary"
	"slices"

	"heddle.example/thread/ip6"
)

// store is network data that can be changed in place. It grows on demand, up to MaxSize.
type store struct{ b []byte }

func (s *store) room(n int) bool { return len(s.b)+n <= MaxSize }

// insert makes n bytes of room at i, all zero.
func (s *store) insert(i, n int) {
	s.b = slices.Insert(s.b, i, make([]byte, n)...)
}

func (s *store) remove(i, n int) { s.b = slices.Delete(s.b, i, i+n) }

// removeTLV takes a TLV out, and shortens the one that it is in, if any.
func (s *store) removeTLV(t item, outer *item) {
	s.remove(t.at, t.size())
	if outer != nil {
		s.resize(outer, -t.size())
	}
}

// resize corrects a TLV's length after bytes went in or out.
func (s *store) resize(t *item, by int) {
	t.end += by
	s.b[t.at+1] += byte(by)
}

func (s *store) setStable(at int, on bool) {
	s.b[at] &^= 1
	if on {
		s.b[at] |= 1
	}
}

// appendPrefix appends a Prefix TLV without sub-TLVs.
func (s *store) appendPrefix(domain, bits uint8, prefix []byte) item {
	at := len(s.b)
	s.b = append(s.b, kindPrefix<<1, byte(2+prefixBytes(bits)), domain, bits)
	s.b = append(s.b, prefix[:prefixBytes(bits)]...)
	return item{at: at, sub: len(s.b), end: len(s.b), kind: kindPrefix}
}

func serviceSize(enterprise uint32, data []byte) int {
	if enterprise == threadEnterprise {
		return 4 + len(data)
	}
	return 8 + len(data)
}

// appendService appends a Service TLV without sub-TLVs.
func (s *store) appendService(id uint8, enterprise uint32, data []byte) item {
	at := len(s.b)
	s.b = append(s.b, kindService<<1, byte(serviceSize(enterprise, data)-2))
	if enterprise == threadEnterprise {
		s.b = append(s.b, 0x80|id)
	} else {
		s.b = binary.BigEndian.AppendUint32(append(s.b, id), enterprise)
	}
	s.b = append(append(s.b, byte(len(data))), data...)
	return item{at: at, sub: len(s.b), end: len(s.b), kind: kindService}
}

// settle ends a change of a Prefix or Service TLV: one without sub-TLVs goes, and it is stable if one of them is.
func (s *store) settle(t item) (removed bool) {
	if t.sub >= t.end {
		s.removeTLV(t, nil)
		return true
	}
	stable := false
	for x, ok := read(s.b, t.sub, t.end); ok; x, ok = read(s.b, x.end, t.end) {
		stable = stable || x.stable
	}
	s.setStable(t.at, stable)
	return false
}

// Stable appends the stable subset of d: what temporary entries hold is left out, and locators are replaced by anycast ones
// or by 0xfffe, so that a sleeping child need not wake for each change (5.15.3).
func (d Data) Stable(dst []byte) []byte {
	s := store{append([]byte(nil), d...)}
	for i := 0; ; {
		t, ok := read(s.b, i, len(s.b))
		if !ok {
			return append(dst, s.b[:min(i, len(s.b))]...)
		}
		f, composed := t.fixed(s.b)
		switch {
		case composed:
			for j := f.sub; ; {
				x, ok := read(s.b, j, f.end)
				if !ok {
					break
				}
				if !x.stable {
					s.removeTLV(x, &f)
					continue
				}
				s.anonymous(f, x)
				j = x.end
			}
			if f.sub >= f.end {
				s.removeTLV(f, nil)
				continue
			}
			i = f.end
		case !t.stable:
			s.removeTLV(t, nil)
		default:
			i = t.end
		}
	}
}

// anonymous replaces the locators of a stable sub-TLV x of t.
func (s *store) anonymous(t, x item) {
	v := s.b[x.at+2 : x.end]
	switch x.kind {
	case kindBorderRouter:
		c, has := t.next(s.b, t.sub, kindContext)
		for ; len(v) >= 4; v = v[4:] {
			r := uint16(invalidRLOC16)
			if binary.BigEndian.Uint16(v[2:])&(flagDHCP|flagConfigure) != 0 && has {
				r = 0xfc00 | uint16(s.b[c.at+2]&0x0f)
			}
			binary.BigEndian.PutUint16(v, r)
		}
	case kindHasRoute:
		for ; len(v) >= 3; v = v[3:] {
			binary.BigEndian.PutUint16(v, invalidRLOC16)
		}
	case kindServer:
		if len(v) >= 2 {
			binary.BigEndian.PutUint16(v, ServiceALOC16(t.serviceID(s.b)))
		}
	}
}

// ServiceALOC16 is the anycast locator of a service.
func ServiceALOC16(id uint8) uint16 { return 0xfc10 + uint16(id) }

func (s *store) dropPrefix(p ip6.Prefix) bool {
	t, ok := Data(s.b).findPrefix(p.Addr[:], p.Bits)
	if ok {
		s.removeTLV(t, nil)
	}
	return ok
}

// setRLOC writes the node's locator into all entries of its local data.
func (s *store) setRLOC(rloc16 uint16) {
	for i := 0; ; {
		t, ok := read(s.b, i, len(s.b))
		if !ok {
			return
		}
		i = t.end
		if t, ok = t.fixed(s.b); ok {
			binary.BigEndian.PutUint16(s.b[t.sub+2:], rloc16)
		}
	}
}
