package bootstrap

import (
	"fmt"
	"slices"
	"testing"

	"heddle.example/lwm2m"
)

// What devices say when they are asked what they have.
func TestParseFound(t *testing.T) {
	for _, c := range []struct {
		text, version, security, server string
		own                             []uint16
	}{
		{`</>;lwm2m=1.1,</0/0>;uri="coap://h",</0/1>;ssid=101,</1/0>;ssid=101`, "1.1", "[{0 0} {1 101}]", "[{0 101}]", []uint16{0}},
		{`</>;lwm2m="1.2",</0/5>,</1>`, "1.2", "[{5 0}]", "[]", []uint16{5}},
		{`lwm2m="1.0",</0/0>,</0/1>;ssid=101,</1/0>;ssid=101,</3/0>`, "1.0", "[{0 0} {1 101}]", "[{0 101}]", []uint16{0}}, // version 1.0 section 5.2.7.2
		{`;lwm2m="1.1", </0>;ver="1.1", </0/0>;ssid="0";uri="coaps://x", </0/1>;ssid="1"`, "1.1", "[{0 0} {1 1}]", "[]", []uint16{0}},
		{`</0/0>,</0/1>,</1/0>;ssid=1`, "1.0", "[{0 0} {1 0}]", "[{0 1}]", []uint16{0, 1}},
		{`</0/0>;ssid=65535`, "1.0", "[{0 0}]", "[]", []uint16{0}},
		{`lwm2m="1.0"`, "1.0", "[]", "[]", nil},
		{``, "1.0", "[]", "[]", nil},
	} {
		f, err := ParseFound([]byte(c.text))
		if err != nil || !f.Known || f.Version.String() != c.version || fmt.Sprint(f.Security) != c.security || fmt.Sprint(f.Server) != c.server || !slices.Equal(f.Own(), c.own) {
			t.Errorf("%s: %+v, own %v, %v", c.text, f, f.Own(), err)
		}
	}
	if _, err := ParseFound([]byte("<")); err == nil {
		t.Error("half a link is read")
	}
	if own := (&Found{}).Own(); !slices.Equal(own, []uint16{0}) {
		t.Errorf("a device that does not answer has its account at %v", own)
	}
}

// Whatever a device says, no message touches what may be its account of this server.
func FuzzFound(f *testing.F) {
	f.Add(factory)
	f.Add(`lwm2m="1.0",</0/0>,</0/1>;ssid=101,</1/0>;ssid=101`)
	f.Add(`</0/0>,</0/1>,</0/2>;ssid=1`)
	p := &Provision{Delete: paths("/0", "/0/0", "/0/1", "/0/2", "/1"), Accounts: []Account{account(1, 0, 0), account(2, free, free), account(3, 1, free)}}
	f.Fuzz(func(t *testing.T, text string) {
		found, err := ParseFound([]byte(text))
		if err != nil {
			return
		}
		own := found.Own()
		written := map[lwm2m.Path]bool{}
		for _, m := range p.Messages(&found) {
			if m.Skipped || m.Op != WriteOp && m.Op != Delete {
				continue
			}
			if m.Path.Depth() == 2 && m.Path.Object() == 0 && slices.Contains(own, m.Path.Instance()) {
				t.Fatalf("%q: %s %s", text, m.Op, m.Path)
			}
			if m.Op == WriteOp {
				if written[m.Path] {
					t.Fatalf("%q: %s is written twice", text, m.Path)
				}
				written[m.Path] = true
				if _, err := m.Encode(writeFormats[0]); err != nil {
					t.Fatalf("%q: %v", text, err)
				}
			}
		}
		if len(written) != 6 {
			t.Fatalf("%q: %d written", text, len(written))
		}
	})
}
