package dtls

import (
	"bytes"
	"reflect"
	"testing"
)

const testRandom = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

func TestClientHello(t *testing.T) {
	random := unhex(t, testRandom)
	for _, c := range []struct {
		name, hex string
		want      clientHello
	}{
		{
			"no extensions", "fefd" + testRandom + "00" + "00" + "0002c0a8" + "0100",
			clientHello{version: 0xFEFD, random: random, sessionID: []byte{}, cookie: []byte{}, suites: []byte{0xC0, 0xA8},
				compressions: []byte{0}},
		},
		{
			"extensions", "fefd" + testRandom + "020a0b" + "03010203" + "0004c0a800ff" + "0100" + "002f" +
				"000100" + "01" + "02" + "000a0006" + "00040017001d" + "000b0002" + "0100" + "00170000" + "00350002" + "01b1" +
				"00360003" + "02a1a2" + "003d0000" + "ff010001" + "00",
			clientHello{version: 0xFEFD, random: random, sessionID: []byte{10, 11}, cookie: []byte{1, 2, 3},
				suites: []byte{0xC0, 0xA8, 0, 0xFF}, compressions: []byte{0}, ext: extensions{
					maxFragment: 2, groups: []byte{0, 23, 0, 29}, pointFormats: []byte{0}, ems: true,
					cidDraft: []byte{0xB1}, hasCIDDraft: true, cid: []byte{0xA1, 0xA2}, hasCID: true, rrc: true,
					renegotiation: true, renegotiated: []byte{}}},
		},
	} {
		b := unhex(t, c.hex)
		var got clientHello
		if !got.decode(b) {
			t.Errorf("%s: does not decode", c.name)
			continue
		}
		if joined := append(append(bytes.Clone(got.head), byte(len(got.cookie))), got.cookie...); !bytes.Equal(append(joined, got.tail...), b) {
			t.Errorf("%s: head, cookie and tail are not the message", c.name)
		}
		got.head, got.tail = nil, nil
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: decoded\n%+v\nwant\n%+v", c.name, got, c.want)
		}
		if enc := c.want.append(nil); !bytes.Equal(enc, b) {
			t.Errorf("%s: encoded\n%x\nwant\n%x", c.name, enc, b)
		}
		for i := range b {
			// A cut just before the extensions is a hello without them.
			if got.decode(b[:i]) && i != len(b)-extensionsLen(b, &c.want) {
				t.Errorf("%s: cut to %d of %d bytes it still decodes", c.name, i, len(b))
			}
		}
	}
}

func extensionsLen(b []byte, m *clientHello) int {
	bare := *m
	bare.ext = extensions{}
	return len(b) - len(bare.append(nil))
}

func TestClientHelloRefused(t *testing.T) {
	ok := "fefd" + testRandom + "00" + "00" + "0002c0a8" + "0100"
	var m clientHello
	if !m.decode(unhex(t, ok)) {
		t.Fatal("the good one")
	}
	for name, h := range map[string]string{
		"no suites":              "fefd" + testRandom + "00" + "00" + "0000" + "0100",
		"half a suite":           "fefd" + testRandom + "00" + "00" + "0003c0a8c0" + "0100",
		"no compression":         "fefd" + testRandom + "00" + "00" + "0002c0a8" + "00",
		"session id of 33 bytes": "fefd" + testRandom + "21" + testRandom + "00" + "00" + "0002c0a8" + "0100",
		"trailing bytes":         ok + "0000" + "00",
		"extension too long":     ok + "0004" + "00170001",
		"extension twice":        ok + "0008" + "00170000" + "00170000",
		"EMS with content":       ok + "0005" + "00170001" + "00",
		"bad fragment length":    ok + "0005" + "00010001" + "05",
		"CID length lies":        ok + "0006" + "00360002" + "02a1",
	} {
		if m.decode(unhex(t, h)) {
			t.Errorf("%s: decoded", name)
		}
	}
}

// Extensions that are not known, and a server name with an IP literal, are tolerated.
func TestUnknownExtensions(t *testing.T) {
	ok := "fefd" + testRandom + "00" + "00" + "0002c0a8" + "0100"
	var m clientHello
	if !m.decode(unhex(t, ok+"0018"+"0a0a0003"+"010203"+"0000000d"+"000b00"+"0008"+"31302e302e302e31")) {
		t.Fatal("refused")
	}
	if !m.ext.unknown {
		t.Error("unknown not noted")
	}
}
