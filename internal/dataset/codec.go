package dataset

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
)

// fromTLVs shows a dataset. Keys and the TLVs, which hold them, are shown only where they are asked for.
func fromTLVs(d *meshcop.Dataset, secrets bool) *Dataset {
	n := d.Info()
	s := &Dataset{}
	has := func(f meshcop.Fields) bool { return n.Has&f != 0 }
	if has(meshcop.HasActiveTimestamp) {
		s.Timestamp = n.ActiveTimestamp.Seconds()
	}
	if has(meshcop.HasPendingTimestamp) {
		s.Pending = n.PendingTimestamp.Seconds()
	}
	if has(meshcop.HasDelay) {
		s.Delay = n.Delay
	}
	if has(meshcop.HasNetworkName) {
		s.Name = n.NetworkName
	}
	if has(meshcop.HasChannel) {
		s.Channel = int(n.Channel)
	}
	if has(meshcop.HasWakeupChannel) {
		s.Wakeup = int(n.WakeupChannel)
	}
	if has(meshcop.HasChannelMask) {
		s.ChannelMask = fmt.Sprintf("0x%08x", n.ChannelMask)
	}
	if has(meshcop.HasPANID) {
		s.PANID = fmt.Sprintf("0x%04x", n.PANID)
	}
	if has(meshcop.HasExtPANID) {
		s.ExtPANID = hex.EncodeToString(n.ExtPANID[:])
	}
	if has(meshcop.HasMeshLocalPrefix) {
		s.MeshLocal = n.MeshLocalPrefix.String()
	}
	if has(meshcop.HasSecurityPolicy) {
		s.Policy = &Policy{Rotation: int(n.SecurityPolicy.RotationHours), Flags: n.SecurityPolicy.Letters()}
	}
	if secrets {
		if has(meshcop.HasNetworkKey) {
			s.NetworkKey = hex.EncodeToString(n.NetworkKey[:])
		}
		if has(meshcop.HasPSKc) {
			s.PSKc = hex.EncodeToString(n.PSKc[:])
		}
		s.TLVs = hex.EncodeToString(d.Bytes())
	}
	return s
}

// write sets the fields of s, which must be there and good, in d.
func (s *Dataset) write(d *meshcop.Dataset) error {
	n := meshcop.Info{}
	set := func(f meshcop.Fields) { n.Has |= f }
	if s.Name != "" {
		if len(s.Name) > 16 {
			return errors.New("a network's name has at most 16 bytes")
		}
		n.NetworkName = s.Name
		set(meshcop.HasNetworkName)
	}
	if s.Channel != 0 {
		if s.Channel < 11 || s.Channel > 26 {
			return errors.New("channels are 11 to 26")
		}
		n.Channel = uint16(s.Channel)
		set(meshcop.HasChannel)
	}
	if s.Wakeup != 0 {
		if s.Wakeup < 11 || s.Wakeup > 26 {
			return errors.New("channels are 11 to 26")
		}
		n.WakeupChannel = uint16(s.Wakeup)
		set(meshcop.HasWakeupChannel)
	}
	if s.ChannelMask != "" {
		v, err := strconv.ParseUint(s.ChannelMask, 0, 32)
		if err != nil || v&0x07fff800 == 0 {
			return errors.New("a channel mask is a number such as 0x07fff800, with a channel of 11 to 26 in it")
		}
		n.ChannelMask = uint32(v)
		set(meshcop.HasChannelMask)
	}
	if s.PANID != "" {
		v, err := strconv.ParseUint(s.PANID, 0, 16)
		if err != nil || v == 0xffff {
			return errors.New("a PAN id is a number such as 0xabcd, and not 0xffff")
		}
		n.PANID = uint16(v)
		set(meshcop.HasPANID)
	}
	if s.Policy != nil {
		if s.Policy.Rotation < meshcop.MinRotation || s.Policy.Rotation > 0xffff {
			return errors.New("the key changes after 2 to 65535 hours")
		}
		n.SecurityPolicy = meshcop.DefaultPolicy()
		if old := d.Info(); old.Has&meshcop.HasSecurityPolicy != 0 {
			n.SecurityPolicy = old.SecurityPolicy // what has no letter stays
		}
		n.SecurityPolicy.RotationHours = uint16(s.Policy.Rotation)
		n.SecurityPolicy.SetLetters(s.Policy.Flags)
		set(meshcop.HasSecurityPolicy)
	}
	if s.MeshLocal != "" {
		p, err := ip6.ParsePrefix(s.MeshLocal)
		if err != nil || p.Bits != 64 || p.Addr[0] != 0xfd {
			return errors.New("a mesh-local prefix is a /64 of fd00::/8, such as fdde:ad00:beef::/64")
		}
		copy(n.MeshLocalPrefix[:], p.Addr[:8])
		set(meshcop.HasMeshLocalPrefix)
	}
	for _, f := range []struct {
		text, name string
		to         []byte
		has        meshcop.Fields
	}{
		{s.ExtPANID, "an extended PAN id has 16 hexadecimal digits", n.ExtPANID[:], meshcop.HasExtPANID},
		{s.NetworkKey, "a network key has 32 hexadecimal digits", n.NetworkKey[:], meshcop.HasNetworkKey},
		{s.PSKc, "a PSKc has 32 hexadecimal digits", n.PSKc[:], meshcop.HasPSKc},
	} {
		if f.text == "" {
			continue
		}
		b, err := hex.DecodeString(f.text)
		if err != nil || len(b) != len(f.to) {
			return errors.New(f.name)
		}
		copy(f.to, b)
		set(f.has)
	}
	return n.Write(d)
}

// parseTLVs reads a dataset as OpenThread's `dataset active -x` prints it.
func parseTLVs(text string) (meshcop.Dataset, error) {
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || len(b) == 0 {
		return meshcop.Dataset{}, errors.New("the TLVs are not hexadecimal digits, two a byte")
	}
	d, err := meshcop.ParseDataset(b)
	if err == nil {
		err = d.Validate()
	}
	if err != nil {
		return d, errors.New("these bytes are not the TLVs of a dataset: a length or a value does not fit")
	}
	return d, nil
}
