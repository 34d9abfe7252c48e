package format

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

var cborVectors = []struct {
	name    string
	ct      coap.ContentFormat
	base    string
	payload string
	entries []lwm2m.Entry
}{
	{"resource", coap.LwM2MCBOR, "/3/0/9", "a1 83 03 00 09 1864", []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
	{"multiple resource", coap.LwM2MCBOR, "/3/0/6", "a1 83 03 00 06 a2 00 01 01 05", []lwm2m.Entry{at("/3/0/6/0", lwm2m.Int(1)), at("/3/0/6/1", lwm2m.Int(5))}},
	{"resource instance", coap.LwM2MCBOR, "/3/0/6/1", "a1 84 03 00 06 01 05", []lwm2m.Entry{at("/3/0/6/1", lwm2m.Int(5))}},
	{"instance", coap.LwM2MCBOR, "/1/0", "a1 82 01 00 a2 00 01 07 61 55", []lwm2m.Entry{at("/1/0/0", lwm2m.Int(1)), at("/1/0/7", lwm2m.Str("U"))}},
	{"object", coap.LwM2MCBOR, "/65", "a1 1841 a2 00 a0 190400 a1 02 01", []lwm2m.Entry{at("/65/0", lwm2m.Value{}), at("/65/1024/2", lwm2m.Int(1))}},
	{"composite", coap.LwM2MCBOR, "/", "a2 03 a1 00 a1 09 1864 191388 a1 00 a2 01 fac1f40000 06 63 333a30",
		[]lwm2m.Entry{at("/3/0/9", lwm2m.Int(100)), at("/5000/0/1", lwm2m.Num(-30.5)), at("/5000/0/6", lwm2m.ObjectLink(3, 0))}},
	{"nothing", coap.LwM2MCBOR, "/5000", "a0", nil},
}

func TestLwM2MCBORDecodeOnly(t *testing.T) {
	for _, c := range []struct {
		name, base, payload string
		entries             []lwm2m.Entry
	}{
		{"a level a map", "/3/0/9", "a1 03 a1 00 a1 09 1864", []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
		{"whole paths as keys", "/3/0", "a2 83 03 00 09 1864 84 03 00 06 00 01", []lwm2m.Entry{at("/3/0/6/0", lwm2m.Int(1)), at("/3/0/9", lwm2m.Int(100))}},
		{"indefinite lengths, half float, epoch tag", "/", "bf 82 191388 00 bf 01 f94d00 ff 03 a1 00 a1 0d c1 1a5182428f ff",
			[]lwm2m.Entry{at("/3/0/13", lwm2m.TimeValue(1367491215)), at("/5000/0/1", lwm2m.Num(20))}},
		{"empty maps around what was asked for", "/3/0/9", "a1 03 a1 00 a0", nil},
	} {
		got, err := Decode(nil, coap.LwM2MCBOR, lwm2m.MustPath(c.base), payload(t, coap.LwM2MCBOR, c.payload), testDefs, Options{})
		if err != nil || !reflect.DeepEqual(got, c.entries) {
			t.Errorf("%s: %v\n got %v\nwant %v", c.name, err, got, c.entries)
		}
	}
}

func TestLwM2MCBORRefuses(t *testing.T) {
	for _, c := range []struct {
		base, payload string
		want          error
	}{
		{"/3/0", "", ErrMalformed},
		{"/3/0", "80", ErrMalformed},
		{"/3/0", "a100", ErrMalformed},
		{"/3/0", "a0a0", ErrMalformed},
		{"/", "bbffffffffffffffff 03", ErrMalformed}, // a map of 2^64-1 items
		{"/", "a1 9bffffffffffffffff 03", ErrMalformed},
		{"/", "a1 80 01", ErrMalformed},
		{"/", "a1 85 0300060001 01", ErrMalformed},
		{"/", "a1 03 01", ErrMalformed}, // a value at an object
		{"/", "a1 61 33 a0", ErrMalformed},
		{"/", "a1 20 a0", ErrMalformed},
		{"/", "a1 19ffff a0", ErrMalformed},
		{"/", "a1 81 8103 a0", ErrMalformed},
		{"/", strings.Repeat("a1 00 ", 3000), ErrMalformed},
		{"/", strings.Repeat("bf 00 ", 3000), ErrMalformed},
		{"/", "a1 83 03 00 09" + strings.Repeat("c1", 3000) + "01", ErrMalformed},
		{"/", "a2 83 03 00 09 01 83 03 00 09 01", ErrMalformed}, // twice
		{"/3/0/9", "a1 83 03 00 0a 01", ErrPath},
		{"/3/0/9", "a1 83 03 00 0a a0", ErrPath},
		{"/3/0/9", "a1 83 03 00 09 61 41", ErrType},
	} {
		got, err := Decode(nil, coap.LwM2MCBOR, lwm2m.MustPath(c.base), payload(t, coap.LwM2MCBOR, c.payload), testDefs, Options{})
		if !errors.Is(err, c.want) || len(got) > 0 {
			t.Errorf("%s %.80q: %v, %d entries; want %v", c.base, c.payload, err, len(got), c.want)
		}
	}
	if b, err := Append(nil, coap.LwM2MCBOR, lwm2m.Root, []lwm2m.Entry{timed("/3/0/9", lwm2m.Int(1), 1e18)}); !errors.Is(err, ErrType) {
		t.Errorf("a time: %x, %v", b, err)
	}
}
