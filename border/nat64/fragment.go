package nat64

import (
	"time"

	"heddle.example/machine"
)

// fragment remembers to which mapping the later fragments of a packet belong: only the first has ports.
type fragment struct {
	src   key6 // with the family of the packet for a protocol
	dst   [4]byte
	id    uint32
	slot  uint32
	key   key6 // of the mapping: its slot may be another's by then
	until machine.Time
}

// fragmentLife is how long later fragments are waited for (RFC 6146: FRAGMENT_MIN is 2 s).
const fragmentLife = 2 * time.Second

// rememberFragment notes the first fragment of a packet. The table is in order of time; the oldest goes when it is full.
func (t *Translator) rememberFragment(now machine.Time, src key6, dst [4]byte, id, slot uint32) {
	if len(t.fragments) >= t.c.Fragments {
		t.fragments = append(t.fragments[:0], t.fragments[1:]...)
	}
	t.fragments = append(t.fragments, fragment{src, dst, id, slot, t.slots[slot].key6, now.Add(fragmentLife)})
}

func (t *Translator) fragmentOf(src key6, dst [4]byte, id uint32) uint32 {
	for i := len(t.fragments) - 1; i >= 0; i-- {
		f := &t.fragments[i]
		if f.id == id && f.dst == dst && f.src == src && t.slots[f.slot].key6 == f.key {
			return f.slot
		}
	}
	return 0
}
