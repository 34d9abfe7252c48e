package dns

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, bad := range [][]byte{{0xc0, 0}, {63}, {0x80, 1}, {1, 'a', 0xc0, 0}, {1, 'a'}} {
		if _, _, _, err := ReadName(bad, 0); err == nil {
			t.Errorf("%x is a name", bad)
		}
	}
	b := append(make([]byte, 12), 3, 'W', 'w', 'w', 0xc0, 20, 0, 0, 2, 'd', 'e', 0)
	if _, _, _, err := ReadName(b, 12); err == nil {
		t.Error("a pointer ahead")
	}
	n, raw, end, err := ReadName([]byte{2, 'D', 'e', 0, 3, 'W', 'w', 'w', 0xc0, 0}, 4)
	if err != nil || n != MustName("www.de") || string(raw) != "\x03Www\x02De\x00" || end != 10 || n.Text() != "www.de" {
		t.Errorf("%q %q %d %v", n, raw, end, err)
	}
	for _, bad := range []string{"a..b", ".a", strings.Repeat("a", 64), strings.Repeat("abcdefg.", 40)} {
		if _, err := ParseName(bad); err == nil {
			t.Errorf("%q is a name", bad)
		}
	}
	if n, err := ParseName("Example.com."); err != nil || n != "\x07Example\x03com\x00" {
		t.Errorf("%q %v", n, err)
	}
}

func FuzzParse(f *testing.F) {
	q, _ := NewQuestion("a.example", TypeAAAA)
	f.Add(AppendRecord(AppendHeader(nil, 7, FlagResponse, &q, 1), &q, q.Name, TypeCNAME, 5, []byte("\x01b\xc0\x0e")))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		_ = m.Each(func(r *Record, section int) bool { // malformed records end it
			if n, _, end, err := ReadName(m.Bytes, r.At); err == nil && (end > len(b) || len(n) > MaxName) {
				t.Fatal(n, end)
			}
			r.Owner.Text()
			if d, err := m.WholeData(r); err == nil {
				LowerData(r.Type, d)
			}
			return true
		})
	})
}
