package dtls

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
)

// TLS_PSK_WITH_AES_128_CBC_SHA256 (RFC 5487) is for old devices that have nothing else; Config.AllowCBC turns it on. Its
// records are MAC-then-encrypt (RFC 5246 section 6.2.3.2, RFC 9146 section 5.1). Whoever can tell wrong padding from a
// wrong MAC, be it by the time that an answer takes, can decrypt (Lucky 13), so both are checked in a time that depends on
// the length of the record only.

const (
	cbcBlock  = aes.BlockSize
	cbcMAC    = sha256.Size
	cbcMinLen = cbcBlock + (cbcMAC+1+cbcBlock-1)/cbcBlock*cbcBlock // IV, and MAC and padding of nothing
)

// cbcKeys is what a session with this suite has besides the keys that all have.
type cbcKeys struct{ mac [2][cbcMAC]byte }

// cbcKeyBlock is the key block of this suite (RFC 5246 section 6.3): MAC keys, then keys. There is no implicit IV.
type cbcKeyBlock [2*cbcMAC + 2*keyLen]byte

func (s *session) setCBC(b *cbcKeyBlock, client, server int) {
	s.cbc = new(cbcKeys)
	r := b[:]
	r = r[copy(s.cbc.mac[client][:], r):]
	r = r[copy(s.cbc.mac[server][:], r):]
	r = r[copy(s.keys[client].key[:], r):]
	copy(s.keys[server].key[:], r)
	clear(b[:])
}

// cbcLen is the length of IV and encrypted content, n bytes long.
func cbcLen(n int) int { return cbcBlock + (n+cbcMAC+1+cbcBlock-1)/cbcBlock*cbcBlock }

// cbcCipher expands a key. It is not kept: this suite need not be fast.
func (s *session) cbcCipher(dir int) cipher.Block {
	b, err := aes.NewCipher(s.keys[dir].key[:])
	if err != nil { // the key length is fixed
		panic("dtls: " + err.Error())
	}
	return b
}

// sealCBC appends IV and encrypted content to dst. content may be part of dst behind its end. header is what the MAC
// covers before the content.
func (e *Engine) sealCBC(dst []byte, s *session, header, content []byte) []byte {
	mac := hmac.New(sha256.New, s.cbc.mac[dirWrite][:])
	mac.Write(header)
	mac.Write(content)
	sum := mac.Sum(nil)

	l, n := len(dst), len(content)
	dst = grow(dst, cbcLen(n))
	body := dst[l+cbcBlock:]
	copy(body, content)
	copy(body[n:], sum)
	pad := len(body) - n - cbcMAC - 1
	for i := n + cbcMAC; i < len(body); i++ {
		body[i] = byte(pad)
	}
	iv := dst[l : l+cbcBlock]
	e.cfg.Rand.Fill(iv)
	cipher.NewCBCEncrypter(s.cbcCipher(dirWrite), iv).CryptBlocks(body, body)
	return dst
}

// openCBC decrypts body to dst, which is empty and has room for it. header ends with two bytes for the length of the
// content, which only comes out here.
func (s *session) openCBC(dst, header, body []byte) (content []byte, ok bool) {
	if len(body) < cbcMinLen || len(body)%cbcBlock != 0 {
		return nil, false
	}
	iv, body := body[:cbcBlock], body[cbcBlock:]
	dst = grow(dst, len(body))
	cipher.NewCBCDecrypter(s.cbcCipher(dirRead), iv).CryptBlocks(dst, body)
	n, good := cbcPadding(dst)
	mac := cbcMACOf(&s.cbc.mac[dirRead], header, dst, n)
	got := cbcTag(dst, n)
	if good&subtle.ConstantTimeCompare(mac[:], got[:]) != 1 {
		clear(dst)
		return nil, false
	}
	return dst[:n], true
}

// cbcPadding returns how long the content is and 1, or 0 for wrong padding, where the content is as long as with the
// shortest one.
func cbcPadding(b []byte) (n, good int) {
	most := len(b) - cbcMAC - 1
	pad := int(b[len(b)-1])
	good = subtle.ConstantTimeLessOrEq(pad, most)
	for i := range min(256, most+1) { // each of the last pad + 1 bytes is pad
		inside := subtle.ConstantTimeLessOrEq(i, pad)
		same := subtle.ConstantTimeByteEq(b[len(b)-1-i], byte(pad))
		good &= 1 ^ inside&(1^same)
	}
	return most - subtle.ConstantTimeSelect(good, pad, 0), good
}

// cbcTag returns the 32 bytes at n, without an access to memory that depends on n.
func cbcTag(b []byte, n int) (tag [cbcMAC]byte) {
	first := max(0, len(b)-cbcMAC-256)
	var turned [cbcMAC]byte // the tag, but beginning at first modulo its length
	for i := first; i < len(b); i++ {
		in := subtle.ConstantTimeLessOrEq(n, i) & subtle.ConstantTimeLessOrEq(i, n+cbcMAC-1)
		turned[(i-first)%cbcMAC] |= b[i] & byte(-in)
	}
	turn := (n - first) & (cbcMAC - 1)
	for i := range tag {
		for j := range turned {
			tag[i] |= turned[j] & byte(-subtle.ConstantTimeEq(int32(j), int32((i+turn)&(cbcMAC-1))))
		}
	}
	return tag
}

// cbcMACOf returns the HMAC of header and the first n bytes of b, n being a secret between what the longest and the
// shortest padding leave. The blocks of SHA-256 that can be the last one are all hashed, the padding of SHA-256 being put
// into each of them as if it were, and the state after the right one is kept.
func cbcMACOf(key *[cbcMAC]byte, header, b []byte, n int) [sha256.Size]byte {
	const size = sha256.BlockSize
	var head [size + 64]byte // the inner key, then the header
	inner := head[:size]
	copy(inner, key[:])
	for i := range inner {
		inner[i] ^= 0x36
	}
	headLen := size + copy(head[size:], header)
	binary.BigEndian.PutUint16(head[headLen-2:], uint16(n))

	most := len(b) - cbcMAC - 1
	least := max(0, most-255)
	total := headLen + n // secret
	fixed := (headLen + least) / size
	blocks := (headLen+most+1+8+size-1)/size - fixed // at least one
	last := (total + 1 + 8 + size - 1) / size        // secret: blocks in all

	h := sha256.New()
	// at returns byte i of head and b together.
	at := func(i int) byte {
		switch {
		case i < headLen:
			return head[i]
		case i-headLen < len(b):
			return b[i-headLen]
		}
		return 0
	}
	h.Write(head[:min(headLen, fixed*size)])
	if fixed*size > headLen {
		h.Write(b[:fixed*size-headLen])
	}
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(total)*8)
	var digest [sha256.Size]byte
	var block [size]byte
	var state []byte
	for k := range blocks {
		start := (fixed + k) * size
		isLast := subtle.ConstantTimeEq(int32(fixed+k+1), int32(last))
		for i := range block {
			pos := start + i
			before := subtle.ConstantTimeLessOrEq(pos+1, total)
			end := subtle.ConstantTimeEq(int32(pos), int32(total))
			block[i] = at(pos)&byte(-before) | 0x80&byte(-end)
			if i >= size-8 {
				block[i] |= length[i-(size-8)] & byte(-isLast)
			}
		}
		h.Write(block[:])
		state = chaining(h, state[:0])
		for i := range digest {
			digest[i] |= state[i] & byte(-isLast)
		}
	}
	var outer [size + sha256.Size]byte
	copy(outer[:], key[:])
	for i := range size {
		outer[i] ^= 0x5c
	}
	copy(outer[size:], digest[:])
	sum := sha256.Sum256(outer[:])
	clear(outer[:])
	clear(head[:])
	return sum
}

// chaining appends the eight words of a hash that has taken in whole blocks. They stand behind four bytes of a name in
// what the standard library marshals; a test holds that.
func chaining(h any, dst []byte) []byte {
	state, err := h.(encoding.BinaryAppender).AppendBinary(dst)
	if err != nil {
		panic("dtls: " + err.Error())
	}
	return state[4 : 4+sha256.Size]
}
