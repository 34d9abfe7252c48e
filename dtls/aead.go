package dtls

import (
	"crypto/aes"
	"crypto/cipher"
)

// aead protects the records of one direction of one session. nonce and aad may be anywhere; they are not kept.
type aead interface {
	seal(dst []byte, nonce *[12]byte, src, aad []byte) []byte
	open(dst []byte, nonce *[12]byte, src, aad []byte) ([]byte, bool)
}

type aeadKind uint8

const (
	kindCCM aeadKind = iota
	kindGCM
	kindCBC // none: see cbc.go
)

func newAEAD(kind aeadKind, key []byte, tagLen int, scratch *ccmScratch) (aead, error) {
	if kind == kindCCM {
		return newCCM(key, tagLen, scratch)
	}
	return newGCM(key)
}

type gcm struct{ cipher.AEAD }

func newGCM(key []byte) (*gcm, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	g, err := cipher.NewGCM(b)
	if err != nil {
		return nil, err
	}
	return &gcm{g}, nil
}

func (g *gcm) seal(dst []byte, nonce *[12]byte, src, aad []byte) []byte {
	return g.Seal(dst, nonce[:], src, aad)
}

func (g *gcm) open(dst []byte, nonce *[12]byte, src, aad []byte) ([]byte, bool) {
	out, err := g.Open(dst, nonce[:], src, aad)
	if err != nil {
		return dst, false
	}
	return out, true
}
