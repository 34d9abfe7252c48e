package machine

import (
	"encoding/binary"
	"math/bits"
)

// Index finds the numbers of slots by a hash of what is in them. The keys stay in the slots, where the caller compares
// them, so an entry costs some 12 bytes where a map costs its key and its value at least, and the collector looks at none
// of it. Its hash is keyed: a peer who chooses what is in the slots cannot make them collide.
//
// It grows a block at a time, so that no insertion waits for all others to be moved.
type Index struct {
	rand Rand
	hash func(slot uint32) uint32
	seed [2]uint64     // drawn once there are more than a few slots
	dir  []*indexBlock // by the first bits of the hash; blocks that have not split are there several times
	bits uint8         // of the hash that dir looks at
	n    int
}

// indexBlock is a table with linear probing. An entry is hash << 32 | slot, 0 where there is none.
type indexBlock struct {
	entries []uint64
	n       int
	bits    uint8 // of the hash that all entries have in common
}

const (
	indexFirst = 8
	indexMost  = 1024 // entries of a block before it splits
	indexGrow  = 128
)

// NewIndex returns an empty index. hash is asked for the hash of what is in a slot, with HashUint or HashString.
func NewIndex(r Rand, hash func(slot uint32) uint32) Index { return Index{rand: r, hash: hash} }

// Len returns how many slots are in the index.
func (x *Index) Len() int { return x.n }

// mix folds a product, as wyhash does: each bit of the result depends on each bit of both.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// HashUint returns the hash of numbers.
func (x *Index) HashUint(a, b, c uint64) uint32 {
	h := mix(a^x.seed[0], b^x.seed[1])
	h = mix(h^c^0xa0761d6478bd642f, x.seed[0]^0xe7037ed1a0b428db)
	return uint32(h ^ h>>32)
}

// HashString returns the hash of a text.
func (x *Index) HashString(s string) uint32 {
	h, n := x.seed[0]^uint64(len(s)), len(s)
	for ; len(s) >= 8; s = s[8:] {
		h = mix(h^littleEndian(s), x.seed[1]^0xa0761d6478bd642f)
	}
	var last [8]byte
	copy(last[:], s)
	h = mix(h^binary.LittleEndian.Uint64(last[:]), x.seed[1]^0xe7037ed1a0b428db)
	h = mix(h^uint64(n), x.seed[0]^0x8ebc6af09c88c6e3)
	return uint32(h ^ h>>32)
}

func littleEndian(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// block returns the block of a hash. Shifts of 32 give 0 in Go, as they should for an empty prefix.
func (x *Index) block(hash uint32) *indexBlock { return x.dir[hash>>(32-x.bits)] }

// home is where an entry should be. The bits that a block has in common are of no use for that.
func (b *indexBlock) home(hash uint32) int {
	return int(uint64(hash<<b.bits) * uint64(len(b.entries)) >> 32)
}

// Find returns the slot with a hash that the caller takes for the right one, or 0.
func (x *Index) Find(hash uint32, is func(slot uint32) bool) uint32 {
	if x.n == 0 {
		return 0
	}
	b := x.block(hash)
	for i := b.home(hash); b.entries[i] != 0; {
		if e := b.entries[i]; uint32(e>>32) == hash && is(uint32(e)) {
			return uint32(e)
		}
		if i++; i == len(b.entries) {
			i = 0
		}
	}
	return 0
}

// Add puts a slot in, which is not 0 and not there yet, after what it holds was set.
func (x *Index) Add(slot uint32) {
	if len(x.dir) == 0 {
		x.dir = []*indexBlock{{entries: make([]uint64, indexFirst)}}
	}
	hash := x.hash(slot)
	b := x.block(hash)
	for b.n >= len(b.entries)-len(b.entries)/4 {
		switch l := len(b.entries); {
		case l == indexFirst && x.seed == [2]uint64{}:
			x.draw(b)
			hash = x.hash(slot)
		case l < indexGrow:
			b.resize(2 * l)
		case l < indexMost || b.bits >= 24: // so many alike: the slots are full of equal keys
			b.resize(l + indexGrow)
		default:
			x.split(hash)
			b = x.block(hash)
		}
	}
	b.put(uint64(hash)<<32 | uint64(slot))
	x.n++
}

// draw gives the index its key. So few that are in one block need none, and a small machine draws no numbers for it.
func (x *Index) draw(b *indexBlock) {
	x.seed = [2]uint64{x.rand.Uint64(), x.rand.Uint64() | 1}
	old := b.entries
	b.entries, b.n = make([]uint64, 2*len(old)), 0
	for _, e := range old {
		if e != 0 {
			b.put(uint64(x.hash(uint32(e)))<<32 | e&(1<<32-1))
		}
	}
}

func (b *indexBlock) put(e uint64) {
	i := b.home(uint32(e >> 32))
	for b.entries[i] != 0 {
		if i++; i == len(b.entries) {
			i = 0
		}
	}
	b.entries[i] = e
	b.n++
}

func (b *indexBlock) resize(n int) {
	old := b.entries
	b.entries, b.n = make([]uint64, n), 0
	for _, e := range old {
		if e != 0 {
			b.put(e)
		}
	}
}

// split makes two blocks of the one that a hash belongs to.
func (x *Index) split(hash uint32) {
	old := x.block(hash)
	if old.bits == x.bits {
		dir := make([]*indexBlock, 2*len(x.dir))
		for i := range dir {
			dir[i] = x.dir[i/2]
		}
		x.dir, x.bits = dir, x.bits+1
	}
	var half [2]*indexBlock
	for i := range half {
		half[i] = &indexBlock{entries: make([]uint64, 6*indexGrow), bits: old.bits + 1}
	}
	for _, e := range old.entries {
		if e != 0 {
			b := half[e>>(63-old.bits)&1]
			for b.n >= len(b.entries)-len(b.entries)/4 { // nearly all of them in one half
				b.resize(len(b.entries) + indexGrow)
			}
			b.put(e)
		}
	}
	span := 1 << (x.bits - old.bits) // entries of dir that show the old block
	first := int(hash>>(32-x.bits)) &^ (span - 1)
	for i := range span {
		x.dir[first+i] = half[2*i/span]
	}
}

// Remove takes a slot out, before what it holds changes, and reports whether it was there.
func (x *Index) Remove(slot uint32) bool {
	if x.n == 0 {
		return false
	}
	hash := x.hash(slot)
	b := x.block(hash)
	want := uint64(hash)<<32 | uint64(slot)
	i := b.home(hash)
	for b.entries[i] != want {
		if b.entries[i] == 0 {
			return false
		}
		if i++; i == len(b.entries) {
			i = 0
		}
	}
	x.n--
	b.n--
	// What follows moves back, unless it is where it should be or behind that already.
	for j := i; ; {
		if j++; j == len(b.entries) {
			j = 0
		}
		e := b.entries[j]
		if e == 0 {
			break
		}
		home := b.home(uint32(e >> 32))
		if between := i < home && home <= j; i <= j && between || i > j && (home <= j || i < home) {
			continue
		}
		b.entries[i] = e
		i = j
	}
	b.entries[i] = 0
	if x.n == 0 {
		x.dir, x.bits = nil, 0 // a burst leaves no mark
	}
	return true
}
