package meshcop

import (
	"encoding/binary"
	"fmt"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
)

// Fields says which fields of an Info there are.
type Fields uint16

// The fields of a dataset, in the order in which OpenThread writes them.
const (
	HasActiveTimestamp Fields = 1 << iota
	HasPendingTimestamp
	HasDelay
	HasChannel
	HasWakeupChannel
	HasChannelMask
	HasExtPANID
	HasMeshLocalPrefix
	HasNetworkKey
	HasNetworkName
	HasPANID
	HasPSKc
	HasSecurityPolicy
)

// Info is a dataset as fields.
type Info struct {
	Has                               Fields
	ActiveTimestamp, PendingTimestamp Timestamp
	Delay                             uint32 // ms
	Channel, WakeupChannel            uint16
	ChannelMask                       uint32 // bit n is channel n
	ExtPANID                          [8]byte
	MeshLocalPrefix                   ip6.Network
	NetworkKey                        keys.NetworkKey
	NetworkName                       string
	PANID                             uint16
	PSKc                              [16]byte
	SecurityPolicy                    keys.SecurityPolicy
}

// Info returns the fields of a dataset. TLVs that are not good are left out.
func (d *Dataset) Info() (n Info) {
	for k, v, i, ok := next(d.b, 0); ok; k, v, i, ok = next(d.b, i) {
		if !validTLV(k, v) {
			continue
		}
		switch k {
		case ActiveTimestamp:
			n.Has, n.ActiveTimestamp = n.Has|HasActiveTimestamp, Timestamp(binary.BigEndian.Uint64(v))
		case PendingTimestamp:
			n.Has, n.PendingTimestamp = n.Has|HasPendingTimestamp, Timestamp(binary.BigEndian.Uint64(v))
		case DelayTimer:
			n.Has, n.Delay = n.Has|HasDelay, binary.BigEndian.Uint32(v)
		case Channel:
			n.Has, n.Channel = n.Has|HasChannel, binary.BigEndian.Uint16(v[1:])
		case WakeupChannel:
			n.Has, n.WakeupChannel = n.Has|HasWakeupChannel, binary.BigEndian.Uint16(v[1:])
		case ChannelMask:
			n.Has |= HasChannelMask
			n.ChannelMask, _ = ParseChannelMask(v)
		case ExtPANID:
			n.Has, n.ExtPANID = n.Has|HasExtPANID, [8]byte(v)
		case MeshLocalPrefix:
			n.Has, n.MeshLocalPrefix = n.Has|HasMeshLocalPrefix, ip6.Network(v)
		case NetworkKey:
			n.Has, n.NetworkKey = n.Has|HasNetworkKey, keys.NetworkKey(v)
		case NetworkName:
			n.Has, n.NetworkName = n.Has|HasNetworkName, string(v[:min(len(v), networkNameMax)])
		case PANID:
			n.Has, n.PANID = n.Has|HasPANID, binary.BigEndian.Uint16(v)
		case PSKc:
			n.Has, n.PSKc = n.Has|HasPSKc, [16]byte(v)
		case SecurityPolicyTLV:
			n.Has |= HasSecurityPolicy
			n.SecurityPolicy, _ = keys.ParsePolicy(v)
		}
	}
	return n
}

// Write sets the fields of n in d, in OpenThread's order.
func (n *Info) Write(d *Dataset) (err error) {
	write := func(has Fields, kind uint8, v []byte) {
		if err == nil && n.Has&has != 0 {
			err = d.Write(kind, v)
		}
	}
	u16 := func(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }
	u64 := func(v Timestamp) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }
	channel := func(c uint16) []byte { return append([]byte{0}, u16(c)...) }
	write(HasActiveTimestamp, ActiveTimestamp, u64(n.ActiveTimestamp))
	write(HasPendingTimestamp, PendingTimestamp, u64(n.PendingTimestamp))
	write(HasDelay, DelayTimer, binary.BigEndian.AppendUint32(nil, n.Delay))
	write(HasChannel, Channel, channel(n.Channel))
	write(HasWakeupChannel, WakeupChannel, channel(n.WakeupChannel))
	write(HasChannelMask, ChannelMask, AppendChannelMask(nil, n.ChannelMask))
	write(HasExtPANID, ExtPANID, n.ExtPANID[:])
	write(HasMeshLocalPrefix, MeshLocalPrefix, n.MeshLocalPrefix[:])
	write(HasNetworkKey, NetworkKey, n.NetworkKey[:])
	write(HasNetworkName, NetworkName, []byte(n.NetworkName))
	write(HasPANID, PANID, u16(n.PANID))
	write(HasPSKc, PSKc, n.PSKc[:])
	write(HasSecurityPolicy, SecurityPolicyTLV, n.SecurityPolicy.Append(nil))
	return err
}

// Dataset returns the dataset with the fields of n.
func (n *Info) Dataset() (d Dataset, err error) {
	err = n.Write(&d)
	return d, err
}

// RandomChannel draws one of a mask's channels.
func RandomChannel(r machine.Rand, mask uint32) uint16 {
	var list []uint16
	for c := uint16(firstChannel); c <= lastChannel; c++ {
		if mask&(1<<c) != 0 {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return firstChannel
	}
	return list[r.Uint64()%uint64(len(list))]
}

// NewNetwork draws the dataset of a new network (the shell's `dataset init new`; OpenThread dataset.cpp, GenerateRandom).
// Channels come from preferred, if it has any that are supported.
func NewNetwork(r machine.Rand, supported, preferred uint32) Info {
	if preferred &= supported; preferred == 0 {
		preferred = supported
	}
	n := Info{Has: 1<<13 - 1 - HasPendingTimestamp - HasDelay, ActiveTimestamp: NewTimestamp(1, 0, false),
		Channel: RandomChannel(r, preferred), WakeupChannel: RandomChannel(r, supported), ChannelMask: supported,
		SecurityPolicy: keys.DefaultPolicy()}
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
