package dtls

import (
	"bytes"
	"testing"
)

func TestHelloVerifyRequest(t *testing.T) {
	b := unhex(t, "feff0401020304")
	var m helloVerifyRequest
	if !m.decode(b) || m.version != version10 || !bytes.Equal(m.cookie, []byte{1, 2, 3, 4}) {
		t.Errorf("%+v", m)
	}
	if enc := m.append(nil); !bytes.Equal(enc, b) {
		t.Errorf("%x", enc)
	}
	for i := range b {
		if m.decode(b[:i]) {
			t.Errorf("cut to %d bytes it still decodes", i)
		}
	}
	if m.decode(append(b, 0)) {
		t.Error("with a trailing byte")
	}
}
