package lwm2m

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendText appends the value as the content format text/plain has it (7.4.1, appendix C): Boolean 0 or 1, Time in
// seconds, Opaque in base64, Objlink as "object:instance".
func (v Value) AppendText(dst []byte) []byte {
	switch v.kind {
	case String, Corelnk:
		return append(dst, v.s...)
	case Integer, Time:
		return strconv.AppendInt(dst, int64(v.n), 10)
	case Unsigned, Boolean:
		return strconv.AppendUint(dst, v.n, 10)
	case Float:
		return AppendFloat(dst, math.Float64frombits(v.n))
	case Opaque:
		return base64.StdEncoding.AppendEncode(dst, []byte(v.s))
	case Objlink:
		dst = strconv.AppendUint(dst, v.n>>16, 10)
		dst = append(dst, ':')
		return strconv.AppendUint(dst, v.n&0xFFFF, 10)
	}
	return dst
}

// AppendFloat appends the shortest decimal that reads back as f, always with a point or an exponent, so that a reader
// without the object's definition sees a float.
func AppendFloat(dst []byte, f float64) []byte {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	for _, c := range dst[start:] {
		if c == '.' || c == 'e' || c > '9' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// ParseText reads what AppendText wrote, as kind k. Kind None gives a String.
func ParseText(k Kind, s string) (Value, error) {
	bad := func() (Value, error) { return Value{}, fmt.Errorf("%w: %s is no %s", ErrKind, quoted(s), k) }
	switch k {
	case None, String, Corelnk:
		if !utf8.ValidString(s) {
			return Value{}, fmt.Errorf("%w: %s is not UTF-8", ErrKind, quoted(s))
		}
		if k == None {
			k = String
		}
		return Value{kind: k, s: s}, nil
	case Integer, Time:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return bad()
		}
		return Value{kind: k, n: uint64(n)}, nil
	case Unsigned:
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return bad()
		}
		return Uint(n), nil
	case Float:
		f, ok := parseFloat(s)
		if !ok {
			return bad()
		}
		return Num(f), nil
	case Boolean:
		if s != "0" && s != "1" {
			return bad()
		}
		return Bool(s == "1"), nil
	case Opaque:
		b, ok := decodeBase64(s)
		if !ok {
			return bad()
		}
		return BytesOf(b), nil
	case Objlink:
		v, ok := parseObjectLink(s)
		if !ok {
			return bad()
		}
		return v, nil
	}
	return bad()
}

// parseFloat takes decimal numbers only: strconv alone would also take hexadecimal, underscores, "inf" and "nan".
func parseFloat(s string) (float64, bool) {
	for _, c := range []byte(s) {
		if c-'0' > 9 && c != '+' && c != '-' && c != '.' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// decodeBase64 takes both alphabets of RFC 4648, with and without padding: peers use all four.
func decodeBase64(s string) (string, bool) {
	for len(s) > 0 && s[len(s)-1] == '=' {
		s = s[:len(s)-1]
	}
	b := make([]byte, 0, len(s)*3/4)
	var bits uint32
	var have uint
	for _, c := range []byte(s) {
		var d byte
		switch {
		case c-'A' < 26:
			d = c - 'A'
		case c-'a' < 26:
			d = c - 'a' + 26
		case c-'0' <= 9:
			d = c - '0' + 52
		case c == '+' || c == '-':
			d = 62
		case c == '/' || c == '_':
			d = 63
		default:
			return "", false
		}
		bits, have = bits<<6|uint32(d), have+6
		if have >= 8 {
			have -= 8
			b = append(b, byte(bits>>have))
		}
	}
	// A single left-over character carries no whole byte.
	return string(b), have != 6
}

// parseObjectLink reads "object:instance" (appendix C).
func parseObjectLink(s string) (Value, bool) {
	for i := range len(s) {
		if s[i] != ':' {
			continue
		}
		o, err1 := strconv.ParseUint(s[:i], 10, 16)
		n, err2 := strconv.ParseUint(s[i+1:], 10, 16)
		return ObjectLink(uint16(o), uint16(n)), err1 == nil && err2 == nil
	}
	return Value{}, false
}
