package lwm2m

import (
	"errors"
	"strings"
	"testing"
)

func TestParseAttributes(t *testing.T) {
	a, err := ParseAttributes("pmin=10", "pmax=60", "gt=25.5", "lt=-1", "st=0.5", "epmin=1", "epmax=2", "edge=1", "con=0", "hqmax=9")
	if err != nil || !a.Has(Pmin|Pmax|Gt|Lt|St|Epmin|Epmax|Edge|Con|Hqmax) || a.Pmin != 10 || a.Pmax != 60 || a.Gt != 25.5 || a.Lt != -1 ||
		a.St != 0.5 || a.Epmin != 1 || a.Epmax != 2 || !a.Edge || a.Con || a.Hqmax != 9 {
		t.Fatalf("%+v, %v", a, err)
	}
	if got, want := a.String(), "pmin=10&pmax=60&gt=25.5&lt=-1&st=0.5&epmin=1&epmax=2&edge=1&con=0&hqmax=9"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c, err := ParseAttributes("pmin", "gt=30")
	if err != nil || c.Cleared != Pmin || c.String() != "pmin&gt=30" {
		t.Fatalf("%+v, %v", c, err)
	}
	if got, want := a.Apply(c).String(), "pmax=60&gt=30&lt=-1&st=0.5&epmin=1&epmax=2&edge=1&con=0&hqmax=9"; got != want {
		t.Errorf("after the change: got %s, want %s", got, want)
	}
	for _, q := range []string{"pmin=", "pmin=-1", "pmin=+1", "pmin=1.5", "pmin=4294967296", "gt=x", "gt=", "gt=NaN", "gt=1e999", "st=-1", "edge=2", "con=true",
		"foo=1", "foo", "dim=3", "ver=1.0", "", "=", "PMIN=1"} {
		if a, err := ParseAttributes(q); !errors.Is(err, ErrAttribute) {
			t.Errorf("%q: %v, %v", q, a, err)
		}
	}
	if _, err := ParseAttributes("pmin=1", "pmin"); !errors.Is(err, ErrAttribute) {
		t.Errorf("pmin twice: %v", err)
	}
}

func TestValidateAttributes(t *testing.T) {
	for _, c := range []struct {
		path, queries string
		ok            bool
	}{
		{"/3", "pmin=1&pmax=2&epmin=1&epmax=2&con=1&hqmax=3", true},
		{"/3/0", "pmin=1", true},
		{"/3/0/9", "pmin=1&gt=5", true},
		{"/3/0/7/1", "gt=5&lt=1&st=1", true},
		{"/", "pmin=1", false},
		{"/3", "gt=1", false},
		{"/3/0", "lt=1", false},
		{"/3/0", "st=1", false},
		{"/3/0", "edge=1", false},
		{"/3/0/9", "lt=5&gt=5", false},
		{"/3/0/9", "lt=6&gt=5", false},
		{"/3/0/9", "lt=4&gt=5", true},
		{"/3/0/9", "lt=4&gt=5&st=0.5", false}, // lt + 2 st = gt
		{"/3/0/9", "lt=4&gt=5&st=0.4", true},
		{"/3/0/9", "lt=4&st=3", true},
		{"/3/0/9", "pmin=10&pmax=5", true}, // pmax is then ignored, not refused
	} {
		a, err := ParseAttributes(strings.Split(c.queries, "&")...)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Validate(MustPath(c.path)); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrAttribute) {
			t.Errorf("%s %s: %v", c.path, c.queries, err)
		}
	}
	gt, _ := ParseAttributes("gt=1")
	edge, _ := ParseAttributes("edge=1")
	for k := None; k <= Corelnk; k++ {
		if got, want := gt.ValidateKind(k) == nil, k == Integer || k == Unsigned || k == Float || k == Time; got != want {
			t.Errorf("gt on %v: %v", k, got)
		}
		if got := edge.ValidateKind(k) == nil; got != (k == Boolean) {
			t.Errorf("edge on %v: %v", k, got)
		}
	}
}

// The nearest level wins, each attribute by itself.
func TestInheritAttributes(t *testing.T) {
	parse := func(s string) Attributes {
		a, err := ParseAttributes(strings.Split(s, "&")...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	got := parse("gt=5&pmin=3").Inherit(parse("pmin=2&con=1")).Inherit(parse("pmin=1&pmax=60&con=0&hqmax=2"))
	if want := "pmin=3&pmax=60&gt=5&con=1&hqmax=2"; got.String() != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func FuzzAttributes(f *testing.F) {
	f.Add("pmin=10&gt=1.5&lt")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAttributes(strings.Split(s, "&")...)
		if err != nil {
			return
		}
		again, err := ParseAttributes(a.AppendQueries(nil)...)
		if err != nil || again != a {
			t.Fatalf("%q: %+v is read as %+v, %v", s, a, again, err)
		}
		a.Validate(MustPath("/3/0/9"))
	})
}
