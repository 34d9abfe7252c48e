package tmf

import "heddle.example/thread/tlv"

// DiagType is the type of a network diagnostic TLV (network_diagnostic_tlvs.hpp).
type DiagType uint8

// The types.
const (
	DiagExtAddress       DiagType = 0
	DiagAddress16        DiagType = 1
	DiagMode             DiagType = 2
	DiagTimeout          DiagType = 3
	DiagConnectivity     DiagType = 4
	DiagRoute            DiagType = 5
	DiagLeaderData       DiagType = 6
	DiagNetworkData      DiagType = 7
	DiagAddresses        DiagType = 8
	DiagMACCounters      DiagType = 9
	DiagBatteryLevel     DiagType = 14
	DiagSupplyVoltage    DiagType = 15
	DiagChildTable       DiagType = 16
	DiagChannelPages     DiagType = 17
	DiagTypeList         DiagType = 18
	DiagMaxChildTimeout  DiagType = 19
	DiagEUI64            DiagType = 23
	DiagVersion          DiagType = 24
	DiagVendorName       DiagType = 25
	DiagVendorModel      DiagType = 26
	DiagVendorSoftware   DiagType = 27
	DiagStackVersion     DiagType = 28
	DiagChild            DiagType = 29
	DiagChildAddresses   DiagType = 30
	DiagRouterNeighbor   DiagType = 31
	DiagAnswerIndex      DiagType = 32
	DiagQueryID          DiagType = 33
	DiagMLECounters      DiagType = 34
	DiagVendorURL        DiagType = 35
	DiagNonPreferredMask DiagType = 36
	DiagEnhancedRoute    DiagType = 37
)

// IsList reports whether an answer has a TLV for each entry and an empty one at the end.
func (t DiagType) IsList() bool {
	return t == DiagChild || t == DiagChildAddresses || t == DiagRouterNeighbor
}

// Answer returns the number of an answer message among those of its query, and whether it is the last.
func Answer(tlvs []byte) (index uint16, last bool) {
	v, ok := tlv.Uint16(tlvs, byte(DiagAnswerIndex))
	return v &^ lastAnswer, !ok || v&lastAnswer != 0
}

// Query returns the number of the query that an answer belongs to.
func Query(tlvs []byte) (id uint16, ok bool) { return tlv.Uint16(tlvs, byte(DiagQueryID)) }
