package mesh

// Pool keeps messages and buffers for use again, so that forwarding allocates nothing. It belongs to one goroutine.
type Pool struct {
	free  *message
	n     int
	max   int
	bytes [][]byte
}

// NewPool returns a pool that keeps up to max unused messages, and as many buffers.
func NewPool(max int) *Pool { return &Pool{max: max} }

// smallData is the capacity up to which the memory of a message is kept: that of a frame. Datagrams that take fragments
// are rare, and an idle node should be small.
const smallData = 160

func (p *Pool) get() *message {
	x := p.free
	if x == nil {
		return &message{}
	}
	p.free, x.next = x.next, nil
	p.n--
	return x
}

func (p *Pool) put(x *message) {
	if p.n >= p.max {
		return
	}
	data, children := x.data[:0], x.children[:0]
	if cap(data) > smallData {
		data = nil
	}
	clear(x.children)
	*x = message{data: data, children: children, next: p.free}
	p.free = x
	p.n++
}

// scratchSize holds what one frame decompresses to.
const scratchSize = 512

// getBytes returns an empty buffer for what one frame decompresses to.
func (p *Pool) getBytes() []byte {
	if n := len(p.bytes); n > 0 {
		b := p.bytes[n-1]
		p.bytes = p.bytes[:n-1]
		return b
	}
	return make([]byte, 0, scratchSize)
}

func (p *Pool) putBytes(b []byte) {
	if cap(b) == scratchSize && len(p.bytes) < p.max {
		p.bytes = append(p.bytes, b[:0])
	}
}
