package dtls

import (
	"crypto/sha256"
	"hash"
)

// prf is the pseudorandom function of TLS 1.2 with SHA-256 (RFC 5246 section 5): HMAC (RFC 2104) under one secret after
// the other, in memory that is made once, because a handshake asks for a dozen of them.
type prf struct {
	inner, outer hash.Hash
	ipad, opad   [sha256.BlockSize]byte
	a, out       [sha256.Size]byte
	label        [32]byte
}

// init gives it a secret.
func (p *prf) init(secret []byte) {
	if p.inner == nil {
		p.inner, p.outer = sha256.New(), sha256.New()
	}
	if len(secret) > sha256.BlockSize {
		sum := sha256.Sum256(secret)
		secret = sum[:]
	}
	p.ipad, p.opad = [sha256.BlockSize]byte{}, [sha256.BlockSize]byte{}
	copy(p.ipad[:], secret)
	copy(p.opad[:], secret)
	for i := range p.ipad {
		p.ipad[i] ^= 0x36
		p.opad[i] ^= 0x5c
	}
}

// begin starts an HMAC, end puts it into sum.
func (p *prf) begin() {
	p.inner.Reset()
	p.inner.Write(p.ipad[:])
}

func (p *prf) end(sum *[sha256.Size]byte) {
	p.inner.Sum(sum[:0])
	p.outer.Reset()
	p.outer.Write(p.opad[:])
	p.outer.Write(sum[:])
	p.outer.Sum(sum[:0])
}

// expand fills dst with PRF(secret, label, seed...).
func (p *prf) expand(dst []byte, label string, seed ...[]byte) {
	n := copy(p.label[:], label)
	p.begin()
	p.seed(n, seed)
	p.end(&p.a)
	for {
		p.begin()
		p.inner.Write(p.a[:])
		p.seed(n, seed)
		p.end(&p.out)
		if dst = dst[copy(dst, p.out[:]):]; len(dst) == 0 {
			return
		}
		p.begin()
		p.inner.Write(p.a[:])
		p.end(&p.a)
	}
}

func (p *prf) seed(label int, seed [][]byte) {
	p.inner.Write(p.label[:label])
	for _, s := range seed {
		p.inner.Write(s)
	}
}

// wipe forgets the secret and what was derived.
func (p *prf) wipe() {
	if p.inner != nil {
		p.inner.Reset()
		p.outer.Reset()
	}
	*p = prf{inner: p.inner, outer: p.outer}
}
