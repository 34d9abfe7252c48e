package ieee802154

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// Key is an AES-128 key, expanded once, with AES-CCM* as frames and MLE messages use it (IEEE 802.15.4-2015 annex B:
// L = 2, a nonce of 13 bytes). It is shared by all that use the same 16 bytes in one goroutine: it holds the blocks that it
// works on, so that nothing is allocated. Another goroutine takes a Clone.
type Key struct {
	block cipher.Block
	raw   [16]byte
	mac   [16]byte // running CBC-MAC
	pad   [16]byte
	ctr   [16]byte
	ks    [16]byte // key stream
	s0    [16]byte
}

// NewKey expands a key.
func NewKey(raw [16]byte) *Key {
	b, err := aes.NewCipher(raw[:])
	if err != nil {
		panic("ieee802154: AES takes keys of 16 bytes: " + err.Error())
	}
	return &Key{block: b, raw: raw}
}

// Raw returns the key's bytes.
func (k *Key) Raw() [16]byte { return k.raw }

// Clone returns the same key for use in another goroutine.
func (k *Key) Clone() *Key { return &Key{block: k.block, raw: k.raw} }

// Nonce is the nonce of AES-CCM*.
type Nonce [13]byte

// MakeNonce returns the nonce of a frame or an MLE message: who secured it, its frame counter and its security level
// (section 9.3.2.1).
func MakeNonce(source ExtAddr, counter uint32, level Level) (n Nonce) {
	copy(n[:], source[:])
	binary.BigEndian.PutUint32(n[8:], counter)
	n[12] = byte(level)
	return n
}

// start feeds the first block and the additional data, and makes the mask of the tag and the first counter.
func (k *Key) start(nonce *Nonce, aad []byte, n, tagLen int) {
	flags := byte(1) // L - 1
	if len(aad) > 0 {
		flags |= 1 << 6
	}
	if tagLen > 0 {
		flags |= byte(tagLen-2) / 2 << 3
	}
	k.mac[0] = flags
	copy(k.mac[1:14], nonce[:])
	k.mac[14], k.mac[15] = byte(n>>8), byte(n)
	k.block.Encrypt(k.mac[:], k.mac[:])
	if len(aad) > 0 { // always shorter than 2^16 - 2^8: a frame's or a message's header
		clear(k.pad[:])
		k.pad[0], k.pad[1] = byte(len(aad)>>8), byte(len(aad))
		aad = aad[copy(k.pad[2:], aad):]
		k.feed(k.pad[:])
		k.feedAll(aad)
	}
	k.ctr[0] = 1
	copy(k.ctr[1:14], nonce[:])
	k.ctr[14], k.ctr[15] = 0, 0
	k.block.Encrypt(k.s0[:], k.ctr[:])
}

func (k *Key) feed(block []byte) {
	lo := binary.LittleEndian.Uint64(k.mac[:]) ^ binary.LittleEndian.Uint64(block)
	hi := binary.LittleEndian.Uint64(k.mac[8:]) ^ binary.LittleEndian.Uint64(block[8:])
	binary.LittleEndian.PutUint64(k.mac[:], lo)
	binary.LittleEndian.PutUint64(k.mac[8:], hi)
	k.block.Encrypt(k.mac[:], k.mac[:])
}

func (k *Key) feedAll(b []byte) {
	for ; len(b) >= 16; b = b[16:] {
		k.feed(b)
	}
	if len(b) > 0 {
		clear(k.pad[:])
		copy(k.pad[:], b)
		k.feed(k.pad[:])
	}
}

// crypt encrypts or decrypts src to dst, of the same length and perhaps the same, and feeds the plain text to the MAC: in
// one pass, so that the processor works on both chains at a time.
func (k *Key) crypt(dst, src []byte, seal bool) {
	for i := uint16(1); len(src) > 0; i++ {
		k.ctr[14], k.ctr[15] = byte(i>>8), byte(i)
		k.block.Encrypt(k.ks[:], k.ctr[:])
		if len(src) < 16 {
			if seal {
				k.feedAll(src)
			}
			subtle.XORBytes(dst, src, k.ks[:])
			if !seal {
				k.feedAll(dst)
			}
			return
		}
		if seal {
			k.feed(src)
		}
		lo := binary.LittleEndian.Uint64(k.ks[:]) ^ binary.LittleEndian.Uint64(src)
		hi := binary.LittleEndian.Uint64(k.ks[8:]) ^ binary.LittleEndian.Uint64(src[8:])
		binary.LittleEndian.PutUint64(dst, lo)
		binary.LittleEndian.PutUint64(dst[8:], hi)
		if !seal {
			k.feed(dst)
		}
		dst, src = dst[16:], src[16:]
	}
}

// Seal encrypts text in place if the level says so and writes the tag to tag, whose length is level.MIC(). Text that is
// not to be encrypted is authenticated with the header, as CCM* wants it.
func (k *Key) Seal(nonce *Nonce, level Level, header, text, tag []byte) {
	if level.Encrypted() {
		k.start(nonce, header, len(text), len(tag))
		k.crypt(text, text, true)
	} else {
		k.auth(nonce, header, text, len(tag))
	}
	subtle.XORBytes(tag, k.mac[:len(tag)], k.s0[:])
}

// auth computes the CBC-MAC over header and text that is not encrypted: they are one run of additional data.
func (k *Key) auth(nonce *Nonce, header, text []byte, tagLen int) {
	n := len(header) + len(text)
	k.start(nonce, nil, 0, tagLen)
	k.mac[0] = 1 | 1<<6
	if tagLen > 0 {
		k.mac[0] |= byte(tagLen-2) / 2 << 3
	}
	copy(k.mac[1:14], nonce[:])
	k.mac[14], k.mac[15] = 0, 0
	k.block.Encrypt(k.mac[:], k.mac[:])
	clear(k.pad[:])
	k.pad[0], k.pad[1] = byte(n>>8), byte(n)
	at := 2
	for _, part := range [2][]byte{header, text} {
		for len(part) > 0 {
			c := copy(k.pad[at:], part)
			part = part[c:]
			if at += c; at == 16 {
				k.feed(k.pad[:])
				clear(k.pad[:])
				at = 0
			}
		}
	}
	if at > 0 {
		k.feed(k.pad[:])
	}
}

// Open writes the plain form of text, which may be the same, to dst, and reports whether the tag is right. After a wrong
// tag dst is wiped.
func (k *Key) Open(nonce *Nonce, level Level, header, dst, text, tag []byte) bool {
	dst = dst[:len(text)]
	if level.Encrypted() {
		k.start(nonce, header, len(text), len(tag))
		k.crypt(dst, text, false)
	} else {
		copy(dst, text)
		k.auth(nonce, header, dst, len(tag))
	}
	subtle.XORBytes(k.mac[:], k.mac[:], k.s0[:])
	if subtle.ConstantTimeCompare(k.mac[:len(tag)], tag) != 1 {
		clear(dst)
		return false
	}
	return true
}
