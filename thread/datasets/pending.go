package datasets

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/tlv"
)

// delayMax is the longest delay in ms: 72 hours (kMaxDelay).
const delayMax = 72 * 3600 * 1000

// startDelay starts the delay timer of the pending dataset, or stops it where there is none.
func (m *Manager) startDelay(now machine.Time, d *meshcop.Dataset) {
	m.delay = machine.Never
	if v, ok := tlv.Uint32(d.Bytes(), meshcop.DelayTimer); ok {
		m.delay = now.Add(time.Duration(min(v, delayMax)) * time.Millisecond)
	}
}

// delayOver makes the pending dataset the active one, if it is newer or has another key.
func (m *Manager) delayOver(now machine.Time) {
	if d, ok := m.pending.read(now); ok {
		key, _ := d.Find(meshcop.NetworkKeyTLV)
		t := d.Timestamp(meshcop.ActiveTimestamp)
		if t.Valid() && (t.After(m.active.network) || len(key) >= 16 && string(key[:16]) != string(m.params.NetworkKey[:])) {
			d.Remove(meshcop.PendingTimestamp)
			d.Remove(meshcop.DelayTimer)
			m.active.take(now, &d, true)
		}
	}
	m.pending.clear(now)
}

// changed tells the node, and the updater, of a changed dataset.
func (m *Manager) changed(now machine.Time, pending bool) {
	m.env.DatasetChanged(now, pending)
	m.updaterChanged(now, pending)
}

// Active returns the active dataset that is saved.
func (m *Manager) Active(now machine.Time) (meshcop.Dataset, bool) { return m.active.read(now) }

// Pending returns the pending dataset that is saved, with what is left of its delay.
func (m *Manager) Pending(now machine.Time) (meshcop.Dataset, bool) { return m.pending.read(now) }

// SetActive saves an active dataset of the user's (`dataset commit active`). A node that is attached asks the leader to
// take it for all.
func (m *Manager) SetActive(now machine.Time, d meshcop.Dataset) error {
	return m.set(now, &m.active, d)
}

// SetPending saves a pending dataset of the user's (`dataset commit pending`).
func (m *Manager) SetPending(now machine.Time, d meshcop.Dataset) error {
	return m.set(now, &m.pending, d)
}

func (m *Manager) set(now machine.Time, h *holder, d meshcop.Dataset) error {
	if d.Validate() != nil {
		return errInvalidArgs
	}
	h.set(now, &d)
	return nil
}

// Commissioned reports whether the active dataset has what a node needs to attach.
func (m *Manager) Commissioned(now machine.Time) bool {
	d, ok := m.active.read(now)
	return ok && d.Has(meshcop.NetworkKeyTLV, meshcop.NetworkName, meshcop.ExtPANID, meshcop.PANID, meshcop.Channel)
}

// Complete reports whether there is an active dataset with a timestamp; PartlyComplete whether one has none.
func (m *Manager) Complete() bool { return m.active.saved != nil && m.active.network.Valid() }

// PartlyComplete reports whether there is an active dataset without a timestamp: a node may attach with it, but form no
// partition.
func (m *Manager) PartlyComplete() bool { return m.active.saved != nil && !m.active.network.Valid() }

// DelayMin is the shortest delay that the leader accepts (the shell's delaytimermin).
func (m *Manager) DelayMin() time.Duration { return m.delayMin }

// SetDelayMin makes it shorter. Zero, or longer than the profile's, is refused.
func (m *Manager) SetDelayMin(d time.Duration) error {
	if d <= 0 || d >= m.delayMinProfile {
		return errInvalidArgs
	}
	m.delayMin = d
	return nil
}
