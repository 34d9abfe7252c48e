package meshcop

import (
	"encoding/binary"

	"heddle.example/thread/ip6"
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
	NetworkKey                        NetworkKey
	NetworkName                       string
	PANID                             uint16
	PSKc                              [16]byte
	SecurityPolicy                    SecurityPolicy
}

// Info returns the fields of a dataset. TLVs that are not good are left out.
func (d *Dataset) Info() (n Info) {
	for k, v, i, ok := NextTLV(d.b, 0); ok; k, v, i, ok = NextTLV(d.b, i) {
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
		case NetworkKeyTLV:
			n.Has, n.NetworkKey = n.Has|HasNetworkKey, NetworkKey(v)
		case NetworkName:
			n.Has, n.NetworkName = n.Has|HasNetworkName, string(v[:min(len(v), NetworkNameMax)])
		case PANID:
			n.Has, n.PANID = n.Has|HasPANID, binary.BigEndian.Uint16(v)
		case PSKc:
			n.Has, n.PSKc = n.Has|HasPSKc, [16]byte(v)
		case SecurityPolicyTLV:
			n.Has |= HasSecurityPolicy
			n.SecurityPolicy, _ = ParsePolicy(v)
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
	write(HasNetworkKey, NetworkKeyTLV, n.NetworkKey[:])
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
