package format

import (
	"encoding/hex"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// defs is a Typer from a table: resource path without the instance -> kind, "*" for a multiple one.
type defs map[[2]uint16]lwm2m.Kind

func (t defs) TypeOf(p lwm2m.Path) (lwm2m.Kind, bool, bool) {
	k, ok := t[[2]uint16{p.Object(), p.Resource()}]
	return k, false, ok
}

var testDefs = defs{
	{2, 0}: lwm2m.Integer, {2, 1}: lwm2m.Integer, {2, 2}: lwm2m.Integer, {2, 3}: lwm2m.Integer,
	{1, 0}: lwm2m.Integer, {1, 1}: lwm2m.Integer, {1, 6}: lwm2m.Boolean, {1, 7}: lwm2m.String,
	{3, 0}: lwm2m.String, {3, 1}: lwm2m.String, {3, 2}: lwm2m.String, {3, 3}: lwm2m.String, {3, 6}: lwm2m.Integer,
	{3, 7}: lwm2m.Integer, {3, 8}: lwm2m.Integer, {3, 9}: lwm2m.Integer, {3, 10}: lwm2m.Integer, {3, 11}: lwm2m.Integer,
	{3, 13}: lwm2m.Time, {3, 14}: lwm2m.String, {3, 16}: lwm2m.String,
	{65, 0}: lwm2m.Objlink, {65, 1}: lwm2m.String, {65, 2}: lwm2m.Integer,
	{66, 0}: lwm2m.String, {66, 1}: lwm2m.String, {66, 2}: lwm2m.Objlink,
	{5000, 1}: lwm2m.Float, {5000, 2}: lwm2m.Opaque, {5000, 3}: lwm2m.Unsigned, {5000, 4}: lwm2m.Corelnk,
	{5000, 5}: lwm2m.Boolean, {5000, 6}: lwm2m.Objlink, {5000, 7}: lwm2m.Time, {5000, 8}: lwm2m.String, {5000, 9}: lwm2m.Integer,
	{5000, 300}: lwm2m.Integer,
}

func at(p string, v lwm2m.Value) lwm2m.Entry { return lwm2m.Entry{Path: lwm2m.MustPath(p), Value: v} }

func timed(p string, v lwm2m.Value, ns int64) lwm2m.Entry {
	return lwm2m.Entry{Path: lwm2m.MustPath(p), Value: v, Time: ns}
}

// device is the Device object of the standard's examples (7.4.3.1 and 7.4.4).
var device = []lwm2m.Entry{
	at("/3/0/0", lwm2m.Str("Open Mobile Alliance")),
	at("/3/0/1", lwm2m.Str("Lightweight M2M Client")),
	at("/3/0/2", lwm2m.Str("345000123")),
	at("/3/0/3", lwm2m.Str("1.0")),
	at("/3/0/6/0", lwm2m.Int(1)),
	at("/3/0/6/1", lwm2m.Int(5)),
	at("/3/0/7/0", lwm2m.Int(3800)),
	at("/3/0/7/1", lwm2m.Int(5000)),
	at("/3/0/8/0", lwm2m.Int(125)),
	at("/3/0/8/1", lwm2m.Int(900)),
	at("/3/0/9", lwm2m.Int(100)),
	at("/3/0/10", lwm2m.Int(15)),
	at("/3/0/11/0", lwm2m.Int(0)),
	at("/3/0/13", lwm2m.TimeValue(1367491215)),
	at("/3/0/14", lwm2m.Str("+02:00")),
	at("/3/0/16", lwm2m.Str("U")),
}

const deviceTLV = "c800144f70656e204d6f62696c6520416c6c69616e6365" +
	"c801164c69676874776569676874204d324d20436c69656e74" +
	"c80209333435303030313233 c303312e30 8606 410001 410105 8807 08 42000ed8 42011388" +
	"8708 41007d 42010384 c10964 c10a0f 830b 410000 c40d5182428f c60e2b30323a3030 c11055"

const deviceJSON = `[{"bn":"/3/0/","n":"0","vs":"Open Mobile Alliance"},{"n":"1","vs":"Lightweight M2M Client"},` +
	`{"n":"2","vs":"345000123"},{"n":"3","vs":"1.0"},{"n":"6/0","v":1},{"n":"6/1","v":5},{"n":"7/0","v":3800},` +
	`{"n":"7/1","v":5000},{"n":"8/0","v":125},{"n":"8/1","v":900},{"n":"9","v":100},{"n":"10","v":15},{"n":"11/0","v":0},` +
	`{"n":"13","v":1367491215},{"n":"14","vs":"+02:00"},{"n":"16","vs":"U"}]`

const deviceCBOR = "90 a3 21 65 2f332f302f 00 61 30 03 74 4f70656e204d6f62696c6520416c6c69616e6365" +
	"a2 00 61 31 03 76 4c69676874776569676874204d324d20436c69656e74 a2 00 61 32 03 69 333435303030313233" +
	"a2 00 61 33 03 63 312e30 a2 00 63 362f30 02 01 a2 00 63 362f31 02 05 a2 00 63 372f30 02 19 0ed8" +
	"a2 00 63 372f31 02 19 1388 a2 00 63 382f30 02 18 7d a2 00 63 382f31 02 19 0384 a2 00 61 39 02 18 64" +
	"a2 00 62 3130 02 0f a2 00 64 31312f30 02 00 a2 00 62 3133 02 1a 5182428f a2 00 62 3134 03 66 2b30323a3030" +
	"a2 00 62 3136 03 61 55"

// payload reads a test's payload: hexadecimal for the binary formats.
func payload(t testing.TB, ct coap.ContentFormat, s string) []byte {
	t.Helper()
	switch ct {
	case coap.Text, coap.SenMLJSON, coap.ETCHJSON, coap.JSON, coap.JSONOld:
		return []byte(s)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What goes both ways: the entries encode to the payload, the payload decodes to the entries.
var vectors = []struct {
	name    string
	ct      coap.ContentFormat
	base    string
	payload string
	entries []lwm2m.Entry
}{
	{"single object instance, 121 bytes", coap.TLV, "/3/0", deviceTLV, device},
	{"single object, 124 bytes", coap.TLV, "/3", "080079" + deviceTLV, device},
	{"two instances of Access Control", coap.TLV, "/2",
		"08000e c10001 c10100 8302 417f07 c1037f 080212 c10003 c10100 8702 417f07 61013601 c1037f", []lwm2m.Entry{
			at("/2/0/0", lwm2m.Int(1)), at("/2/0/1", lwm2m.Int(0)), at("/2/0/2/127", lwm2m.Int(7)), at("/2/0/3", lwm2m.Int(127)),
			at("/2/2/0", lwm2m.Int(3)), at("/2/2/1", lwm2m.Int(0)), at("/2/2/2/127", lwm2m.Int(7)), at("/2/2/2/310", lwm2m.Int(1)),
			at("/2/2/3", lwm2m.Int(127)),
		}},
	{"one instance of Server", coap.TLV, "/1", "08000f c10001 c40100015180 c10601 c10755", []lwm2m.Entry{
		at("/1/0/0", lwm2m.Int(1)), at("/1/0/1", lwm2m.Int(86400)), at("/1/0/6", lwm2m.Bool(true)), at("/1/0/7", lwm2m.Str("U")),
	}},
	{"object links", coap.TLV, "/65/0", "88000c 440000420000 440100420001 c8010d38363133383030373535353030 c40212345678",
		[]lwm2m.Entry{
			at("/65/0/0/0", lwm2m.ObjectLink(66, 0)), at("/65/0/0/1", lwm2m.ObjectLink(66, 1)),
			at("/65/0/1", lwm2m.Str("8613800755500")), at("/65/0/2", lwm2m.Int(0x12345678)),
		}},
	{"object links, the null link", coap.TLV, "/66", "080026 c8000b6d79536572766963652031 c8010f496e7465726e65742e31352e323334 c40200430000" +
		"080126 c8000b6d79536572766963652032 c8010f496e7465726e65742e31352e323335 c402ffffffff", []lwm2m.Entry{
		at("/66/0/0", lwm2m.Str("myService 1")), at("/66/0/1", lwm2m.Str("Internet.15.234")), at("/66/0/2", lwm2m.ObjectLink(67, 0)),
		at("/66/1/0", lwm2m.Str("myService 2")), at("/66/1/1", lwm2m.Str("Internet.15.235")), at("/66/1/2", lwm2m.ObjectLink(lwm2m.NoID, lwm2m.NoID)),
	}},
	{"resource", coap.TLV, "/3/0/9", "c10964", []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
	{"multiple resource", coap.TLV, "/3/0/6", "8606410001410105", []lwm2m.Entry{at("/3/0/6/0", lwm2m.Int(1)), at("/3/0/6/1", lwm2m.Int(5))}},
	{"resource instance", coap.TLV, "/3/0/6/1", "410105", []lwm2m.Entry{at("/3/0/6/1", lwm2m.Int(5))}},
	{"empty multiple resource", coap.TLV, "/3/0/6", "8006", []lwm2m.Entry{at("/3/0/6", lwm2m.Value{})}},
	{"empty instances", coap.TLV, "/65", "0000 200400", []lwm2m.Entry{at("/65/0", lwm2m.Value{}), at("/65/1024", lwm2m.Value{})}},
	{"no resource", coap.TLV, "/65/0", "", nil},
	{"lengths and identifiers of all sizes", coap.TLV, "/5000/7", "c401c0400000 c802087fefffffffffffff e4012c80000000", []lwm2m.Entry{
		at("/5000/7/1", lwm2m.Num(-3)), at("/5000/7/2", lwm2m.Bytes([]byte{0x7F, 0xEF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})),
		at("/5000/7/300", lwm2m.Int(-1<<31)),
	}},
	{"every type", coap.TLV, "/5000/7",
		"c801083fb999999999999a c3020102ff c80308ffffffffffffffff c4043c2f313e c10500 c40600030000 c807088000000000000000 c008 c209ff7f",
		[]lwm2m.Entry{
			at("/5000/7/1", lwm2m.Num(0.1)), at("/5000/7/2", lwm2m.Bytes([]byte{1, 2, 255})), at("/5000/7/3", lwm2m.Uint(1<<64-1)),
			at("/5000/7/4", lwm2m.Core("</1>")), at("/5000/7/5", lwm2m.Bool(false)), at("/5000/7/6", lwm2m.ObjectLink(3, 0)),
			at("/5000/7/7", lwm2m.TimeValue(-1<<63)), at("/5000/7/8", lwm2m.Str("")), at("/5000/7/9", lwm2m.Int(-129)),
		}},

	{"device", coap.SenMLJSON, "/3/0", deviceJSON, device},
	{"resource", coap.SenMLJSON, "/3/0/9", `[{"bn":"/3/0/9","v":100}]`, []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
	{"multiple resource", coap.SenMLJSON, "/3/0/6", `[{"bn":"/3/0/6/","n":"0","v":1},{"n":"1","v":5}]`,
		[]lwm2m.Entry{at("/3/0/6/0", lwm2m.Int(1)), at("/3/0/6/1", lwm2m.Int(5))}},
	{"object", coap.SenMLJSON, "/66", `[{"bn":"/66/","n":"0/0","vs":"a\"\\\u000a"},{"n":"1/2","vlo":"65535:65535"}]`,
		[]lwm2m.Entry{at("/66/0/0", lwm2m.Str("a\"\\\n")), at("/66/1/2", lwm2m.ObjectLink(lwm2m.NoID, lwm2m.NoID))}},
	{"composite", coap.SenMLJSON, "/", `[{"n":"/3/0/9","v":100},{"n":"/5000/0/1","v":-30.5}]`,
		[]lwm2m.Entry{at("/3/0/9", lwm2m.Int(100)), at("/5000/0/1", lwm2m.Num(-30.5))}},
	{"every type", coap.SenMLJSON, "/5000/7", `[{"bn":"/5000/7/","n":"1","v":1e+300},{"n":"2","vd":"_-8"},{"n":"3","v":18446744073709551615},` +
		`{"n":"4","vs":"</1>"},{"n":"5","vb":true},{"n":"6","vlo":"3:0"},{"n":"7","v":-9223372036854775808},{"n":"8","vs":"é"},{"n":"9/4","v":-1}]`,
		[]lwm2m.Entry{at("/5000/7/1", lwm2m.Num(1e300)), at("/5000/7/2", lwm2m.Bytes([]byte{0xFF, 0xEF})), at("/5000/7/3", lwm2m.Uint(1<<64-1)),
			at("/5000/7/4", lwm2m.Core("</1>")), at("/5000/7/5", lwm2m.Bool(true)), at("/5000/7/6", lwm2m.ObjectLink(3, 0)),
			at("/5000/7/7", lwm2m.TimeValue(-1<<63)), at("/5000/7/8", lwm2m.Str("é")), at("/5000/7/9/4", lwm2m.Int(-1))}},
	{"one time for all", coap.SenMLJSON, "/5000/7", `[{"bn":"/5000/7/","bt":1767225600.25,"n":"1","v":20.0},{"n":"9","v":1}]`,
		[]lwm2m.Entry{timed("/5000/7/1", lwm2m.Num(20), 1767225600_250000000), timed("/5000/7/9", lwm2m.Int(1), 1767225600_250000000)}},
	{"a history", coap.SenMLJSON, "/5000/7/1", `[{"bn":"/5000/7/1","t":1767225600,"v":20.0},{"t":1767225601,"v":20.5}]`,
		[]lwm2m.Entry{timed("/5000/7/1", lwm2m.Num(20), 1767225600e9), timed("/5000/7/1", lwm2m.Num(20.5), 1767225601e9)}},
	{"nothing", coap.SenMLJSON, "/5000", `[]`, nil},
	{"empty instance", coap.SenMLJSON, "/5000", `[{"bn":"/5000/","n":"2"}]`, []lwm2m.Entry{at("/5000/2", lwm2m.Value{})}},

	{"device", coap.SenMLCBOR, "/3/0", deviceCBOR, device},
	{"resource", coap.SenMLCBOR, "/3/0/9", "81 a2 21 66 2f332f302f39 02 18 64", []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
	{"composite", coap.SenMLCBOR, "/", "82 a2 00 66 2f332f302f39 02 18 64 a2 00 69 2f353030302f302f31 02 fa c1f40000",
		[]lwm2m.Entry{at("/3/0/9", lwm2m.Int(100)), at("/5000/0/1", lwm2m.Num(-30.5))}},
	{"every type", coap.SenMLCBOR, "/5000/7", "89 a3 21 68 2f353030302f372f 00 61 31 02 fb 3fb999999999999a a2 00 61 32 08 42 ffef" +
		"a2 00 61 33 02 1b ffffffffffffffff a2 00 61 34 03 64 3c2f313e a2 00 61 35 04 f5 a2 00 61 36 63 766c6f 63 333a30" +
		"a2 00 61 37 02 3b 7fffffffffffffff a2 00 61 38 03 62 c3a9 a2 00 63 392f34 02 20",
		[]lwm2m.Entry{at("/5000/7/1", lwm2m.Num(0.1)), at("/5000/7/2", lwm2m.Bytes([]byte{0xFF, 0xEF})), at("/5000/7/3", lwm2m.Uint(1<<64-1)),
			at("/5000/7/4", lwm2m.Core("</1>")), at("/5000/7/5", lwm2m.Bool(true)), at("/5000/7/6", lwm2m.ObjectLink(3, 0)),
			at("/5000/7/7", lwm2m.TimeValue(-1<<63)), at("/5000/7/8", lwm2m.Str("é")), at("/5000/7/9/4", lwm2m.Int(-1))}},
	{"one time for all", coap.SenMLCBOR, "/5000/7", "82 a4 21 68 2f353030302f372f 22 fb 41da556f10100000 00 61 31 02 fa 41a00000 a2 00 61 39 02 01",
		[]lwm2m.Entry{timed("/5000/7/1", lwm2m.Num(20), 1767226432_250000000), timed("/5000/7/9", lwm2m.Int(1), 1767226432_250000000)}},
	{"a history", coap.SenMLCBOR, "/5000/7/1", "82 a3 21 69 2f353030302f372f31 06 1a 69550500 02 fa 41a00000 a2 06 1a 69550501 02 fa 41a40000",
		[]lwm2m.Entry{timed("/5000/7/1", lwm2m.Num(20), 0x69550500*1e9), timed("/5000/7/1", lwm2m.Num(20.5), 0x69550501*1e9)}},
	{"nothing", coap.SenMLCBOR, "/5000", "80", nil},

	{"string", coap.Text, "/3/0/0", "Open Mobile Alliance", []lwm2m.Entry{at("/3/0/0", lwm2m.Str("Open Mobile Alliance"))}},
	{"integer", coap.Text, "/3/0/9", "-100", []lwm2m.Entry{at("/3/0/9", lwm2m.Int(-100))}},
	{"float", coap.Text, "/5000/0/1", "-30.25", []lwm2m.Entry{at("/5000/0/1", lwm2m.Num(-30.25))}},
	{"opaque", coap.Text, "/5000/0/2", "AQL/", []lwm2m.Entry{at("/5000/0/2", lwm2m.Bytes([]byte{1, 2, 255}))}},
	{"unsigned", coap.Text, "/5000/0/3", "18446744073709551615", []lwm2m.Entry{at("/5000/0/3", lwm2m.Uint(1<<64-1))}},
	{"boolean", coap.Text, "/5000/0/5", "1", []lwm2m.Entry{at("/5000/0/5", lwm2m.Bool(true))}},
	{"objlink", coap.Text, "/5000/0/6", "66:1", []lwm2m.Entry{at("/5000/0/6", lwm2m.ObjectLink(66, 1))}},
	{"time", coap.Text, "/3/0/13", "1367491215", []lwm2m.Entry{at("/3/0/13", lwm2m.TimeValue(1367491215))}},
	{"resource instance", coap.Text, "/3/0/7/1", "5000", []lwm2m.Entry{at("/3/0/7/1", lwm2m.Int(5000))}},

	{"opaque", coap.Opaque, "/5000/0/2", "00ff00", []lwm2m.Entry{at("/5000/0/2", lwm2m.Bytes([]byte{0, 255, 0}))}},
	{"opaque of an unknown object", coap.Opaque, "/6000/0/2", "00ff00", []lwm2m.Entry{at("/6000/0/2", lwm2m.Bytes([]byte{0, 255, 0}))}},

	{"integer", coap.CBOR, "/3/0/9", "3863", []lwm2m.Entry{at("/3/0/9", lwm2m.Int(-100))}},
	{"string", coap.CBOR, "/3/0/0", "6141", []lwm2m.Entry{at("/3/0/0", lwm2m.Str("A"))}},
	{"opaque", coap.CBOR, "/5000/0/2", "4200ff", []lwm2m.Entry{at("/5000/0/2", lwm2m.Bytes([]byte{0, 255}))}},
	{"boolean", coap.CBOR, "/5000/0/5", "f4", []lwm2m.Entry{at("/5000/0/5", lwm2m.Bool(false))}},
	{"objlink", coap.CBOR, "/5000/0/6", "6436363a31", []lwm2m.Entry{at("/5000/0/6", lwm2m.ObjectLink(66, 1))}},
	{"float", coap.CBOR, "/5000/0/1", "fa41a00000", []lwm2m.Entry{at("/5000/0/1", lwm2m.Num(20))}},
}

func TestVectors(t *testing.T) {
	for _, v := range slices.Concat(vectors, oldVectors, cborVectors) {
		t.Run(Name(v.ct)+" "+v.name, func(t *testing.T) {
			b, base := payload(t, v.ct, v.payload), lwm2m.MustPath(v.base)
			got, err := Append(nil, v.ct, base, v.entries)
			if err != nil || string(got) != string(b) {
				t.Errorf("encoded %v\n got %q\nwant %q", err, got, b)
			}
			entries, err := Decode(nil, v.ct, base, b, testDefs, Options{})
			if err != nil || !reflect.DeepEqual(entries, v.entries) && len(entries)+len(v.entries) > 0 {
				t.Errorf("decoded %v\n got %v\nwant %v", err, entries, v.entries)
			}
			if !Fits(v.ct, base, v.entries) {
				t.Error("Fits says no")
			}
		})
	}
}

// What peers send and we do not: decoded to the entries.
func TestDecodeOnly(t *testing.T) {
	now := int64(1767225600e9)
	for _, c := range []struct {
		name    string
		ct      coap.ContentFormat
		base    string
		payload string
		entries []lwm2m.Entry
	}{
		{"resources of a single-instance object without the instance", coap.TLV, "/3", "c10964", []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
		{"instance around the resources of an instance", coap.TLVOld, "/3/0", "0300c10964", []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
		{"resource instances without the resource", coap.TLV, "/3/0/6", "410001410105", []lwm2m.Entry{at("/3/0/6/0", lwm2m.Int(1)), at("/3/0/6/1", lwm2m.Int(5))}},
		{"resource instance inside its resource", coap.TLV, "/3/0/6/1", "8306410105", []lwm2m.Entry{at("/3/0/6/1", lwm2m.Int(5))}},
		{"resource instance as a resource", coap.TLV, "/3/0/6/1", "c10605", []lwm2m.Entry{at("/3/0/6/1", lwm2m.Int(5))}},
		{"integers wider than need be, out of order", coap.TLV, "/3/0", "c80a080000000000000005 c4090000000c",
			[]lwm2m.Entry{at("/3/0/9", lwm2m.Int(12)), at("/3/0/10", lwm2m.Int(5))}},
		{"long length for a short value", coap.TLV, "/3/0", "f8000900000164", []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
		{"unknown object", coap.TLV, "/6000/0", "c10964", []lwm2m.Entry{at("/6000/0/9", lwm2m.BytesOf("d"))}},

		{"half float", coap.SenMLCBOR, "/5000/0/1", "81 a2 21 69 2f353030302f302f31 02 f9 4d00", []lwm2m.Entry{at("/5000/0/1", lwm2m.Num(20))}},
		{"half float, subnormal", coap.SenMLCBOR, "/5000/0/1", "81 a2 21 69 2f353030302f302f31 02 f9 8001", []lwm2m.Entry{at("/5000/0/1", lwm2m.Num(-0x1p-24))}},
		{"integer for a float", coap.SenMLCBOR, "/5000/0/1", "81 a2 21 69 2f353030302f302f31 02 14", []lwm2m.Entry{at("/5000/0/1", lwm2m.Num(20))}},
		{"float for an integer", coap.SenMLCBOR, "/3/0/9", "81 a2 21 66 2f332f302f39 02 f9 5640", []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
		{"decimal fraction", coap.SenMLCBOR, "/5000/0/1", "81 a2 21 69 2f353030302f302f31 02 c4 82 21 19 07d5", []lwm2m.Entry{at("/5000/0/1", lwm2m.Num(20.05))}},
		{"indefinite lengths", coap.SenMLCBOR, "/3/0", "9f bf 21 7f 62 2f33 63 2f302f ff 00 61 30 03 7f 62 4142 61 43 ff ff bf 00 61 39 02 18 64 ff ff",
			[]lwm2m.Entry{at("/3/0/0", lwm2m.Str("ABC")), at("/3/0/9", lwm2m.Int(100))}},
		{"name and base name in the other order, unknown fields", coap.SenMLCBOR, "/3/0/9", "81 a5 02 18 64 00 61 39 01 61 25 61 78 82 a1 01 c1 02 f6 21 65 2f332f302f",
			[]lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
		{"long forms of heads", coap.SenMLCBOR, "/3/0/9", "98 01 b9 0002 3801 7b 0000000000000006 2f332f302f39 1802 1b 0000000000000064", []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},

		{"blanks, escapes, unknown fields", coap.SenMLJSON, "/3/0", " [ { \"x\" : [ null , { \"y\" : [ ] , \"z\" : { } } , -1.5e3 , true ] , \"\\u0062n\" : \"/3/0/\" ,\r\n\t\"n\":\"0\",\"vs\":\"\\u00e9\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\" } ] ",
			[]lwm2m.Entry{at("/3/0/0", lwm2m.Str("é😀/\b\f\n\r\t"))}},
		{"base name that ends inside an identifier", coap.SenMLJSON, "/3/0", `[{"bn":"/3/0/1","n":"0","v":1},{"n":"1/0","v":2}]`,
			[]lwm2m.Entry{at("/3/0/10", lwm2m.Int(1)), at("/3/0/11/0", lwm2m.Int(2))}},
		{"base name changes", coap.SenMLJSON, "/3", `[{"bn":"/3/1/","n":"9","v":1},{"bn":"/3/0/","n":"9","v":2}]`,
			[]lwm2m.Entry{at("/3/0/9", lwm2m.Int(2)), at("/3/1/9", lwm2m.Int(1))}},
		{"whole float for an integer", coap.SenMLJSON, "/3/0/9", `[{"n":"/3/0/9","v":1.0e2}]`, []lwm2m.Entry{at("/3/0/9", lwm2m.Int(100))}},
		{"padded base64", coap.SenMLJSON, "/5000/0/2", `[{"n":"/5000/0/2","vd":"/+8="}]`, []lwm2m.Entry{at("/5000/0/2", lwm2m.Bytes([]byte{0xFF, 0xEF}))}},
		{"object link as a string", coap.SenMLJSON, "/5000/0/6", `[{"n":"/5000/0/6","vs":"66:1"}]`, []lwm2m.Entry{at("/5000/0/6", lwm2m.ObjectLink(66, 1))}},
		{"relative times", coap.SenMLJSON, "/3/0/9", `[{"bn":"/3/0/9","bt":-10,"v":1},{"t":5.5,"v":2}]`,
			[]lwm2m.Entry{timed("/3/0/9", lwm2m.Int(1), now-10e9), timed("/3/0/9", lwm2m.Int(2), now-45e8)}},
		{"unknown object", coap.SenMLJSON, "/6000/0", `[{"bn":"/6000/0/","n":"0","v":1},{"n":"1","v":1.0},{"n":"2","v":18446744073709551615}]`,
			[]lwm2m.Entry{at("/6000/0/0", lwm2m.Int(1)), at("/6000/0/1", lwm2m.Num(1)), at("/6000/0/2", lwm2m.Uint(1<<64-1))}},
		{"epoch tag", coap.CBOR, "/3/0/13", "c11a5182428f", []lwm2m.Entry{at("/3/0/13", lwm2m.TimeValue(1367491215))}},
	} {
		t.Run(Name(c.ct)+" "+c.name, func(t *testing.T) {
			got, err := Decode(nil, c.ct, lwm2m.MustPath(c.base), payload(t, c.ct, c.payload), testDefs, Options{Now: now})
			if err != nil || !reflect.DeepEqual(got, c.entries) {
				t.Errorf("%v\n got %v\nwant %v", err, got, c.entries)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		ct      coap.ContentFormat
		base    string
		payload string
		want    error
	}{
		{coap.TLV, "/", "c10964", ErrPath},
		{coap.TLV, "/3/0", "c1", ErrMalformed},
		{coap.TLV, "/3/0", "e109", ErrMalformed},
		{coap.TLV, "/3/0", "c20964", ErrMalformed},
		{coap.TLV, "/3/0", "d80901", ErrMalformed},
		{coap.TLV, "/3/0", "e1ffff64", ErrMalformed}, // identifier 65535
		{coap.TLV, "/3/0", "c10964c10965", ErrMalformed},
		{coap.TLV, "/3/0", "c1066483 06410105", ErrMalformed}, // single and multiple
		{coap.TLV, "/3/0", "0301c10964", ErrPath},
		{coap.TLV, "/3/0/9", "c10a64", ErrPath},
		{coap.TLV, "/3/0/6/1", "410005", ErrPath},
		{coap.TLV, "/3/0", "410105", ErrPath},
		{coap.TLV, "/3", "03000100aa", ErrMalformed}, // an instance in an instance
		{coap.TLV, "/3/0", "8306c10105", ErrMalformed},
		{coap.TLV, "/3/0/9", "c309010203", ErrType},
		{coap.TLV, "/3/0/9", "c009", ErrType},
		{coap.TLV, "/5000/0/5", "c10502", ErrType},
		{coap.TLV, "/5000/0/1", "c201ffff", ErrType},
		{coap.TLV, "/5000/0/6", "c2060001", ErrType},
		{coap.TLV, "/3/0/0", "c100ff", ErrType}, // not UTF-8

		{coap.SenMLJSON, "/3/0", ``, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `{}`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[]]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1},]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1,}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":01}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1.}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1e}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":+1}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1e999}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1,"vs":"a"}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","n":"/3/0/9","v":1}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1},{"n":"/3/0/9","v":1}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/0","vs":"\ud800"}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/0","vs":"\ud800\u0041"}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/0","vs":"\x"}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", "[{\"n\":\"/3/0/0\",\"vs\":\"\n\"}]", ErrMalformed},
		{coap.SenMLJSON, "/3/0", "[{\"n\":\"/3/0/0\",\"vs\":\"\xff\"}]", ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1,"x_":1}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1,"bver":11}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1,"bv":5}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1,"x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0","v":1}]`, ErrMalformed}, // a value at an instance
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9/1/2","v":1}]`, ErrMalformed},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/1/9","v":1}]`, ErrPath},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","v":1.5}]`, ErrType},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","vs":"1"}]`, ErrType},
		{coap.SenMLJSON, "/3/0", `[{"n":"/3/0/9","vb":true}]`, ErrType},
		{coap.SenMLJSON, "/5000/0", `[{"n":"/5000/0/3","v":-1}]`, ErrType},

		{coap.SenMLCBOR, "/3/0", "", ErrMalformed},
		{coap.SenMLCBOR, "/3/0", "a0", ErrMalformed},
		{coap.SenMLCBOR, "/3/0", "8000", ErrMalformed},
		{coap.SenMLCBOR, "/3/0", "9bffffffffffffffff", ErrMalformed},
		{coap.SenMLCBOR, "/3/0", "81bbffffffffffffffff", ErrMalformed},
		{coap.SenMLCBOR, "/3/0", "81a1007bffffffffffffffff", ErrMalformed},
		{coap.SenMLCBOR, "/3/0", "9fa1", ErrMalformed},
		{coap.SenMLCBOR, "/3/0", "81a10061ff", ErrMalformed},                    // not UTF-8
		{coap.SenMLCBOR, "/3/0", "81a1007f7f6130ffff", ErrMalformed},            // chunks in a chunk
		{coap.SenMLCBOR, "/3/0", "81a2 21 66 2f332f302f39 02 1c", ErrMalformed}, // reserved information
		{coap.SenMLCBOR, "/3/0", "81a2 21 66 2f332f302f39 02 3bffffffffffffffff", ErrMalformed},
		{coap.SenMLCBOR, "/3/0", "81a2 21 66 2f332f302f39 18ff" + strings.Repeat("81", 40) + "00", ErrMalformed},
		{coap.SenMLCBOR, "/3/0", "81a3 21 66 2f332f302f39 02 01 f9 3c00 01", ErrMalformed}, // a float as label
		{coap.SenMLCBOR, "/3/0", "81a2 21 66 2f332f302f39 03 61 41", ErrType},

		{coap.Text, "/3/0", "1", ErrPath},
		{coap.Text, "/3/0/9", "1.5", ErrType},
		{coap.Text, "/5000/0/1", "0x10", ErrType},
		{coap.Text, "/5000/0/1", "NaN", ErrType},
		{coap.Text, "/5000/0/5", "true", ErrType},
		{coap.Text, "/5000/0/6", "1", ErrType},
		{coap.Text, "/5000/0/6", "1:70000", ErrType},
		{coap.Text, "/5000/0/2", "A", ErrType},
		{coap.Opaque, "/3/0/9", "01", ErrType},
		{coap.CBOR, "/3/0/9", "0101", ErrMalformed},
		{coap.LinkFormat, "/3/0", "", ErrUnsupported},
		{coap.XML, "/3/0", "", ErrUnsupported},
	} {
		dst := []lwm2m.Entry{at("/9/9/9", lwm2m.Int(9))}
		got, err := Decode(dst, c.ct, lwm2m.MustPath(c.base), payload(t, c.ct, c.payload), testDefs, Options{})
		if !errors.Is(err, c.want) || len(got) != 1 {
			t.Errorf("%s %s %q: %v, %d entries; want %v", Name(c.ct), c.base, c.payload, err, len(got), c.want)
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	b := payload(t, coap.TLV, deviceTLV)
	if _, err := Decode(nil, coap.TLV, lwm2m.MustPath("/3/0"), b, testDefs, Options{MaxEntries: 15}); !errors.Is(err, ErrTooMany) {
		t.Errorf("15 entries: %v", err)
	}
	got, err := Decode(nil, coap.TLV, lwm2m.MustPath("/65"), payload(t, coap.TLV, "c10141"), testDefs, Options{Instance: lwm2m.NoID})
	if err != nil || len(got) != 1 || got[0].Path != lwm2m.NewPath(65, lwm2m.NoID, 1) {
		t.Fatalf("Create without an instance: %v %v", got, err)
	}
	again, err := Append(nil, coap.TLV, lwm2m.MustPath("/65"), got)
	if err != nil || hex.EncodeToString(again) != "c10141" {
		t.Errorf("Create without an instance: %x %v", again, err)
	}
	// SenML cannot say it.
	if b, err := Append(nil, coap.SenMLCBOR, lwm2m.MustPath("/65"), got); !errors.Is(err, ErrPath) {
		t.Errorf("Create without an instance in SenML: %x %v", b, err)
	}
	if ct := Choose([]uint16{110, 112}, lwm2m.V1_1, lwm2m.MustPath("/65"), got); ct != coap.TLV {
		t.Errorf("Create without an instance goes out as %v", ct)
	}
}

func TestAppendRefuses(t *testing.T) {
	for _, c := range []struct {
		ct   coap.ContentFormat
		base string
		e    lwm2m.Entry
		want error
	}{
		{coap.TLV, "/", device[0], ErrPath},
		{coap.TLV, "/4/0", device[0], ErrPath},
		{coap.TLV, "/3/0", timed("/3/0/9", lwm2m.Int(1), 1), ErrType},
		{coap.TLV, "/5000/0", at("/5000/0/2", lwm2m.BytesOf(strings.Repeat("x", 1<<24))), ErrTooMany},
		{coap.Text, "/3/0", device[0], ErrPath},
		{coap.Text, "/3/0/9", timed("/3/0/9", lwm2m.Int(1), 1), ErrType},
		{coap.Opaque, "/3/0/0", device[0], ErrType},
		{coap.SenMLJSON, "/3/0", at("/3/0/0", lwm2m.Str("\xff")), ErrType},
		{coap.SenMLCBOR, "/3/0", at("/3/0/0", lwm2m.Str("\xff")), ErrType},
		{coap.LinkFormat, "/3/0", device[0], ErrUnsupported},
	} {
		if _, err := Append(nil, c.ct, lwm2m.MustPath(c.base), []lwm2m.Entry{c.e}); !errors.Is(err, c.want) {
			t.Errorf("%s %s %v: %v; want %v", Name(c.ct), c.base, c.e.Path, err, c.want)
		}
	}
}
