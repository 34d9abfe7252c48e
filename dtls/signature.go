package dtls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/sha512"
)

// Signature algorithms: the hash, then the kind of key (RFC 5246 section 7.4.1.4.1).
const (
	ecdsaSHA256 = 0x0403 // the one of RFC 7252 section 9.1.3.2: what we sign with
	ecdsaSHA384 = 0x0503
	ecdsaSHA512 = 0x0603
	rsaSHA256   = 0x0401 // in chains only
)

// signatureAlgorithms is what a client of ours accepts in ServerKeyExchange and in a server's chain.
var signatureAlgorithms = []byte{0x04, 0x03, 0x05, 0x03, 0x06, 0x03, 0x04, 0x01}

func hashOf(data ...[]byte) []byte {
	h := sha256.New()
	for _, d := range data {
		h.Write(d)
	}
	return h.Sum(nil)
}

// appendSignature signs a SHA-256 hash and appends DigitallySigned (RFC 5246 section 4.7). The nonce is that of RFC 6979,
// so that no randomness is asked for and none can be weak.
func (c *Certificate) appendSignature(dst, hash []byte) ([]byte, error) {
	signature, err := c.key.Sign(nil, hash, crypto.SHA256)
	if err != nil {
		return dst, err
	}
	return appendVector16(append(dst, ecdsaSHA256>>8, ecdsaSHA256&0xff), signature), nil
}

// signed reports whether the peer's key has signed data.
func (p *Peer) signed(algorithm uint16, signature []byte, data ...[]byte) bool {
	var hash []byte
	switch algorithm {
	case ecdsaSHA256:
		hash = hashOf(data...)
	case ecdsaSHA384, ecdsaSHA512:
		h := sha512.New384()
		if algorithm == ecdsaSHA512 {
			h = sha512.New()
		}
		for _, d := range data {
			h.Write(d)
		}
		hash = h.Sum(nil)
	default:
		return false
	}
	return p.signedHash(signature, hash)
}

func (p *Peer) signedHash(signature, hash []byte) bool {
	return ecdsa.VerifyASN1(p.public, hash, signature)
}
