package registry

import (
	"errors"
	"reflect"
	"testing"

	"heddle.example/lwm2m"
)

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		kind  lwm2m.Kind
		text  string
		spans []Span
	}{
		{lwm2m.Integer, "", nil},
		{lwm2m.Integer, "0..100", []Span{{0, 100}}},
		{lwm2m.Integer, "0-255", []Span{{0, 255}}},
		{lwm2m.Integer, "1...63", []Span{{1, 63}}},
		{lwm2m.Integer, "[1:4]", []Span{{1, 4}}},
		{lwm2m.Integer, "-1..1", []Span{{-1, 1}}},
		{lwm2m.Integer, "-30..-120", []Span{{-120, -30}}},
		{lwm2m.Integer, "0..247, 255", []Span{{0, 247}, {255, 255}}},
		{lwm2m.Integer, "5, 10, 15, 20", []Span{{5, 5}, {10, 10}, {15, 15}, {20, 20}}},
		{lwm2m.Integer, "1: normal 2: remote 3: local", []Span{{1, 1}, {2, 2}, {3, 3}}},
		{lwm2m.Integer, "255", nil},
		{lwm2m.Integer, "8 bit", nil},
		{lwm2m.Integer, "2 Instances", nil},
		{lwm2m.Integer, "<7 to >12.5", nil},
		{lwm2m.Float, "0; 3.8..20.5", []Span{{0, 0}, {3.8, 20.5}}},
		{lwm2m.Float, "ON;OFF", nil},
		{lwm2m.String, "0..255 bytes", []Span{{0, 255}}},
		{lwm2m.String, "1-64 Bytes", []Span{{1, 64}}},
		{lwm2m.String, "64", []Span{{0, 64}}},
		{lwm2m.String, "10 or 26 Bytes", []Span{{10, 10}, {26, 26}}},
		{lwm2m.Opaque, "16-32-48 bytes", []Span{{16, 16}, {32, 32}, {48, 48}}},
		{lwm2m.Opaque, "16,32,48", []Span{{16, 16}, {32, 32}, {48, 48}}},
		{lwm2m.String, "The possible values of Resource are listed in 5.3.1.1", nil},
		{lwm2m.Boolean, "0..1", nil},
	} {
		r := Resource{Kind: c.kind, Range: c.text}
		if got := r.Limits().Spans; !reflect.DeepEqual(got, c.spans) {
			t.Errorf("%v %q: %v, want %v", c.kind, c.text, got, c.spans)
		}
	}
	r := Resource{Kind: lwm2m.Unsigned, Range: "0: RELEASE 1: CLICK 3: DOUBLE-CLICK 255: STUCK OR 2 GONE"}
	want := []Choice{{0, "RELEASE"}, {1, "CLICK"}, {3, "DOUBLE-CLICK"}, {255, "STUCK OR 2 GONE"}}
	if got := r.Limits().Choices; !reflect.DeepEqual(got, want) {
		t.Errorf("choices %v, want %v", got, want)
	}
}

// Nearly every range of the registry is understood; these are not, and limit nothing.
func TestBuiltinRanges(t *testing.T) {
	known := map[string]bool{"8 bit": true, "8-Bits": true, "16-bit": true, "2 Instances": true, "255": true, "1 bytes": true,
		"2 bytes": true, "<7 to >12.5": true, "ON;OFF": true, "The possible values of Resource are listed in 5.3.1.1": true}
	for _, o := range Builtin().Objects() {
		for _, r := range o.Resources {
			if r.Range != "" && r.Kind != lwm2m.Boolean && len(r.Limits().Spans) == 0 && !known[r.Range] {
				t.Errorf("object %d %v: %v %d %q is not understood", o.ID, o.Version, r.Kind, r.ID, r.Range)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	percent := &Resource{ID: 9, Name: "Battery Level", Kind: lwm2m.Integer, Range: "0-100"}
	uri := &Resource{ID: 0, Name: "URI", Kind: lwm2m.String, Range: "0..5 bytes"}
	float := &Resource{ID: 3, Name: "Float", Kind: lwm2m.Float}
	execute := &Resource{ID: 4, Name: "Reboot", Operations: lwm2m.Execute}
	mode := &Resource{ID: 1, Name: "Mode", Kind: lwm2m.Unsigned, Range: "1: eco 3: warm"}
	for _, c := range []struct {
		r    *Resource
		v    lwm2m.Value
		want string
	}{
		{percent, lwm2m.Int(0), ""},
		{percent, lwm2m.Int(100), ""},
		{percent, lwm2m.Num(7), ""},
		{percent, lwm2m.Int(101), "lwm2m/registry: value out of range: Battery Level (9) takes 0-100, not 101"},
		{percent, lwm2m.Int(-1), "lwm2m/registry: value out of range: Battery Level (9) takes 0-100, not -1"},
		{percent, lwm2m.Num(7.5), `lwm2m/registry: value out of range: Battery Level (9): lwm2m: value is not of that type: Float "7.5" is no Integer`},
		{percent, lwm2m.Str("7"), `lwm2m/registry: value out of range: Battery Level (9): lwm2m: value is not of that type: String "7" is no Integer`},
		{uri, lwm2m.Str("coap:"), ""},
		{uri, lwm2m.Str("coaps:"), "lwm2m/registry: value out of range: URI (0) takes 0..5 bytes, not 6"},
		{float, lwm2m.Int(5), ""},
		{execute, lwm2m.Int(5), "lwm2m/registry: value out of range: Reboot (4) has no value, it can only be executed"},
		{mode, lwm2m.Uint(3), ""},
		{mode, lwm2m.Uint(2), "lwm2m/registry: value out of range: Mode (1) takes 1: eco 3: warm, not 2"},
	} {
		err := c.r.Check(c.v)
		if (err == nil) != (c.want == "") || err != nil && (err.Error() != c.want || !errors.Is(err, ErrRange)) {
			t.Errorf("%s = %v: %v; want %s", c.r.Name, c.v, err, c.want)
		}
	}
}
