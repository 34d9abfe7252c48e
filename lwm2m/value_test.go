package lwm2m

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
)

// One table drives text, its reading, and what people and JSON see.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		v    Value
		kind Kind
		text string
		show string
		json string
	}{
		{Value{}, None, "", "", "null"},
		{Str("é\"x"), String, "é\"x", "é\"x", `"é\"x"`},
		{Int(math.MinInt64), Integer, "-9223372036854775808", "-9223372036854775808", "-9223372036854775808"},
		{Uint(math.MaxUint64), Unsigned, "18446744073709551615", "18446744073709551615", "18446744073709551615"},
		{Num(-28.99), Float, "-28.99", "-28.99", "-28.99"},
		{Num(20), Float, "20.0", "20.0", "20"},
		{Num(1e21), Float, "1e+21", "1e+21", "1e+21"},
		{Num(math.Copysign(0, -1)), Float, "-0.0", "-0.0", "-0"},
		{Num(5e-324), Float, "5e-324", "5e-324", "5e-324"},
		{Bool(true), Boolean, "1", "true", "true"},
		{Bool(false), Boolean, "0", "false", "false"},
		{Bytes([]byte{0, 0xFB, 0xFF}), Opaque, "APv/", "00fbff", `"APv/"`},
		{TimeValue(1367491215), Time, "1367491215", "2013-05-02T10:40:15Z", "1367491215"},
		{ObjectLink(66, 1), Objlink, "66:1", "66:1", `"66:1"`},
		{ObjectLink(NoID, NoID), Objlink, "65535:65535", "65535:65535", `"65535:65535"`},
		{Core("</1>"), Corelnk, "</1>", "</1>", `"\u003c/1\u003e"`},
	} {
		if c.v.Kind() != c.kind || string(c.v.AppendText(nil)) != c.text || c.v.String() != c.show {
			t.Errorf("%v: text %q, shown %q", c.v.Kind(), c.v.AppendText(nil), c.v)
		}
		if b, err := json.Marshal(c.v.Any()); err != nil || string(b) != c.json {
			t.Errorf("%v %v in JSON: %s, %v", c.v.Kind(), c.v, b, err)
		}
		if c.kind == None {
			continue
		}
		if v, err := ParseText(c.kind, c.text); err != nil || !v.Equal(c.v) || v != c.v {
			t.Errorf("ParseText(%v, %q) = %v, %v", c.kind, c.text, v, err)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, ok := Num(f).Any().(string); !ok {
			t.Errorf("%v is no string in JSON", f)
		}
	}
}

func TestParseTextRefuses(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		text string
	}{
		{String, "\xff"}, {Integer, ""}, {Integer, "1.0"}, {Integer, "9223372036854775808"}, {Unsigned, "-1"}, {Float, ""},
		{Float, "0x1p-2"}, {Float, "1_0"}, {Float, "Inf"}, {Float, "nan"}, {Boolean, "2"}, {Boolean, "true"}, {Opaque, "A"},
		{Opaque, "A*=="}, {Time, "now"}, {Objlink, "1"}, {Objlink, ":"}, {Objlink, "1:65536"}, {Objlink, "-1:0"},
	} {
		if v, err := ParseText(c.kind, c.text); !errors.Is(err, ErrKind) {
			t.Errorf("ParseText(%v, %q) = %v, %v", c.kind, c.text, v, err)
		}
	}
	for _, text := range []string{"-_8=", "-_8", "+/8=", "+/8"} {
		if v, err := ParseText(Opaque, text); err != nil || v != Bytes([]byte{0xFB, 0xFF}) {
			t.Errorf("base64 %q = %v, %v", text, v, err)
		}
	}
}

func TestConvert(t *testing.T) {
	for _, c := range []struct {
		v    Value
		kind Kind
		want Value // None: refused
	}{
		{Int(5), Integer, Int(5)},
		{Int(5), Float, Num(5)},
		{Int(5), Unsigned, Uint(5)},
		{Int(5), Time, TimeValue(5)},
		{Int(-5), Unsigned, Value{}},
		{Int(5), Boolean, Value{}},
		{Int(5), String, Value{}},
		{Uint(math.MaxUint64), Integer, Value{}},
		{Uint(math.MaxUint64), Float, Num(0x1p64)},
		{Num(5), Integer, Int(5)},
		{Num(5.5), Integer, Value{}},
		{Num(math.NaN()), Integer, Value{}},
		{Num(0x1p63), Integer, Value{}},
		{Num(-0x1p63), Integer, Int(math.MinInt64)},
		{Num(0x1p63), Unsigned, Uint(1 << 63)},
		{Num(0x1p64), Unsigned, Value{}},
		{Num(math.Inf(1)), Unsigned, Value{}},
		{Str("</>"), Corelnk, Core("</>")},
		{Core("</>"), String, Str("</>")},
		{Bytes([]byte("x")), String, Value{}},
		{TimeValue(7), Integer, Int(7)},
		{Value{}, String, Value{}},
	} {
		got, err := c.v.Convert(c.kind)
		if got != c.want || (err == nil) == c.want.IsNone() || err != nil && !errors.Is(err, ErrKind) {
			t.Errorf("%v %v as %v: %v, %v", c.v.Kind(), c.v, c.kind, got, err)
		}
	}
}

func TestGetAndSort(t *testing.T) {
	p, q := MustPath("/3/0/9"), MustPath("/3/0/7/0")
	entries := []Entry{{p, Int(2), 20}, {p, Int(1), 10}, {q, Int(3), 0}}
	Sort(entries)
	if entries[0].Path != q || entries[1].Time != 10 {
		t.Fatalf("sorted: %v", entries)
	}
	if v, ok := Get(entries, p); !ok || v != Int(2) {
		t.Errorf("newest is %v, %v", v, ok)
	}
	if _, ok := Get(entries, MustPath("/3/0/8")); ok {
		t.Error("there is no /3/0/8")
	}
}

func TestKindsAndOperations(t *testing.T) {
	for k := None; k <= Corelnk; k++ {
		if got, ok := ParseKind(k.String()); !ok || got != k {
			t.Errorf("ParseKind(%q) = %v, %v", k, got, ok)
		}
	}
	if _, ok := ParseKind("Double"); ok {
		t.Error("Double is a kind")
	}
	for _, s := range []string{"", "R", "W", "RW", "E"} {
		if ops, ok := ParseOperations(s); !ok || ops.String() != s {
			t.Errorf("operations %q are %v, %v", s, ops, ok)
		}
	}
	if ops, _ := ParseOperations("RW"); !ops.Has(Read) || !ops.Has(Write) || ops.Has(Execute) {
		t.Error("RW")
	}
}
