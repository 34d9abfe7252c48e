package ecjpake

import (
	"encoding/binary"
	"math/bits"

	"heddle.example/machine"
)

// scalar is a number modulo the order of P-256, least word first. Arithmetic takes the same time for all values: secrets
// go through it.
type scalar [4]uint64

// order is n, the number of points of P-256 (FIPS 186-5 D.1.2.3); orderInv is -1/n modulo 2^64.
var order = scalar{0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000}

const orderInv = 0xccd1c8aaee00bc4f

// montgomerySquare is 2^512 modulo n.
var montgomerySquare = func() scalar {
	s := scalar{1}
	for range 512 {
		s = s.add(s)
	}
	return s
}()

// reduced returns s, or s - n if s >= n; carry is a fifth word of s.
func (s scalar) reduced(carry uint64) scalar {
	var d scalar
	var b uint64
	for i := range s {
		d[i], b = bits.Sub64(s[i], order[i], b)
	}
	_, b = bits.Sub64(carry, 0, b)
	mask := -b // all ones: s was less than n
	for i := range s {
		d[i] = d[i]&^mask | s[i]&mask
	}
	return d
}

// scalarOf reads a big-endian number of at most 64 bytes, modulo n.
func scalarOf(b []byte) (s scalar) {
	for len(b) > 0 {
		n := len(b) % 8
		if n == 0 {
			n = 8
		}
		var w [8]byte
		copy(w[8-n:], b[:n])
		b = b[n:]
		// s = s * 2^(8n) + w
		for range 8 * n {
			s = s.add(s)
		}
		s = s.add(scalar{binary.BigEndian.Uint64(w[:])}.reduced(0))
	}
	return s
}

func (s scalar) bytes() (b [32]byte) {
	for i, w := range s {
		binary.BigEndian.PutUint64(b[24-8*i:], w)
	}
	return b
}

func (s scalar) zero() bool { return s[0]|s[1]|s[2]|s[3] == 0 }

func (s scalar) add(t scalar) scalar {
	var c uint64
	for i := range s {
		s[i], c = bits.Add64(s[i], t[i], c)
	}
	return s.reduced(c)
}

func (s scalar) negate() scalar {
	var d scalar
	var b uint64
	for i := range s {
		d[i], b = bits.Sub64(order[i], s[i], b)
	}
	return d.reduced(0) // n where s was 0
}

func (s scalar) sub(t scalar) scalar { return s.add(t.negate()) }

// mul multiplies by Montgomery's method, twice.
func (s scalar) mul(t scalar) scalar { return s.montgomery(t).montgomery(montgomerySquare) }

// montgomery returns s * t / 2^256 modulo n.
func (s scalar) montgomery(t scalar) scalar {
	var r [6]uint64
	for i := range s {
		addProduct(&r, t, s[i])
		addProduct(&r, order, r[0]*orderInv)
		copy(r[:], r[1:]) // r[0] is zero
		r[5] = 0
	}
	return scalar(r[:4]).reduced(r[4])
}

// addProduct adds t * w to r.
func addProduct(r *[6]uint64, t scalar, w uint64) {
	var carry, c uint64
	for i := range t {
		hi, lo := bits.Mul64(t[i], w)
		lo, c = bits.Add64(lo, carry, 0)
		hi += c
		r[i], c = bits.Add64(r[i], lo, 0)
		carry = hi + c
	}
	r[4], c = bits.Add64(r[4], carry, 0)
	r[5] += c
}

// randomScalar draws a number that is not zero.
func randomScalar(r machine.Rand) scalar {
	var b [40]byte // 64 bits more than n has: the remainder is as good as even
	for {
		r.Fill(b[:])
		if s := scalarOf(b[:]); !s.zero() {
			clear(b[:])
			return s
		}
	}
}
