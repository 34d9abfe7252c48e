package format

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

var oldVectors = []struct {
	name    string
	ct      coap.ContentFormat
	base    string
	payload string
	entries []lwm2m.Entry
}{
	{"device", coap.JSON, "/3/0", `{"bn":"/3/0/","e":[{"n":"0","sv":"Open Mobile Alliance"},{"n":"1","sv":"Lightweight M2M Client"},` +
		`{"n":"2","sv":"345000123"},{"n":"3","sv":"1.0"},{"n":"6/0","v":1},{"n":"6/1","v":5},{"n":"7/0","v":3800},{"n":"7/1","v":5000},` +
		`{"n":"8/0","v":125},{"n":"8/1","v":900},{"n":"9","v":100},{"n":"10","v":15},{"n":"11/0","v":0},{"n":"13","v":1367491215},` +
		`{"n":"14","sv":"+02:00"},{"n":"16","sv":"U"}]}`, device},
	{"resource", coap.JSONOld, "/3/0/9", `{"bn":"/3/0/9","e":[{"v":100}]}`, []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
	{"object links", coap.JSON, "/66", `{"bn":"/66/","e":[{"n":"0/0","sv":"a\"\\"},{"n":"1/2","ov":"65535:65535"}]}`,
		[]lwm2m.Entry{at("/66/0/0", lwm2m.Str("a\"\\")), at("/66/1/2", lwm2m.ObjectLink(lwm2m.NoID, lwm2m.NoID))}},
	{"every type", coap.JSON, "/5000/7", `{"bn":"/5000/7/","e":[{"n":"1","v":-30.5},{"n":"2","sv":"/+8="},{"n":"3","v":18446744073709551615},` +
		`{"n":"4","sv":"</1>"},{"n":"5","bv":true},{"n":"6","ov":"3:0"},{"n":"7","v":-1},{"n":"8","sv":"é"},{"n":"9/4","v":-1}]}`,
		[]lwm2m.Entry{at("/5000/7/1", lwm2m.Num(-30.5)), at("/5000/7/2", lwm2m.Bytes([]byte{0xFF, 0xEF})), at("/5000/7/3", lwm2m.Uint(1<<64-1)),
			at("/5000/7/4", lwm2m.Core("</1>")), at("/5000/7/5", lwm2m.Bool(true)), at("/5000/7/6", lwm2m.ObjectLink(3, 0)),
			at("/5000/7/7", lwm2m.TimeValue(-1)), at("/5000/7/8", lwm2m.Str("é")), at("/5000/7/9/4", lwm2m.Int(-1))}},
	{"a history", coap.JSON, "/5000/7/1", `{"bn":"/5000/7/1","bt":1767225630,"e":[{"t":-30,"v":20.0},{"t":-0.5,"v":20.25},{"v":20.5}]}`,
		[]lwm2m.Entry{timed("/5000/7/1", lwm2m.Num(20), 1767225600e9), timed("/5000/7/1", lwm2m.Num(20.25), 1767225629_500000000), timed("/5000/7/1", lwm2m.Num(20.5), 1767225630e9)}},
	{"nothing", coap.JSON, "/5000", `{"bn":"/5000","e":[]}`, nil},
}

func TestOldJSONDecodeOnly(t *testing.T) {
	now := int64(1767225600e9)
	for _, c := range []struct {
		name, base, payload string
		entries             []lwm2m.Entry
	}{
		{"no base name: names count from the path", "/3/0", `{"e":[{"n":"9","v":100},{"n":"0","sv":"x"}]}`, []lwm2m.Entry{at("/3/0/0", lwm2m.Str("x")), at("/3/0/9", lwm2m.Int(100))}},
		{"no base name, no name", "/3/0/9", `{"e":[{"v":100}]}`, []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
		{"whole names", "/3/0", `{"e":[{"n":"/3/0/9","v":100}]}`, []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
		{"the list first, unknown members", "/3/0", ` { "e" : [ { "n" : "9" , "v" : 100 , "x" : [ ] } ] , "y" : { "z" : null } , "bn" : "/3/0/" } `, []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
		{"times that count from now", "/3/0/9", `{"bn":"/3/0/9","e":[{"v":1,"t":-10},{"v":2,"t":-5.5}]}`,
			[]lwm2m.Entry{timed("/3/0/9", lwm2m.Int(1), now-10e9), timed("/3/0/9", lwm2m.Int(2), now-5500e6)}},
		{"the standard's example, whose base time is in 1970", "/3/0/9", `{"bn":"/3/0/9","bt":25462634,"e":[{"v":1,"t":-5},{"v":2,"t":-30}]}`,
			[]lwm2m.Entry{timed("/3/0/9", lwm2m.Int(2), 25462604e9), timed("/3/0/9", lwm2m.Int(1), 25462629e9)}},
	} {
		got, err := Decode(nil, coap.JSON, lwm2m.MustPath(c.base), []byte(c.payload), testDefs, Options{Now: now})
		if err != nil || !reflect.DeepEqual(got, c.entries) {
			t.Errorf("%s: %v\n got %v\nwant %v", c.name, err, got, c.entries)
		}
	}
}

func TestOldJSONRefuses(t *testing.T) {
	for _, c := range []struct {
		base, payload string
		want          error
	}{
		{"/3/0", ``, ErrMalformed},
		{"/3/0", `[]`, ErrMalformed},
		{"/3/0", `{}`, ErrMalformed}, // no list
		{"/3/0", `{"e":[],"e":[]}`, ErrMalformed},
		{"/3/0", `{"bn":"/3/0/","bn":"/3/0/","e":[]}`, ErrMalformed},
		{"/3/0", `{"e":[{"n":"9","v":1}]}x`, ErrMalformed},
		{"/3/0", `{"e":[{"n":"9","v":1},]}`, ErrMalformed},
		{"/3/0", `{"e":[{"n":"9"}]}`, ErrMalformed},
		{"/3/0", `{"e":[{"n":"9","v":1,"sv":"1"}]}`, ErrMalformed},
		{"/3/0", `{"e":[{"n":"9","v":null}]}`, ErrMalformed},
		{"/3/0", `{"e":[{"n":"9","v":1},{"n":"9","v":1}]}`, ErrMalformed},
		{"/3/0", `{"bn":"/3/0","e":[{"n":"9","v":1}]}`, ErrMalformed}, // /3/09
		{"/3/0", `{"bn":"/3/1/","e":[{"n":"9","v":1}]}`, ErrPath},
		{"/3/0", `{"bn":"` + strings.Repeat("/3", 5000) + `","e":[{"v":1}]}`, ErrMalformed},
		{"/3/0", `{"e":` + strings.Repeat("[", 5000) + `}`, ErrMalformed},
		{"/3/0", `{"x":` + strings.Repeat(`{"x":`, 5000) + `}`, ErrMalformed},
		{"/3/0", `{"bt":1e300,"e":[{"n":"9","v":1}]}`, ErrMalformed},
		{"/3/0", `{"bt":100,"e":[{"n":"9","v":1,"t":-200}]}`, ErrMalformed},
		{"/3/0", `{"e":[{"n":"9","sv":"1"}]}`, ErrType},
		{"/5000/0", `{"e":[{"n":"2","sv":"?"}]}`, ErrType},
		{"/3", `{"e":[{"n":"0","v":1}]}`, ErrMalformed}, // a value at an instance
	} {
		got, err := Decode(nil, coap.JSON, lwm2m.MustPath(c.base), []byte(c.payload), testDefs, Options{})
		if !errors.Is(err, c.want) || len(got) > 0 {
			t.Errorf("%s %.80q: %v, %d entries; want %v", c.base, c.payload, err, len(got), c.want)
		}
	}
	for _, entries := range [][]lwm2m.Entry{
		{at("/5000/0/9", lwm2m.Value{})},
		{timed("/5000/0/1", lwm2m.Num(1), 1e18), at("/5000/0/3", lwm2m.Uint(1))},
		{at("/5000/0/8", lwm2m.Str("\xff"))},
	} {
		if b, err := Append(nil, coap.JSON, lwm2m.MustPath("/5000/0"), entries); !errors.Is(err, ErrType) {
			t.Errorf("%v: %q, %v", entries, b, err)
		}
	}
	if b, err := Append(nil, coap.JSON, lwm2m.Root, device); !errors.Is(err, ErrPath) {
		t.Errorf("the root: %q, %v", b, err)
	}
}
