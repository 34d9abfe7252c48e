package datasets

import (
	"fmt"

	"heddle.example/machine"
	"heddle.example/thread/meshcop"
)

// RandomChannel draws one of a mask's channels.
func RandomChannel(r machine.Rand, mask uint32) uint16 {
	var list []uint16
	for c := uint16(meshcop.FirstChannel); c <= meshcop.LastChannel; c++ {
		if mask&(1<<c) != 0 {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return meshcop.FirstChannel
	}
	return list[r.Uint64()%uint64(len(list))]
}

// NewNetwork draws the dataset of a new network (the shell's `dataset init new`; OpenThread dataset.cpp, GenerateRandom).
// Channels come from preferred, if it has any that are supported.
func NewNetwork(r machine.Rand, supported, preferred uint32) meshcop.Info {
	if preferred &= supported; preferred == 0 {
		preferred = supported
	}
	n := meshcop.Info{Has: 1<<13 - 1 - meshcop.HasPendingTimestamp - meshcop.HasDelay, ActiveTimestamp: meshcop.NewTimestamp(1, 0, false),
		Channel: RandomChannel(r, preferred), WakeupChannel: RandomChannel(r, supported), ChannelMask: supported,
		SecurityPolicy: meshcop.DefaultPolicy()}
	for n.PANID = 0xffff; n.PANID == 0xffff; {
		n.PANID = uint16(r.Uint64())
	}
	r.Fill(n.NetworkKey[:])
	r.Fill(n.PSKc[:])
	r.Fill(n.ExtPANID[:])
	r.Fill(n.MeshLocalPrefix[:]) // a ULA of RFC 4193
	n.MeshLocalPrefix[0] = 0xfd
	n.NetworkName = fmt.Sprintf("OpenThread-%04x", n.PANID)
	return n
}
