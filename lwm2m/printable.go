package lwm2m

import "unicode/utf8"

// Printable reports whether b is UTF-8 without control characters, so that it can do no harm in a log or on a page. The
// separators and marks that change the direction of text count as controls.
func Printable(b []byte) bool {
	for i := 0; i < len(b); {
		if c := b[i]; c < utf8.RuneSelf {
			if c < 0x20 || c == 0x7F {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n <= 1, r >= 0x80 && r < 0xA0, r >= 0x2028 && r <= 0x202E, r >= 0x2066 && r <= 0x2069,
			r == 0x061C || r == 0x200E || r == 0x200F || r == 0xFEFF:
			return false
		}
		i += n
	}
	return true
}

// Clean makes hostile text fit for the operator's log: cut to a number of bytes, and everything unprintable replaced.
func Clean(b []byte, most int) string {
	if len(b) > most {
		b = b[:most]
	}
	if Printable(b) {
		return string(b)
	}
	out := make([]byte, len(b))
	for i, c := range b {
		if c < 0x20 || c >= 0x7F {
			c = '.'
		}
		out[i] = c
	}
	return string(out)
}
