package lowpan

import "heddle.example/thread/ip6"

// AppendDecompressed appends the headers that a compressed frame stands for, and says how many bytes of the frame they
// took; what follows them is payload. size is that of the whole datagram when the frame is a first fragment, or 0.
func AppendDecompressed(dst, frame []byte, link Link, ctx Contexts, size int) (out []byte, used int, err error) {
	d := decompressor{out: dst, start: len(dst), in: frame, link: link, ctx: ctx, size: size}
	if err = d.datagram(0); err != nil {
		return dst, 0, err
	}
	return d.out, len(frame) - len(d.in), nil
}

type decompressor struct {
	out   []byte
	start int // where in out the datagram begins
	in    []byte
	link  Link
	ctx   Contexts
	size  int
}

func (d *decompressor) take(n int) ([]byte, error) {
	if len(d.in) < n {
		return nil, ErrParse
	}
	b := d.in[:n]
	d.in = d.in[n:]
	return b, nil
}

func (d *decompressor) datagram(nested int) error {
	at := len(d.out)
	compressed, err := d.base()
	for err == nil && compressed {
		if len(d.in) == 0 {
			return ErrParse
		}
		switch b := d.in[0]; {
		case b&^nhcExtNext == nhcIP6:
			if nested >= maxNested {
				return ErrParse
			}
			d.in = d.in[1:]
			compressed = false
			err = d.datagram(nested + 1)
		case b&nhcExtMask == nhcExt:
			compressed, err = d.extension()
		case b&nhcUDPMask == nhcUDP:
			compressed = false
			err = d.udp()
		default:
			return ErrParse
		}
	}
	if err != nil {
		return err
	}
	n := len(d.out) + len(d.in)
	if d.size != 0 {
		n = d.start + d.size
	}
	if n -= at + ip6.HeaderSize; n < len(d.out)-at-ip6.HeaderSize || n > 0xffff {
		return ErrParse
	}
	d.out[at+4], d.out[at+5] = byte(n>>8), byte(n)
	return nil
}

// base reads the IPv6 header. Its payload length is not known yet.
func (d *decompressor) base() (nextCompressed bool, err error) {
	b, err := d.take(2)
	if err != nil {
		return false, err
	}
	control := uint16(b[0])<<8 | uint16(b[1])
	if control>>13 != 3 {
		return false, ErrParse
	}
	var ids byte
	if control&hcCID != 0 {
		if b, err = d.take(1); err != nil {
			return false, err
		}
		ids = b[0]
	}
	var h ip6.Header
	if err = d.classAndFlow(&h, control); err != nil {
		return false, err
	}
	if control&hcNext == 0 {
		if b, err = d.take(1); err != nil {
			return false, err
		}
		h.Next = ip6.Protocol(b[0])
	}
	switch control & hcHop255 {
	case hcHop1:
		h.HopLimit = 1
	case hcHop64:
		h.HopLimit = 64
	case hcHop255:
		h.HopLimit = 255
	default:
		if b, err = d.take(1); err != nil {
			return false, err
		}
		h.HopLimit = b[0]
	}
	if h.Src, err = d.unicast(control>>hcSrcShift&3, control&hcSAC != 0, ids>>4, d.link.Src, true); err != nil {
		return false, err
	}
	if control&hcMulticast != 0 {
		h.Dst, err = d.multicast(control&3, control&hcDAC != 0, ids&0xf)
	} else {
		h.Dst, err = d.unicast(control&3, control&hcDAC != 0, ids&0xf, d.link.Dst, false)
	}
	if err == nil && control&hcNext != 0 {
		h.Next, err = d.peekNext(0)
	}
	if err == nil {
		d.out = h.Append(d.out)
	}
	return control&hcNext != 0, err
}

func (d *decompressor) classAndFlow(h *ip6.Header, control uint16) error {
	noClass, noFlow := control&hcNoClass != 0, control&hcNoFlow != 0
	if noClass && noFlow {
		return nil
	}
	if !noClass {
		b, err := d.take(1)
		if err != nil {
			return err
		}
		h.ECN, h.DSCP = ip6.ECN(b[0]>>6), b[0]&0x3f
	}
	if !noFlow {
		b, err := d.take(3)
		if err != nil {
			return err
		}
		if noClass {
			h.ECN = ip6.ECN(b[0] >> 6)
		}
		h.Flow = uint32(b[0]&0xf)<<16 | uint32(b[1])<<8 | uint32(b[2])
	}
	return nil
}

// unicast reads a source, or a destination that is not multicast.
func (d *decompressor) unicast(mode uint16, stateful bool, id byte, link ip6.IID, source bool) (a ip6.Address, err error) {
	if mode == 0 {
		if stateful {
			if source {
				return a, nil // unspecified
			}
			return a, ErrParse // reserved
		}
		b, err := d.take(16)
		if err != nil {
			return a, err
		}
		return ip6.Address(b), nil
	}
	var x Context
	if stateful {
		var ok bool
		if x, ok = d.ctx.ContextByID(id); !ok {
			return a, ErrContext
		}
	} else {
		a[0], a[1] = 0xfe, 0x80
	}
	switch mode {
	case mode64:
		b, err := d.take(8)
		if err != nil {
			return a, err
		}
		copy(a[8:], b)
	case mode16:
		b, err := d.take(2)
		if err != nil {
			return a, err
		}
		a[11], a[12], a[14], a[15] = 0xff, 0xfe, b[0], b[1]
	case modeElided:
		i := x.apply(link)
		copy(a[8:], i[:])
	}
	if stateful {
		for at, n := 0, int(x.Prefix.Bits); n > 0 && at < 16; at, n = at+1, n-8 {
			mask := byte(0xff)
			if n < 8 {
				mask <<= 8 - n
			}
			a[at] = a[at]&^mask | x.Prefix.Addr[at]&mask
		}
	}
	return a, nil
}

func (d *decompressor) multicast(mode uint16, stateful bool, id byte) (a ip6.Address, err error) {
	var b []byte
	a[0] = 0xff
	switch {
	case stateful && mode == 0:
		x, ok := d.ctx.ContextByID(id)
		if !ok {
			return a, ErrContext
		}
		if b, err = d.take(6); err == nil {
			a[1], a[2], a[3] = b[0], b[1], x.Prefix.Bits
			copy(a[4:12], x.Prefix.Addr[:8])
			copy(a[12:], b[2:])
		}
	case stateful:
		err = ErrParse
	case mode == 0:
		if b, err = d.take(16); err == nil {
			a = ip6.Address(b)
		}
	case mode == 1:
		if b, err = d.take(6); err == nil {
			a[1] = b[0]
			copy(a[11:], b[1:])
		}
	case mode == 2:
		if b, err = d.take(4); err == nil {
			a[1] = b[0]
			copy(a[13:], b[1:])
		}
	default:
		if b, err = d.take(1); err == nil {
			a[1], a[15] = 2, b[0]
		}
	}
	return a, err
}

// peekNext says which header the compressed one that begins n bytes ahead is.
func (d *decompressor) peekNext(n int) (ip6.Protocol, error) {
	if len(d.in) <= n {
		return 0, ErrParse
	}
	switch b := d.in[n]; {
	case b&nhcUDPMask == nhcUDP:
		return ip6.UDP, nil
	case b&nhcExtMask == nhcExt:
		switch b >> 1 & 7 {
		case 0:
			return ip6.HopByHop, nil
		case 1:
			return ip6.Routing, nil
		case 2:
			return ip6.Fragment, nil
		case 3:
			return ip6.DstOpts, nil
		case 7:
			return ip6.IP6, nil
		}
	}
	return 0, ErrParse
}

// extension reads an extension header and fills it up to a multiple of 8 bytes.
func (d *decompressor) extension() (nextCompressed bool, err error) {
	b, err := d.take(2)
	if err != nil {
		return false, err
	}
	var next ip6.Protocol
	n := int(b[1])
	if nextCompressed = b[0]&nhcExtNext != 0; nextCompressed {
		if next, err = d.peekNext(n); err != nil {
			return false, err
		}
	} else {
		next = ip6.Protocol(b[1])
		if b, err = d.take(1); err != nil {
			return false, err
		}
		n = int(b[0])
	}
	if b, err = d.take(n); err != nil {
		return false, err
	}
	size := (2 + n + 7) &^ 7
	d.out = append(append(d.out, byte(next), byte(size/8-1)), b...)
	d.out = ip6.AppendPadding(d.out, size-2-n)
	return nextCompressed, nil
}

func (d *decompressor) udp() error {
	b, err := d.take(1)
	if err != nil {
		return err
	}
	control := b[0]
	size := [4]int{4, 3, 3, 1}[control&3]
	if b, err = d.take(size); err != nil {
		return err
	}
	var u ip6.UDPHeader
	switch control & 3 {
	case 0:
		u.SrcPort, u.DstPort = uint16(b[0])<<8|uint16(b[1]), uint16(b[2])<<8|uint16(b[3])
	case 1:
		u.SrcPort, u.DstPort = uint16(b[0])<<8|uint16(b[1]), 0xf000|uint16(b[2])
	case 2:
		u.SrcPort, u.DstPort = 0xf000|uint16(b[0]), uint16(b[1])<<8|uint16(b[2])
	case 3:
		u.SrcPort, u.DstPort = 0xf0b0|uint16(b[0]>>4), 0xf0b0|uint16(b[0]&0xf)
	}
	if control&nhcNoChecksum == 0 {
		if b, err = d.take(2); err != nil {
			return err
		}
		u.Checksum = uint16(b[0])<<8 | uint16(b[1])
	}
	n := ip6.UDPSize + len(d.in)
	if d.size != 0 {
		n = d.size - (len(d.out) - d.start)
	}
	if n < ip6.UDPSize || n > 0xffff {
		return ErrParse
	}
	u.Length = uint16(n)
	d.out = u.Append(d.out)
	return nil
}

// GetECN returns the congestion bits of a compressed header without looking at the rest.
func GetECN(b []byte) ip6.ECN {
	if len(b) < 3 || b[0]>>5 != 3 || b[0]&0x18 == 0x18 {
		return ip6.NotECT
	}
	at := 2
	if b[1]&hcCID != 0 {
		at = 3
	}
	if len(b) <= at {
		return ip6.NotECT
	}
	return ip6.ECN(b[at] >> 6)
}

// MarkECN sets the congestion bits of a compressed header, where GetECN found some, to "congestion experienced".
func MarkECN(b []byte) {
	at := 2
	if len(b) > 1 && b[1]&hcCID != 0 {
		at = 3
	}
	if len(b) > at {
		b[at] |= 0xc0
	}
}
