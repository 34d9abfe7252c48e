package format

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// A Write-Composite has a value in every record; null takes a resource instance away where the format is SenML-ETCH.
func TestPatch(t *testing.T) {
	for _, c := range []struct {
		ct      coap.ContentFormat
		payload string
		want    []lwm2m.Entry
		err     error
	}{
		{coap.ETCHJSON, `[{"bn":"/3/0/6/","n":"1","v":null},{"n":"0","v":2}]`, []lwm2m.Entry{at("/3/0/6/0", lwm2m.Int(2)), at("/3/0/6/1", lwm2m.Value{})}, nil},
		{coap.ETCHCBOR, "81 a2 21 68 2f332f302f362f31 02 f6", []lwm2m.Entry{at("/3/0/6/1", lwm2m.Value{})}, nil},
		{coap.SenMLJSON, `[{"n":"/3/0/6/1","v":null}]`, nil, ErrMalformed},
		{coap.SenMLCBOR, "81 a2 21 68 2f332f302f362f31 02 f6", nil, ErrMalformed},
		{coap.ETCHJSON, `[{"n":"/3/0/9","v":null}]`, nil, ErrMalformed},
		{coap.ETCHJSON, `[{"n":"/3/0/6/1","v":nul}]`, nil, ErrMalformed},
		{coap.ETCHJSON, `[{"n":"/3/0/6/1","v":null},{"n":"/3/0/6/1","v":1}]`, nil, ErrMalformed},
		{coap.SenMLJSON, `[{"n":"/3/0/6"}]`, nil, ErrMalformed},
	} {
		got, err := Decode(nil, c.ct, lwm2m.Root, payload(t, c.ct, c.payload), testDefs, Options{Patch: true})
		if !errors.Is(err, c.err) || len(got)+len(c.want) > 0 && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %s: %v, %v; want %v, %v", Name(c.ct), c.payload, got, err, c.want, c.err)
		}
	}
	if got, err := Decode(nil, coap.ETCHJSON, lwm2m.Root, []byte(`[{"n":"/3/0/6/1","v":null}]`), testDefs, Options{}); err == nil {
		t.Errorf("null outside of a patch: %v", got)
	}
}

// Whatever stands in names and times, what comes out is a path of four levels at most and a time that is one.
func TestHostileSenML(t *testing.T) {
	long := strings.Repeat("/3/0/9", 10_000)
	for name, p := range map[string]string{
		"long base name":            `[{"bn":"` + long + `","v":1}]`,
		"long name":                 `[{"n":"` + long + `","v":1}]`,
		"slashes":                   `[{"bn":"////","n":"////","v":1}]`,
		"a huge identifier":         `[{"n":"/3/0/99999999999999999999999","v":1}]`,
		"the identifier NoID":       `[{"n":"/3/0/65535","v":1}]`,
		"dots":                      `[{"bn":"/3/0/../","n":"0","v":1}]`,
		"a NUL":                     `[{"bn":"/3/0/\u0000","n":"9","v":1}]`,
		"a URI":                     `[{"bn":"urn:dev:ow:10e2073a01080063:","n":"/3/0/9","v":1}]`,
		"percent":                   `[{"n":"/3/0/%39","v":1}]`,
		"a time past the year 2106": `[{"n":"/3/0/9","bt":4294967296,"v":1}]`,
		"times that overflow":       `[{"n":"/3/0/9","bt":9e18,"t":9e18,"v":1}]`,
		"a time that is a text":     `[{"n":"/3/0/9","bt":"now","v":1}]`,
		"deep unknown field":        `[{"n":"/3/0/9","x":` + strings.Repeat(`[`, 100_000) + `,"v":1}]`,
	} {
		if got, err := Decode(nil, coap.SenMLJSON, lwm2m.Root, []byte(p), testDefs, Options{}); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	many := "[" + strings.Repeat(`{"n":"/3/0/9","v":1},`, 9000) + `{"n":"/3/0/9","v":1}]`
	if _, err := Decode(nil, coap.SenMLJSON, lwm2m.Root, []byte(many), testDefs, Options{}); !errors.Is(err, ErrTooMany) {
		t.Errorf("9,001 records: %v", err)
	}
	// The largest times there are: their sum and the present make no overflow.
	got, err := Decode(nil, coap.SenMLJSON, lwm2m.Root, []byte(`[{"n":"/3/0/9","bt":4294967295,"t":4294967295,"v":1},{"n":"/3/0/9","bt":-4294967295,"t":-4294967295,"v":1}]`),
		testDefs, Options{Now: 1 << 62})
	if err != nil || len(got) != 2 || got[0].Time >= 0 || got[1].Time != 2*4294967295e9 {
		t.Errorf("%v, %v", got, err)
	}
}
