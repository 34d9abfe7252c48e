package netdata

import "heddle.example/thread/status"

// Validate checks what a node wants to register: well-formed TLVs, no prefix or service twice, and only entries of its own.
func Validate(d Data, rloc16 uint16) error {
	for i := 0; i < len(d); {
		t, ok := ReadItem(d, i, len(d))
		if !ok {
			return status.Parse
		}
		before := d[:i]
		i = t.End
		if t.Kind != KindPrefix && t.Kind != KindService {
			continue
		}
		if t, ok = t.Fixed(d); !ok {
			return status.Parse
		}
		if t.Kind == KindPrefix {
			_, ok = before.FindPrefix(t.Prefix(d), t.Bits(d))
		} else {
			_, ok = before.FindService(t.Enterprise(d), t.ServiceData(d))
		}
		if ok || !t.ownEntries(d, rloc16) {
			return status.Parse
		}
	}
	return nil
}

// ownEntries reports whether the sub-TLVs are well-formed, one of a kind and stability with one entry, all of rloc16.
func (t Item) ownEntries(d Data, rloc16 uint16) bool {
	var seen [2 * (KindServer + 1)]bool
	some := false
	for i := t.Sub; i < t.End; {
		s, ok := ReadItem(d, i, t.End)
		if !ok {
			return false
		}
		i = s.End
		v, size := s.Value(d), 0
		switch {
		case t.Kind == KindPrefix && (s.Kind == KindBorderRouter || s.Kind == KindHasRoute):
			if size = EntrySize(s.Kind); len(v) != size {
				return false
			}
		case t.Kind == KindService && s.Kind == KindServer:
			if len(v) < 2 || seen[2*KindServer] || seen[2*KindServer+1] {
				return false
			}
		default:
			continue
		}
		at := 2 * int(s.Kind)
		if s.Stable {
			at++
		}
		if seen[at] || EntryRLOC16(v) != rloc16 {
			return false
		}
		seen[at], some = true, true
	}
	return some
}
