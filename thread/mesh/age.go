package mesh

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/lowpan"
)

// tooOld looks at how long a message of others has waited: it marks congestion in one that can carry the mark, and drops
// one that cannot, or has waited twice as long (MeshForwarder::UpdateEcnOrDrop). It reports whether it dropped it.
func (m *Mesh) tooOld(now machine.Time, x *message, sending bool) bool {
	if !x.direct || x.offset > 0 {
		return false
	}
	age := now.Sub(x.at)
	drop := false
	switch x.content {
	case datagram:
		if age < markAfter || m.env.HasAddress(ip6.Src(x.data)) {
			return false
		}
		if drop = age >= dropAfter || ip6.GetECN(x.data) == ip6.NotECT; !drop {
			ip6.SetECN(x.data, ip6.CE)
		}
	case meshFrame:
		drop = m.frameTooOld(now, x, age, sending)
	}
	if drop {
		m.Counters.QueueDropped++
		m.statistics().add(age)
		m.finishDirect(now, x, errDrop)
	}
	return drop
}

// frameTooOld is tooOld for a frame of others. If it is the first fragment of a datagram, the others are dropped after it.
func (m *Mesh) frameTooOld(now machine.Time, x *message, age time.Duration, sending bool) bool {
	h, at, err := lowpan.ParseMesh(x.data)
	if err != nil {
		return true
	}
	rest := x.data[at:]
	f, n, err := lowpan.ParseFragment(rest)
	if err == nil && f.Offset > 0 {
		e := m.findForward(h.Src, f.Tag)
		if e == nil {
			return false
		}
		drop := e.drop
		if sending && f.Offset+len(rest)-n >= f.Size {
			m.forget(e)
		}
		return drop
	}
	if age < markAfter {
		return false
	}
	ecn := lowpan.GetECN(rest[n:])
	if age < dropAfter && ecn != ip6.NotECT {
		lowpan.MarkECN(rest[n:])
		return false
	}
	if e := m.findForward(h.Src, f.Tag); err == nil && e != nil {
		e.drop, e.until = true, now.Add(forwardMemory)
	}
	return true
}

// removeAged drops what has waited too long, and reports whether that was anything.
func (m *Mesh) removeAged(now machine.Time) (removed bool) {
	for x := m.queue.head; x != nil; {
		next := x.next
		if x != m.current && !x.keep && x.direct && m.tooOld(now, x, false) {
			removed, next = true, m.queue.head
		}
		x = next
	}
	return removed
}

// QueueStats is a histogram of how long messages waited for their first frame (`timeinqueue`).
type QueueStats struct {
	Bins [QueueBins]uint32 // the last has all that waited longer
	Max  time.Duration
}

// The histogram's bins (config/mesh_forwarder.h).
const (
	QueueBin  = 10 * time.Millisecond
	QueueBins = int(markAfter / QueueBin)
)

func (s *QueueStats) add(d time.Duration) {
	s.Bins[min(int(max(0, d)/QueueBin), QueueBins-1)]++
	s.Max = max(s.Max, d)
}

func (m *Mesh) statistics() *QueueStats {
	if m.stats == nil {
		m.stats = new(QueueStats)
	}
	return m.stats
}

// QueueStats returns how long messages waited.
func (m *Mesh) QueueStats() *QueueStats { return m.statistics() }

// ResetQueueStats forgets how long messages waited.
func (m *Mesh) ResetQueueStats() { m.stats = nil }
