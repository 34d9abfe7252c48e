package netdata

import (
	"bytes"

	"heddle.example/machine"
	"heddle.example/thread/status"
)

func (r *registry) freeService() (uint8, bool) {
	if r.ids == nil {
		return 0, true
	}
	var used uint16
	for t, ok := next(r.b, 0, kindService); ok; t, ok = next(r.b, t.end, kindService) {
		used |= 1 << t.serviceID(r.b)
	}
	for id := range uint8(16) {
		if used&(1<<id) == 0 {
			return id, true
		}
	}
	return 0, false
}

func (r *registry) freeContext() (uint8, bool) {
	if r.ids == nil {
		return 1, true
	}
	for id := 1; id < len(r.ids); id++ {
		if r.ids[id] == 0 {
			return uint8(id), true
		}
	}
	return 0, false
}

func (r *registry) useContext(id uint8) {
	if r.ids != nil {
		r.ids[id] = machine.Never
	}
}

// retireContext lets senders forget a context; its number is free after the reuse delay.
func (r *registry) retireContext(now machine.Time, id uint8) {
	if r.ids != nil && r.ids[id] == machine.Never {
		r.ids[id] = now.Add(r.reuse)
		r.next = min(r.next, r.ids[id])
	}
}

// expire frees the context numbers that are due, and reports whether the data changed.
func (r *registry) expire(now machine.Time) (changed bool) {
	r.next = machine.Never
	for id := range r.ids {
		switch at := r.ids[id]; {
		case at == 0 || at == machine.Never:
		case at <= now:
			r.ids[id] = 0
			r.removeContext(uint8(id))
			changed = true
		default:
			r.next = min(r.next, at)
		}
	}
	return changed
}

func (r *registry) removeContext(id uint8) {
	for i := 0; ; {
		t, ok := next(r.b, i, kindPrefix)
		if !ok {
			return
		}
		for j := t.sub; ; {
			c, ok := t.next(r.b, j, kindContext)
			if !ok {
				break
			}
			if j = c.end; r.b[c.at+2]&0x0f == id {
				r.removeTLV(c, &t)
				j = c.at
			}
		}
		if i = t.end; r.settle(t) {
			i = t.at
		}
	}
}

// setCommissioning replaces the Commissioning Data TLV, which is last.
func (r *registry) setCommissioning(value []byte) error {
	old, has := next(r.b, 0, kindCommissioning)
	need := 2 + len(value)
	if has {
		need = max(0, need-old.size())
	}
	if len(value) > 255 || !r.room(need) {
		return status.NoBufs
	}
	if has {
		if v := old.value(r.b); bytes.Equal(v, value) && old.end == len(r.b) {
			return nil
		}
		r.removeTLV(old, nil)
	}
	r.b = append(append(r.b, kindCommissioning<<1, byte(len(value))), value...)
	return nil
}
