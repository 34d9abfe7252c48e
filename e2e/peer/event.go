package peer

import (
	"fmt"
	"strconv"
	"strings"
)

// Event is one line of JSON that a peer printed.
type Event map[string]any

// Field returns a field as text; "value.9" goes into nested objects and "points.-1"
// into lists, where -1 is the last. A missing one is "".
func (e Event) Field(name string) string {
	var v any = map[string]any(e)
	for part := range strings.SplitSeq(name, ".") {
		switch in := v.(type) {
		case map[string]any:
			found, ok := in[part]
			if !ok {
				return ""
			}
			v = found
		case []any:
			i, err := strconv.Atoi(part)
			if i < 0 {
				i += len(in)
			}
			if err != nil || i < 0 || i >= len(in) {
				return ""
			}
			v = in[i]
		default:
			return ""
		}
	}
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		return v
	}
	return fmt.Sprint(v)
}

func (e Event) is(name string, fields []string) bool {
	if e.Field("event") != name {
		return false
	}
	for _, f := range fields {
		field, want, _ := strings.Cut(f, "=")
		if e.Field(field) != want {
			return false
		}
	}
	return true
}
