package meshcop

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"unicode/utf8"

	"heddle.example/thread/status"
)

const (
	passphraseMin  = 6
	passphraseMax  = 255
	pskcIterations = 16384
)

// DerivePSKc derives the commissioner's key of a network from a passphrase (8.4.1.2.2): PBKDF2 with AES-CMAC-PRF-128. It is
// slow on purpose: 16,384 rounds.
func DerivePSKc(passphrase, networkName string, extPANID [8]byte) (key [16]byte, err error) {
	if len(passphrase) < passphraseMin || len(passphrase) > passphraseMax || !utf8.ValidString(passphrase) || len(networkName) > NetworkNameMax {
		return key, status.InvalidArgs
	}
	salt := append(append([]byte("Thread"), extPANID[:]...), networkName...)
	prf := newCMAC(cmacKey([]byte(passphrase)))
	u := prf.sum(append(salt, 0, 0, 0, 1))
	key = u
	for range pskcIterations - 1 {
		u = prf.sum(u[:])
		subtle.XORBytes(key[:], key[:], u[:])
	}
	return key, nil
}

// cmacKey makes a key of 16 bytes of one of any length (RFC 4615).
func cmacKey(k []byte) [16]byte {
	if len(k) == 16 {
		return [16]byte(k)
	}
	return newCMAC([16]byte{}).sum(k)
}

// cmac is AES-CMAC (RFC 4493).
type cmac struct {
	c      cipher.Block
	k1, k2 [16]byte
}

func newCMAC(key [16]byte) *cmac {
	c, err := aes.NewCipher(key[:])
	if err != nil {
		panic("meshcop: 16 bytes are a key: " + err.Error())
	}
	m := &cmac{c: c}
	var zero [16]byte
	c.Encrypt(m.k1[:], zero[:])
	m.k1 = double(m.k1)
	m.k2 = double(m.k1)
	return m
}

func double(b [16]byte) (d [16]byte) {
	for i := range b {
		d[i] = b[i] << 1
		if i < 15 {
			d[i] |= b[i+1] >> 7
		}
	}
	d[15] ^= 0x87 * (b[0] >> 7)
	return d
}

func (m *cmac) sum(b []byte) (x [16]byte) {
	for len(b) > 16 {
		subtle.XORBytes(x[:], x[:], b[:16])
		m.c.Encrypt(x[:], x[:])
		b = b[16:]
	}
	last := m.k1
	if len(b) < 16 {
		last = m.k2
		last[len(b)] ^= 0x80
	}
	subtle.XORBytes(last[:], last[:], b)
	subtle.XORBytes(x[:], x[:], last[:])
	m.c.Encrypt(x[:], x[:])
	return x
}
