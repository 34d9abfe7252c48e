package dtls

import (
	"bytes"
	"errors"
	"testing"
)

// RFC 5489 section 2, RFC 8422 section 5.4, both groups.
func TestECDHEPSKExchange(t *testing.T) {
	for _, g := range groups {
		server, client := newECDHEPSK(), newECDHEPSK()
		server.setGroup(g.id)
		r := newTestRand(1)
		params, err := server.appendServer(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(params, []byte{0, 0, namedCurve, byte(g.id >> 8), byte(g.id)}) {
			t.Errorf("ServerKeyExchange %x", params)
		}
		if err := client.readServer(params); err != nil {
			t.Fatal(err)
		}
		body, err := client.appendClient(nil, r, "id")
		if err != nil {
			t.Fatal(err)
		}
		id, err := server.readClient(body)
		if err != nil || string(id) != "id" {
			t.Fatalf("%q %v", id, err)
		}
		a, err1 := server.premaster(nil, []byte("key"))
		b, err2 := client.premaster(nil, []byte("key"))
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) || !bytes.HasPrefix(a, []byte{0, 32}) ||
			!bytes.HasSuffix(a, []byte("\x00\x03key")) {
			t.Errorf("premaster %x %v, %x %v", a, err1, b, err2)
		}
		for i := range params {
			if err := newECDHEPSK().readServer(params[:i]); err == nil {
				t.Errorf("ServerKeyExchange cut to %d bytes", i)
			}
		}
		for i := range body {
			if _, err := server.readClient(body[:i]); err == nil {
				t.Errorf("ClientKeyExchange cut to %d bytes", i)
			}
		}
	}
}

// Points that are not on the curve, unknown curves, and X25519 points of small order are refused.
func TestBadPoints(t *testing.T) {
	p256 := append([]byte{0, 0, namedCurve, 0, 23, 65, 4}, make([]byte, 64)...)
	if err := newECDHEPSK().readServer(p256); !errors.Is(err, errIllegal) {
		t.Errorf("not on the curve: %v", err)
	}
	if err := newECDHEPSK().readServer([]byte{0, 0, namedCurve, 0, 99, 1, 4}); !errors.Is(err, errIllegal) {
		t.Errorf("unknown curve: %v", err)
	}
	zero := append([]byte{0, 0, namedCurve, 0, 29, 32}, make([]byte, 32)...)
	x := newECDHEPSK()
	if err := x.readServer(zero); err != nil {
		t.Fatal(err)
	}
	if _, err := x.appendClient(nil, newTestRand(1), "id"); err != nil {
		t.Fatal(err)
	}
	if _, err := x.premaster(nil, []byte("key")); !errors.Is(err, errIllegal) {
		t.Errorf("point of small order: %v", err)
	}
}

func TestChooseGroup(t *testing.T) {
	for _, c := range []struct {
		offered []byte
		want    group
	}{{nil, groupP256}, {[]byte{0, 29, 0, 23}, groupP256}, {[]byte{0, 29}, groupX25519}, {[]byte{0, 24}, 0}, {[]byte{}, 0}} {
		if got := chooseGroup(c.offered); got != c.want {
			t.Errorf("%x: %d", c.offered, got)
		}
	}
}
