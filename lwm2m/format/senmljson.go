package format

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"heddle.example/lwm2m"
)

// maxNesting is how deep values of fields that we pass over may nest.
const maxNesting = 16

// jsonScanner walks over one JSON text (RFC 8259) that is known to be UTF-8. Its methods report false where the text is
// not what they look for; the position is then where it went wrong.
type jsonScanner struct {
	s string
	i int
}

func (j *jsonScanner) space() {
	for j.i < len(j.s) {
		switch j.s[j.i] {
		case ' ', '\t', '\r', '\n':
			j.i++
		default:
			return
		}
	}
}

// next passes over blanks and then takes c.
func (j *jsonScanner) next(c byte) bool {
	j.space()
	if j.i < len(j.s) && j.s[j.i] == c {
		j.i++
		return true
	}
	return false
}

// string reads a string. Without escapes it is a part of the text itself.
func (j *jsonScanner) string() (string, bool) {
	if !j.next('"') {
		return "", false
	}
	start := j.i
	for ; j.i < len(j.s); j.i++ {
		switch c := j.s[j.i]; {
		case c == '"':
			j.i++
			return j.s[start : j.i-1], true
		case c == '\\':
			return j.escaped(start)
		case c < 0x20:
			return "", false
		}
	}
	return "", false
}

// escaped goes on with a string that has an escape at j.i.
func (j *jsonScanner) escaped(start int) (string, bool) {
	var b strings.Builder
	b.WriteString(j.s[start:j.i])
	for j.i < len(j.s) {
		c := j.s[j.i]
		j.i++
		switch {
		case c == '"':
			return b.String(), true
		case c < 0x20:
			return "", false
		case c != '\\':
			b.WriteByte(c)
			continue
		}
		if j.i == len(j.s) {
			return "", false
		}
		c = j.s[j.i]
		j.i++
		switch c {
		case '"', '\\', '/':
			b.WriteByte(c)
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r, ok := j.hex4()
			if ok && utf16.IsSurrogate(r) {
				// Half a pair is no character; nothing sensible can be stored for it.
				if !strings.HasPrefix(j.s[j.i:], `\u`) {
					return "", false
				}
				j.i += 2
				var low rune
				if low, ok = j.hex4(); ok {
					r = utf16.DecodeRune(r, low)
					ok = r != utf8.RuneError
				}
			}
			if !ok {
				return "", false
			}
			b.WriteRune(r)
		default:
			return "", false
		}
	}
	return "", false
}

func (j *jsonScanner) hex4() (r rune, ok bool) {
	if len(j.s)-j.i < 4 {
		return 0, false
	}
	for range 4 {
		c := j.s[j.i]
		switch {
		case c-'0' <= 9:
			c -= '0'
		case (c|0x20)-'a' <= 5:
			c = (c | 0x20) - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
		j.i++
	}
	return r, true
}

// number reads a number as an Integer where it is one, an Unsigned above that, else a Float.
func (j *jsonScanner) number() (lwm2m.Value, bool) {
	j.space()
	start, i := j.i, j.i
	negative := i < len(j.s) && j.s[i] == '-'
	if negative {
		i++
	}
	digits := i
	var n uint64
	for i < len(j.s) && j.s[i]-'0' <= 9 {
		n = n*10 + uint64(j.s[i]-'0')
		i++
	}
	if i == digits || j.s[digits] == '0' && i > digits+1 {
		return lwm2m.Value{}, false
	}
	whole := true
	if i < len(j.s) && j.s[i] == '.' {
		whole = false
		if i++; i == len(j.s) || j.s[i]-'0' > 9 {
			return lwm2m.Value{}, false
		}
		for i < len(j.s) && j.s[i]-'0' <= 9 {
			i++
		}
	}
	if i < len(j.s) && j.s[i]|0x20 == 'e' {
		whole = false
		if i++; i < len(j.s) && (j.s[i] == '+' || j.s[i] == '-') {
			i++
		}
		if i == len(j.s) || j.s[i]-'0' > 9 {
			return lwm2m.Value{}, false
		}
		for i < len(j.s) && j.s[i]-'0' <= 9 {
			i++
		}
	}
	j.i = i
	if whole && i-digits < 19 { // no overflow
		if negative {
			return lwm2m.Int(-int64(n)), true
		}
		return lwm2m.Int(int64(n)), true
	}
	if whole {
		if n, err := strconv.ParseInt(j.s[start:i], 10, 64); err == nil {
			return lwm2m.Int(n), true
		}
		if n, err := strconv.ParseUint(j.s[start:i], 10, 64); err == nil {
			return lwm2m.Uint(n), true
		}
	}
	f, err := strconv.ParseFloat(j.s[start:i], 64)
	return lwm2m.Num(f), err == nil
}

func (j *jsonScanner) bool() (b, ok bool) {
	j.space()
	switch rest := j.s[j.i:]; {
	case strings.HasPrefix(rest, "true"):
		j.i += 4
		return true, true
	case strings.HasPrefix(rest, "false"):
		j.i += 5
		return false, true
	}
	return false, false
}

// skip passes over any value.
func (j *jsonScanner) skip(nesting int) bool {
	j.space()
	if j.i == len(j.s) || nesting == 0 {
		return false
	}
	switch c := j.s[j.i]; c {
	case '"':
		_, ok := j.string()
		return ok
	case 't', 'f':
		_, ok := j.bool()
		return ok
	case 'n':
		ok := strings.HasPrefix(j.s[j.i:], "null")
		j.i += 4
		return ok
	case '[', '{':
		j.i++
		if j.next(c + 2) { // the closing bracket of both is two further in ASCII
			return true
		}
		for {
			if c == '{' {
				if _, ok := j.string(); !ok || !j.next(':') {
					return false
				}
			}
			if !j.skip(nesting - 1) {
				return false
			}
			if j.next(c + 2) {
				return true
			}
			if !j.next(',') {
				return false
			}
		}
	}
	_, ok := j.number()
	return ok
}

// senmlJSON reads application/senml+json (110).
func (d *decoder) senmlJSON(s string) error {
	j := jsonScanner{s: s}
	bad := func() error { return fmt.Errorf("%w: SenML JSON at byte %d", ErrMalformed, min(j.i, len(s))) }
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: SenML JSON is not UTF-8", ErrMalformed)
	}
	if !j.next('[') {
		return bad()
	}
	var pk pack
	if !j.next(']') {
		for {
			var r record
			if !j.record(&pk, &r) {
				return bad()
			}
			if err := d.senml(&pk, &r); err != nil {
				return err
			}
			if j.next(']') {
				break
			}
			if !j.next(',') {
				return bad()
			}
		}
	}
	if j.space(); j.i < len(s) {
		return bad()
	}
	return nil
}

// record reads one object of the array.
func (j *jsonScanner) record(pk *pack, r *record) bool {
	if !j.next('{') {
		return false
	}
	if j.next('}') {
		return true
	}
	for {
		label, ok := j.string()
		if !ok || !j.next(':') || !j.field(label, pk, r) {
			return false
		}
		if j.next('}') {
			return true
		}
		if !j.next(',') {
			return false
		}
	}
}

// field reads the value behind a label.
func (j *jsonScanner) field(label string, pk *pack, r *record) (ok bool) {
	switch label {
	case "n":
		r.name, ok = j.string()
		return ok && r.set(fieldName)
	case "bn":
		pk.baseName, ok = j.string()
		return ok && r.set(fieldBaseName)
	case "v":
		r.value, ok = j.number()
		return ok && r.set(fieldValue)
	case "vs":
		s, ok := j.string()
		r.value = lwm2m.Str(s)
		return ok && r.set(fieldValue)
	case "vb":
		b, ok := j.bool()
		r.value = lwm2m.Bool(b)
		return ok && r.set(fieldValue)
	case "vd", "vlo":
		kind := lwm2m.Opaque
		if label == "vlo" {
			kind = lwm2m.Objlink
		}
		s, ok := j.string()
		if !ok {
			return false
		}
		var err error
		r.value, err = lwm2m.ParseText(kind, s)
		return err == nil && r.set(fieldValue)
	case "t":
		v, _ := j.number()
		r.time, ok = nanoseconds(v)
		return ok && r.set(fieldTime)
	case "bt":
		v, _ := j.number()
		pk.baseTime, ok = nanoseconds(v)
		pk.timed = true
		return ok && r.set(fieldBaseTime)
	case "bver":
		v, _ := j.number()
		n, ok := v.AsInt()
		return ok && n <= senmlVersion
	case "bv", "s", "bs":
		// LwM2M has no base values and sums; passing them over would change values.
		return false
	}
	// RFC 8428 section 4.4: a label that ends with "_" must be understood, others may be passed over.
	return !strings.HasSuffix(label, "_") && j.skip(maxNesting)
}

// senmlVersion is the version of SenML that RFC 8428 defines.
const senmlVersion = 10

// appendSenMLJSON appends entries below base.
func appendSenMLJSON(dst []byte, base lwm2m.Path, entries []lwm2m.Entry) ([]byte, error) {
	var buf, nameBuf [24]byte
	bn := appendBaseName(buf[:0], base, entries)
	bt, shared := sharedTime(entries)
	dst = append(dst, '[')
	for i := range entries {
		e := &entries[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		if i == 0 && len(bn) > 0 {
			dst = append(dst, `"bn":"`...)
			dst = append(dst, bn...)
			dst = append(dst, `",`...)
		}
		if i == 0 && shared && bt != 0 {
			dst = append(dst, `"bt":`...)
			dst = append(appendSeconds(dst, bt), ',')
		}
		if name := e.Path.Append(nameBuf[:0]); len(name) > len(bn) {
			dst = append(dst, `"n":"`...)
			dst = append(dst, name[len(bn):]...)
			dst = append(dst, `",`...)
		}
		if !shared && e.Time != 0 {
			dst = append(dst, `"t":`...)
			dst = append(appendSeconds(dst, e.Time), ',')
		}
		var err error
		if dst, err = appendJSONValue(dst, e); err != nil {
			return dst, err
		}
		if dst[len(dst)-1] == ',' {
			dst = dst[:len(dst)-1]
		}
		dst = append(dst, '}')
	}
	return append(dst, ']'), nil
}

func appendJSONValue(dst []byte, e *lwm2m.Entry) ([]byte, error) {
	v := e.Value
	switch v.Kind() {
	case lwm2m.None:
		return dst, nil
	case lwm2m.String, lwm2m.Corelnk:
		if !utf8.ValidString(v.Raw()) {
			return dst, fmt.Errorf("%w: %s is not UTF-8", ErrType, e.Path)
		}
		return appendJSONString(append(dst, `"vs":`...), v.Raw()), nil
	case lwm2m.Float:
		if f, _ := v.AsFloat(); math.IsNaN(f) || math.IsInf(f, 0) {
			return dst, fmt.Errorf("%w: JSON has no number for %s = %v", ErrType, e.Path, f)
		}
		return v.AppendText(append(dst, `"v":`...)), nil
	case lwm2m.Boolean:
		b, _ := v.AsBool()
		return strconv.AppendBool(append(dst, `"vb":`...), b), nil
	case lwm2m.Opaque:
		dst = append(dst, `"vd":"`...)
		dst = base64.RawURLEncoding.AppendEncode(dst, []byte(v.Raw()))
		return append(dst, '"'), nil
	case lwm2m.Objlink:
		dst = v.AppendText(append(dst, `"vlo":"`...))
		return append(dst, '"'), nil
	}
	return v.AppendText(append(dst, `"v":`...)), nil
}

func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// appendSeconds appends nanoseconds as decimal seconds, exactly.
func appendSeconds(dst []byte, ns int64) []byte {
	u := uint64(ns)
	if ns < 0 {
		dst, u = append(dst, '-'), -u
	}
	dst = strconv.AppendUint(dst, u/1e9, 10)
	if frac := u % 1e9; frac > 0 {
		dst = append(dst, '.')
		for div := uint64(1e8); frac > 0; div /= 10 {
			dst = append(dst, byte('0'+frac/div))
			frac %= div
		}
	}
	return dst
}
