package datasets

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
)

// What package mle asks of the datasets. MLE messages carry a dataset without its own timestamp, which is a TLV of the
// message (4.5.16, 4.5.17).

// Timestamp returns the active or pending timestamp that the network has, or NoTimestamp.
func (m *Manager) Timestamp(pending bool) meshcop.Timestamp { return m.holder(pending).network }

func (m *Manager) holder(pending bool) *holder {
	if pending {
		return &m.pending
	}
	return &m.active
}

// AppendDataset appends the TLVs of the active or pending dataset for an MLE message. ok is false where there is none.
func (m *Manager) AppendDataset(now machine.Time, dst []byte, pending bool) (b []byte, ok bool) {
	h := m.holder(pending)
	d, ok := h.read(now)
	if !ok {
		return dst, false
	}
	d.Remove(h.kind())
	return append(dst, d.Bytes()...), true
}

// SaveDataset takes over the dataset of an MLE message from this node's parent or leader, with its timestamp.
func (m *Manager) SaveDataset(now machine.Time, pending bool, t meshcop.Timestamp, tlvs []byte) error {
	d, err := meshcop.ParseDataset(tlvs)
	if err != nil || d.Validate() != nil {
		return status.Parse
	}
	h := m.holder(pending)
	if d.WriteTimestamp(h.kind(), t) != nil || !h.take(now, &d, false) {
		return status.Parse
	}
	return nil
}

// Restore begins with the saved datasets, as when Thread starts. It reports whether there is an active one.
func (m *Manager) Restore(now machine.Time) bool {
	ok := m.active.restore(now)
	m.pending.restore(now)
	return ok
}

// RestoreActive begins with the saved active dataset again.
func (m *Manager) RestoreActive(now machine.Time) bool { return m.active.restore(now) }

// RestorePending begins with the saved pending dataset again, and reports whether there is one.
func (m *Manager) RestorePending(now machine.Time) bool { return m.pending.restore(now) }

// ApplyPending lets a node that does not find its network try the pending dataset's parameters.
func (m *Manager) ApplyPending(now machine.Time) {
	if d, ok := m.pending.read(now); ok {
		m.pending.apply(now, &d)
	}
}

// ClearPending forgets the pending dataset: the parent has none, or this node attached with it.
func (m *Manager) ClearPending(now machine.Time) { m.pending.clear(now) }

// StartLeader begins the leader's work: the delay timer of the pending dataset is the network's.
func (m *Manager) StartLeader(now machine.Time) {
	d, _ := m.pending.read(now)
	m.startDelay(now, &d)
}

// ChannelMask returns the channels of the active dataset that the radio has.
func (m *Manager) ChannelMask() (uint32, bool) {
	v, ok := tlv.Find(m.active.saved, meshcop.ChannelMask)
	if !ok {
		return 0, false
	}
	mask, ok := meshcop.ParseChannelMask(v)
	mask &= m.channels
	return mask, ok && mask != 0
}

// PendingActiveTimestamp returns the active timestamp of the pending dataset.
func (m *Manager) PendingActiveTimestamp() (meshcop.Timestamp, bool) {
	d := meshcop.DatasetOf(m.pending.saved)
	t := d.Timestamp(meshcop.ActiveTimestamp)
	return t, t.Valid()
}

// PendingDelay returns how long it is until the pending dataset becomes the active one.
func (m *Manager) PendingDelay(now machine.Time) (time.Duration, bool) {
	if m.delay == machine.Never {
		return 0, false
	}
	return max(0, m.delay.Sub(now)), true
}
