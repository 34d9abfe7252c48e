package meshcop

import (
	"crypto/sha256"
)

// SteeringData is the filter of those that a commissioner lets join: a Bloom filter of 1 to 16 bytes (8.10.1.9). All ones
// is everybody, empty or all zero nobody.
type SteeringData []byte

// NewSteeringData returns an empty filter of n bytes.
func NewSteeringData(n int) SteeringData { return make(SteeringData, max(1, min(n, 16))) }

// Add lets a joiner in.
func (s SteeringData) Add(j JoinerID) {
	for _, x := range j.hash() {
		s.set(x)
	}
}

func (s SteeringData) set(x uint16) {
	bit := int(x) % (8 * len(s))
	s[len(s)-1-bit/8] |= 1 << (bit % 8)
}

// Contains reports whether a joiner may join, as far as the filter knows.
func (s SteeringData) Contains(j JoinerID) bool {
	for _, x := range j.hash() {
		if len(s) == 0 {
			return false
		}
		if bit := int(x) % (8 * len(s)); s[len(s)-1-bit/8]&(1<<(bit%8)) == 0 {
			return false
		}
	}
	return true
}

// PermitsAll and Empty are the two ends of it.
func (s SteeringData) PermitsAll() bool { return len(s) > 0 && s.all(0xff) }

// Empty reports whether nobody may join.
func (s SteeringData) Empty() bool { return s.all(0) }

func (s SteeringData) all(x byte) bool {
	for _, b := range s {
		if b != x {
			return false
		}
	}
	return true
}

// JoinerID names a joiner: a hash of its EUI-64, or its discerner.
type JoinerID [8]byte

// NewJoinerID returns a joiner's id (8.4.1.1.1): the first bytes of SHA-256 of its EUI-64, as a local address.
func NewJoinerID(eui64 [8]byte) (j JoinerID) {
	h := sha256.Sum256(eui64[:])
	copy(j[:], h[:])
	j[0] |= 2
	return j
}

// Discerner returns the last n bits of value as an id, which steering data is made of.
func Discerner(value uint64, n int) (j JoinerID) {
	if n < 64 {
		value &= 1<<n - 1
	}
	for i := range j {
		j[i] = byte(value >> (56 - 8*i))
	}
	return j
}

// hash is two CRCs: CCITT and ANSI, both from 0 without reflection (OpenThread common/crc.hpp).
func (j JoinerID) hash() [2]uint16 { return [2]uint16{crc16(0x1021, j[:]), crc16(0x8005, j[:])} }

func crc16(poly uint16, b []byte) (c uint16) {
	for _, x := range b {
		c ^= uint16(x) << 8
		for range 8 {
			if c>>15 != 0 {
				c = c<<1 ^ poly
			} else {
				c <<= 1
			}
		}
	}
	return c
}
