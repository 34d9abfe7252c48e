package format

import (
	"fmt"
	"math"

	"heddle.example/lwm2m"
)

// relativeTime is where SenML's absolute times begin: what is below counts from now (RFC 8428 section 4.5.3).
const relativeTime = 1 << 28

// record is one SenML record (RFC 8428 section 4), of which the base fields last.
type record struct {
	name  string
	value lwm2m.Value // of a natural kind: String, Integer, Unsigned, Float, Boolean, Opaque, Objlink
	time  int64       // nanoseconds
	seen  field
}

// field is a set of SenML fields.
type field uint16

const (
	fieldBaseName field = 1 << iota
	fieldBaseTime
	fieldName
	fieldTime
	fieldValue
	fieldOther
)

// pack is what lasts from record to record.
type pack struct {
	baseName string
	baseTime int64
	timed    bool // a base time was said
	null     bool // a value may be null: the ETCH formats in a patch (RFC 8790 section 3.2)
}

// set notes that a field was seen; a field twice in one record is refused.
func (r *record) set(f field) bool {
	if r.seen&f != 0 {
		return false
	}
	r.seen |= f
	return true
}

// senml takes in one resolved record.
func (d *decoder) senml(pk *pack, r *record) error {
	// RFC 8428 section 4.6: base name and name are simply put together.
	p, ok := lwm2m.JoinPath(pk.baseName, r.name)
	if !ok {
		return fmt.Errorf("%w: SenML name %.40q%.40q is no path", ErrMalformed, pk.baseName, r.name)
	}
	if !p.HasPrefix(d.base) {
		return fmt.Errorf("%w: %s in %s", ErrPath, p, d.base)
	}
	at := pk.baseTime + r.time
	if (pk.timed || r.seen&fieldTime != 0) && at < relativeTime*1e9 {
		at += d.o.Now
	}
	switch {
	case r.seen&fieldValue == 0:
		if d.o.Patch {
			return fmt.Errorf("%w: no value at %s", ErrMalformed, p)
		}
		return d.add(p, lwm2m.Value{}, 0)
	case r.value.IsNone(): // null
		if p.Depth() < 4 {
			return fmt.Errorf("%w: null at %s, which is no resource instance", ErrMalformed, p)
		}
		return d.add(p, lwm2m.Value{}, 0)
	case p.Depth() < 3:
		return fmt.Errorf("%w: a value at %s", ErrMalformed, p)
	}
	return d.value(p, r.value, at)
}

// nanoseconds turns a SenML time into nanoseconds; a float to the microsecond, which is what a float64 holds.
func nanoseconds(v lwm2m.Value) (int64, bool) {
	// Up to the year 2106, so that the sum of a base time, a time and the present is an int64.
	if n, ok := v.AsInt(); ok {
		return n * 1e9, n > -(1<<32) && n < 1<<32
	}
	f, ok := v.AsFloat()
	if !ok || !(f > -(1<<32) && f < 1<<32) {
		return 0, false
	}
	return int64(math.Round(float64(f*1e6))) * 1e3, true
}

// appendBaseName appends what encoders put in bn: "/3/0/" for a container, the whole path for a single value, nothing
// for the root. The name of an entry is its path without that.
func appendBaseName(dst []byte, base lwm2m.Path, entries []lwm2m.Entry) []byte {
	if base.Depth() == 0 {
		return dst
	}
	dst = base.Append(dst)
	for i := range entries {
		if entries[i].Path != base {
			return append(dst, '/')
		}
	}
	return dst
}

// sharedTime returns the time that all entries have, so that it stands there once.
func sharedTime(entries []lwm2m.Entry) (at int64, shared bool) {
	if len(entries) == 0 {
		return 0, true
	}
	at = entries[0].Time
	for i := range entries {
		if entries[i].Time != at {
			return 0, false
		}
	}
	return at, true
}
