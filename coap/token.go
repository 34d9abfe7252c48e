package coap

import "encoding/hex"

// Token matches a response to its request (RFC 7252 section 5.3.1). It is a comparable value of 0 to 8 bytes.
type Token struct {
	n uint8
	b [MaxTokenLength]byte
}

// NewToken returns the token with bytes b. What exceeds MaxTokenLength is cut off.
func NewToken(b []byte) (t Token) {
	t.n = uint8(copy(t.b[:], b))
	return t
}

// Len returns the token's length.
func (t Token) Len() int { return int(t.n) }

// Bytes returns the token's bytes.
func (t Token) Bytes() []byte { return t.b[:t.n] }

// Append appends the token's bytes to dst.
func (t Token) Append(dst []byte) []byte { return append(dst, t.b[:t.n]...) }

// String returns the bytes in hexadecimal.
func (t Token) String() string { return hex.EncodeToString(t.b[:t.n]) }
