package radio

import (
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

// Filter is all that a radio needs to accept a frame and to acknowledge it from the frame alone. The radio owns its copy;
// slices are never changed once they are given out.
type Filter struct {
	PAN          ieee802154.PANID
	Short        uint16
	AltShort     uint16 // a short address that is on its way out, or ieee802154.InvalidShort
	Ext          ieee802154.ExtAddr
	Promiscuous  bool // hears everything, acknowledges nothing
	RxOnWhenIdle bool

	// SourceMatch: frame pending is set in acks to those in the tables only; without it in all acks to data and polls.
	SourceMatch bool
	ShortMatch  []uint16
	ExtMatch    []ieee802154.ExtAddr

	// For enhanced acks, that is to frames of version 2015.
	Keys   []AckKey  // by key index; those of the host's radio thread are clones
	Block  AckBlock  // frame counters that acks may use
	CSL    CSL       // the receiver's schedule; Period 0: none
	Probes []Probing // link metrics that neighbours want in acks
}

// AckKey is a MAC key that acks may be secured with.
type AckKey struct {
	Index uint8
	Key   *ieee802154.Key
}

// AckBlock is a run of frame counters that the MAC reserved for acks of the radio.
type AckBlock struct{ Start, End, Used uint32 }

// CSL is when a receiver samples its channel.
type CSL struct {
	Period uint16       // in units of 160 us
	Sample machine.Time // the middle of one sample; the others follow from the period
}

// CSLUnit is the unit of CSL periods and phases: ten symbols.
const CSLUnit = 160 * 1000 // ns

// Phase returns how long after now the next sample begins, in units of 160 us.
func (c *CSL) Phase(now machine.Time) uint16 {
	if c.Period == 0 {
		return 0
	}
	period := machine.Time(c.Period) * CSLUnit
	d := (c.Sample - now) % period
	if d < 0 {
		d += period
	}
	return uint16(d / CSLUnit)
}

// Probing is the link metrics that one neighbour wants in enhanced acks (Thread 1.2 section 4.11.3.4).
type Probing struct {
	Short                   uint16
	Ext                     ieee802154.ExtAddr
	PDUs, LQI, Margin, RSSI bool
}

// Update replaces the filter by a newer one of the same node, but goes on where the old one was in a run of counters.
func (f *Filter) Update(n Filter) {
	if n.Block.Start == f.Block.Start && n.Block.End == f.Block.End {
		n.Block.Used = max(n.Block.Used, f.Block.Used)
	}
	*f = n
}

// Accept reports whether the radio gives the frame to the node: acks never (they end a Transmit), others by destination.
func (f *Filter) Accept(h *ieee802154.Frame) bool {
	if f.Promiscuous {
		return true
	}
	if h.Type == ieee802154.Ack {
		return false
	}
	switch h.Dst.Kind {
	case ieee802154.Short:
		if s := h.Dst.Short; s != ieee802154.BroadcastShort && s != f.Short &&
			(f.AltShort == ieee802154.InvalidShort || s != f.AltShort) {
			return false
		}
	case ieee802154.Extended:
		if h.Dst.Ext != f.Ext {
			return false
		}
	}
	return !h.HasDstPAN || h.DstPAN == ieee802154.BroadcastPAN || h.DstPAN == f.PAN
}

// Pending reports whether the ack to a frame has its frame pending bit set.
func (f *Filter) Pending(h *ieee802154.Frame) bool {
	isPoll := h.Type == ieee802154.Command && (h.Version == ieee802154.Version2015 || h.Command == ieee802154.DataRequest)
	if h.Type != ieee802154.Data && !isPoll {
		return false
	}
	if !f.SourceMatch {
		return true
	}
	switch h.Src.Kind {
	case ieee802154.Short:
		return slices.Contains(f.ShortMatch, h.Src.Short)
	case ieee802154.Extended:
		return slices.Contains(f.ExtMatch, h.Src.Ext)
	}
	return false
}

// Ack appends the acknowledgement of an accepted frame to dst, with its check sequence, and notes in fr how it was
// acknowledged. It appends nothing if the frame wants none. now is when the ack leaves.
func (f *Filter) Ack(dst []byte, fr *Frame, now machine.Time) []byte {
	h := fr.Parsed()
	if h == nil || !h.AckRequest || f.Promiscuous {
		return dst
	}
	fr.AckedPending = f.Pending(h)
	if h.Version == ieee802154.Version2015 {
		return f.enhanced(dst, fr, h, now)
	}
	b := [5]byte{byte(ieee802154.Ack), byte(h.Version) << 4, h.Sequence}
	if fr.AckedPending {
		b[0] |= 1 << 4
	}
	ieee802154.SetFCS(b[:])
	return append(dst, b[:]...)
}
