package dtls

import (
	"bytes"
	"testing"
)

func TestRecord(t *testing.T) {
	for _, c := range []struct {
		name   string
		hex    string
		cidLen int
		want   record
		ok     bool
	}{
		{"handshake", "16feff0000000000000005" + "0003" + "010203", 0,
			record{typ: 22, version: version10, seq: 5, body: []byte{1, 2, 3}}, true},
		{"data", "17fefd0001ffffffffffff" + "0001" + "09", 8,
			record{typ: 23, version: version12, epoch: 1, seq: maxSequence, body: []byte{9}}, true},
		{"connection ID", "19fefd0001000000000002" + "0102030405060708" + "0001" + "09", 8,
			record{typ: 25, version: version12, epoch: 1, seq: 2, cid: []byte{1, 2, 3, 4, 5, 6, 7, 8}, body: []byte{9}}, true},
		{"connection ID that we do not use", "19fefd0001000000000002" + "0102030405060708" + "0001" + "09", 0, record{}, false},
		{"connection ID cut", "19fefd0001000000000002" + "01020304050607", 8, record{}, false},
		{"length lies", "17fefd0001000000000000" + "0002" + "09", 0, record{}, false},
		{"no length", "17fefd0001000000000000" + "00", 0, record{}, false},
	} {
		b := unhex(t, c.hex)
		var got record
		rest, ok := got.decode(append(b, 0xAA)[:len(b)], c.cidLen)
		if ok != c.ok {
			t.Errorf("%s: %v", c.name, ok)
		}
		if !ok {
			continue
		}
		if len(rest) != 0 || got.typ != c.want.typ || got.version != c.want.version || got.epoch != c.want.epoch ||
			got.seq != c.want.seq || !bytes.Equal(got.cid, c.want.cid) || !bytes.Equal(got.body, c.want.body) {
			t.Errorf("%s: %+v, rest %x", c.name, got, rest)
		}
		enc := appendRecordHeader(nil, got.typ, got.version, got.epoch, got.seq, got.cid, len(got.body))
		if enc = append(enc, got.body...); !bytes.Equal(enc, b) {
			t.Errorf("%s: encoded %x", c.name, enc)
		}
	}
}

func TestCIDFirst(t *testing.T) {
	for h, want := range map[string]int{
		"19fefd0001000000000002" + "0702030405060708" + "0001" + "09": 7,
		"17fefd0001000000000002" + "0702030405060708" + "0001" + "09": -1,
		"19fefd00010000000000020009":                                  -1,
		"":                                                            -1,
	} {
		first, ok := CIDFirst(unhex(t, h))
		if ok != (want >= 0) || ok && int(first) != want {
			t.Errorf("%s: %d %v", h, first, ok)
		}
	}
}
