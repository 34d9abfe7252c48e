package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
)

// meshcopGet is the type of the TLV that lists what is asked for.
const meshcopGet = 13

// AnnounceBegin has nodes announce the active dataset on channels, as the commissioner.
func (n *Node) AnnounceBegin(now machine.Time, cause machine.Cause, mask uint32, count uint8, period uint16, to ip6.Address) error {
	return n.try(now, cause, func() error { return n.cop.AnnounceBegin(now, mask, count, period, to) })
}

// QueryEnergy has nodes measure channels; what they find comes as *info.EnergyReport.
func (n *Node) QueryEnergy(now machine.Time, cause machine.Cause, mask uint32, count uint8, period, duration uint16, to ip6.Address) error {
	return n.try(now, cause, func() error { return n.cop.EnergyScan(now, mask, count, period, duration, to) })
}

// QueryPANID has nodes look for a PAN id on channels; who hears it makes an *info.PANIDConflict.
func (n *Node) QueryPANID(now machine.Time, cause machine.Cause, pan uint16, mask uint32, to ip6.Address) error {
	return n.try(now, cause, func() error { return n.cop.PANIDQuery(now, pan, mask, to) })
}

// SendCommissionerGet asks the leader for TLVs of the commissioning data, of all when there are no types.
func (n *Node) SendCommissionerGet(now machine.Time, cause machine.Cause, types []byte) error {
	var b []byte
	if len(types) > 0 {
		b = tlv.Append(nil, meshcopGet, types)
	}
	return n.askLeader(now, cause, "c/cg", b)
}

// SendCommissionerSet asks the leader to change the commissioning data.
func (n *Node) SendCommissionerSet(now machine.Time, cause machine.Cause, tlvs []byte) error {
	return n.askLeader(now, cause, "c/cs", tlvs)
}

func (n *Node) askLeader(now machine.Time, cause machine.Cause, path string, b []byte) error {
	if !n.up {
		return status.InvalidState
	}
	return n.try(now, cause, func() error { // the leader decides whether it is one who may
		(*copEnv)(n).Post(now, ip6.RLOC(n.cop.Params().MeshLocalPrefix, 0xfc00), path, b, nil)
		return nil
	})
}

// reports are the resources of a commissioner, who asked for what comes there.
func (n *Node) reports() []resource {
	return []resource{
		{"c/er", func(_ machine.Time, _ ip6.Address, b, _ []byte) ([]byte, bool) {
			mask, rssi, ok := meshcop.ParseReport(b)
			if ok {
				n.event(0, &info.EnergyReport{Channels: mask, RSSI: append([]byte(nil), rssi...)})
			}
			return nil, ok
		}},
		{"c/rx", func(now machine.Time, _ ip6.Address, b, _ []byte) ([]byte, bool) {
			taken := n.agent.RelayRx(now, b)
			if n.commissioner != nil {
				n.commissioner.RelayRx(now, b)
			}
			return nil, taken || n.commissioner != nil
		}},
		{"c/pc", func(_ machine.Time, _ ip6.Address, b, _ []byte) ([]byte, bool) {
			pan, mask, ok := meshcop.ParseConflict(b)
			if ok {
				n.event(0, &info.PANIDConflict{PANID: pan, Channels: mask})
			}
			return nil, ok
		}},
	}
}
