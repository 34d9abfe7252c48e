package format

import (
	"fmt"
	"math"
	"unicode/utf8"

	"heddle.example/lwm2m"
)

// oldJSON reads application/vnd.oma.lwm2m+json (11543, 1543), the JSON of LwM2M 1.0 (its section 6.4.4): one object with
// a base name, a base time and a list of entries. Members come in any order, so that the list is read last.
func (d *decoder) oldJSON(s string) error {
	j := jsonScanner{s: s}
	bad := func() error { return fmt.Errorf("%w: LwM2M JSON at byte %d", ErrMalformed, min(j.i, len(s))) }
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: LwM2M JSON is not UTF-8", ErrMalformed)
	}
	if d.base.Depth() == 0 {
		return fmt.Errorf("%w: LwM2M JSON has no room for several objects", ErrPath)
	}
	var pk oldPack
	list := -1
	if !j.next('{') {
		return bad()
	}
	for first := true; !j.next('}'); first = false {
		if !first && !j.next(',') {
			return bad()
		}
		label, ok := j.string()
		if !ok || !j.next(':') {
			return bad()
		}
		switch label {
		case "bn":
			ok = !pk.named
			if pk.named = true; ok {
				pk.base, ok = j.string()
			}
		case "bt":
			v, _ := j.number()
			pk.time, ok = nanoseconds(v)
		case "e":
			if list >= 0 {
				return bad()
			}
			list = j.i
			ok = j.skip(maxNesting)
		default:
			ok = j.skip(maxNesting)
		}
		if !ok {
			return bad()
		}
	}
	if j.space(); j.i < len(s) || list < 0 {
		return bad()
	}
	if j.i = list; !j.next('[') {
		return bad()
	}
	for first := true; !j.next(']'); first = false {
		if !first && !j.next(',') {
			return bad()
		}
		var r record
		if !j.oldEntry(&r) {
			return bad()
		}
		if err := d.oldRecord(&pk, &r); err != nil {
			return err
		}
	}
	return nil
}

// oldPack is what the entries of one payload share.
type oldPack struct {
	base  string
	named bool // there is a base name; without one, names count from the path that was asked for
	time  int64
}

// oldEntry reads one entry of the list.
func (j *jsonScanner) oldEntry(r *record) bool {
	if !j.next('{') {
		return false
	}
	for first := true; !j.next('}'); first = false {
		if !first && !j.next(',') {
			return false
		}
		label, ok := j.string()
		if !ok || !j.next(':') {
			return false
		}
		switch label {
		case "n":
			r.name, ok = j.string()
			ok = ok && r.set(fieldName)
		case "v":
			r.value, ok = j.number()
			ok = ok && r.set(fieldValue)
		case "bv":
			var b bool
			b, ok = j.bool()
			r.value = lwm2m.Bool(b)
			ok = ok && r.set(fieldValue)
		case "sv":
			var s string
			s, ok = j.string()
			r.value = lwm2m.Str(s)
			ok = ok && r.set(fieldValue)
		case "ov":
			var s string
			if s, ok = j.string(); ok {
				var err error
				r.value, err = lwm2m.ParseText(lwm2m.Objlink, s)
				ok = err == nil && r.set(fieldValue)
			}
		case "t":
			v, _ := j.number()
			r.time, ok = nanoseconds(v)
			ok = ok && r.set(fieldTime)
		default:
			ok = j.skip(maxNesting)
		}
		if !ok {
			return false
		}
	}
	return r.seen&fieldValue != 0
}

// oldRecord takes in one entry.
func (d *decoder) oldRecord(pk *oldPack, r *record) error {
	base, name := pk.base, r.name
	if !pk.named && (name == "" || name[0] != '/') {
		base = d.base.String() + "/"
	}
	p, ok := lwm2m.JoinPath(base, name)
	switch {
	case !ok:
		return fmt.Errorf("%w: name %.40q%.40q is no path", ErrMalformed, base, name)
	case !p.HasPrefix(d.base):
		return fmt.Errorf("%w: %s in %s", ErrPath, p, d.base)
	case p.Depth() < 3:
		return fmt.Errorf("%w: a value at %s", ErrMalformed, p)
	}
	at := pk.time + r.time
	if timed := r.seen&fieldTime != 0; pk.time != 0 || timed {
		if pk.time == 0 && at < relativeTime*1e9 {
			at += d.o.Now // without a base time, times count from now
		}
		if at <= 0 {
			return fmt.Errorf("%w: %s has a time before 1970", ErrMalformed, p)
		}
	}
	v := r.value
	if k := d.typeOf(p); k == lwm2m.Opaque && v.Kind() == lwm2m.String {
		b, err := lwm2m.ParseText(k, v.Raw()) // opaque values are base64 in a string
		if err != nil {
			return typeError(p, k, err)
		}
		v = b
	}
	return d.value(p, v, at)
}

// appendOldJSON appends entries below base. Times count back from the newest one.
func appendOldJSON(dst []byte, base lwm2m.Path, entries []lwm2m.Entry) ([]byte, error) {
	if base.Depth() == 0 {
		return dst, fmt.Errorf("%w: LwM2M JSON has no room for several objects", ErrPath)
	}
	var buf, nameBuf [24]byte
	bn := appendBaseName(buf[:0], base, entries)
	var newest int64
	for i := range entries {
		newest = max(newest, entries[i].Time)
	}
	dst = append(append(append(dst, `{"bn":"`...), bn...), '"')
	if newest != 0 {
		dst = appendSeconds(append(dst, `,"bt":`...), newest)
	}
	dst = append(dst, `,"e":[`...)
	for i := range entries {
		e := &entries[i]
		switch {
		case e.Value.IsNone():
			return dst, fmt.Errorf("%w: LwM2M JSON cannot say that %s is empty", ErrType, e.Path)
		case newest != 0 && e.Time == 0:
			return dst, fmt.Errorf("%w: LwM2M JSON has a time for every value or for none (%s)", ErrType, e.Path)
		case i > 0:
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		if name := e.Path.Append(nameBuf[:0]); len(name) > len(bn) {
			dst = append(append(append(dst, `"n":"`...), name[len(bn):]...), `",`...)
		}
		if e.Time != newest {
			dst = append(appendSeconds(append(dst, `"t":`...), e.Time-newest), ',')
		}
		var err error
		if dst, err = appendOldValue(dst, e); err != nil {
			return dst, err
		}
		dst = append(dst, '}')
	}
	return append(dst, "]}"...), nil
}

func appendOldValue(dst []byte, e *lwm2m.Entry) ([]byte, error) {
	v := e.Value
	switch v.Kind() {
	case lwm2m.String, lwm2m.Corelnk:
		if !utf8.ValidString(v.Raw()) {
			return dst, fmt.Errorf("%w: %s is not UTF-8", ErrType, e.Path)
		}
		return appendJSONString(append(dst, `"sv":`...), v.Raw()), nil
	case lwm2m.Opaque:
		return append(v.AppendText(append(dst, `"sv":"`...)), '"'), nil
	case lwm2m.Objlink:
		return append(v.AppendText(append(dst, `"ov":"`...)), '"'), nil
	case lwm2m.Boolean:
		if b, _ := v.AsBool(); b {
			return append(dst, `"bv":true`...), nil
		}
		return append(dst, `"bv":false`...), nil
	case lwm2m.Float:
		if f, _ := v.AsFloat(); math.IsNaN(f) || math.IsInf(f, 0) {
			return dst, fmt.Errorf("%w: JSON has no number for %s = %v", ErrType, e.Path, f)
		}
	}
	return v.AppendText(append(dst, `"v":`...)), nil
}
