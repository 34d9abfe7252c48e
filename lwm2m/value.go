package lwm2m

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// ErrKind is wrapped where a value cannot be of the kind asked for.
var ErrKind = errors.New("lwm2m: value is not of that type")

// Value is a typed value of a resource or resource instance. Values are immutable, keep no buffer of anyone else, and are
// equal under == exactly when kind and content are (two NaNs of the same bits are equal). The zero Value has kind None.
type Value struct {
	s    string // String, Corelnk; the bytes of Opaque
	n    uint64 // bits of all others
	kind Kind
}

// Str returns a String.
func Str(s string) Value { return Value{kind: String, s: s} }

// Int returns an Integer.
func Int(n int64) Value { return Value{kind: Integer, n: uint64(n)} }

// Uint returns an Unsigned Integer.
func Uint(n uint64) Value { return Value{kind: Unsigned, n: n} }

// Num returns a Float.
func Num(f float64) Value { return Value{kind: Float, n: math.Float64bits(f)} }

// Bool returns a Boolean.
func Bool(b bool) Value {
	if b {
		return Value{kind: Boolean, n: 1}
	}
	return Value{kind: Boolean}
}

// Bytes returns an Opaque with a copy of b.
func Bytes(b []byte) Value { return Value{kind: Opaque, s: string(b)} }

// BytesOf returns an Opaque whose bytes are those of s, without a copy.
func BytesOf(s string) Value { return Value{kind: Opaque, s: s} }

// TimeValue returns a Time in seconds since the Unix epoch.
func TimeValue(seconds int64) Value { return Value{kind: Time, n: uint64(seconds)} }

// ObjectLink returns an Objlink; (NoID, NoID) is the link to nothing.
func ObjectLink(object, instance uint16) Value {
	return Value{kind: Objlink, n: uint64(object)<<16 | uint64(instance)}
}

// Core returns a Corelnk: a text in CoRE link format.
func Core(s string) Value { return Value{kind: Corelnk, s: s} }

// Kind returns the value's kind.
func (v Value) Kind() Kind { return v.kind }

// IsNone reports whether there is no value.
func (v Value) IsNone() bool { return v.kind == None }

// AsString returns the text of a String or Corelnk.
func (v Value) AsString() (string, bool) { return v.s, v.kind == String || v.kind == Corelnk }

// AsBytes returns a copy of the bytes of an Opaque.
func (v Value) AsBytes() ([]byte, bool) { return []byte(v.s), v.kind == Opaque }

// Raw returns, without a copy, the bytes of a String, Corelnk or Opaque.
func (v Value) Raw() string { return v.s }

// AsBool returns a Boolean.
func (v Value) AsBool() (b, ok bool) { return v.n != 0, v.kind == Boolean }

// AsObjectLink returns the two identifiers of an Objlink.
func (v Value) AsObjectLink() (object, instance uint16, ok bool) {
	return uint16(v.n >> 16), uint16(v.n), v.kind == Objlink
}

// AsInt returns an Integer or Time, or an Unsigned or Float that is exactly an int64.
func (v Value) AsInt() (int64, bool) {
	switch v.kind {
	case Integer, Time:
		return int64(v.n), true
	case Unsigned:
		return int64(v.n), v.n <= math.MaxInt64
	case Float:
		f := math.Float64frombits(v.n)
		// 2^63 itself is a float64 but no int64, and NaN fails every comparison.
		if f >= -1<<63 && f < 1<<63 && f == math.Trunc(f) {
			return int64(f), true
		}
	}
	return 0, false
}

// AsUint returns an Unsigned, or an Integer, Time or Float that is exactly a uint64.
func (v Value) AsUint() (uint64, bool) {
	switch v.kind {
	case Unsigned:
		return v.n, true
	case Integer, Time:
		return v.n, int64(v.n) >= 0
	case Float:
		f := math.Float64frombits(v.n)
		if f >= 0 && f < 1<<64 && f == math.Trunc(f) {
			return uint64(f), true
		}
	}
	return 0, false
}

// AsFloat returns any number as a float64, rounded where it has more than 53 bits.
func (v Value) AsFloat() (float64, bool) {
	switch v.kind {
	case Integer, Time:
		return float64(int64(v.n)), true
	case Unsigned:
		return float64(v.n), true
	case Float:
		return math.Float64frombits(v.n), true
	}
	return 0, false
}

// Equal reports whether two values are the same in kind and content.
func (v Value) Equal(w Value) bool { return v == w }

// Convert returns the value as kind k where nothing is lost: a number to another kind of number, a String to a Corelnk,
// anything to itself.
func (v Value) Convert(k Kind) (Value, error) {
	if v.kind == k {
		return v, nil
	}
	switch k {
	case Integer:
		if n, ok := v.AsInt(); ok {
			return Int(n), nil
		}
	case Time:
		if n, ok := v.AsInt(); ok {
			return TimeValue(n), nil
		}
	case Unsigned:
		if n, ok := v.AsUint(); ok {
			return Uint(n), nil
		}
	case Float:
		if f, ok := v.AsFloat(); ok {
			return Num(f), nil
		}
	case String, Corelnk:
		if v.kind == String || v.kind == Corelnk {
			return Value{kind: k, s: v.s}, nil
		}
	}
	return Value{}, fmt.Errorf("%w: %s %s is no %s", ErrKind, v.kind, quoted(v.String()), k)
}

// String returns the value as a person reads it: an Opaque in hexadecimal, a Time in RFC 3339.
func (v Value) String() string {
	switch v.kind {
	case Opaque:
		return fmt.Sprintf("%x", v.s)
	case Time:
		return time.Unix(int64(v.n), 0).UTC().Format(time.RFC3339)
	case Boolean:
		return strconv.FormatBool(v.n != 0)
	}
	return string(v.AppendText(nil))
}

// Any returns the value for a JSON encoder: string, int64, uint64, float64 or bool; an Opaque as base64, an Objlink as
// "object:instance", a float that JSON has no number for as a string.
func (v Value) Any() any {
	switch v.kind {
	case None:
		return nil
	case Integer, Time:
		return int64(v.n)
	case Unsigned:
		return v.n
	case Float:
		if f := math.Float64frombits(v.n); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	case Boolean:
		return v.n != 0
	}
	return string(v.AppendText(nil))
}
