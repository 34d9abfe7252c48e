package coap

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestOptions(t *testing.T) {
	var o Options
	o = o.AddQuery("lt=300").AppendPath("/rd/a b/").AddQuery("b=U").SetFormat(LinkFormat).SetAccept(TLV).AddUint(Observe, 0)
	if got := fmt.Sprint(o.Path(), slices.Collect(o.PathSegments()), len(o)); got != "/rd/a b[[114 100] [97 32 98]] 7" {
		t.Error(got)
	}
	var queries []string
	for q := range o.Queries() {
		queries = append(queries, string(q))
	}
	if fmt.Sprint(queries) != "[lt=300 b=U]" {
		t.Error("queries", queries)
	}
	if f, ok := o.Format(); f != LinkFormat || !ok {
		t.Error("format", f, ok)
	}
	if f, ok := o.Accepts(); f != TLV || !ok {
		t.Error("accept", f, ok)
	}
	if v, ok := o.GetUint(Observe); v != 0 || !ok || !o.Has(Observe) {
		t.Error("observe", v, ok)
	}
	if _, ok := o.Get(Block2); ok || o.Has(65535) {
		t.Error("an option that is not there")
	}
	o = o.Del(URIQuery).SetUint(Observe, 70000).AppendLocation("rd/5a3f")
	if v, _ := o.GetUint(Observe); v != 70000 || o.Has(URIQuery) || o.Location() != "/rd/5a3f" {
		t.Error("after changes", o)
	}
	if Options(nil).Path() != "/" || Options(nil).AppendPath("/") != nil {
		t.Error("the root path")
	}
	c := o.Clone()
	o[0].Value[0] ^= 0xff
	if c[0].Value[0] == o[0].Value[0] {
		t.Error("Clone shares memory")
	}
	for s := range o.Queries() {
		t.Error("a query is left", s)
	}
	for range o.PathSegments() {
		break // stopping early is allowed
	}
}

func TestOptionUint(t *testing.T) {
	for _, v := range []uint32{0, 1, 255, 256, 65535, 65536, 1<<24 - 1, 1 << 24, 1<<32 - 1, uint32(TLV), uint32(JSON)} {
		o := Options{}.AddUint(Size1, v)
		if got, ok := o.GetUint(Size1); got != v || !ok || len(o[0].Value) != len(AppendUint(nil, v)) {
			t.Errorf("%d: %x", v, o[0].Value)
		}
	}
	if v, ok := (Option{Size1, []byte{0, 0, 5}}).Uint(); v != 5 || !ok {
		t.Error("leading zeros must be understood (RFC 7252 section 3.2)")
	}
	if _, ok := (Option{Size1, make([]byte, 5)}).Uint(); ok {
		t.Error("five bytes")
	}
}

func TestRecognize(t *testing.T) {
	known := func(n OptionNumber) bool { return n == URIPath || n == Accept || n == URIHost }
	for _, c := range []struct {
		name string
		in   Options
		want string
		bad  OptionNumber
	}{
		{"all known", Options{{URIHost, []byte("a")}, {URIPath, nil}, {URIPath, nil}, {Accept, nil}}, "[3 11 11 17]", 0},
		{"unknown elective stays", Options{{URIPath, nil}, {65000, nil}}, "[11 65000]", 0},
		{"unknown critical", Options{{URIPath, nil}, {65001, nil}}, "", 65001},
		{"known critical, not by this program", Options{{IfMatch, nil}}, "", IfMatch},
		{"critical too long", Options{{Accept, make([]byte, 3)}}, "", Accept},
		{"critical too short", Options{{URIHost, nil}}, "", URIHost},
		{"critical twice", Options{{Accept, nil}, {Accept, nil}}, "", Accept},
		{"elective too long is dropped", Options{{Observe, make([]byte, 4)}, {URIPath, nil}, {MaxAge, make([]byte, 5)}}, "[11]", 0},
		{"elective twice: the first counts", Options{{Observe, nil}, {Observe, []byte{1}}, {URIPath, nil}}, "[6 11]", 0},
	} {
		got, bad := c.in.Recognize(known)
		numbers := []int{}
		for _, o := range got {
			numbers = append(numbers, int(o.Number))
		}
		if bad != c.bad || bad == 0 && fmt.Sprint(numbers) != c.want {
			t.Errorf("%s: %v, bad %d", c.name, numbers, bad)
		}
	}
}

// Add and Set in any order keep the options sorted, and those of one number in order of adding.
func TestOptionsStaySorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o Options
		model := map[OptionNumber][]byte{}
		for i := range rapid.IntRange(0, 40).Draw(t, "n") {
			n := OptionNumber(rapid.IntRange(0, 5).Draw(t, "number"))
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0:
				o, model[n] = o.Set(n, []byte{byte(i)}), []byte{byte(i)}
			case 1:
				o, model[n] = o.Del(n), nil
			default:
				o, model[n] = o.Add(n, []byte{byte(i)}), append(model[n], byte(i))
			}
		}
		if !slices.IsSortedFunc(o, func(a, b Option) int { return int(a.Number) - int(b.Number) }) {
			t.Fatalf("not sorted: %v", o)
		}
		for n := OptionNumber(0); n < 6; n++ {
			var got []byte
			for v := range o.All(n) {
				got = append(got, v...)
			}
			if string(got) != string(model[n]) {
				t.Fatalf("option %d: %v, want %v", n, got, model[n])
			}
		}
	})
}

func FuzzOptions(f *testing.F) {
	f.Add([]byte{11, 3, 'a', 'b', 'c', 17, 2, 0x2d, 0x16})
	f.Add([]byte{27, 1, 0x0e, 27, 1, 0x0e})
	f.Add([]byte{6, 0, 6, 4, 1, 2, 3, 4, 60, 5, 1, 2, 3, 4, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		var o Options
		for len(b) >= 2 {
			n, l := OptionNumber(b[0]), min(int(b[1]), len(b)-2)
			o = o.Add(n, b[2:2+l])
			b = b[2+l:]
		}
		o.Path()
		o.Location()
		o.Format()
		o.Accepts()
		o.Block(Block1)
		kept, bad := o.Clone().Recognize(func(n OptionNumber) bool { return n == URIPath || n == Block1 })
		if bad == 0 {
			for _, x := range kept {
				if !x.WellFormed() || x.Number.Critical() && x.Number != URIPath && x.Number != Block1 {
					t.Fatalf("%v was let through", x)
				}
			}
		}
	})
}
