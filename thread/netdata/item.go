package netdata

import "encoding/binary"

// The types of network data TLVs (5.18.1). On the air a type is shifted left by one: bit 0 says that the TLV is stable.
const (
	kindHasRoute      = 0
	kindPrefix        = 1
	kindBorderRouter  = 2
	kindContext       = 3
	kindCommissioning = 4
	kindService       = 5
	kindServer        = 6
)

const threadEnterprise = 44970

// item is where a TLV is in its buffer: the header at, what follows the fixed fields at sub, and its end. For types
// without sub-TLVs sub is where the value begins.
type item struct {
	at, sub, end int
	kind         uint8
	stable       bool
}

func (t item) size() int { return t.end - t.at }

// read returns the TLV at i of a buffer that ends at end. ok is false where there is none, or where it does not fit.
func read(b []byte, i, end int) (t item, ok bool) {
	if i+2 > end {
		return t, false
	}
	t = item{at: i, sub: i + 2, end: i + 2 + int(b[i+1]), kind: b[i] >> 1, stable: b[i]&1 != 0}
	return t, t.end <= end
}

// prefixBytes is how many bytes a prefix of so many bits has on the air.
func prefixBytes(bits uint8) int { return (int(bits) + 7) / 8 }

// fixed finds where the sub-TLVs of a Prefix or Service TLV begin, and reports whether its fixed fields fit.
func (t item) fixed(b []byte) (item, bool) {
	v := t.at + 2
	switch t.kind {
	case kindPrefix: // domain, bits, prefix
		if t.end < v+2 || b[v+1] > 128 {
			return t, false
		}
		t.sub = v + 2 + prefixBytes(b[v+1])
	case kindService: // T | id, enterprise unless T, length, service data
		if t.end < v+2 {
			return t, false
		}
		l := v + 1
		if b[v]&0x80 == 0 {
			l += 4
		}
		if l >= t.end {
			return t, false
		}
		t.sub = l + 1 + int(b[l])
	default:
		return t, false
	}
	return t, t.sub <= t.end
}

// next is the walk over the TLVs of one kind at the top level: Prefix and Service TLVs only come with good fixed fields.
func next(b []byte, i int, kind uint8) (t item, ok bool) {
	for {
		if t, ok = read(b, i, len(b)); !ok {
			return t, false
		}
		if t.kind == kind {
			if kind != kindPrefix && kind != kindService {
				return t, true
			}
			if f, good := t.fixed(b); good {
				return f, true
			}
		}
		i = t.end
	}
}

// sub is the walk over a TLV's sub-TLVs of one kind, from i.
func (t item) next(b []byte, i int, kind uint8) (s item, ok bool) {
	for {
		if s, ok = read(b, i, t.end); !ok {
			return s, false
		}
		if s.kind == kind && s.minimum() {
			return s, true
		}
		i = s.end
	}
}

// minimum reports whether a sub-TLV's value is as long as its type needs at least.
func (t item) minimum() bool {
	switch n := t.end - t.at - 2; t.kind {
	case kindContext, kindServer:
		return n >= 2
	}
	return true
}

// find returns the first sub-TLV of a kind and stability.
func (t item) find(b []byte, kind uint8, stable bool) (item, bool) {
	for i := t.sub; ; {
		s, ok := t.next(b, i, kind)
		if !ok || s.stable == stable {
			return s, ok
		}
		i = s.end
	}
}

func (t item) bits(b []byte) uint8     { return b[t.at+3] }
func (t item) domain(b []byte) uint8   { return b[t.at+2] }
func (t item) prefix(b []byte) []byte  { return b[t.at+4 : t.at+4+prefixBytes(t.bits(b))] }
func (t item) serviceID(b []byte) byte { return b[t.at+2] & 0x0f }

func (t item) enterprise(b []byte) uint32 {
	if b[t.at+2]&0x80 != 0 {
		return threadEnterprise
	}
	return binary.BigEndian.Uint32(b[t.at+3:])
}

func (t item) serviceData(b []byte) []byte {
	l := t.at + 3
	if b[t.at+2]&0x80 == 0 {
		l += 4
	}
	return b[l+1 : t.sub]
}

func (t item) value(b []byte) []byte { return b[t.at+2 : t.end] }

// entrySize is how long one entry of a Has Route or Border Router TLV is.
func entrySize(kind uint8) int {
	if kind == kindHasRoute {
		return 3
	}
	return 4
}

func rloc(entry []byte) uint16 { return binary.BigEndian.Uint16(entry) }

// samePrefix compares the first bits of two prefixes, as the rest is not part of them.
func samePrefix(a, b []byte, bits uint8) bool {
	n := int(bits) / 8
	if string(a[:n]) != string(b[:n]) {
		return false
	}
	if r := bits % 8; r != 0 {
		mask := byte(0xff) << (8 - r)
		return a[n]&mask == b[n]&mask
	}
	return true
}
