package netdata

import "heddle.example/thread/status"

// validate checks what a node wants to register: well-formed TLVs, no prefix or service twice, and only entries of its own.
func validate(d Data, rloc16 uint16) error {
	for i := 0; i < len(d); {
		t, ok := read(d, i, len(d))
		if !ok {
			return status.Parse
		}
		before := d[:i]
		i = t.end
		if t.kind != kindPrefix && t.kind != kindService {
			continue
		}
		if t, ok = t.fixed(d); !ok {
			return status.Parse
		}
		if t.kind == kindPrefix {
			_, ok = before.findPrefix(t.prefix(d), t.bits(d))
		} else {
			_, ok = before.findService(t.enterprise(d), t.serviceData(d))
		}
		if ok || !t.ownEntries(d, rloc16) {
			return status.Parse
		}
	}
	return nil
}

// ownEntries reports whether the sub-TLVs are well-formed, one of a kind and stability with one entry, all of rloc16.
func (t item) ownEntries(d Data, rloc16 uint16) bool {
	var seen [2 * (kindServer + 1)]bool
	some := false
	for i := t.sub; i < t.end; {
		s, ok := read(d, i, t.end)
		if !ok {
			return false
		}
		i = s.end
		v, size := s.value(d), 0
		switch {
		case t.kind == kindPrefix && (s.kind == kindBorderRouter || s.kind == kindHasRoute):
			if size = entrySize(s.kind); len(v) != size {
				return false
			}
		case t.kind == kindService && s.kind == kindServer:
			if len(v) < 2 || seen[2*kindServer] || seen[2*kindServer+1] {
				return false
			}
		default:
			continue
		}
		at := 2 * int(s.kind)
		if s.stable {
			at++
		}
		if seen[at] || rloc(v) != rloc16 {
			return false
		}
		seen[at], some = true, true
	}
	return some
}
