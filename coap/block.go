package coap

import "errors"

// ErrBlock says that a Block option's value is malformed (RFC 7959 section 2.2).
var ErrBlock = errors.New("coap: malformed block option")

// MaxBlockNum is the largest block number.
const MaxBlockNum = 1<<20 - 1

// Block is the value of a Block1 or Block2 option (RFC 7959 section 2.2).
type Block struct {
	Num  uint32
	More bool
	SZX  uint8 // size exponent 0 to 6: 16 to 1024 bytes
}

// DecodeBlock reads the value of a Block option. Size exponent 7 is reserved on datagrams, so it is refused.
func DecodeBlock(value []byte) (Block, error) {
	if len(value) > 3 {
		return Block{}, ErrBlock
	}
	v, _ := Option{Value: value}.Uint()
	b := Block{Num: v >> 4, More: v&8 != 0, SZX: uint8(v & 7)}
	if b.SZX == 7 {
		return b, ErrBlock
	}
	return b, nil
}

// Uint returns the option's value.
func (b Block) Uint() uint32 {
	v := b.Num<<4 | uint32(b.SZX&7)
	if b.More {
		v |= 8
	}
	return v
}

// Size returns the size of a block in bytes.
func (b Block) Size() int { return 16 << b.SZX }

// Offset returns where the block begins in the body.
func (b Block) Offset() int { return int(b.Num) << (b.SZX + 4) }

// SZX returns the size exponent of the largest block of at most size bytes.
func SZX(size int) uint8 {
	s := uint8(0)
	for s < 6 && 32<<s <= size {
		s++
	}
	return s
}
