package meshcop

import "cmp"

// Timestamp orders versions of a dataset (8.10.1.15): 48 bits of seconds, 15 bits of 1/32768 s, and a bit that says that
// they come from a clock. It is kept as it is on the air, big endian, so that comparing is comparing numbers.
type Timestamp uint64

// NoTimestamp is what a dataset without one has. It is older than any other.
const NoTimestamp = ^Timestamp(0)

// OrphanAnnounce is what a node that has lost its network announces.
const OrphanAnnounce Timestamp = 1

const maxTicks = 0x7fff

// NewTimestamp returns the timestamp with these parts.
func NewTimestamp(seconds uint64, ticks uint16, authoritative bool) Timestamp {
	t := Timestamp(seconds<<16) | Timestamp(ticks&maxTicks)<<1
	if authoritative {
		t |= 1
	}
	return t
}

// Valid reports whether there is a timestamp.
func (t Timestamp) Valid() bool { return t != NoTimestamp }

// Seconds returns the seconds.
func (t Timestamp) Seconds() uint64 { return uint64(t >> 16) }

// Ticks returns the fraction in 1/32768 s.
func (t Timestamp) Ticks() uint16 { return uint16(t>>1) & maxTicks }

// Authoritative reports whether the time comes from a clock.
func (t Timestamp) Authoritative() bool { return t&1 != 0 }

// Compare returns -1, 0 or 1 as t is older than u, the same, or newer.
func (t Timestamp) Compare(u Timestamp) int {
	if t == NoTimestamp || u == NoTimestamp {
		return cmp.Compare(u, t) // none is the greatest number, and the oldest
	}
	return cmp.Compare(t, u)
}

// After reports whether t is newer than u.
func (t Timestamp) After(u Timestamp) bool { return t.Compare(u) > 0 }

// Advance adds a random fraction of a second, as each change of a dataset by this node does.
func (t Timestamp) Advance(random uint64) Timestamp {
	ticks := uint32(t.Ticks()) + 1 + uint32(random%maxTicks)
	s := t.Seconds()
	if ticks > maxTicks {
		ticks -= maxTicks + 1
		s++
	}
	return NewTimestamp(s, uint16(ticks), t.Authoritative())
}
