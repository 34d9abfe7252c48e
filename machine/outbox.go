package machine

// Nest is what the layers of one nested machine share: memory for the bytes of actions, and the counter of commits. The
// outermost machine makes one and gives it to its inner machines, so that an inner machine's datagram passes outwards
// without a copy and all layers' Persist actions are in one order.
type Nest struct {
	chunk []byte
	seq   Seq
}

// nestKeep is the largest block that a Nest holds on to between inputs, so that one large transfer leaves no mark.
const nestKeep = 64 << 10

// Buf returns an empty slice with at least the given capacity. It is valid until Reset.
func (n *Nest) Buf(capacity int) []byte {
	if cap(n.chunk)-len(n.chunk) < capacity {
		n.chunk = make([]byte, 0, max(capacity, min(2*cap(n.chunk), nestKeep), 2048))
	}
	l := len(n.chunk)
	n.chunk = n.chunk[:l+capacity]
	return n.chunk[l : l : l+capacity]
}

// Copy returns a copy of b that is valid until Reset.
func (n *Nest) Copy(b []byte) []byte { return append(n.Buf(len(b)), b...) }

// Reset takes back everything that Buf gave out. Only the outermost machine calls it, through its Outbox.
func (n *Nest) Reset() {
	if cap(n.chunk) > nestKeep {
		n.chunk = nil
	}
	n.chunk = n.chunk[:0]
}

// NextSeq returns the number of a new commit.
func (n *Nest) NextSeq() Seq { n.seq++; return n.seq }

// LastSeq returns the number of the latest commit.
func (n *Nest) LastSeq() Seq { return n.seq }

// Outbox is the queue of actions behind a machine's Next.
type Outbox struct {
	queue []Action
	head  int
	over  bool // Next reported false since the last Begin: the drain is over
	nest  *Nest
	owner bool
}

// NewOutbox returns an empty queue. With a nil nest the machine is the outermost one and gets a nest of its own.
func NewOutbox(nest *Nest) Outbox {
	if nest == nil {
		return Outbox{nest: new(Nest), owner: true}
	}
	return Outbox{nest: nest}
}

// Nest returns the nest to hand to inner machines.
func (o *Outbox) Nest() *Nest { return o.nest }

// Begin starts an input, and reports whether it took back the memory of earlier actions: it does once Next has reported
// that nothing is left. In the middle of a drain, be it after the last action, that memory may still be in use by the
// layer that has just taken an action out. Every input of a machine begins with it.
func (o *Outbox) Begin() bool {
	if o.head < len(o.queue) {
		return false
	}
	if cap(o.queue) > 256 {
		o.queue = nil
	}
	o.queue, o.head = o.queue[:0], 0
	if !o.over {
		return false
	}
	o.over = false
	if o.owner {
		o.nest.Reset()
	}
	return true
}

// Push appends an action.
func (o *Outbox) Push(a Action) { o.queue = append(o.queue, a) }

// Next returns the next action.
func (o *Outbox) Next() (Action, bool) {
	if o.head == len(o.queue) {
		o.over = true
		return Action{}, false
	}
	a := o.queue[o.head]
	o.queue[o.head] = Action{}
	o.head++
	return a, true
}

// Empty reports whether everything was drained.
func (o *Outbox) Empty() bool { return o.head == len(o.queue) }
