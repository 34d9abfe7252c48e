// Package linkmetrics is the measuring of links between Thread neighbours (Thread 1.2 section 4.11.3): an initiator asks a
// subject how it hears it, once, over a series of frames, or in each enhanced acknowledgement.
//
// Facts come from OpenThread's src/core/thread/link_metrics*.cpp.
package linkmetrics

// Metrics is a set of what can be measured.
type Metrics uint8

// The metrics, in the order of their identifiers.
const (
	PDUs Metrics = 1 << iota
	LQI
	Margin
	RSSI
	reserved // an identifier that we do not know
)

// Type ids of metrics: what, how it is averaged, and how long the value is (4.11.3.4.1).
const (
	typePDUs     = 0x40
	typeLQI      = 0x09
	typeMargin   = 0x0a
	typeRSSI     = 0x0b
	typeExtended = 0x80 // a second byte follows
	typeLong     = 0x40 // the value has four bytes
	typeUnknown  = 0x10 // the reserved way of averaging, for tests
)

var typeIDs = [...]struct {
	m  Metrics
	id byte
}{{PDUs, typePDUs}, {LQI, typeLQI}, {Margin, typeMargin}, {RSSI, typeRSSI}}

// Values are measured metrics: those in Has.
type Values struct {
	Has    Metrics
	PDUs   uint32
	LQI    uint8
	Margin uint8 // dB
	RSSI   int8  // dBm
}

// Reserved returns m with the identifiers made such as no subject may know them.
func (m Metrics) Reserved() Metrics { return m | reserved }

func (m Metrics) appendTypes(dst []byte) []byte {
	for _, t := range typeIDs {
		if m&t.m != 0 {
			if m&reserved != 0 {
				t.id |= typeUnknown
			}
			dst = append(dst, t.id)
		}
	}
	return dst
}

// parseTypes reads type ids; none may be there twice.
func parseTypes(b []byte) (m Metrics, ok bool) {
	for i := 0; i < len(b); i++ {
		known := false
		for _, t := range typeIDs {
			if t.id == b[i] {
				if m&t.m != 0 {
					return m, false
				}
				m, known = m|t.m, true
			}
		}
		switch {
		case known:
		case b[i]&typeExtended != 0:
			i++
		default:
			m |= reserved
		}
	}
	return m, true
}

// unscale turns a byte back into 0 to 130.
func unscale(v uint8) int { return (int(v)*130 + 127) / 255 }

// Status is a subject's answer.
type Status uint8

// The answers.
const (
	Success Status = iota
	CannotSupportNewSeries
	SeriesRegistered
	SeriesUnknown
	NothingMatched
	OtherError Status = 254
)

func (s Status) String() string {
	switch {
	case s <= NothingMatched:
		return [...]string{"Success", "Cannot support new series", "Series ID already registered", "Series ID not recognized", "No matching series ID"}[s]
	case s == OtherError:
		return "Other error"
	}
	return "Unknown error"
}

// unscaleRSSI turns a byte back into dBm; what is below an int8 is its least.
func unscaleRSSI(v uint8) int8 { return int8(max(unscale(v)-130, -128)) }
