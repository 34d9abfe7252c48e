package lwm2m

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestParsePath(t *testing.T) {
	for _, c := range []struct {
		text string
		path Path
	}{
		{"/", Root},
		{"/3", NewPath(3)},
		{"3/0", NewPath(3, 0)},
		{"/3/0/9", NewPath(3, 0, 9)},
		{"/65534/65534/65534/65534", NewPath(65534, 65534, 65534, 65534)},
	} {
		got, err := ParsePath(c.text)
		if err != nil || got != c.path || got.Depth() != c.path.Depth() {
			t.Errorf("ParsePath(%q) = %v, %v", c.text, got, err)
		}
		if s := got.String(); s != c.text && s != "/"+c.text {
			t.Errorf("%q is printed as %q", c.text, s)
		}
	}
	for _, text := range []string{"", "//", "/3/", "/3//0", "/03", "/3/00", "/65535", "/655350", "/99999999999999999999", "/1/2/3/4/5", "/a", "/-1", "/+1", "/3/0?x", " /3"} {
		if p, err := ParsePath(text); !errors.Is(err, ErrPath) {
			t.Errorf("ParsePath(%q) = %v, %v", text, p, err)
		}
	}
}

func TestJoinPath(t *testing.T) {
	for _, c := range []struct {
		base, name string
		path       Path
		ok         bool
	}{
		{"/3/0/", "9", NewPath(3, 0, 9), true},
		{"/3/0", "/9", NewPath(3, 0, 9), true},
		{"/3/0/1", "0", NewPath(3, 0, 10), true},
		{"", "/3/0/9", NewPath(3, 0, 9), true},
		{"/3/0/", "", NewPath(3, 0), true},
		{"/", "", Root, true},
		{"", "", Root, false},
		{"/3/0/", "/9", Root, false},
		{"/3/0/0", "1", Root, false},
		{"/3/0/9/1", "/2", Root, false},
		{"/6553", "5", Root, false},
		{"urn:dev:", "/3/0", Root, false},
	} {
		if p, ok := JoinPath(c.base, c.name); p != c.path && c.ok || ok != c.ok {
			t.Errorf("JoinPath(%q, %q) = %v, %v", c.base, c.name, p, ok)
		}
	}
}

func TestPathParts(t *testing.T) {
	p := NewPath(3, 1, 7, 2)
	if p.Object() != 3 || p.Instance() != 1 || p.Resource() != 7 || p.ResourceInstance() != 2 || p.ID() != 2 || p.Child(5) != p {
		t.Errorf("parts of %v", p)
	}
	if p.Parent() != NewPath(3, 1, 7) || p.Cut(1) != NewPath(3) || p.Cut(0) != Root || p.Cut(4) != p || Root.Parent() != Root {
		t.Error("Parent or Cut")
	}
	if s := p.AppendSegments(nil); !reflect.DeepEqual(s, []string{"3", "1", "7", "2"}) {
		t.Errorf("segments %v", s)
	}
	for _, c := range []struct {
		p, q string
		want bool
	}{{"/3/0/9", "/3/0", true}, {"/3/0", "/3/0", true}, {"/3/0", "/", true}, {"/3", "/3/0", false}, {"/30", "/3", false}, {"/3/1/9", "/3/0", false}} {
		if got := MustPath(c.p).HasPrefix(MustPath(c.q)); got != c.want {
			t.Errorf("%s.HasPrefix(%s) = %v", c.p, c.q, got)
		}
	}
	b, _ := p.MarshalText()
	var q Path
	if err := q.UnmarshalText(b); err != nil || q != p {
		t.Errorf("text %s: %v, %v", b, q, err)
	}
}

func drawPath(t *rapid.T) (Path, []uint16) {
	ids := rapid.SliceOfN(rapid.OneOf(rapid.Uint16Range(0, 3), rapid.Uint16Range(0, 65534)), 0, 4).Draw(t, "ids")
	return NewPath(ids...), ids
}

// Paths behave as lists of numbers do.
func TestPathAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, a := drawPath(t)
		q, b := drawPath(t)
		if got := p.Compare(q); got != slices.Compare(a, b) || (got == 0) != (p == q) || got != -q.Compare(p) {
			t.Fatalf("%v.Compare(%v) = %d", p, q, got)
		}
		if got := p.HasPrefix(q); got != (len(b) <= len(a) && slices.Equal(a[:min(len(a), len(b))], b)) {
			t.Fatalf("%v.HasPrefix(%v) = %v", p, q, got)
		}
		if again, err := ParsePath(p.String()); err != nil || again != p {
			t.Fatalf("%v is read as %v, %v", p, again, err)
		}
		for depth := range 5 {
			if got := p.Cut(depth); got != NewPath(a[:min(depth, len(a))]...) {
				t.Fatalf("%v.Cut(%d) = %v", p, depth, got)
			}
		}
		split := rapid.IntRange(0, len(p.String())).Draw(t, "split")
		if s := p.String(); p != Root {
			if got, ok := JoinPath(s[:split], s[split:]); !ok || got != p {
				t.Fatalf("JoinPath(%q, %q) = %v, %v", s[:split], s[split:], got, ok)
			}
		}
	})
}

func FuzzParsePath(f *testing.F) {
	f.Add("/3/0/9")
	f.Add("/65535")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err == nil && p.String() != s && p.String() != "/"+s {
			t.Fatalf("%q is read as %v", s, p)
		}
	})
}

func BenchmarkParsePath(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ParsePath("/3303/0/5700")
	}
}
