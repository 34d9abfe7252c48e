package dtls

import (
	"bytes"
	"errors"
	"testing"
)

// RFC 4279 section 2.
func TestPSKExchange(t *testing.T) {
	x := newPSK()
	pre, err := x.premaster(nil, []byte{1, 2, 3})
	if err != nil || !bytes.Equal(pre, unhex(t, "0003000000"+"0003010203")) {
		t.Errorf("premaster %x %v", pre, err)
	}
	body, err := x.appendClient(nil, nil, "id")
	if err != nil || !bytes.Equal(body, unhex(t, "00026964")) {
		t.Errorf("ClientKeyExchange %x %v", body, err)
	}
	if id, err := x.readClient(body); err != nil || string(id) != "id" {
		t.Errorf("identity %q %v", id, err)
	}
	if b, err := x.appendServer(nil, nil); err != nil || len(b) != 0 {
		t.Errorf("ServerKeyExchange %x %v", b, err)
	}
	if err := x.readServer(unhex(t, "000468696e74")); err != nil {
		t.Errorf("hint: %v", err)
	}
	for _, bad := range []string{"", "00", "0001", "00016161"} {
		if _, err := x.readClient(unhex(t, bad)); !errors.Is(err, errMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
		if err := x.readServer(unhex(t, bad)); !errors.Is(err, errMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
