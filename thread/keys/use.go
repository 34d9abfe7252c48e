package keys

import (
	"math"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

// Index returns the key index that stands for a sequence in frames.
func Index(sequence uint32) uint8 { return uint8(sequence&0x7f) + 1 }

// MAC returns the current MAC key, MLE the current MLE key.
func (m *Manager) MAC() *ieee802154.Key { return m.current.MAC }

// MLE returns the current MLE key.
func (m *Manager) MLE() *ieee802154.Key { return m.current.MLE }

// MLEFor returns the MLE key of any sequence.
func (m *Manager) MLEFor(sequence uint32) *ieee802154.Key {
	if sequence == m.sequence {
		return m.current.MLE
	}
	if !m.hasTemp || m.tempSeq != sequence {
		m.temporary, m.tempSeq, m.hasTemp = m.cache.Get(m.nk, sequence), sequence, true
	}
	return m.temporary.MLE
}

// ByIndex returns the MAC key and the sequence that a key index of a received frame means: the current one or one of its
// neighbours.
func (m *Manager) ByIndex(index uint8) (key *ieee802154.Key, sequence uint32, ok bool) {
	switch index {
	case Index(m.sequence):
		return m.current.MAC, m.sequence, true
	case Index(m.sequence - 1):
		if m.previous == nil {
			m.previous = m.cache.Get(m.nk, m.sequence-1).MAC
		}
		return m.previous, m.sequence - 1, true
	case Index(m.sequence + 1):
		if m.next == nil {
			m.next = m.cache.Get(m.nk, m.sequence+1).MAC
		}
		return m.next, m.sequence + 1, true
	}
	return nil, 0, false
}

// SetKEK sets the key-encryption key of a joining (key id mode 0).
func (m *Manager) SetKEK(kek [16]byte) { m.kek, m.kekCounter = ieee802154.NewKey(kek), 0 }

// KEK returns the key-encryption key, or nil.
func (m *Manager) KEK() *ieee802154.Key { return m.kek }

// NextKEK returns the next frame counter of key id mode 0.
func (m *Manager) NextKEK() uint32 { m.kekCounter++; return m.kekCounter - 1 }

// Mode2 returns the fixed key of key id mode 2.
func (m *Manager) Mode2() *ieee802154.Key { return m.cache.Mode2() }

// NextMode2 returns the next frame counter of key id mode 2. That key is public: it need not be unique over restarts.
func (m *Manager) NextMode2() uint32 { m.mode2++; return m.mode2 }

// NextMAC returns the next frame counter of the MAC key and the commit that must be on disk before a frame with it
// leaves.
func (m *Manager) NextMAC(now machine.Time) (counter uint32, after machine.Seq) {
	if m.mac == m.ackStart && m.ackEnd > m.ackStart {
		m.mac = m.ackEnd
	}
	if counter = m.mac; counter >= usedUp {
		return counter, never
	}
	m.mac++
	if m.mac >= m.stored.MAC {
		m.Store(now)
	}
	return counter, m.reserved
}

// The last counter is not used (IEEE 802.15.4-2015 section 9.2.2), and what has no counter waits for a commit that never
// comes. Some more are left out, so that no sum overflows.
const (
	usedUp = math.MaxUint32 - 1<<20
	never  = machine.Seq(math.MaxUint64)
)

// RadioMAC is NextMAC for a radio that secures frames by itself and says later which counters it used (RaiseMAC): half of
// those ahead are on disk before a frame leaves.
func (m *Manager) RadioMAC(now machine.Time) (after machine.Seq) {
	if m.mac >= usedUp {
		return never
	}
	if m.mac+Ahead/2 >= m.stored.MAC {
		m.Store(now)
	}
	return m.reserved
}

// ackGap is how many frames can be sent before their counters come up to those of acks.
const ackGap = 256

// ReserveAcks sets n frame counters of the MAC key aside for acks that the radio secures by itself, beside the node. They
// are ahead of those of frames: receivers take no ack with a counter below that of a frame before it (Thread 1.2), but a
// frame with one below that of an ack. When frames have come up to them, what is left of them is of no use: AcksPassed. They
// are not to be used before what Env.StoreCounters was told last is on disk.
func (m *Manager) ReserveAcks(now machine.Time, n uint32) (first uint32) {
	if m.ackStart < m.ackEnd && m.mac <= m.ackStart {
		first = m.ackEnd // the run before may still be in use: frames jump over both
	} else {
		first = max(m.mac, m.ackEnd) + ackGap
		m.ackStart = first
	}
	if first >= usedUp {
		return 0
	}
	m.ackEnd = first + n
	if m.ackEnd >= m.stored.MAC {
		m.Store(now)
	}
	return first
}

// AcksPassed reports that no frame counters are set aside ahead of those of frames.
func (m *Manager) AcksPassed() bool { return m.mac >= m.ackEnd }

// NextMLE returns the next frame counter of the MLE key and the commit that must be on disk before a message with it
// leaves.
func (m *Manager) NextMLE(now machine.Time) (counter uint32, after machine.Seq) {
	if counter = m.mle; counter >= usedUp {
		return counter, never
	}
	m.mle++
	if m.mle >= m.stored.MLE {
		m.Store(now)
	}
	return counter, m.reserved
}

// Store reserves counters on disk. It is called when those reserved are used up, and by whoever writes the same record.
func (m *Manager) Store(now machine.Time) machine.Seq {
	m.stored = m.Reserve()
	m.reserved = m.env.StoreCounters(now, m.stored)
	return m.reserved
}

// Reserve returns what a record written now has to hold.
func (m *Manager) Reserve() Counters {
	return Counters{Sequence: m.sequence, MAC: max(m.mac, m.ackEnd) + Ahead, MLE: m.mle + Ahead}
}

// Counters returns the next frame counters, as the shell and MLE's Link-layer Frame Counter TLV show them.
func (m *Manager) Counters() Counters { return Counters{Sequence: m.sequence, MAC: m.mac, MLE: m.mle} }

// RaiseMAC lifts the next frame counter of the MAC key, never lowers it.
func (m *Manager) RaiseMAC(now machine.Time, counter uint32) {
	if counter > m.mac {
		m.mac = max(counter, m.ackEnd)
		if m.mac+Ahead/2 >= m.stored.MAC {
			m.Store(now)
		}
	}
}
