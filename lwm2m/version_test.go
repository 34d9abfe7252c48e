package lwm2m

import (
	"errors"
	"testing"
)

func TestVersion(t *testing.T) {
	for text, want := range map[string]Version{"1.0": V1_0, "1.1": V1_1, "1.2": V1_2, "2.13": {2, 13}} {
		if v, err := ParseVersion(text); err != nil || v != want || v.String() != text {
			t.Errorf("ParseVersion(%q) = %v, %v", text, v, err)
		}
	}
	for _, text := range []string{"", "1", "1.", ".1", "1.0.0", "1.256", "-1.0", "1.+1", "a.b", " 1.0"} {
		if v, err := ParseVersion(text); !errors.Is(err, ErrVersion) {
			t.Errorf("ParseVersion(%q) = %v, %v", text, v, err)
		}
	}
	if !V1_1.AtLeast(V1_0) || !V1_1.AtLeast(V1_1) || V1_0.AtLeast(V1_1) || (Version{}).String() != "" {
		t.Error("order of versions")
	}
}

func TestBinding(t *testing.T) {
	for _, c := range []struct {
		text, shown string
		queue       bool
	}{{"U", "U", false}, {"UQ", "UQ", true}, {"S", "S", false}, {"SQ", "SQ", true}, {"US", "US", false}, {"UQS", "UQS", true},
		{"UTSN", "UTSN", false}, {"TU", "UT", false}, {"N", "N", false}} {
		b, err := ParseBinding(c.text)
		if err != nil || b.String() != c.shown || b.Queue() != c.queue {
			t.Errorf("ParseBinding(%q) = %v, %v", c.text, b, err)
		}
	}
	for _, text := range []string{"", "Q", "UU", "u", "UX", "U Q"} {
		if b, err := ParseBinding(text); !errors.Is(err, ErrBinding) {
			t.Errorf("ParseBinding(%q) = %v, %v", text, b, err)
		}
	}
}

func TestObjectURN(t *testing.T) {
	for want, o := range map[string]struct {
		id uint16
		v  Version
	}{
		"urn:oma:lwm2m:oma:3":        {3, V1_0},
		"urn:oma:lwm2m:oma:3:1.1":    {3, V1_1},
		"urn:oma:lwm2m:ext:3303:1.1": {3303, V1_1},
		"urn:oma:lwm2m:x:31024":      {31024, V1_0},
	} {
		if got := ObjectURN(o.id, o.v); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
