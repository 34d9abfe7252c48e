package ieee802154

// FCSLen is the length of the frame check sequence at the end of every PSDU.
const FCSLen = 2

// MaxPSDU is the longest frame, FCS included (aMaxPhyPacketSize).
const MaxPSDU = 127

var fcsTable = func() (t [256]uint16) {
	for i := range t {
		c := uint16(i)
		for range 8 {
			if c&1 != 0 {
				c = c>>1 ^ 0x8408
			} else {
				c >>= 1
			}
		}
		t[i] = c
	}
	return t
}()

// FCS returns the check sequence of b (IEEE 802.15.4-2015 section 7.2.10: ITU-T CRC-16, bits reversed, start 0).
func FCS(b []byte) uint16 {
	var c uint16
	for _, x := range b {
		c = c>>8 ^ fcsTable[byte(c)^x]
	}
	return c
}

// SetFCS writes the check sequence into the last two bytes of a PSDU.
func SetFCS(psdu []byte) {
	n := len(psdu) - FCSLen
	if n < 0 {
		return
	}
	c := FCS(psdu[:n])
	psdu[n], psdu[n+1] = byte(c), byte(c>>8)
}

// CheckFCS reports whether a PSDU ends with its check sequence.
func CheckFCS(psdu []byte) bool {
	n := len(psdu) - FCSLen
	return n >= 0 && FCS(psdu[:n]) == uint16(psdu[n])|uint16(psdu[n+1])<<8
}
