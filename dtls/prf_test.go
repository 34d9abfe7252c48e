package dtls

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"testing"
)

// The vector that the TLS working group's list agreed on for P_SHA256.
func TestPRF(t *testing.T) {
	var p prf
	p.init([]byte("another secret"))
	p.init(unhex(t, "9bbe436ba940f017b17652849a71db35"))
	want := unhex(t, "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af"+
		"0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66")
	for n := range len(want) + 1 {
		got := make([]byte, n)
		p.expand(got, "test label", unhex(t, "a0ba9f936cda"), unhex(t, "311827a6f796ffd5198c"))
		if !bytes.Equal(got, want[:n]) {
			t.Fatalf("%d bytes: %x, want %x", n, got, want[:n])
		}
	}
}

// Secrets of every length that can be, against the standard library's HMAC: the first block of the output.
func TestPRFSecrets(t *testing.T) {
	var p prf
	for n := range 140 {
		secret := bytes.Repeat([]byte{byte(n)}, n)
		sum := func(parts ...string) string {
			h := hmac.New(sha256.New, secret)
			for _, s := range parts {
				h.Write([]byte(s))
			}
			return string(h.Sum(nil))
		}
		var got [sha256.Size]byte
		p.init(secret)
		p.expand(got[:], "label", []byte("seed"))
		if want := sum(sum("label", "seed"), "label", "seed"); string(got[:]) != want {
			t.Fatalf("secret of %d bytes: %x, want %x", n, got, want)
		}
	}
	p.wipe()
	if p.ipad != [sha256.BlockSize]byte{} || p.a != [sha256.Size]byte{} {
		t.Error("something is left")
	}
}
