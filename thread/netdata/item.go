package netdata

import "encoding/binary"

// The types of network data TLVs (5.18.1). On the air a type is shifted left by one: bit 0 says that the TLV is stable.
const (
	KindHasRoute      = 0
	KindPrefix        = 1
	KindBorderRouter  = 2
	KindContext       = 3
	KindCommissioning = 4
	KindService       = 5
	KindServer        = 6
)

const ThreadEnterprise = 44970

// Item is where a TLV is in its buffer: the header at, what follows the fixed fields at sub, and its end. For types
// without sub-TLVs sub is where the value begins.
type Item struct {
	At, Sub, End int
	Kind         uint8
	Stable       bool
}

// Size is how long the TLV is, with its header.
func (t Item) Size() int { return t.End - t.At }

// ReadItem returns the TLV at i of a buffer that ends at end. ok is false where there is none, or where it does not fit.
func ReadItem(b []byte, i, end int) (t Item, ok bool) {
	if i+2 > end {
		return t, false
	}
	t = Item{At: i, Sub: i + 2, End: i + 2 + int(b[i+1]), Kind: b[i] >> 1, Stable: b[i]&1 != 0}
	return t, t.End <= end
}

// PrefixBytes is how many bytes a prefix of so many bits has on the air.
func PrefixBytes(bits uint8) int { return (int(bits) + 7) / 8 }

// Fixed finds where the sub-TLVs of a Prefix or Service TLV begin, and reports whether its fixed fields fit.
func (t Item) Fixed(b []byte) (Item, bool) {
	v := t.At + 2
	switch t.Kind {
	case KindPrefix: // domain, bits, prefix
		if t.End < v+2 || b[v+1] > 128 {
			return t, false
		}
		t.Sub = v + 2 + PrefixBytes(b[v+1])
	case KindService: // T | id, enterprise unless T, length, service data
		if t.End < v+2 {
			return t, false
		}
		l := v + 1
		if b[v]&0x80 == 0 {
			l += 4
		}
		if l >= t.End {
			return t, false
		}
		t.Sub = l + 1 + int(b[l])
	default:
		return t, false
	}
	return t, t.Sub <= t.End
}

// Next is the walk over the TLVs of one kind at the top level: Prefix and Service TLVs only come with good fixed fields.
func Next(b []byte, i int, kind uint8) (t Item, ok bool) {
	for {
		if t, ok = ReadItem(b, i, len(b)); !ok {
			return t, false
		}
		if t.Kind == kind {
			if kind != KindPrefix && kind != KindService {
				return t, true
			}
			if f, good := t.Fixed(b); good {
				return f, true
			}
		}
		i = t.End
	}
}

// Next is the walk over a TLV's sub-TLVs of one kind, from i.
func (t Item) Next(b []byte, i int, kind uint8) (s Item, ok bool) {
	for {
		if s, ok = ReadItem(b, i, t.End); !ok {
			return s, false
		}
		if s.Kind == kind && s.minimum() {
			return s, true
		}
		i = s.End
	}
}

// minimum reports whether a sub-TLV's value is as long as its type needs at least.
func (t Item) minimum() bool {
	switch n := t.End - t.At - 2; t.Kind {
	case KindContext, KindServer:
		return n >= 2
	}
	return true
}

// Find returns the first sub-TLV of a kind and stability.
func (t Item) Find(b []byte, kind uint8, stable bool) (Item, bool) {
	for i := t.Sub; ; {
		s, ok := t.Next(b, i, kind)
		if !ok || s.Stable == stable {
			return s, ok
		}
		i = s.End
	}
}

// Bits returns the length of a Prefix TLV's prefix.
func (t Item) Bits(b []byte) uint8 { return b[t.At+3] }

// Domain returns a Prefix TLV's domain.
func (t Item) Domain(b []byte) uint8 { return b[t.At+2] }

// Prefix returns a Prefix TLV's prefix, as many bytes as it has.
func (t Item) Prefix(b []byte) []byte { return b[t.At+4 : t.At+4+PrefixBytes(t.Bits(b))] }

// ServiceID returns a Service TLV's number.
func (t Item) ServiceID(b []byte) byte { return b[t.At+2] & 0x0f }

// Enterprise returns the enterprise number of a Service TLV, which one bit stands for if it is Thread's.
func (t Item) Enterprise(b []byte) uint32 {
	if b[t.At+2]&0x80 != 0 {
		return ThreadEnterprise
	}
	return binary.BigEndian.Uint32(b[t.At+3:])
}

// ServiceData returns what names the service within its enterprise.
func (t Item) ServiceData(b []byte) []byte {
	l := t.At + 3
	if b[t.At+2]&0x80 == 0 {
		l += 4
	}
	return b[l+1 : t.Sub]
}

// Value returns all that follows the header.
func (t Item) Value(b []byte) []byte { return b[t.At+2 : t.End] }

// EntrySize is how long one entry of a Has Route or Border Router TLV is.
func EntrySize(kind uint8) int {
	if kind == KindHasRoute {
		return 3
	}
	return 4
}

// EntryRLOC16 is the locator that each entry begins with.
func EntryRLOC16(entry []byte) uint16 { return binary.BigEndian.Uint16(entry) }

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
