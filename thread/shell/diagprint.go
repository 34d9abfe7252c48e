package shell

import (
	"encoding/binary"
	"strings"

	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/tlv"
)

// diagnostic prints an answer, as bytes and as YAML (HandleDiagnosticGetResponse). It ends at the first TLV that is wrong.
func (s *Shell) diagnostic(from ip6.Address, tlvs []byte) {
	s.Line("DIAG_GET.rsp/ans from %s: %s", from, hexOf(tlvs))
	for t, v := range tlv.All(tlvs) {
		if !s.diagTLV(diagType(t), v) {
			return
		}
	}
}

// diagLengths are the shortest good values.
var diagLengths = map[diagType]int{
	diagExtAddress: 8, diagAddress16: 2, diagMode: 1, diagTimeout: 4, diagConnectivity: 7, diagRoute: 9,
	diagLeaderData: 8, diagMACCounters: 36, diagBatteryLevel: 1, diagSupplyVoltage: 2, diagMaxChildTimeout: 4,
	diagEUI64: 8, diagMLECounters: 66, diagEnhancedRoute: 9,
}

func (s *Shell) diagTLV(t diagType, v []byte) bool {
	if len(v) < diagLengths[t] {
		return false
	}
	be := binary.BigEndian
	switch t {
	case diagExtAddress:
		s.Line("Ext Address: %s", hexOf(v[:8]))
	case diagAddress16:
		s.Line("Rloc16: 0x%04x", be.Uint16(v))
	case diagMode:
		s.Line("Mode:")
		s.diagMode(indent, v[0])
	case diagTimeout:
		s.Line("Timeout: %d", be.Uint32(v))
	case diagConnectivity:
		s.diagConnectivity(v)
	case diagRoute:
		return s.diagRoute(v)
	case diagEnhancedRoute:
		return s.diagEnhancedRoute(v)
	case diagLeaderData:
		s.Line("Leader Data:")
		s.Line(indent+"PartitionId: 0x%08x", be.Uint32(v))
		s.Line(indent+"Weighting: %d", v[4])
		s.Line(indent+"DataVersion: %d", v[5])
		s.Line(indent+"StableDataVersion: %d", v[6])
		s.Line(indent+"LeaderRouterId: 0x%02x", v[7])
	case diagNetworkData:
		s.Line("Network Data: %s", hexOf(v))
	case diagAddresses:
		if len(v)%16 != 0 {
			return false
		}
		s.Line("IP6 Address List:")
		for ; len(v) > 0; v = v[16:] {
			s.Line(indent+"- %s", ip6.Address(v[:16]))
		}
	case diagMACCounters:
		s.Line("MAC Counters:")
		for i, name := range macCounterNames {
			s.Line(indent+"%s: %d", name, be.Uint32(v[4*i:]))
		}
	case diagMLECounters:
		s.Line("MLE Counters:")
		for i, name := range roleCounterNames {
			s.Line(indent+"%s: %d", name, be.Uint16(v[2*i:]))
		}
		for i, name := range timeCounterNames {
			s.Line("%s: %d", name, be.Uint64(v[2*len(roleCounterNames)+8*i:])) // not indented, as in OpenThread
		}
	case diagBatteryLevel:
		s.Line("Battery Level: %d%%", v[0])
	case diagSupplyVoltage:
		s.Line("Supply Voltage: %dmV", be.Uint16(v))
	case diagChildTable:
		return s.diagChildTable(v)
	case diagChannelPages:
		s.Line("Channel Pages: '%s'", hexOf(v[:min(len(v), 8)]))
	case diagMaxChildTimeout:
		s.Line("Max Child Timeout: %d", be.Uint32(v))
	case diagEUI64:
		s.Line("EUI64: %s", hexOf(v[:8]))
	case diagVendorName:
		return s.diagText("Vendor Name", v, 32)
	case diagVendorModel:
		return s.diagText("Vendor Model", v, 32)
	case diagVendorSoftware:
		return s.diagText("Vendor SW Version", v, 16)
	case diagVendorURL:
		return s.diagText("Vendor App URL", v, 96)
	case diagStackVersion:
		return s.diagText("Thread Stack Version", v, 64)
	case diagNonPreferredMask:
		mask, ok := meshcop.ParseChannelMask(v)
		if !ok {
			return false
		}
		s.Line("Non-preferred Channels Mask: 0x%x", mask)
	}
	return true
}

var (
	macCounterNames = []string{"IfInUnknownProtos", "IfInErrors", "IfOutErrors", "IfInUcastPkts", "IfInBroadcastPkts",
		"IfInDiscards", "IfOutUcastPkts", "IfOutBroadcastPkts", "IfOutDiscards"}
	roleCounterNames = []string{"DisabledRole", "DetachedRole", "ChildRole", "RouterRole", "LeaderRole", "AttachAttempts",
		"PartitionIdChanges", "BetterPartitionAttachAttempts", "ParentChanges"}
	timeCounterNames = []string{"TrackedTime", "DisabledTime", "DetachedTime", "ChildTime", "RouterTime", "LeaderTime"}
)

func (s *Shell) diagText(title string, v []byte, limit int) bool {
	text, _, _ := strings.Cut(string(v[:min(len(v), limit)]), "\x00")
	s.Line("%s: %s", title, text)
	return true
}

func (s *Shell) diagMode(in string, v byte) {
	m := neighbor.ModeFromWire(v)
	s.Line(in+"RxOnWhenIdle: %d", digit(m.RxOn()))
	s.Line(in+"DeviceType: %d", digit(m.FTD()))
	s.Line(in+"NetworkData: %d", digit(m.FullNetworkData()))
}

func (s *Shell) diagConnectivity(v []byte) {
	size, count := uint16(1280), uint8(1) // what a parent that says nothing keeps for a sleepy child
	if len(v) >= 10 {
		size, count = binary.BigEndian.Uint16(v[7:]), v[9]
	}
	s.Line("Connectivity:")
	s.Line(indent+"ParentPriority: %d", []int{0, 1, 0, -1}[v[0]>>6])
	for i, name := range []string{"LinkQuality3", "LinkQuality2", "LinkQuality1", "LeaderCost", "IdSequence", "ActiveRouters"} {
		s.Line(indent+"%s: %d", name, v[1+i])
	}
	s.Line(indent+"SedBufferSize: %d", size)
	s.Line(indent+"SedDatagramCount: %d", count)
}

// routerIDs returns the routers of the bit mask in a Route64 or Enhanced Route TLV.
func routerIDs(mask []byte) (ids []uint8) {
	for id := range uint8(63) {
		if mask[id/8]&(0x80>>(id%8)) != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *Shell) diagRoute(v []byte) bool {
	ids, data := routerIDs(v[1:9]), v[9:]
	if len(data) < len(ids) {
		return false
	}
	s.Line("Route:")
	s.Line(indent+"IdSequence: %d", v[0])
	s.Line(indent + "RouteData:")
	const in = indent + indent + "  "
	for i, id := range ids {
		s.Line(indent+indent+"- RouteId: 0x%02x", id)
		s.Line(in+"LinkQualityOut: %d", data[i]>>6)
		s.Line(in+"LinkQualityIn: %d", data[i]>>4&3)
		s.Line(in+"RouteCost: %d", data[i]&15)
	}
	return true
}

func (s *Shell) diagEnhancedRoute(v []byte) bool {
	ids, data := routerIDs(v[:8]), v[8:]
	if len(data) < 2*len(ids) {
		return false
	}
	s.Line("EnhRoute:")
	for i, id := range ids {
		d := binary.BigEndian.Uint16(data[2*i:])
		s.Printf(indent+"- RouterId:%-2d", id)
		if d&0x8000 != 0 {
			s.Line(" The queried device")
			continue
		}
		s.Printf(" HasLink:%-3s LinkQualityOut:%d LinkQualityIn:%d ", yesNo(d&0x4000 != 0), d>>12&3, d>>10&3)
		if next := d >> 4 & 0x3f; next == 63 {
			s.Line("NextHop:na NextHopCost:na")
		} else {
			s.Line("NextHop:%-2d NextHopCost:%d", next, d&15)
		}
	}
	return true
}

func (s *Shell) diagChildTable(v []byte) bool {
	if len(v)%3 != 0 {
		return false
	}
	s.Line("Child Table:")
	const in = indent + "  "
	for ; len(v) > 0; v = v[3:] {
		d := binary.BigEndian.Uint16(v)
		s.Line(indent+"- ChildId: 0x%04x", d&0x1ff)
		s.Line(in+"Timeout: %d", d>>11)
		s.Line(in+"Link Quality: %d", d>>9&3)
		s.Line(in + "Mode:")
		s.diagMode(in+indent, v[2])
	}
	return true
}
