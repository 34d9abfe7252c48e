package host

import (
	"crypto/rand"
	"encoding/binary"
	"sync"

	"heddle.example/machine"
)

// randBlock is how much is taken from crypto/rand at a time. A token or a message id needs 2 to 8 bytes, and one call
// into the system for each would cost more than the rest of encoding the message.
const randBlock = 1024

type bufferedRand struct {
	mu   sync.Mutex // uncontended in an owner; two users of one block must never get the same bytes
	buf  [randBlock]byte
	next int
}

// Rand returns a new source of randomness fed from crypto/rand. Each machine should have its own.
func (h *Host) Rand() machine.Rand { return &bufferedRand{next: randBlock} }

func (r *bufferedRand) Uint64() uint64 {
	var b [8]byte
	r.Fill(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// Fill takes bytes out of the block and wipes them there, so that a secret leaves no second copy and no byte is handed
// out twice.
func (r *bufferedRand) Fill(b []byte) {
	if len(b) > randBlock/4 {
		rand.Read(b) // never fails: it ends the program instead (Go 1.24)
		return
	}
	r.mu.Lock()
	if randBlock-r.next < len(b) {
		rand.Read(r.buf[:])
		r.next = 0
	}
	from := r.buf[r.next : r.next+len(b)]
	copy(b, from)
	clear(from)
	r.next += len(b)
	r.mu.Unlock()
}
