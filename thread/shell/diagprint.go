package shell

import (
	"encoding/binary"
	"strings"

	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/tlv"
	"heddle.example/thread/tmf"
)

// diagnostic prints an answer, as bytes and as YAML (HandleDiagnosticGetResponse). It ends at the first TLV that is wrong.
func (s *Shell) diagnostic(from ip6.Address, tlvs []byte) {
	s.Line("DIAG_GET.rsp/ans from %s: %s", from, hexOf(tlvs))
	for t, v := range tlv.All(tlvs) {
		if !s.diagTLV(tmf.DiagType(t), v) {
			return
		}
	}
}

// diagLengths are the shortest good values.
var diagLengths = map[tmf.DiagType]int{
	tmf.DiagExtAddress: 8, tmf.DiagAddress16: 2, tmf.DiagMode: 1, tmf.DiagTimeout: 4, tmf.DiagConnectivity: 7, tmf.DiagRoute: 9,
	tmf.DiagLeaderData: 8, tmf.DiagMACCounters: 36, tmf.DiagBatteryLevel: 1, tmf.DiagSupplyVoltage: 2, tmf.DiagMaxChildTimeout: 4,
	tmf.DiagEUI64: 8, tmf.DiagMLECounters: 66, tmf.DiagEnhancedRoute: 9,
}

func (s *Shell) diagTLV(t tmf.DiagType, v []byte) bool {
	if len(v) < diagLengths[t] {
		return false
	}
	be := binary.BigEndian
	switch t {
	case tmf.DiagExtAddress:
		s.Line("Ext Address: %s", hexOf(v[:8]))
	case tmf.DiagAddress16:
		s.Line("Rloc16: 0x%04x", be.Uint16(v))
	case tmf.DiagMode:
		s.Line("Mode:")
		s.diagMode(indent, v[0])
	case tmf.DiagTimeout:
		s.Line("Timeout: %d", be.Uint32(v))
	case tmf.DiagConnectivity:
		s.diagConnectivity(v)
	case tmf.DiagRoute:
		return s.diagRoute(v)
	case tmf.DiagEnhancedRoute:
		return s.diagEnhancedRoute(v)
	case tmf.DiagLeaderData:
		s.Line("Leader Data:")
		s.Line(indent+"PartitionId: 0x%08x", be.Uint32(v))
		s.Line(indent+"Weighting: %d", v[4])
		s.Line(indent+"DataVersion: %d", v[5])
		s.Line(indent+"StableDataVersion: %d", v[6])
		s.Line(indent+"LeaderRouterId: 0x%02x", v[7])
	case tmf.DiagNetworkData:
		s.Line("Network Data: %s", hexOf(v))
	case tmf.DiagAddresses:
		if len(v)%16 != 0 {
			return false
		}
		s.Line("IP6 Address List:")
		for ; len(v) > 0; v = v[16:] {
			s.Line(indent+"- %s", ip6.Address(v[:16]))
		}
	case tmf.DiagMACCounters:
		s.Line("MAC Counters:")
		for i, name := range macCounterNames {
			s.Line(indent+"%s: %d", name, be.Uint32(v[4*i:]))
		}
	case tmf.DiagMLECounters:
		s.Line("MLE Counters:")
		for i, name := range roleCounterNames {
			s.Line(indent+"%s: %d", name, be.Uint16(v[2*i:]))
		}
		for i, name := range timeCounterNames {
			s.Line("%s: %d", name, be.Uint64(v[2*len(roleCounterNames)+8*i:])) // not indented, as in OpenThread
		}
	case tmf.DiagBatteryLevel:
		s.Line("Battery Level: %d%%", v[0])
	case tmf.DiagSupplyVoltage:
		s.Line("Supply Voltage: %dmV", be.Uint16(v))
	case tmf.DiagChildTable:
		return s.diagChildTable(v)
	case tmf.DiagChannelPages:
		s.Line("Channel Pages: '%s'", hexOf(v[:min(len(v), 8)]))
	case tmf.DiagMaxChildTimeout:
		s.Line("Max Child Timeout: %d", be.Uint32(v))
	case tmf.DiagEUI64:
		s.Line("EUI64: %s", hexOf(v[:8]))
	case tmf.DiagVendorName:
		return s.diagText("Vendor Name", v, 32)
	case tmf.DiagVendorModel:
		return s.diagText("Vendor Model", v, 32)
	case tmf.DiagVendorSoftware:
		return s.diagText("Vendor SW Version", v, 16)
	case tmf.DiagVendorURL:
		return s.diagText("Vendor App URL", v, 96)
	case tmf.DiagStackVersion:
		return s.diagText("Thread Stack Version", v, 64)
	case tmf.DiagNonPreferredMask:
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
	s.Line(indent+"ParentPriority: %d", ip6.Preference(v[0]>>6))
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
