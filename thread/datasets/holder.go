package datasets

import (
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/tlv"
)

// holder keeps the active or the pending dataset (OpenThread dataset_manager.cpp).
type holder struct {
	m         *Manager
	isPending bool
	saved     []byte            // as it is on disk; nil: none
	local     meshcop.Timestamp // of what is saved
	network   meshcop.Timestamp // of what the network has, as far as this node knows
	updated   machine.Time      // when saved's delay timer had the value that is in it
	asking    bool              // a request to the leader is under way
	timer     machine.Time      // when to ask the leader again
	done      func(now machine.Time, err error)
}

// sendSetDelay is how long after an answer, or a dataset that is older than ours, the leader is asked (kSendSetDelay).
const sendSetDelay = 5 * time.Second

func (h *holder) kind() uint8 {
	if h.isPending {
		return meshcop.PendingTimestamp
	}
	return meshcop.ActiveTimestamp
}

// read returns the saved dataset; the pending one's delay is what is left of it.
func (h *holder) read(now machine.Time) (meshcop.Dataset, bool) {
	if len(h.saved) == 0 {
		return meshcop.Dataset{}, false
	}
	d := meshcop.DatasetOf(slices.Clone(h.saved))
	if !h.isPending {
		d.Remove(meshcop.PendingTimestamp)
		d.Remove(meshcop.DelayTimer)
	} else if v, ok := tlv.Uint32(d.Bytes(), meshcop.DelayTimer); ok {
		left := max(0, int64(min(v, delayMax))-int64(now.Sub(h.updated)/time.Millisecond))
		old, _ := d.Find(meshcop.DelayTimer)
		old[0], old[1], old[2], old[3] = byte(left>>24), byte(left>>16), byte(left>>8), byte(left)
	}
	return d, true
}

// restore begins with what is saved. It reports whether there is something.
func (h *holder) restore(now machine.Time) bool {
	d, _ := h.read(now)
	h.restoreFrom(now, &d)
	return len(h.saved) > 0
}

func (h *holder) restoreFrom(now machine.Time, d *meshcop.Dataset) {
	h.timer, h.network, h.local = machine.Never, meshcop.NoTimestamp, meshcop.NoTimestamp
	if len(d.Bytes()) == 0 {
		return
	}
	h.local = d.Timestamp(h.kind())
	h.network = h.local
	if !h.isPending {
		h.apply(now, d)
	} else {
		// OpenThread does not, so that its children which were reset stay behind when their network moves.
		h.m.startDelay(now, d)
	}
	h.m.changed(now, h.isPending)
}

func (h *holder) apply(now machine.Time, d *meshcop.Dataset) bool {
	if d.Validate() != nil {
		return false
	}
	n := d.Info()
	h.m.applyInfo(now, &n)
	return true
}

func (h *holder) clear(now machine.Time) {
	h.network, h.local, h.timer = meshcop.NoTimestamp, meshcop.NoTimestamp, machine.Never
	if h.saved != nil {
		h.saved = nil
		h.m.env.Save(now, h.isPending, nil)
	}
	if h.isPending {
		h.m.delay = machine.Never
	}
	h.m.changed(now, h.isPending)
}

// take takes over what the network says. An older dataset than ours makes us ask the leader to take ours.
func (h *holder) take(now machine.Time, d *meshcop.Dataset, older bool) bool {
	if t := d.Timestamp(h.kind()); t != meshcop.NoTimestamp {
		h.network = t
		if !h.isPending && !h.apply(now, d) {
			return false
		}
	}
	switch c := h.network.Compare(h.local); {
	case c > 0 || older:
		h.save(now, d)
		h.m.env.IncrementVersion(now, true)
	case c < 0:
		h.timer = now.Add(sendSetDelay)
	}
	h.m.changed(now, h.isPending)
	return true
}

// set takes over what this node's user says.
func (h *holder) set(now machine.Time, d *meshcop.Dataset) {
	h.save(now, d)
	switch env := h.m.env; {
	case env.Disabled():
		h.restoreFrom(now, d)
	case env.Leader():
		h.restoreFrom(now, d)
		env.IncrementVersion(now, true)
	case env.Attached():
		h.sync(now, d)
	}
	h.m.changed(now, h.isPending)
}

func (h *holder) save(now machine.Time, d *meshcop.Dataset) {
	h.saved = slices.Clone(d.Bytes())
	if len(d.Bytes()) == 0 {
		h.saved = nil
	}
	h.m.env.Save(now, h.isPending, h.saved)
	h.local = d.Timestamp(h.kind())
	h.updated = now
	if h.isPending {
		h.m.startDelay(now, d)
	}
}

func (h *holder) expire(now machine.Time) {
	if h.timer > now {
		return
	}
	h.timer = machine.Never
	if d, ok := h.read(now); ok {
		h.sync(now, &d)
	}
}
