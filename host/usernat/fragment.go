package usernat

import (
	"time"

	"heddle.example/thread/ip6"
)

// Limits of what is put together: nodes send 1,806 bytes at most (OpenThread), and seldom.
const (
	maxPacket  = 4096
	maxPieces  = 16 // packets
	pieceTime  = 10 * time.Second
	pieceSlots = maxPacket / 8
)

// pieces are fragmented packets of nodes that have come in part (RFC 8200 section 4.5).
type pieces []*assembly

type assembly struct {
	src, dst ip6.Address
	id       uint32
	until    time.Duration
	b        []byte // header, then what has come
	have     [pieceSlots / 64]uint64
	end      int
}

// assemble puts a fragment in its place and returns the whole packet with its last one.
func (n *NAT) assemble(b []byte, p *packet) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	keep := n.pieces[:0]
	for _, a := range n.pieces {
		if a.until > now {
			keep = append(keep, a)
		} else {
			n.count.malformed.Add(1)
		}
	}
	clear(n.pieces[len(keep):])
	n.pieces = keep
	i := 0
	for i < len(keep) && (keep[i].id != p.f.ID || keep[i].src != p.h.Src || keep[i].dst != p.h.Dst) {
		i++
	}
	if i == len(keep) {
		if i == maxPieces {
			n.count.full.Add(1)
			return nil
		}
		h := p.h
		h.Next = p.f.Next
		n.pieces = append(n.pieces, &assembly{src: h.Src, dst: h.Dst, id: p.f.ID, until: now + pieceTime, b: h.Append(nil)})
	}
	a := n.pieces[i]
	whole, ok := a.put(b[p.at+ip6.FragmentSize:], p.f.Offset, p.f.More)
	if !ok {
		n.count.malformed.Add(1)
	}
	if ok && !whole {
		return nil
	}
	n.pieces = append(n.pieces[:i], n.pieces[i+1:]...)
	if !ok {
		return nil
	}
	ip6.SetPayloadLen(a.b)
	return a.b
}

// put puts one piece in its place. Pieces that overlap end the packet (RFC 5722).
func (a *assembly) put(part []byte, offset int, more bool) (whole, ok bool) {
	end := offset + len(part)
	if len(part) == 0 || end > maxPacket-ip6.HeaderSize || more && len(part)%8 != 0 || a.end > 0 && (end > a.end || !more) {
		return false, false
	}
	if grow := ip6.HeaderSize + end - len(a.b); grow > 0 {
		if !more {
			a.end = end
		}
		a.b = append(a.b, make([]byte, grow)...)
	} else if !more {
		return false, false // something came from behind its end
	}
	for at := offset / 8; at < (end+7)/8; at++ {
		if a.have[at/64]&(1<<(at%64)) != 0 {
			return false, false
		}
		a.have[at/64] |= 1 << (at % 64)
	}
	copy(a.b[ip6.HeaderSize+offset:], part)
	if a.end == 0 {
		return false, true
	}
	for at := range (a.end + 7) / 8 {
		if a.have[at/64]&(1<<(at%64)) == 0 {
			return false, true
		}
	}
	return true, true
}

// deliver gives the mesh a packet that begins with room for its header, in fragments if it is too long. b[40:] is the
// message of protocol h.Next.
func (n *NAT) deliver(h ip6.Header, b []byte) {
	n.count.received.Add(1)
	n.count.receivedBytes.Add(uint64(len(b)))
	if isMapped(&h.Dst) { // whoever translates cuts it
		n.c.Receive(n.toV4(&h, b))
		return
	}
	h.PayloadLen = uint16(len(b) - ip6.HeaderSize)
	h.Append(b[:0])
	if len(b) <= n.c.MTU {
		n.c.Receive(b)
		return
	}
	f := ip6.FragmentHeader{Next: h.Next, ID: n.ident.Add(1)}
	h.Next = ip6.Fragment
	room := (n.c.MTU - ip6.HeaderSize - ip6.FragmentSize) &^ 7
	out := make([]byte, 0, n.c.MTU)
	for body := b[ip6.HeaderSize:]; len(body) > 0; f.Offset += room {
		part := body[:min(room, len(body))]
		body = body[len(part):]
		f.More = len(body) > 0
		h.PayloadLen = uint16(ip6.FragmentSize + len(part))
		n.c.Receive(append(f.Append(h.Append(out[:0])), part...))
	}
}
