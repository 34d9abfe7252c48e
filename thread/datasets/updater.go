package datasets

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
)

// updater carries a change of the dataset through the network and says how it ended (OpenThread dataset_updater.cpp).
type updater struct {
	wanted *meshcop.Dataset
	done   func(now machine.Time, err error)
}

// updateDelay is the delay of an update that does not say one (OPENTHREAD_CONFIG_DATASET_UPDATER_DEFAULT_DELAY).
const updateDelay = 1000 * time.Millisecond

// Update asks for a change of some TLVs of the active dataset, through a pending one. done is called once: with no error
// when the change is active, with Already when another change came between.
func (m *Manager) Update(now machine.Time, d meshcop.Dataset, done func(now machine.Time, err error)) error {
	d = d.Clone()
	active, ok := m.active.read(now)
	t := active.Timestamp(meshcop.ActiveTimestamp)
	switch {
	case m.env.Disabled() || !ok || !t.Valid():
		return status.InvalidState
	case d.Validate() != nil || d.Has(meshcop.ActiveTimestamp) || d.Has(meshcop.PendingTimestamp):
		return status.InvalidArgs
	case m.updater.wanted != nil:
		return status.Busy
	case d.SubsetOf(&active):
		return status.Already
	}
	p := m.pending.network
	if !p.Valid() {
		p = 0
	}
	err := d.WriteTimestamp(meshcop.ActiveTimestamp, t.Advance(m.rand.Uint64()))
	if err == nil {
		err = d.WriteTimestamp(meshcop.PendingTimestamp, p.Advance(m.rand.Uint64()))
	}
	if err == nil && !d.Has(meshcop.DelayTimer) {
		err = d.Write32(meshcop.DelayTimer, ms(updateDelay))
	}
	if err == nil {
		err = active.WriteAll(&d)
	}
	if err != nil {
		return err
	}
	m.pending.set(now, &active)
	m.updater = updater{&d, done}
	return nil
}

// Updating reports whether an update is under way.
func (m *Manager) Updating() bool { return m.updater.wanted != nil }

// CancelUpdate forgets the update that is under way; the pending dataset stays.
func (m *Manager) CancelUpdate() { m.updater = updater{} }

func (m *Manager) updaterChanged(now machine.Time, pending bool) {
	u := m.updater
	if u.wanted == nil {
		return
	}
	h := m.holder(pending)
	d, ok := h.read(now)
	if !ok {
		return
	}
	finish := func(err error) {
		m.updater = updater{}
		if u.done != nil {
			u.done(now, err)
		}
	}
	if u.wanted.SubsetOf(&d) {
		if !pending {
			finish(nil)
		}
		return
	}
	if t := d.Timestamp(h.kind()); t.Valid() && t.Compare(u.wanted.Timestamp(h.kind())) >= 0 {
		finish(status.Already)
	}
}
