package linkmetrics

import (
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
	"heddle.example/thread/tlv"
)

// maxSeries is how many series one neighbour may have (OPENTHREAD_CONFIG_MLE_LINK_METRICS_MAX_SERIES_SUPPORTED, of all).
const maxSeries = 32

// series is a neighbour's frames, measured.
type series struct {
	id      uint8
	frames  Frames
	metrics Metrics
	pdus    uint32
	lqi     lqiAverage
	rss     neighbor.RSSAverage
}

// lqiAverage is a weighted mean as that of signal strengths (link_quality.cpp, LqiAverager).
type lqiAverage struct {
	mean uint8
	n    uint8
}

func (a *lqiAverage) add(v uint8) {
	a.n = min(a.n+1, 8)
	a.mean = uint8((uint16(a.mean)*uint16(a.n-1) + uint16(v)) / uint16(a.n))
}

// Link is what is measured at the link to one neighbour (neighbor.Neighbor.Metrics), as a subject and as an initiator.
type Link struct {
	series []series
	given  Metrics // in our enhanced acks
	asked  Metrics // in the neighbour's
	// Report takes the metrics of an enhanced ack.
	report func(now machine.Time, v *Values)
}

// Of returns the link of a neighbour, and makes it if there is none yet.
func Of(n *neighbor.Neighbor) *Link {
	l, ok := n.Metrics.(*Link)
	if !ok {
		l = &Link{}
		n.Metrics = l
	}
	return l
}

// Probing implements mac.Prober: our frames must be such as enhanced acks answer.
func (l *Link) Probing() bool { return l.asked != 0 }

// EnhancedAck implements mac.Listener.
func (l *Link) EnhancedAck(now machine.Time, b []byte) {
	if l.report == nil || l.asked == 0 {
		return
	}
	v := Values{Has: l.asked &^ (PDUs | reserved)}
	take := func(m Metrics, set func(uint8)) {
		if v.Has&m != 0 && len(b) > 0 {
			set(b[0])
			b = b[1:]
		}
	}
	take(LQI, func(x uint8) { v.LQI = x })
	take(Margin, func(x uint8) { v.Margin = uint8(unscale(x)) })
	take(RSSI, func(x uint8) { v.RSSI = unscaleRSSI(x) })
	l.report(now, &v)
}

// Expect has the metrics of the neighbour's enhanced acks reported; none ends it.
func (l *Link) Expect(m Metrics, report func(now machine.Time, v *Values)) {
	l.asked, l.report = m, report
}

// Given returns what we put into our enhanced acks for the neighbour.
func (l *Link) Given() Metrics { return l.given }

// HeardFrame implements mac.Tracker: a frame counts in the series for its kind.
func (l *Link) HeardFrame(t ieee802154.Type, lqi uint8, rssi int8) {
	f := Frames(0)
	switch t {
	case ieee802154.Data:
		f = Data
	case ieee802154.Command:
		f = DataRequests
	case ieee802154.Ack:
		f = Acks
	}
	for i := range l.series {
		if s := &l.series[i]; s.frames&f != 0 {
			s.add(lqi, rssi)
		}
	}
}

func (s *series) add(lqi uint8, rssi int8) {
	s.pdus++
	s.lqi.add(lqi)
	if rssi != neighbor.NoRSSI {
		s.rss.Add(rssi)
	}
}

// HeardProbe takes in the value of a Link Probe TLV. Where a series counts all data, the probe is counted already.
func (l *Link) HeardProbe(value []byte, lqi uint8, rssi int8) {
	if len(value) == 0 {
		return
	}
	if s := l.find(value[0]); s != nil && s.frames&LinkProbes != 0 && s.frames&Data == 0 {
		s.add(lqi, rssi)
	}
}

func (l *Link) find(id uint8) *series {
	for i := range l.series {
		if l.series[i].id == id {
			return &l.series[i]
		}
	}
	return nil
}

// AppendReport appends the value of a Link Metrics Report TLV that answers a query; lqi and rssi are those of the query.
func (l *Link) AppendReport(dst, query []byte, lqi uint8, rssi int8) ([]byte, bool) {
	id, m, ok := parseQuery(query)
	if !ok {
		return dst, false
	}
	v := Values{Has: m, PDUs: 1, LQI: lqi, RSSI: rssi}
	if id != 0 {
		s := l.find(id)
		switch {
		case s == nil:
			return AppendStatus(dst, SeriesUnknown), true
		case s.pdus == 0:
			return AppendStatus(dst, NothingMatched), true
		}
		v = Values{Has: s.metrics, PDUs: s.pdus, LQI: s.lqi.mean, RSSI: s.rss.Average()}
	}
	v.Margin = radio.LinkMargin(v.RSSI)
	return v.append(dst), true
}

// Manage takes in the value of a Link Metrics Management TLV of the neighbour, and returns the answer. It reports false where
// that makes no sense.
func (l *Link) Manage(b []byte) (s Status, ok bool) {
	series, one := tlv.Find(b, subSeries)
	probing, two := tlv.Find(b, subProbing)
	switch {
	case one == two:
		return 0, false
	case one && len(series) >= 2:
		m, ok := parseTypes(series[2:])
		return l.configure(series[0], Frames(series[1]), m), ok
	case two && len(probing) >= 1:
		m, ok := parseTypes(probing[1:])
		return l.probing(probing[0], m), ok
	}
	return 0, false
}

func (l *Link) configure(id uint8, f Frames, m Metrics) Status {
	switch {
	case id == 0:
		return OtherError
	case f == 0 && id == AllSeries:
		l.series = nil
	case f == 0:
		if l.find(id) == nil {
			return SeriesUnknown
		}
		l.series = slices.DeleteFunc(l.series, func(s series) bool { return s.id == id })
	case l.find(id) != nil:
		return SeriesRegistered
	case len(l.series) >= maxSeries:
		return CannotSupportNewSeries
	default:
		l.series = append(l.series, series{id: id, frames: f, metrics: m})
	}
	return Success
}

// probing sets what our enhanced acks carry: one or two of LQI, margin and RSSI (4.11.3.4.4.6).
func (l *Link) probing(flags uint8, m Metrics) Status {
	some := m & (LQI | Margin | RSSI)
	switch {
	case m&reserved != 0:
		return OtherError
	case flags == 1 && m&PDUs == 0 && some != 0 && some != LQI|Margin|RSSI:
		l.given = some
	case flags == 0 && some == 0:
		l.given = 0
	default:
		return OtherError
	}
	return Success
}
