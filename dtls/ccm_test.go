package dtls

import (
	"bytes"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// NIST SP 800-38C example 3 is the published vector with a nonce of 12 bytes, as DTLS uses it.
func TestCCMVector(t *testing.T) {
	c, err := newCCM(unhex(t, "404142434445464748494a4b4c4d4e4f"), 8, new(ccmScratch))
	if err != nil {
		t.Fatal(err)
	}
	nonce := [12]byte(unhex(t, "101112131415161718191a1b"))
	aad := unhex(t, "000102030405060708090a0b0c0d0e0f10111213")
	plain := unhex(t, "202122232425262728292a2b2c2d2e2f3031323334353637")
	want := unhex(t, "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951")
	if got := c.seal(nil, &nonce, plain, aad); !bytes.Equal(got, want) {
		t.Errorf("sealed %x, want %x", got, want)
	}
	if got, ok := c.open(nil, &nonce, want, aad); !ok || !bytes.Equal(got, plain) {
		t.Errorf("opened %x %v", got, ok)
	}
}

// What was sealed opens again, in place or not, and no changed bit is accepted.
func TestAEADProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key")
		plain := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "plain")
		aad := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "aad")
		nonce := [12]byte(rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "nonce"))
		for i := range suites {
			if suites[i].aead == kindCBC {
				continue // TestCBCProperties
			}
			a, err := newAEAD(suites[i].aead, key, suites[i].tagLen, new(ccmScratch))
			if err != nil {
				t.Fatal(err)
			}
			sealed := a.seal([]byte("head"), &nonce, plain, aad)
			if len(sealed) != 4+len(plain)+suites[i].tagLen || string(sealed[:4]) != "head" {
				t.Fatalf("sealed to %d bytes", len(sealed))
			}
			inPlace := append(make([]byte, 0, 200), plain...)
			if got := a.seal(inPlace[:0], &nonce, inPlace, aad); !bytes.Equal(got, sealed[4:]) {
				t.Fatal("sealing in place differs")
			}
			got, ok := a.open(nil, &nonce, sealed[4:], aad)
			if !ok || !bytes.Equal(got, plain) {
				t.Fatal("does not open")
			}
			bit := rapid.IntRange(0, 8*len(sealed[4:])-1).Draw(t, "bit")
			sealed[4+bit/8] ^= 1 << (bit % 8)
			if got, ok := a.open(nil, &nonce, sealed[4:], aad); ok || len(got) != 0 {
				t.Fatalf("bit %d changed and accepted", bit)
			}
		}
	})
}
