package dtls

import (
	"bytes"
	"testing"
)

// The vector that the TLS working group's list agreed on for P_SHA256.
func TestPRF(t *testing.T) {
	p := newPRF(unhex(t, "9bbe436ba940f017b17652849a71db35"))
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
