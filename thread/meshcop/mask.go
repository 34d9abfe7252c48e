package meshcop

import (
	"encoding/binary"
	"heddle.example/thread/tlv"
	"math/bits"
)

// ParseChannelMask reads a Channel Mask TLV's value (8.10.1.17): one entry a channel page, the first channel in the first
// bit. Bit n of the result is channel n; pages other than 2.4 GHz are passed over.
func ParseChannelMask(v []byte) (mask uint32, ok bool) {
	if len(v) == 0 {
		return 0, false
	}
	for len(v) > 0 {
		if len(v) < 2 || len(v) < 2+int(v[1]) {
			return 0, false
		}
		if v[0] == 0 {
			if v[1] != 4 {
				return 0, false
			}
			mask |= bits.Reverse32(binary.BigEndian.Uint32(v[2:])) & AllChannels
		}
		v = v[2+int(v[1]):]
	}
	return mask, true
}

// AppendChannelMask appends the value of a Channel Mask TLV. No channel is no entry, which is not a valid value, as in
// OpenThread.
func AppendChannelMask(dst []byte, mask uint32) []byte {
	if mask &= AllChannels; mask == 0 {
		return dst
	}
	return binary.BigEndian.AppendUint32(append(dst, 0, 4), bits.Reverse32(mask))
}

func FindMask(b []byte) (uint32, bool) {
	v, ok := tlv.Find(b, ChannelMask)
	if !ok {
		return 0, false
	}
	return ParseChannelMask(v)
}

func AppendMask(b []byte, mask uint32) []byte {
	v := AppendChannelMask(nil, mask)
	return append(append(b, ChannelMask, byte(len(v))), v...)
}
