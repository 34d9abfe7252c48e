package lwm2m_test

import (
	"testing"

	"heddle.example/lwm2m"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"urn:dev:os:1": "urn:dev:os:1", "Küche": "Küche", "": "",
		"a\nb": "a.b", "a\x7f": "a.", "\xff": ".", "a\u202eb": "a...b", "a\u061cb": "a..b", "\ufeff": "...",
		"0123456789": "01234567",
	} {
		if got := lwm2m.Clean([]byte(in), 8); in == "urn:dev:os:1" && got != "urn:dev:" || in != "urn:dev:os:1" && got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}
