package dtls

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
)

// prf is the pseudorandom function of TLS 1.2 with SHA-256 (RFC 5246 section 5). It keeps its HMAC between calls with
// one secret.
type prf struct {
	mac hash.Hash
	a   [sha256.Size]byte
	out [sha256.Size]byte
}

func newPRF(secret []byte) *prf { return &prf{mac: hmac.New(sha256.New, secret)} }

// expand fills dst with PRF(secret, label, seed...).
func (p *prf) expand(dst []byte, label string, seed ...[]byte) {
	write := func() {
		p.mac.Write([]byte(label))
		for _, s := range seed {
			p.mac.Write(s)
		}
	}
	p.mac.Reset()
	write()
	a := p.mac.Sum(p.a[:0])
	for {
		p.mac.Reset()
		p.mac.Write(a)
		write()
		dst = dst[copy(dst, p.mac.Sum(p.out[:0])):]
		if len(dst) == 0 {
			return
		}
		p.mac.Reset()
		p.mac.Write(a)
		a = p.mac.Sum(p.a[:0])
	}
}

// wipe forgets derived bytes that may still be in the buffers.
func (p *prf) wipe() {
	clear(p.a[:])
	clear(p.out[:])
}
