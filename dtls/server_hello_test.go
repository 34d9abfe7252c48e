package dtls

import (
	"bytes"
	"reflect"
	"testing"
)

func TestServerHello(t *testing.T) {
	random := unhex(t, testRandom)
	for _, c := range []struct {
		hex  string
		want serverHello
	}{
		{"fefd" + testRandom + "00" + "c0a8" + "00", serverHello{version: 0xFEFD, random: random, sessionID: []byte{}, suite: PSKWithAES128CCM8}},
		{"fefd" + testRandom + "01ff" + "d003" + "00" + "0010" + "00170000" + "00350003" + "02a1a2" + "ff010001" + "00",
			serverHello{version: 0xFEFD, random: random, sessionID: []byte{0xFF}, suite: ECDHEPSKWithAES128CCM8, ext: extensions{
				ems: true, cidDraft: []byte{0xA1, 0xA2}, hasCIDDraft: true, renegotiation: true, renegotiated: []byte{}}}},
	} {
		b := unhex(t, c.hex)
		var got serverHello
		if !got.decode(b) || !reflect.DeepEqual(got, c.want) {
			t.Errorf("decoded\n%+v\nwant\n%+v", got, c.want)
		}
		if enc := c.want.append(nil); !bytes.Equal(enc, b) {
			t.Errorf("encoded\n%x\nwant\n%x", enc, b)
		}
		for i := range b {
			if got.decode(b[:i]) && i != 38+len(c.want.sessionID) {
				t.Errorf("cut to %d bytes it still decodes", i)
			}
		}
	}
}
