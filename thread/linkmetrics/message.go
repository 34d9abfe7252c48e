package linkmetrics

import (
	"encoding/binary"

	"heddle.example/thread/radio"
	"heddle.example/thread/tlv"
)

// Sub-TLVs of the Link Metrics TLVs of MLE.
const (
	subReport       = 0
	subQueryID      = 1
	subQueryOptions = 2
	subSeries       = 3
	subStatus       = 5
	subProbing      = 7
)

// AllSeries names every series where one is removed.
const AllSeries = 255

// Frames is which frames a series counts.
type Frames uint8

// The kinds of frames.
const (
	LinkProbes Frames = 1 << iota
	Data
	DataRequests
	Acks
)

// AppendQuery appends the value of a Link Metrics Query TLV: for single values, or for those of a series.
func AppendQuery(dst []byte, series uint8, m Metrics) []byte {
	dst = tlv.AppendUint8(dst, subQueryID, series)
	if types := m.appendTypes(nil); len(types) > 0 {
		dst = tlv.Append(dst, subQueryOptions, types)
	}
	return dst
}

func parseQuery(b []byte) (series uint8, m Metrics, ok bool) {
	series, ok = tlv.Uint8(b, subQueryID)
	if v, has := tlv.Find(b, subQueryOptions); has && ok {
		m, ok = parseTypes(v)
	}
	return series, m, ok
}

// AppendSeries appends the value of a Link Metrics Management TLV that begins a series, or, without frames, ends it.
func AppendSeries(dst []byte, series uint8, f Frames, m Metrics) []byte {
	return tlv.Append(dst, subSeries, m.appendTypes([]byte{series, byte(f)}))
}

// AppendProbing appends the value of one that has the subject put metrics into its enhanced acks, or, with on false, not any
// more.
func AppendProbing(dst []byte, on bool, m Metrics) []byte {
	flags := byte(0)
	if on {
		flags = 1
	}
	return tlv.Append(dst, subProbing, m.appendTypes([]byte{flags}))
}

// AppendStatus appends the value of one that answers.
func AppendStatus(dst []byte, s Status) []byte { return tlv.AppendUint8(dst, subStatus, uint8(s)) }

// ParseStatus reads it.
func ParseStatus(b []byte) (Status, bool) {
	s, ok := tlv.Uint8(b, subStatus)
	return Status(s), ok
}

// AppendProbe appends the value of a Link Probe TLV: the series that it is for, and padding.
func AppendProbe(dst []byte, series uint8, padding int) []byte {
	return append(append(dst, series), make([]byte, padding)...)
}

func (v *Values) append(dst []byte) []byte {
	if v.Has&PDUs != 0 {
		dst = binary.BigEndian.AppendUint32(append(dst, subReport, 5, typePDUs), v.PDUs)
	}
	if v.Has&LQI != 0 {
		dst = append(dst, subReport, 2, typeLQI, v.LQI)
	}
	if v.Has&Margin != 0 {
		dst = append(dst, subReport, 2, typeMargin, radio.ScaleMargin(v.Margin))
	}
	if v.Has&RSSI != 0 {
		dst = append(dst, subReport, 2, typeRSSI, radio.ScaleRSSI(v.RSSI))
	}
	return dst
}

// ParseReport reads the value of a Link Metrics Report TLV: values, or why there are none.
func ParseReport(b []byte) (v Values, s Status, ok bool) {
	reported := false
	for typ, value := range tlv.All(b) {
		switch {
		case typ == subStatus && len(value) > 0 && !ok && !reported:
			s, ok = Status(value[0]), true
		case typ == subReport && !ok && len(value) >= 2:
			reported = true
			switch value[0] {
			case typePDUs:
				if len(value) >= 5 {
					v.Has, v.PDUs = v.Has|PDUs, binary.BigEndian.Uint32(value[1:])
				}
			case typeLQI:
				v.Has, v.LQI = v.Has|LQI, value[1]
			case typeMargin:
				v.Has, v.Margin = v.Has|Margin, uint8(unscale(value[1]))
			case typeRSSI:
				v.Has, v.RSSI = v.Has|RSSI, unscaleRSSI(value[1])
			}
		case typ == subStatus, typ == subReport:
			return v, s, false
		}
	}
	return v, s, ok || reported
}
