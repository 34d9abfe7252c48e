package mesh

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// Hop is a transmission that is over, of a datagram that somebody follows by its cause.
type Hop struct {
	Cause      machine.Cause
	From       *Node
	Ext        ieee802154.ExtAddr // of From: the frame is sealed with it, and need not say it
	To         *Node              // nil: it was for several, or for nobody here
	Start, End machine.Time       // on the air
	Frame      *radio.Air         // borrowed
	Try        int                // from 1
	Err        radio.Err          // how it ended for its sender
	RSSI       int8               // at To
}

// Follow calls f with the end of each transmission that has a cause. One f at a time; nil ends it.
func (m *Medium) Follow(f func(h *Hop)) { m.follower = f }

// followed tells of a transmission that has ended.
func (s *station) followed(f *flight, err radio.Err) {
	m := s.node.medium
	if m.follower == nil || f.cause == 0 || f.start == 0 {
		return
	}
	h := Hop{Cause: f.cause, From: s.node, Ext: s.filter.Ext, Start: f.start, End: max(f.end, f.start), Frame: &f.air, Try: int(f.request.Retry) + 1, Err: err}
	if !m.config.AirTime {
		h.End = f.start.Add(m.config.Delay)
	}
	if p := f.air.Parsed(); p != nil && !p.Dst.IsBroadcast() {
		if h.To = m.addressee(s.node, p); h.To != nil {
			h.RSSI, _ = m.hears(s.node, h.To)
		}
	}
	m.follower(&h)
}

// addressee returns the node that a unicast frame is for: one that has its address and can hear it.
func (m *Medium) addressee(from *Node, f *ieee802154.Frame) *Node {
	list := m.byExt[f.Dst.Ext]
	if f.Dst.Kind == ieee802154.Short {
		list = m.byShort[f.Dst.Short]
	}
	var best *Node
	strongest := int8(Sensitivity - 1)
	for _, i := range list {
		to := m.nodes[i]
		if to == from || to.device == nil || !to.radio.filter.Accept(f) {
			continue
		}
		if r, _ := m.hears(from, to); r > strongest {
			best, strongest = to, r
		}
	}
	return best
}
