package values

import (
	"strconv"

	"heddle.example/lwm2m"
)

// AppendNested appends entries below a path as nested objects: {"0": {"1": v}} for an object, {"1": v, "7": {"0": v}} for
// an instance. Entries are sorted; of several times of one path the newest, which is last, counts.
func AppendNested(dst []byte, base lwm2m.Path, entries []lwm2m.Entry) []byte {
	dst, _ = appendLevel(dst, base, entries)
	return dst
}

// appendLevel writes the members below p and returns the entries that are not below p.
func appendLevel(dst []byte, p lwm2m.Path, entries []lwm2m.Entry) ([]byte, []lwm2m.Entry) {
	dst = append(dst, '{')
	first := true
	for len(entries) > 0 && entries[0].Path.HasPrefix(p) {
		if entries[0].Path.Depth() <= p.Depth() { // the container itself: empty
			entries = entries[1:]
			continue
		}
		child := entries[0].Path.Cut(p.Depth() + 1)
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, '"')
		dst = strconv.AppendUint(dst, uint64(child.ID()), 10)
		dst = append(dst, '"', ':')
		if entries[0].Path == child && !entries[0].Value.IsNone() {
			v := entries[0].Value
			for entries = entries[1:]; len(entries) > 0 && entries[0].Path == child; entries = entries[1:] {
				v = entries[0].Value
			}
			for len(entries) > 0 && entries[0].Path.HasPrefix(child) { // a value and instances of it: no device means that
				entries = entries[1:]
			}
			dst = Append(dst, v)
			continue
		}
		dst, entries = appendLevel(dst, child, entries)
	}
	return append(dst, '}'), entries
}
