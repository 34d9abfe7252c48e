package ip6

// Preference returns what two bits say of a route, a router or a parent: 1 high, 0 medium, -1 low. The unusual value 10 is to
// be read as medium (RFC 4191 section 2.1, and OpenThread's common/preference.cpp).
func Preference(bits uint8) int8 {
	switch bits & 3 {
	case 1:
		return 1
	case 3:
		return -1
	}
	return 0
}

// PreferenceBits returns the two bits of a preference.
func PreferenceBits(p int8) uint8 { return uint8(p) & 3 }
