package meshcop

import "heddle.example/thread/tlv"

// ParseConflict reads a MGMT_PANID_CONFLICT.
func ParseConflict(b []byte) (pan uint16, mask uint32, ok bool) {
	pan, ok = tlv.Uint16(b, PANID)
	if ok {
		mask, ok = FindMask(b)
	}
	return pan, mask, ok
}

// ParseReport reads a MGMT_ED_REPORT: a channel mask and one RSSI for each measurement, borrowed.
func ParseReport(b []byte) (mask uint32, rssi []byte, ok bool) {
	if mask, ok = FindMask(b); !ok {
		return 0, nil, false
	}
	rssi, ok = tlv.Find(b, EnergyList)
	return mask, rssi, ok
}
