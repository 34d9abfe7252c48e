// Package values turns LwM2M values into JSON and back, in the shapes of the REST API: numbers as numbers, opaque values
// in hexadecimal, times in RFC 3339, object links as "3:0".
package values

import (
	"encoding/hex"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"heddle.example/lwm2m"
)

// TypeName is a kind's name in the API: "integer", "unsigned", "objlink", ...
func TypeName(k lwm2m.Kind) string {
	switch k {
	case lwm2m.String:
		return "string"
	case lwm2m.Integer:
		return "integer"
	case lwm2m.Unsigned:
		return "unsigned"
	case lwm2m.Float:
		return "float"
	case lwm2m.Boolean:
		return "boolean"
	case lwm2m.Opaque:
		return "opaque"
	case lwm2m.Time:
		return "time"
	case lwm2m.Objlink:
		return "objlink"
	case lwm2m.Corelnk:
		return "corelnk"
	}
	return "none"
}

// ParseType is the reverse of TypeName.
func ParseType(s string) (lwm2m.Kind, bool) {
	for k := lwm2m.None; k <= lwm2m.Corelnk; k++ {
		if TypeName(k) == s {
			return k, true
		}
	}
	return lwm2m.None, false
}

// JSON is a value that encodes itself.
type JSON struct{ lwm2m.Value }

// MarshalJSON implements json.Marshaler.
func (v JSON) MarshalJSON() ([]byte, error) { return Append(nil, v.Value), nil }

// Append appends a value as JSON. A float that JSON has no number for becomes a string.
func Append(dst []byte, v lwm2m.Value) []byte {
	switch v.Kind() {
	case lwm2m.String, lwm2m.Corelnk:
		return AppendString(dst, v.Raw())
	case lwm2m.Integer:
		n, _ := v.AsInt()
		return strconv.AppendInt(dst, n, 10)
	case lwm2m.Unsigned:
		n, _ := v.AsUint()
		return strconv.AppendUint(dst, n, 10)
	case lwm2m.Float:
		f, _ := v.AsFloat()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return AppendString(dst, strconv.FormatFloat(f, 'g', -1, 64))
		}
		return appendFloat(dst, f)
	case lwm2m.Boolean:
		b, _ := v.AsBool()
		return strconv.AppendBool(dst, b)
	case lwm2m.Opaque:
		dst = append(dst, '"')
		dst = hex.AppendEncode(dst, []byte(v.Raw()))
		return append(dst, '"')
	case lwm2m.Time:
		n, _ := v.AsInt()
		return appendTime(dst, n)
	case lwm2m.Objlink:
		dst = append(dst, '"')
		dst = v.AppendText(dst)
		return append(dst, '"')
	}
	return append(dst, "null"...)
}

// appendFloat writes as encoding/json does.
func appendFloat(dst []byte, f float64) []byte {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

// yearMost keeps RFC 3339's four digits of a year.
const (
	timeLeast = -62167219200 // 0000-01-01
	timeMost  = 253402300799 // 9999-12-31T23:59:59Z
)

// appendTime writes seconds beyond RFC 3339's years as a number.
func appendTime(dst []byte, seconds int64) []byte {
	if seconds < timeLeast || seconds > timeMost {
		return strconv.AppendInt(dst, seconds, 10)
	}
	dst = append(dst, '"')
	dst = time.Unix(seconds, 0).UTC().AppendFormat(dst, time.RFC3339)
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"

// AppendString appends a JSON string that is safe within HTML too. Bytes that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' && c != 0x7f {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == '\u2028' || r == '\u2029' {
			dst = append(dst, s[start:i]...)
			switch r {
			case '\u2028':
				dst = append(dst, `\u2028`...)
			case '\u2029':
				dst = append(dst, `\u2029`...)
			default:
				dst = append(dst, `\ufffd`...)
			}
			i += n
			start = i
			continue
		}
		i += n
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
