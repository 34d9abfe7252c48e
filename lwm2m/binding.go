package lwm2m

import (
	"errors"
	"fmt"
)

// ErrBinding is wrapped by every error of ParseBinding.
var ErrBinding = errors.New("lwm2m: not a binding: letters of U, T, S, N and Q")

// Binding is the set of transports that a client listens on, and, for 1.0 devices, whether it uses queue mode (6.2.1.2).
// From 1.1 queue mode is a parameter of its own, Q.
type Binding uint8

// The transports, and queue mode.
const (
	BindingUDP Binding = 1 << iota
	BindingTCP
	BindingSMS
	BindingNonIP
	BindingQueue
)

const bindingLetters = "UTSNQ"

// ParseBinding reads "U", "UQ", "UQS", "UST" and so on. A letter twice is refused.
func ParseBinding(s string) (Binding, error) {
	var b Binding
next:
	for i := range len(s) {
		for bit := range len(bindingLetters) {
			if s[i] == bindingLetters[bit] && b&(1<<bit) == 0 {
				b |= 1 << bit
				continue next
			}
		}
		return 0, fmt.Errorf("%w: %s", ErrBinding, quoted(s))
	}
	if b&^BindingQueue == 0 {
		return 0, fmt.Errorf("%w: %s names no transport", ErrBinding, quoted(s))
	}
	return b, nil
}

// Queue reports whether the binding asks for queue mode (1.0).
func (b Binding) Queue() bool { return b&BindingQueue != 0 }

// Has reports whether all of c is in b.
func (b Binding) Has(c Binding) bool { return b&c == c }

// String returns the letters in the order of 1.0's list: "UQ", "UQS"; a transport of 1.1 has no Q behind it.
func (b Binding) String() string {
	var s []byte
	if b.Has(BindingUDP) {
		s = append(s, 'U')
		if b.Queue() {
			s = append(s, 'Q')
		}
	}
	if b.Has(BindingTCP) {
		s = append(s, 'T')
	}
	if b.Has(BindingSMS) {
		s = append(s, 'S')
		if b.Queue() && !b.Has(BindingUDP) {
			s = append(s, 'Q')
		}
	}
	if b.Has(BindingNonIP) {
		s = append(s, 'N')
	}
	return string(s)
}
