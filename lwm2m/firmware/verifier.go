package firmware

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// Verifier checks a package that arrives piece by piece. It holds no more of it than a header. What it knows goes out and
// comes back as bytes, so that a check goes on after a restart.
type Verifier struct {
	head   []byte // until the header is whole
	kind   kind
	header Header
	got    uint64 // bytes of the package
	image  hash.Hash
	whole  hash.Hash
}

type kind uint8

const (
	unknown kind = iota
	container
	raw
)

// NewVerifier returns a Verifier that has seen nothing.
func NewVerifier() *Verifier { return &Verifier{image: sha256.New(), whole: sha256.New()} }

// Write takes in the next piece. An error, ErrType or ErrIntegrity, is final.
func (v *Verifier) Write(p []byte) error {
	v.got += uint64(len(p))
	v.whole.Write(p)
	if v.kind == unknown {
		// The longest piece that can still be header.
		take := min(len(p), MaxHeader-len(v.head))
		v.head = append(v.head, p[:take]...)
		n, err := headerSize(v.head)
		switch {
		case err != nil:
			return err
		case n < 0:
			v.kind, v.head = raw, nil
			return nil
		case n == 0 || len(v.head) < n:
			return nil
		}
		if v.header, err = parse(v.head[:n]); err != nil {
			return err
		}
		v.kind = container
		v.image.Write(v.head[n:])
		v.head, p = nil, p[take:]
	}
	if v.kind == container {
		if v.got > uint64(v.header.Size())+v.header.Image {
			return fmt.Errorf("%w: it is longer than its header says", ErrIntegrity)
		}
		v.image.Write(p)
	}
	return nil
}

// Finish checks the whole package after its last piece.
func (v *Verifier) Finish() error {
	switch v.kind {
	case unknown:
		// Too short to tell: the beginning of a container, cut off; or a raw package of a few bytes.
		if len(v.head) >= len(magic) {
			return fmt.Errorf("%w: it ends within its header", ErrIntegrity)
		}
		v.kind, v.head = raw, nil
	case container:
		if v.got != uint64(v.header.Size())+v.header.Image {
			return fmt.Errorf("%w: it is shorter than its header says", ErrIntegrity)
		}
		if [32]byte(v.image.Sum(nil)) != v.header.Digest {
			return fmt.Errorf("%w: the SHA-256 of its image is wrong", ErrIntegrity)
		}
	}
	return nil
}

// Header returns what the container says, once its header has come.
func (v *Verifier) Header() (Header, bool) { return v.header, v.kind == container }

// Raw reports whether the package is not a container.
func (v *Verifier) Raw() bool { return v.kind == raw }

// Size is how long the package will be: known of a container once its header has come, else 0.
func (v *Verifier) Size() uint64 {
	if v.kind != container {
		return 0
	}
	return uint64(v.header.Size()) + v.header.Image
}

// Len is how much of the package has come.
func (v *Verifier) Len() uint64 { return v.got }

// Digest is the SHA-256 of what has come of the package.
func (v *Verifier) Digest() (d [32]byte) {
	v.whole.Sum(d[:0])
	return d
}

// errState says that stored bytes are not a Verifier's.
var errState = errors.New("firmware: not the stored state of a check")

// Append appends what the Verifier knows.
func (v *Verifier) Append(dst []byte) []byte {
	dst = append(dst, 1, byte(v.kind))
	dst = binary.BigEndian.AppendUint64(dst, v.got)
	head := v.head
	if v.kind == container {
		head, _ = v.header.Append(nil)
	}
	dst = append(append(dst, byte(len(head))), head...)
	for _, h := range []hash.Hash{v.image, v.whole} {
		b, err := h.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			panic(err) // sha256 has no error
		}
		dst = append(append(dst, byte(len(b))), b...)
	}
	return dst
}

// RestoreVerifier is the reverse of Append.
func RestoreVerifier(b []byte) (*Verifier, error) {
	if len(b) < 11 || b[0] != 1 || kind(b[1]) > raw {
		return nil, errState
	}
	v := NewVerifier()
	v.kind, v.got = kind(b[1]), binary.BigEndian.Uint64(b[2:])
	b = b[10:]
	field := func() ([]byte, bool) {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return nil, false
		}
		n := 1 + int(b[0])
		f := b[1:n]
		b = b[n:]
		return f, true
	}
	head, ok := field()
	if !ok || len(head) > MaxHeader {
		return nil, errState
	}
	if v.kind == container {
		n, err := headerSize(head)
		if err != nil || n <= 0 || n != len(head) {
			return nil, errState
		}
		if v.header, err = parse(head); err != nil {
			return nil, errState
		}
	} else if len(head) > 0 {
		v.head = append(v.head, head...)
	}
	for _, h := range []hash.Hash{v.image, v.whole} {
		f, ok := field()
		if !ok || h.(encoding.BinaryUnmarshaler).UnmarshalBinary(f) != nil {
			return nil, errState
		}
	}
	if len(b) > 0 {
		return nil, errState
	}
	return v, nil
}
