package dns

import (
	"bytes"
	"testing"
)

// Data with a name in it is compressed, read whole again, and compared without regard to the case of the name only.
func TestData(t *testing.T) {
	host := MustName("lamp.local")
	for _, c := range []struct {
		kind      uint16
		data, low string
	}{
		{TypePTR, "\x04Lamp\x05local\x00", string(host)},
		{TypeSRV, "\x00\x00\x00\x00\x41\x42\x04Lamp\x05local\x00", "\x00\x00\x00\x00\x41\x42" + string(host)},
		{TypeNSEC, "\x04Lamp\x05local\x00\x00\x01\x41", string(host) + "\x00\x01\x41"},
		{TypeTXT, "\x03A=B", "\x03A=B"},
	} {
		var w Writer
		w.Header(0, FlagResponse)
		w.Question("\x04Lamp\x05local\x00", TypeA)
		w.Section(Answer)
		w.Begin(host, c.kind, ClassIN, 1)
		w.Data(c.kind, []byte(c.data))
		w.End()
		m, _, err := ParseAll(w.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		_ = m.Each(func(r *Record, _ int) bool {
			whole, err := m.WholeData(r)
			if err != nil || string(whole) != c.data || !bytes.Equal(LowerData(c.kind, whole), []byte(c.low)) {
				t.Errorf("type %d: %q, %q, %v", c.kind, whole, LowerData(c.kind, whole), err)
			}
			if nameAt(c.kind) >= 0 && c.kind != TypeNSEC && len(r.Data) >= len(c.data) {
				t.Errorf("type %d is not compressed: %q", c.kind, r.Data)
			}
			r.Data = r.Data[:len(r.Data)-1]
			if _, err := m.WholeData(r); err == nil && c.kind != TypeTXT && c.kind != TypeNSEC {
				t.Errorf("type %d: cut", c.kind)
			}
			return true
		})
	}
	if b := LowerData(TypePTR, []byte("\x3fA")); string(b) != "\x3fa" { // a name that is cut
		t.Errorf("%q", b)
	}
}
