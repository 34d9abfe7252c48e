package format

import (
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

func (j *jsonScanner) null() bool {
	ok := strings.HasPrefix(j.s[j.i:], "null")
	if ok {
		j.i += 4
	}
	return ok
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
		return j.null()
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
