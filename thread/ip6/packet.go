package ip6

// Packet is a view of a datagram down to its transport header. It borrows nothing.
type Packet struct {
	Header
	Proto   Protocol // the first that is not a hop-by-hop, options or whole-datagram fragment header
	At      int      // where Proto's header begins
	SrcPort uint16   // of UDP and TCP
	DstPort uint16
	Type    ICMPType // of ICMPv6
	Code    uint8
	// Checksum is that of UDP, TCP or ICMPv6, or zero.
	Checksum uint16
	// Fragmented: Proto is Fragment, or was and the rest is not the first fragment's.
	Fragmented bool
}

// IsUDP reports whether the datagram is UDP to a port.
func (p *Packet) IsUDP(dstPort uint16) bool { return p.Proto == UDP && p.DstPort == dstPort }

// ParsePacket looks at the header, the extension headers and the transport header. b may end after the transport
// header, as the first fragment of a 6LoWPAN datagram does.
func ParsePacket(b []byte) (p Packet, err error) {
	if p.Header, err = ParseHeader(b); err != nil {
		return p, err
	}
	p.At, p.Proto = HeaderSize, p.Next
	for p.Proto == HopByHop || p.Proto == DstOpts || p.Proto == Routing {
		e, err := ParseExtension(b[p.At:])
		if err != nil {
			return p, err
		}
		p.At, p.Proto = p.At+e.Size, e.Next
	}
	if p.Proto == Fragment {
		p.Fragmented = true
		return p, nil
	}
	return p, p.transport(b[p.At:])
}

func (p *Packet) transport(b []byte) error {
	switch p.Proto {
	case UDP:
		u, err := ParseUDP(b)
		if err != nil {
			return err
		}
		p.SrcPort, p.DstPort, p.Checksum = u.SrcPort, u.DstPort, u.Checksum
	case TCP:
		if len(b) < 20 {
			return ErrTruncated
		}
		p.SrcPort, p.DstPort, p.Checksum = get16(b), get16(b[2:]), get16(b[16:])
	case ICMP6:
		if len(b) < 4 {
			return ErrTruncated
		}
		p.Type, p.Code, p.Checksum = ICMPType(b[0]), b[1], get16(b[2:])
	}
	return nil
}
