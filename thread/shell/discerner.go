package shell

import (
	"strings"

	"heddle.example/thread/status"
)

// discerner parses value/bits; NotFound where there is no slash.
func discerner(a args, i int) (value uint64, bits uint8, err error) {
	if !a.has(i) {
		return 0, 0, status.InvalidArgs
	}
	v, b, ok := strings.Cut(a[i], "/")
	if !ok {
		return 0, 0, status.NotFound
	}
	if bits, err = (args{b}).u8(0); err == nil && (bits == 0 || bits > 64) {
		err = status.InvalidArgs
	}
	if err == nil {
		value, err = parseUint(v)
	}
	return value, bits, err
}
