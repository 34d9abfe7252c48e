package dtls

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// ccm is AES-128-CCM (RFC 3610) with the parameters of RFC 6655: L = 3, a nonce of 12 bytes. One pass over the data
// feeds the counter mode and the CBC-MAC side by side, so that the processor can work on both.
type ccm struct {
	block  cipher.Block
	tagLen int
	*ccmScratch
}

// ccmScratch is working memory that all ciphers of an engine share. It is on the heap once and for all, so that passing
// its blocks to cipher.Block makes nothing escape and nothing is allocated. They are touched 16 bytes at a time after
// they were set up: smaller stores would hold up the load of the whole block that follows.
type ccmScratch struct {
	mac      [16]byte // running CBC-MAC
	s0       [16]byte // encryption of counter 0: masks the tag
	pad      [16]byte // last block of the data, filled up with zeros
	counters [ccmBatch * 16]byte
	stream   [ccmBatch * 16]byte
}

const (
	ccmMaxData = 1<<24 - 1 // L = 3
	ccmBatch   = 16        // counter blocks prepared at a time
)

func newCCM(key []byte, tagLen int, scratch *ccmScratch) (*ccm, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &ccm{b, tagLen, scratch}, nil
}

// start prepares the first counters, computes the mask of the tag, and feeds the first block and the additional data to
// the MAC (RFC 3610 sections 2.2 and 2.3).
func (c *ccm) start(nonce *[12]byte, aad []byte, n int) {
	c.count(nonce, 0, min(ccmBatch, 1+(n+15)/16))
	flags := byte((c.tagLen-2)/2<<3 | 2)
	if len(aad) > 0 {
		flags |= 1 << 6
	}
	hi, lo := split(nonce)
	binary.BigEndian.PutUint64(c.mac[:], uint64(flags)<<56|hi)
	binary.BigEndian.PutUint64(c.mac[8:], lo|uint64(n))
	if len(aad) > 0 { // always shorter than 2^16 - 2^8 here: a record header
		clear(c.pad[:])
		c.pad[0], c.pad[1] = byte(len(aad)>>8), byte(len(aad))
		k := copy(c.pad[2:], aad)
		c.block.Encrypt(c.mac[:], c.mac[:])
		c.feed(c.pad[:])
		for aad = aad[k:]; len(aad) > 0; aad = aad[k:] {
			clear(c.pad[:])
			k = copy(c.pad[:], aad)
			c.feed(c.pad[:])
		}
	} else {
		c.block.Encrypt(c.mac[:], c.mac[:])
	}
	c.block.Encrypt(c.s0[:], c.counters[:16])
}

// split returns the nonce as it stands in a block, behind the byte of flags and before the 3 bytes of the counter.
func split(nonce *[12]byte) (hi, lo uint64) {
	a, b := binary.BigEndian.Uint64(nonce[:]), binary.BigEndian.Uint32(nonce[8:])
	return a >> 8, a<<56 | uint64(b)<<24
}

// count writes the counter blocks first, first+1, ...
func (c *ccm) count(nonce *[12]byte, first, blocks int) {
	hi, lo := split(nonce)
	hi |= 2 << 56 // L - 1
	for i := range blocks {
		binary.BigEndian.PutUint64(c.counters[16*i:], hi)
		binary.BigEndian.PutUint64(c.counters[16*i+8:], lo|uint64(first+i))
	}
}

func (c *ccm) feed(block []byte) {
	subtle.XORBytes(c.mac[:], c.mac[:], block[:16])
	c.block.Encrypt(c.mac[:], c.mac[:])
}

// feedLast feeds the rest of the data, shorter than a block.
func (c *ccm) feedLast(b []byte) {
	if len(b) > 0 {
		clear(c.pad[:])
		copy(c.pad[:], b)
		c.feed(c.pad[:])
	}
}

// crypt encrypts or decrypts src to dst, of the same length, and feeds the plaintext to the MAC. start has prepared
// the first batch of counters, the first of which is taken.
func (c *ccm) crypt(dst, src []byte, nonce *[12]byte, seal bool) {
	at, next := 1, ccmBatch
	for len(src) > 0 {
		n := min(len(src), 16*(ccmBatch-at))
		from, to := src[:n], dst[:n]
		key := c.stream[16*at : 16*at+n]
		for i := 0; i < n; i += 16 {
			j := 16*at + i
			c.block.Encrypt(c.stream[j:j+16], c.counters[j:j+16])
			if seal && n-i >= 16 {
				c.feed(from[i : i+16])
			}
		}
		if seal {
			c.feedLast(from[n&^15:])
		}
		subtle.XORBytes(to, from, key)
		if !seal {
			for i := 0; i+16 <= n; i += 16 {
				c.feed(to[i : i+16])
			}
			c.feedLast(to[n&^15:])
		}
		if src, dst = src[n:], dst[n:]; len(src) > 0 {
			c.count(nonce, next, ccmBatch)
			at, next = 0, next+ccmBatch
		}
	}
}

// seal appends the encryption of src and the tag to dst. src and the appended part may not overlap unless they are
// the same.
func (c *ccm) seal(dst []byte, nonce *[12]byte, src, aad []byte) []byte {
	n := len(src)
	c.start(nonce, aad, n)
	l := len(dst)
	dst = grow(dst, n+c.tagLen)
	c.crypt(dst[l:l+n], src, nonce, true)
	subtle.XORBytes(c.mac[:], c.mac[:], c.s0[:])
	copy(dst[l+n:], c.mac[:])
	return dst
}

// open appends the decryption of src to dst if its tag is right. The plaintext of a wrong tag is wiped.
func (c *ccm) open(dst []byte, nonce *[12]byte, src, aad []byte) ([]byte, bool) {
	n := len(src) - c.tagLen
	if n < 0 || n > ccmMaxData {
		return dst, false
	}
	c.start(nonce, aad, n)
	l := len(dst)
	all := grow(dst, n)
	c.crypt(all[l:], src[:n], nonce, false)
	subtle.XORBytes(c.mac[:], c.mac[:], c.s0[:])
	if subtle.ConstantTimeCompare(c.mac[:c.tagLen], src[n:]) != 1 {
		clear(all[l:])
		return dst, false
	}
	return all, true
}

// grow extends b by n bytes whose content does not matter.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(make([]byte, 0, len(b)+n), b...)
	}
	return b[:len(b)+n]
}
