package format

import (
	"errors"
	"reflect"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

func TestPaths(t *testing.T) {
	paths := []lwm2m.Path{lwm2m.MustPath("/1"), lwm2m.MustPath("/3/0/9"), lwm2m.MustPath("/3/0/7/1")}
	for _, c := range []struct {
		ct   coap.ContentFormat
		want string
	}{
		{coap.SenMLJSON, `[{"n":"/1"},{"n":"/3/0/9"},{"n":"/3/0/7/1"}]`},
		{coap.SenMLCBOR, "83 a1 00 62 2f31 a1 00 66 2f332f302f39 a1 00 68 2f332f302f372f31"},
	} {
		b, err := AppendPaths(nil, c.ct, paths)
		if err != nil || string(b) != string(payload(t, c.ct, c.want)) {
			t.Errorf("%s: %q %v", Name(c.ct), b, err)
		}
		got, err := DecodePaths(nil, c.ct, b, Options{})
		if err != nil || !reflect.DeepEqual(got, paths) {
			t.Errorf("%s: %v %v", Name(c.ct), got, err)
		}
	}
	if _, err := DecodePaths(nil, coap.SenMLJSON, []byte(`[{"n":"/1","vs":"x"}]`), Options{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a value at an object: %v", err)
	}
	if _, err := DecodePaths(nil, coap.SenMLJSON, []byte(`[{"n":"/1/0/0","vs":"x"}]`), Options{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a value in a list of paths: %v", err)
	}
	if _, err := AppendPaths(nil, coap.TLV, paths); !errors.Is(err, ErrUnsupported) {
		t.Errorf("paths in TLV: %v", err)
	}
}

func TestNames(t *testing.T) {
	for _, ct := range append(Supported(), coap.ETCHJSON, coap.ETCHCBOR, coap.LinkFormat) {
		for _, s := range []string{Name(ct), ct.String()} {
			if got, ok := ParseName(s); !ok || got != ct {
				t.Errorf("ParseName(%q) = %v, %v; want %v", s, got, ok, ct)
			}
		}
	}
	if ct, ok := ParseName("SENML_CBOR"); !ok || ct != coap.SenMLCBOR {
		t.Errorf("Leshan's spelling: %v, %v", ct, ok)
	}
	if _, ok := ParseName("xml"); ok {
		t.Error("xml is known")
	}
	for _, c := range []struct {
		named []uint16
		v     lwm2m.Version
		base  string
		want  coap.ContentFormat
	}{
		{nil, lwm2m.V1_0, "/3/0", coap.TLV},
		{[]uint16{110}, lwm2m.V1_0, "/3/0", coap.TLV},
		{[]uint16{110, 112}, lwm2m.V1_1, "/3/0", coap.SenMLCBOR},
		{[]uint16{110}, lwm2m.V1_1, "/3/0", coap.SenMLJSON},
		{nil, lwm2m.V1_1, "/3/0", coap.TLV},
		{nil, lwm2m.V1_1, "/", coap.SenMLJSON},
	} {
		if got := Choose(c.named, c.v, lwm2m.MustPath(c.base), device); got != c.want {
			t.Errorf("Choose(%v, %v, %s) = %v, want %v", c.named, c.v, c.base, got, c.want)
		}
	}
}
