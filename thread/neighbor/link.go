package neighbor

// NoRSSI is what a radio reports when it measured nothing (OT_RADIO_RSSI_INVALID).
const NoRSSI int8 = 127

// LinkInfo is what is known about the radio link to a neighbour.
type LinkInfo struct {
	rss       RSSAverage
	in        uint8 // link quality of what we hear, 0 to 3
	Out       uint8 // link quality of what the neighbour hears of us, as it said
	LastRSS   int8
	Noise     int8      // the noise floor of our radio, in dBm: its receive sensitivity
	FrameErr  ErrorRate // of frames sent, after all retries
	PacketErr ErrorRate // of IPv6 datagrams sent
}

// NewLinkInfo returns an empty LinkInfo for a radio with a noise floor.
func NewLinkInfo(noise int8) LinkInfo { return LinkInfo{LastRSS: NoRSSI, Noise: noise} }

// Clear forgets all but the noise floor.
func (l *LinkInfo) Clear() { *l = NewLinkInfo(l.Noise) }

// ClearAverage forgets the average and keeps the quality.
func (l *LinkInfo) ClearAverage() { l.rss = RSSAverage{} }

// AddRSS takes in the strength of a frame in dBm. The quality moves with hysteresis from its last value.
func (l *LinkInfo) AddRSS(rss int8) {
	if rss == NoRSSI {
		return
	}
	l.LastRSS = rss
	last := noQuality
	if l.rss.n != 0 {
		last = l.in
	}
	l.rss.Add(rss)
	l.in = quality(l.Margin(), last)
}

// AddSent takes in whether a frame got through.
func (l *LinkInfo) AddSent(ok bool) { l.FrameErr.Add(ok, 128) }

// AddPacketSent takes in whether a datagram got through.
func (l *LinkInfo) AddPacketSent(ok bool) { l.PacketErr.Add(ok, 128) }

// QualityIn returns the link quality of what we hear, 0 to 3.
func (l *LinkInfo) QualityIn() uint8 { return l.in }

// TwoWay returns the quality of the worse direction.
func (l *LinkInfo) TwoWay() uint8 { return min(l.in, l.Out) }

// RSS returns the average in dBm, or NoRSSI.
func (l *LinkInfo) RSS() int8 { return l.rss.Average() }

// RawRSS returns the average in units of -1/8 dBm.
func (l *LinkInfo) RawRSS() uint16 { return l.rss.sum }

// Margin returns how far the average is above the noise floor, in dB.
func (l *LinkInfo) Margin() uint8 { return Margin(l.Noise, l.rss.Average()) }

// LastMargin returns the margin of the last frame.
func (l *LinkInfo) LastMargin() uint8 { return Margin(l.Noise, l.LastRSS) }

// RSSAverage is a weighted mean of signal strengths: arithmetic for the first eight, then exponential with 1/8. It counts
// in steps of 1/8 dBm, as OpenThread does, so that both round alike (src/core/thread/link_quality.cpp).
type RSSAverage struct {
	sum uint16 // in units of -1/8 dBm
	n   uint8
}

// Add takes in a strength. Above 0 dBm it counts as 0.
func (a *RSSAverage) Add(rss int8) {
	v := uint16(-int16(min(rss, 0))) << 3
	a.n = min(a.n+1, 8)
	a.sum = uint16((uint32(a.sum)*uint32(a.n-1) + uint32(v)) / uint32(a.n))
}

// Average returns the mean in dBm, halves rounded down, or NoRSSI.
func (a *RSSAverage) Average() int8 {
	if a.n == 0 {
		return NoRSSI
	}
	return int8(-int16((a.sum + 4) >> 3))
}

// ErrorRate is an exponentially weighted rate of failures, 0xFFFF for 100 %.
type ErrorRate uint16

// Add takes in one result with weight 1/window, rounded to nearest.
func (r *ErrorRate) Add(ok bool, window uint32) {
	v := uint32(0xFFFF)
	if ok {
		v = 0
	}
	*r = ErrorRate((uint32(*r)*(window-1) + v + window/2) / window)
}

// Margin returns how far a strength is above a noise floor, in dB.
func Margin(noise, rss int8) uint8 {
	if rss == NoRSSI {
		return 0
	}
	return uint8(min(max(int16(rss)-int16(noise), 0), 127))
}

// Thresholds of link margin for qualities 1, 2 and 3, and what must be had on top to climb.
const (
	margin1, margin2, margin3 = 2, 10, 20
	hysteresis                = 2

	noQuality uint8 = 0xFF
)

// QualityForMargin returns the link quality that a margin alone gives.
func QualityForMargin(margin uint8) uint8 { return quality(margin, noQuality) }

func quality(margin, last uint8) uint8 {
	m1, m2, m3 := uint8(margin1), uint8(margin2), uint8(margin3)
	if last == 0 {
		m1 += hysteresis
	}
	if last <= 1 {
		m2 += hysteresis
	}
	if last <= 2 {
		m3 += hysteresis
	}
	switch {
	case margin > m3:
		return 3
	case margin > m2:
		return 2
	case margin > m1:
		return 1
	}
	return 0
}

// TypicalRSS returns a strength in dBm that stands for a link quality (GetTypicalRssForLinkQuality).
func TypicalRSS(noise int8, quality uint8) int8 {
	return noise + [...]int8{0, 5, 15, 50}[quality&3]
}

// Cost returns what a hop of a link quality costs.
func Cost(quality uint8) uint8 { return [...]uint8{MaxRouteCost, 4, 2, 1}[quality&3] }
