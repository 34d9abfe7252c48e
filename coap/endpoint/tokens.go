package endpoint

import "heddle.example/coap"

// holder is an entry of the table of tokens. Tokens of ours are unique; ones that the program chose may not be.
type holder struct {
	token coap.Token
	peer  *peer
	call  *call
	obs   *observation
	next  *holder
}

func (e *Endpoint) hold(h *holder) {
	h.next = e.tokens[h.token]
	e.tokens[h.token] = h
}

func (e *Endpoint) unhold(h *holder) {
	first := e.tokens[h.token]
	for at := &first; *at != nil; at = &(*at).next {
		if *at == h {
			*at = h.next
			h.next = nil
			break
		}
	}
	if first == nil {
		delete(e.tokens, h.token)
	} else {
		e.tokens[h.token] = first
	}
}

// holders returns what waits for a token from a peer: a call before an observation. other says that somebody else does.
func (e *Endpoint) holders(t coap.Token, p *peer) (c *call, o *observation, other bool) {
	for h := e.tokens[t]; h != nil; h = h.next {
		switch {
		case h.peer != p:
			other = true
		case h.call != nil && c == nil:
			c = h.call
		case h.obs != nil && o == nil:
			o = h.obs
		}
	}
	return c, o, other
}
