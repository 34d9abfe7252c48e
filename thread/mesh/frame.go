package mesh

import (
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/lowpan"
)

// fill makes f the frame with what follows offset of a datagram, as much as there is room for, and returns where the next
// frame begins (MeshForwarder::PrepareDataFrame).
func (m *Mesh) fill(f *Frame, x *message, offset int, mesh bool, meshSrc, meshDst uint16) (next int) {
	f.Channel = x.channel
	switch x.kind {
	case MLEAnnounce:
		f.DstPAN = ieee802154.BroadcastPAN
	case MLEDiscoveryRequest, MLEDiscoveryResponse:
		f.DstPAN = x.pan
	}
	for {
		f.Security = securityOf(x)
		room := maxPSDU - m.env.Overhead(f)
		link := lowpan.LinkOf(f.Src, f.Dst)
		b := f.Payload[:0]
		if mesh {
			h := lowpan.MeshHeader{HopsLeft: meshHopsLeft, Src: meshSrc, Dst: meshDst}
			b, link = h.Append(b), h.Link()
		}
		if offset == 0 {
			at := len(b)
			out, used, err := lowpan.AppendCompressed(b, x.data, link, m.env, room-at-lowpan.FirstSize)
			if err != nil { // not a datagram that the node could have made
				f.Payload = b
				return len(x.data)
			}
			b, offset = out, used
			if len(x.data)-offset > room-len(b) {
				if !x.secure && x.kind.IsMLE() {
					// Fragments of MLE must be secured by the link layer.
					x.secure, offset = true, 0
					continue
				}
				h := lowpan.FragmentHeader{Size: len(x.data), Tag: m.tagOf(x)}
				var header [lowpan.FirstSize]byte
				b = append(b, h.Append(header[:0])...)
				copy(b[at+lowpan.FirstSize:], b[at:])
				copy(b[at:], header[:])
			}
		} else {
			h := lowpan.FragmentHeader{Size: len(x.data), Tag: m.tagOf(x), Offset: offset}
			b = h.Append(b)
		}
		n := len(x.data) - offset
		if n > room-len(b) {
			n = (room - len(b)) &^ 7
		}
		f.Payload = append(b, x.data[offset:offset+n]...)
		f.FramePending = offset+n < len(x.data)
		return offset + n
	}
}

func securityOf(x *message) Security {
	switch {
	case !x.secure:
		return Unsecured
	case x.kind == JoinerEntrust:
		return Mode0
	case x.kind == MLEAnnounce:
		return Mode2
	}
	return Mode1
}

// tagOf returns the datagram tag of a message, which is not 0.
func (m *Mesh) tagOf(x *message) uint16 {
	if x.fragTag == 0 {
		if m.tag == 0 {
			m.tag++
		}
		x.fragTag = m.tag
		m.tag++
	}
	return x.fragTag
}
