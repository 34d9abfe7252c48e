package values

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"heddle.example/lwm2m"
)

var p = lwm2m.MustPath

// One table drives both ways: value to JSON and back.
func TestRoundTrip(t *testing.T) {
	for _, tt := range []struct {
		v    lwm2m.Value
		json string
	}{
		{lwm2m.Str("Grüße <b>\n\x01\"\\\u2028"), `"Grüße \u003cb\u003e\n\u0001\"\\\u2028"`},
		{lwm2m.Str(""), `""`},
		{lwm2m.Int(-7), `-7`},
		{lwm2m.Int(math.MinInt64), `-9223372036854775808`},
		{lwm2m.Uint(math.MaxUint64), `18446744073709551615`},
		{lwm2m.Num(21.37), `21.37`},
		{lwm2m.Num(-1e-9), `-1e-09`},
		{lwm2m.Num(1e300), `1e+300`},
		{lwm2m.Num(20), `20`},
		{lwm2m.Num(math.Inf(1)), `"+Inf"`},
		{lwm2m.Bool(true), `true`},
		{lwm2m.Bytes([]byte{0xc0, 0xff, 0xee}), `"c0ffee"`},
		{lwm2m.Bytes(nil), `""`},
		{lwm2m.TimeValue(1_790_000_000), `"2026-09-21T14:13:20Z"`},
		{lwm2m.TimeValue(1 << 60), `1152921504606846976`},
		{lwm2m.ObjectLink(3, 0), `"3:0"`},
		{lwm2m.Core("</3/0>;x=1"), `"\u003c/3/0\u003e;x=1"`},
	} {
		got := string(Append(nil, tt.v))
		if got != tt.json || !json.Valid([]byte(got)) {
			t.Errorf("%v: %s, want %s", tt.v, got, tt.json)
		}
		back, err := Parse(p("/1/2/3"), tt.v.Kind(), json.RawMessage(got))
		if err != nil || back != tt.v {
			t.Errorf("%s: back to %v, %v", got, back, err)
		}
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		kind lwm2m.Kind
		json string
		want lwm2m.Value
	}{
		{lwm2m.None, `5`, lwm2m.Int(5)}, {lwm2m.None, `5.5`, lwm2m.Num(5.5)}, {lwm2m.None, `"x"`, lwm2m.Str("x")}, {lwm2m.None, `false`, lwm2m.Bool(false)},
		{lwm2m.Integer, `"9007199254740993"`, lwm2m.Int(9007199254740993)}, {lwm2m.Integer, `9007199254740993`, lwm2m.Int(9007199254740993)}, {lwm2m.Integer, `1e3`, lwm2m.Int(1000)},
		{lwm2m.Unsigned, `5.0`, lwm2m.Uint(5)}, {lwm2m.Float, `5`, lwm2m.Num(5)}, {lwm2m.Time, `17`, lwm2m.TimeValue(17)}, {lwm2m.Time, `"2026-09-21T16:13:20+02:00"`, lwm2m.TimeValue(1_790_000_000)},
	} {
		if got, err := Parse(p("/1/2/3"), tt.kind, json.RawMessage(tt.json)); err != nil || got != tt.want {
			t.Errorf("%v %s: %v %v, want %v", tt.kind, tt.json, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		kind lwm2m.Kind
		json string
	}{
		{lwm2m.None, `null`}, {lwm2m.None, `{}`}, {lwm2m.None, `[1]`}, {lwm2m.None, `1 2`}, {lwm2m.None, ``}, {lwm2m.String, `5`}, {lwm2m.Integer, `5.5`}, {lwm2m.Integer, `9223372036854775808`}, {lwm2m.Integer, `"x"`},
		{lwm2m.Unsigned, `-1`}, {lwm2m.Boolean, `1`}, {lwm2m.Boolean, `"true"`}, {lwm2m.Opaque, `"xyz"`}, {lwm2m.Opaque, `"abc"`}, {lwm2m.Time, `"now"`}, {lwm2m.Objlink, `"3"`}, {lwm2m.Float, `"5"`}, {lwm2m.Float, `1e999`},
	} {
		_, err := Parse(p("/1/2/3"), tt.kind, json.RawMessage(tt.json))
		var e *Error
		if !errors.As(err, &e) || e.Path != p("/1/2/3") || e.Msg == "" {
			t.Errorf("%v %s: error %v", tt.kind, tt.json, err)
		}
	}
}

// kinds knows three resources of object 3.
type kinds struct{}

func (kinds) TypeOf(q lwm2m.Path) (lwm2m.Kind, bool, bool) {
	switch q.Resource() {
	case 1:
		return lwm2m.Integer, false, true
	case 7:
		return lwm2m.Float, true, true
	case 9:
		return lwm2m.Opaque, false, true
	}
	return lwm2m.None, false, false
}

func TestResources(t *testing.T) {
	for _, tt := range []struct{ path, json, want string }{
		{"/3/0", `{"1": 5, "7": {"1": 2, "0": 1.5}, "9": "00ff", "20": "free"}`, "/3/0/1=5 /3/0/7/0=1.5 /3/0/7/1=2.0 /3/0/9=00ff /3/0/20=free "},
		{"/3", `{"2": {"1": 1}, "0": {}}`, "/3/0= /3/2/1=1 "},
		{"/3/0/7", `{"0": 1}`, "/3/0/7/0=1.0 "},
		{"/3/0/20", `{"0": true, "3": 4}`, "/3/0/20/0=true /3/0/20/3=4 "},
		{"/3/0/1", `5`, "/3/0/1=5 "},
	} {
		entries, err := Resources(p(tt.path), json.RawMessage(tt.json), kinds{})
		got := ""
		for _, e := range entries {
			got += e.Path.String() + "=" + e.Value.String() + " "
		}
		if err != nil || got != tt.want {
			t.Errorf("%s %s: %q %v, want %q", tt.path, tt.json, got, err, tt.want)
		}
	}
	for _, tt := range []struct{ path, json, err string }{
		{"/3/0", `5`, "/3/0: numbered members"}, {"/3/0", `{"x": 5}`, `/3/0: "x" is not a number`}, {"/3/0", `{"65535": 5}`, "65535"}, {"/3/0", `{"01": 5}`, "01"}, {"/3/0", `{"": 5}`, `""`},
		{"/3/0", `{"1": "five"}`, `/3/0/1: the value is "five"; a whole number`}, {"/3/0", `{"1": {"0": 1}}`, "/3/0/1: has one value"}, {"/3/0", `{"7": 1}`, "/3/0/7: has several"},
		{"/3/0", `{"7": {"0": {"0": 1}}}`, "/3/0/7/0"}, {"/3/0", `{"1": null}`, "/3/0/1"}, {"/3/0", `{`, "not valid JSON"},
	} {
		if _, err := Resources(p(tt.path), json.RawMessage(tt.json), kinds{}); err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s %s: error %v, want %q", tt.path, tt.json, err, tt.err)
		}
	}
	many := `{"7": {` + strings.Repeat(`"0":1,`, 1) + "\"1\":1"
	for i := 2; i < entriesMost+2; i++ {
		many += `,"` + string(lwm2m.Int(int64(i)).AppendText(nil)) + `":1`
	}
	if _, err := Resources(p("/3/0"), json.RawMessage(many+"}}"), kinds{}); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("too many values: %v", err)
	}
}

func TestNested(t *testing.T) {
	entries := []lwm2m.Entry{
		{Path: p("/3/0/0"), Value: lwm2m.Str("Heddle")}, {Path: p("/3/0/7/0"), Value: lwm2m.Int(1)}, {Path: p("/3/0/7/1"), Value: lwm2m.Int(2)},
		{Path: p("/3/0/9"), Value: lwm2m.Int(80), Time: 1}, {Path: p("/3/0/9"), Value: lwm2m.Int(81), Time: 2}, {Path: p("/3/0/11")}, {Path: p("/3/2")},
	}
	for _, tt := range []struct{ base, want string }{
		{"/3", `{"0":{"0":"Heddle","7":{"0":1,"1":2},"9":81,"11":{}},"2":{}}`},
	} {
		if got := string(AppendNested(nil, p(tt.base), entries)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.base, got, tt.want)
		}
	}
	if got := string(AppendNested(nil, p("/3/0"), entries[:6])); got != `{"0":"Heddle","7":{"0":1,"1":2},"9":81,"11":{}}` {
		t.Errorf("instance: %s", got)
	}
	if got := string(AppendNested(nil, p("/3/0/7"), entries[1:3])); got != `{"0":1,"1":2}` {
		t.Errorf("resource: %s", got)
	}
}

// FuzzResources: whatever comes in, there is no panic, and what is accepted can be written and read again.
func FuzzResources(f *testing.F) {
	for _, s := range []string{`{"1": 5, "7": {"1": 2}, "9": "00ff"}`, `{}`, `{"0":{}}`, `5`, `{"20": 1e400}`, `{"20":"\ud800"}`, `{"1":9223372036854775807}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		entries, err := Resources(p("/3/0"), json.RawMessage(s), kinds{})
		if err != nil {
			return
		}
		out := AppendNested(nil, p("/3/0"), entries)
		if !json.Valid(out) {
			t.Fatalf("%s gives %s, which is not JSON", s, out)
		}
		again, err := Resources(p("/3/0"), out, kinds{})
		if err != nil {
			t.Fatalf("%s gives %s, which is refused: %v", s, out, err)
		}
		if string(AppendNested(nil, p("/3/0"), again)) != string(out) {
			t.Fatalf("%s: %s changes when read again", s, out)
		}
	})
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\xff\u2028<\x7f")
	f.Fuzz(func(t *testing.T, s string) {
		out := AppendString(nil, s)
		var back string
		if err := json.Unmarshal(out, &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") && strings.ToValidUTF8(s, "") == s {
			t.Fatalf("%q: %s: %q %v", s, out, back, err)
		}
	})
}
