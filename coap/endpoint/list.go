package endpoint

// list is a doubly linked list whose elements are part of what they list, so that joining and leaving cost no memory.
type list[T any] struct {
	first, last *element[T]
	n           int
}

type element[T any] struct {
	value      *T
	prev, next *element[T]
	on         *list[T]
}

func (l *list[T]) push(x *element[T]) {
	x.on, x.prev, x.next = l, l.last, nil
	if l.last != nil {
		l.last.next = x
	} else {
		l.first = x
	}
	l.last = x
	l.n++
}

// leave takes the element out of its list, if it is on one.
func (x *element[T]) leave() {
	l := x.on
	if l == nil {
		return
	}
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		l.first = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	} else {
		l.last = x.prev
	}
	x.on, x.prev, x.next = nil, nil, nil
	l.n--
}

// pool lends values for actions until the drain is over.
type pool[T any] struct {
	items []*T
	n     int
}

func (p *pool[T]) get() *T {
	if p.n == len(p.items) {
		p.items = append(p.items, new(T))
	}
	p.n++
	return p.items[p.n-1]
}

// reset takes back what was lent. A burst leaves no mark.
func (p *pool[T]) reset() {
	if len(p.items) > 64 {
		p.items = nil
	}
	p.n = 0
}

// spares keeps a few unused values for the next one who needs one.
type spares[T any] []*T

func (s *spares[T]) take() *T {
	if n := len(*s); n > 0 {
		x := (*s)[n-1]
		(*s)[n-1] = nil
		*s = (*s)[:n-1]
		return x
	}
	return new(T)
}

func (s *spares[T]) put(x *T) {
	if len(*s) < 256 {
		*s = append(*s, x)
	}
}
