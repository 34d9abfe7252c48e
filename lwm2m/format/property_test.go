package format

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"pgregory.net/rapid"
)

// drawValue draws a value that every format can carry.
func drawValue(t *rapid.T, k lwm2m.Kind) lwm2m.Value {
	switch k {
	case lwm2m.String:
		return lwm2m.Str(rapid.String().Draw(t, "string"))
	case lwm2m.Corelnk:
		return lwm2m.Core(rapid.String().Draw(t, "corelnk"))
	case lwm2m.Integer:
		return lwm2m.Int(rapid.Int64().Draw(t, "integer"))
	case lwm2m.Time:
		return lwm2m.TimeValue(rapid.Int64().Draw(t, "time"))
	case lwm2m.Unsigned:
		return lwm2m.Uint(rapid.Uint64().Draw(t, "unsigned"))
	case lwm2m.Boolean:
		return lwm2m.Bool(rapid.Bool().Draw(t, "boolean"))
	case lwm2m.Opaque:
		return lwm2m.Bytes(rapid.SliceOf(rapid.Byte()).Draw(t, "opaque"))
	case lwm2m.Objlink:
		return lwm2m.ObjectLink(rapid.Uint16().Draw(t, "object"), rapid.Uint16().Draw(t, "instance"))
	}
	f := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = rapid.Float64().Draw(t, "float") // JSON has neither
	}
	return lwm2m.Num(f)
}

// drawNode draws a node and the types that belong to it.
func drawNode(t *rapid.T, object uint16) (defs, lwm2m.Path, []lwm2m.Entry) {
	types := defs{}
	id := rapid.OneOf(rapid.Uint16Range(0, 20), rapid.Uint16Range(0, 65534))
	count := rapid.IntRange(0, 4)
	depth := rapid.IntRange(1, 4).Draw(t, "depth")
	var entries []lwm2m.Entry
	ids := func(label string) []uint16 {
		return rapid.SliceOfNDistinct(id, 0, count.Draw(t, "count"), rapid.ID[uint16]).Draw(t, label)
	}
	for _, inst := range ids("instances") {
		p := lwm2m.NewPath(object, inst)
		resources := ids("resources")
		if len(resources) == 0 {
			entries = append(entries, lwm2m.Entry{Path: p})
		}
		for _, res := range resources {
			key := [2]uint16{object, res}
			if _, ok := types[key]; !ok {
				types[key] = rapid.SampledFrom([]lwm2m.Kind{lwm2m.String, lwm2m.Integer, lwm2m.Unsigned, lwm2m.Float,
					lwm2m.Boolean, lwm2m.Opaque, lwm2m.Time, lwm2m.Objlink, lwm2m.Corelnk}).Draw(t, "kind")
			}
			p := p.Child(res)
			if !rapid.Bool().Draw(t, "multiple") {
				entries = append(entries, lwm2m.Entry{Path: p, Value: drawValue(t, types[key])})
				continue
			}
			instances := ids("resource instances")
			if len(instances) == 0 {
				entries = append(entries, lwm2m.Entry{Path: p})
			}
			for _, ri := range instances {
				entries = append(entries, lwm2m.Entry{Path: p.Child(ri), Value: drawValue(t, types[key])})
			}
		}
	}
	lwm2m.Sort(entries)
	base := lwm2m.NewPath(object)
	if len(entries) > 0 {
		base = entries[0].Path.Cut(depth)
		n := 0
		for _, e := range entries {
			if e.Path.HasPrefix(base) {
				entries[n] = e
				n++
			}
		}
		entries = entries[:n]
		if n == 1 && entries[0].Value.IsNone() && entries[0].Path == base && base.Depth() < 3 {
			entries = nil
		}
	}
	return types, base, entries
}

// drawTimes gives values the times when they were measured, several to some of them.
func drawTimes(t *rapid.T, entries []lwm2m.Entry) []lwm2m.Entry {
	second := rapid.Int64Range(relativeTime, 1<<32-1)
	micro := rapid.Int64Range(0, 999_999)
	var out []lwm2m.Entry
	for _, e := range entries {
		times := rapid.IntRange(0, 3).Draw(t, "times")
		if e.Value.IsNone() || times == 0 {
			out = append(out, e)
			continue
		}
		at := second.Draw(t, "second")*1e9 + micro.Draw(t, "microsecond")*1e3
		for range times {
			e.Time = at
			out = append(out, e)
			e.Value = drawValue(t, e.Value.Kind())
			at += rapid.Int64Range(1, 3600e6).Draw(t, "later") * 1e3
		}
	}
	return out
}

// Any node through any two formats is the same node.
func TestAnyNodeThroughTwoFormats(t *testing.T) {
	formats := []coap.ContentFormat{coap.TLV, coap.SenMLJSON, coap.SenMLCBOR, coap.Text, coap.CBOR, coap.Opaque, coap.JSON,
		coap.LwM2MCBOR, coap.TLVOld, coap.JSONOld, coap.ETCHJSON, coap.ETCHCBOR}
	rapid.Check(t, func(t *rapid.T) {
		types, base, entries := drawNode(t, rapid.Uint16Range(0, 65534).Draw(t, "object"))
		if rapid.IntRange(0, 2).Draw(t, "with times") == 0 {
			entries = drawTimes(t, entries)
		}
		through := entries
		for _, which := range []string{"first", "second"} {
			ct := rapid.SampledFrom(formats).Draw(t, which)
			if !Fits(ct, base, through) {
				continue
			}
			b, err := Append(nil, ct, base, through)
			if err != nil {
				t.Fatalf("%s: encode: %v", Name(ct), err)
			}
			through, err = Decode(nil, ct, base, b, types, Options{})
			if err != nil {
				t.Fatalf("%s: decode %q: %v", Name(ct), b, err)
			}
		}
		if len(through)+len(entries) > 0 && !reflect.DeepEqual(through, entries) {
			t.Fatalf("\n got %v\nwant %v", through, entries)
		}
	})
}

// Decoded bytes, encoded again and decoded, are the same node: checked on whatever the fuzzer finds.
func fuzzFormat(f *testing.F, ct coap.ContentFormat, bases ...string) {
	for _, v := range slices.Concat(vectors, oldVectors, cborVectors) {
		if v.ct == ct {
			f.Add(v.base, payload(f, ct, v.payload))
		}
	}
	for _, b := range bases {
		f.Add(b, []byte{})
	}
	f.Fuzz(func(t *testing.T, p string, b []byte) {
		base, err := lwm2m.ParsePath(p)
		if err != nil {
			return
		}
		before := string(b)
		for _, types := range []Typer{nil, testDefs} {
			entries, err := Decode(nil, ct, base, b, types, Options{MaxEntries: 100})
			if string(b) != before {
				t.Fatal("payload was changed")
			}
			if err != nil {
				continue
			}
			again, err := Append(nil, ct, base, entries)
			if err != nil {
				t.Fatalf("encode what was decoded: %v: %v", err, entries)
			}
			same, err := Decode(nil, ct, base, again, types, Options{})
			if err != nil || len(same)+len(entries) > 0 && !reflect.DeepEqual(same, entries) {
				t.Fatalf("%v\n%q\n got %v\nwant %v", err, again, same, entries)
			}
		}
	})
}

func FuzzTLV(f *testing.F)       { fuzzFormat(f, coap.TLV, "/3", "/3/0/6/1") }
func FuzzSenMLJSON(f *testing.F) { fuzzFormat(f, coap.SenMLJSON, "/", "/3/0/9") }
func FuzzSenMLCBOR(f *testing.F) { fuzzFormat(f, coap.SenMLCBOR, "/", "/3/0/9") }
func FuzzText(f *testing.F)      { fuzzFormat(f, coap.Text, "/3/0/9") }
func FuzzCBOR(f *testing.F)      { fuzzFormat(f, coap.CBOR, "/3/0/9") }
func FuzzOldJSON(f *testing.F)   { fuzzFormat(f, coap.JSON, "/3", "/3/0/9") }
func FuzzLwM2MCBOR(f *testing.F) { fuzzFormat(f, coap.LwM2MCBOR, "/", "/3/0/9") }

// What a hostile peer sends as a list of paths or as a patch is refused or is a list of bounded length; paths that were
// read can be said again.
func FuzzComposite(f *testing.F) {
	for _, ct := range []coap.ContentFormat{coap.SenMLJSON, coap.SenMLCBOR, coap.ETCHJSON, coap.ETCHCBOR} {
		b, err := AppendPaths(nil, ct, []lwm2m.Path{lwm2m.Root, lwm2m.MustPath("/3/0/9")})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint16(ct), b)
	}
	f.Add(uint16(coap.ETCHJSON), []byte(`[{"n":"/3/0/6/1","v":null},{"bn":"/5000/0/","n":"2","vd":"AA"}]`))
	f.Fuzz(func(t *testing.T, ct uint16, b []byte) {
		paths, err := DecodePaths(nil, coap.ContentFormat(ct), b, Options{MaxEntries: 50})
		if len(paths) > 50 || err != nil && len(paths) > 0 {
			t.Fatalf("%d paths, %v", len(paths), err)
		}
		if err == nil {
			again, err := AppendPaths(nil, coap.ContentFormat(ct), paths)
			if err != nil {
				t.Fatal(err)
			}
			same, err := DecodePaths(nil, coap.ContentFormat(ct), again, Options{})
			if err != nil || !slices.Equal(paths, same) {
				t.Fatalf("%v: %v, then %v", err, paths, same)
			}
		}
		entries, err := Decode(nil, coap.ContentFormat(ct), lwm2m.Root, b, testDefs, Options{MaxEntries: 50, Patch: true})
		if len(entries) > 50 || err != nil && len(entries) > 0 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
	})
}
