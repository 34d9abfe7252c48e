package offers

import (
	"bytes"

	"heddle.example/machine"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

func (r *registry) freeService() (uint8, bool) {
	if r.ids == nil {
		return 0, true
	}
	var used uint16
	for t, ok := netdata.Next(r.Bytes, 0, netdata.KindService); ok; t, ok = netdata.Next(r.Bytes, t.End, netdata.KindService) {
		used |= 1 << t.ServiceID(r.Bytes)
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
		t, ok := netdata.Next(r.Bytes, i, netdata.KindPrefix)
		if !ok {
			return
		}
		for j := t.Sub; ; {
			c, ok := t.Next(r.Bytes, j, netdata.KindContext)
			if !ok {
				break
			}
			if j = c.End; r.Bytes[c.At+2]&0x0f == id {
				r.RemoveTLV(c, &t)
				j = c.At
			}
		}
		if i = t.End; r.Settle(t) {
			i = t.At
		}
	}
}

// setCommissioning replaces the Commissioning Data TLV, which is last.
func (r *registry) setCommissioning(value []byte) error {
	old, has := netdata.Next(r.Bytes, 0, netdata.KindCommissioning)
	need := 2 + len(value)
	if has {
		need = max(0, need-old.Size())
	}
	if len(value) > 255 || !r.Room(need) {
		return status.NoBufs
	}
	if has {
		if v := old.Value(r.Bytes); bytes.Equal(v, value) && old.End == len(r.Bytes) {
			return nil
		}
		r.RemoveTLV(old, nil)
	}
	r.Bytes = append(append(r.Bytes, netdata.KindCommissioning<<1, byte(len(value))), value...)
	return nil
}
