package lowpan

import "heddle.example/thread/ip6"

// AppendCompressed appends the compressed headers of a datagram, at most room bytes of them, and says how many bytes of
// the datagram they stand for; what follows them goes as it is. If not all headers fit, or one is odd, it and those inside
// it stay as they are.
func AppendCompressed(dst, ip []byte, link Link, ctx Contexts, room int) (out []byte, used int, err error) {
	c := compressor{out: dst, ip: ip, link: link, ctx: ctx, limit: len(dst) + room}
	if err = c.datagram(0); err != nil {
		return dst, 0, err
	}
	return c.out, c.at, nil
}

type compressor struct {
	out   []byte
	ip    []byte
	at    int // how much of ip is done
	link  Link
	ctx   Contexts
	limit int // of len(out)
}

// datagram compresses as many headers of the datagram at c.at as can be.
func (c *compressor) datagram(nested int) error {
	out, at := len(c.out), c.at
	for most := 255; ; {
		done, err := c.headers(most, nested)
		if err == nil && len(c.out) > c.limit {
			err = ErrRoom
		}
		if err == nil {
			return nil
		}
		c.out, c.at = c.out[:out], at
		if done == 0 || done >= most {
			return err
		}
		most = done
	}
}

// headers compresses at most that many headers, and returns how many it did before an error.
func (c *compressor) headers(most, nested int) (done int, err error) {
	h, err := ip6.ParseHeader(c.ip[c.at:])
	if err == nil {
		err = ip6.Check(c.ip[c.at:]) // the length is not sent
	}
	if err != nil {
		return 0, err
	}
	c.base(&h, most > 1 && compressible(h.Next) && (h.Next != ip6.IP6 || nested < maxNested))
	if len(c.out) > c.limit {
		return 0, ErrRoom
	}
	c.at += ip6.HeaderSize
	next := h.Next
	for done = 1; done < most; done++ {
		switch {
		case next == ip6.HopByHop:
			next, err = c.extension(done+1 < most, nested)
		case next == ip6.UDP:
			return done, c.udp()
		case next == ip6.IP6 && nested < maxNested:
			c.out = append(c.out, nhcIP6)
			return done, c.datagram(nested + 1)
		default:
			return done, nil
		}
		if err == nil && len(c.out) > c.limit {
			err = ErrRoom
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// compressible reports whether a header has a compressed form that is used: those that OpenThread uses.
func compressible(p ip6.Protocol) bool { return p == ip6.HopByHop || p == ip6.UDP || p == ip6.IP6 }

// base compresses the IPv6 header (RFC 6282 section 3.1).
func (c *compressor) base(h *ip6.Header, nextCompressed bool) {
	src, srcOK := c.contextFor(h.Src)
	dst, dstOK := c.contextFor(h.Dst)
	control := uint16(hcDispatch)
	start := len(c.out)
	c.out = append(c.out, 0, 0)
	if src.ID != 0 || dst.ID != 0 {
		control |= hcCID
		c.out = append(c.out, src.ID<<4|dst.ID&0xf)
	}
	control |= c.classAndFlow(h)
	if nextCompressed {
		control |= hcNext
	} else {
		c.out = append(c.out, byte(h.Next))
	}
	switch h.HopLimit {
	case 1:
		control |= hcHop1
	case 64:
		control |= hcHop64
	case 255:
		control |= hcHop255
	default:
		c.out = append(c.out, h.HopLimit)
	}
	switch {
	case h.Src.IsUnspecified():
		control |= hcSAC
	case h.Src.Network() == ip6.LinkLocalNetwork:
		control |= c.iid(h.Src, c.link.Src, Context{}) << hcSrcShift
	case srcOK:
		control |= hcSAC | c.iid(h.Src, c.link.Src, src)<<hcSrcShift
	default:
		c.out = append(c.out, h.Src[:]...)
	}
	switch {
	case h.Dst.IsMulticast():
		control |= hcMulticast | c.multicast(&h.Dst)
	case h.Dst.Network() == ip6.LinkLocalNetwork:
		control |= c.iid(h.Dst, c.link.Dst, Context{}) << hcDstShift
	case dstOK:
		control |= hcDAC | c.iid(h.Dst, c.link.Dst, dst)<<hcDstShift
	default:
		c.out = append(c.out, h.Dst[:]...)
	}
	c.out[start], c.out[start+1] = byte(control>>8), byte(control)
}

// contextFor returns the context to compress an address with. The bits between a short prefix and the interface
// identifier are not sent, so they must be zero (RFC 6282 section 3.1.1).
func (c *compressor) contextFor(a ip6.Address) (Context, bool) {
	x, ok := c.ctx.ContextFor(a)
	if !ok || !x.Compress || x.Prefix.Bits < 64 && x.Prefix.Addr.Network() != a.Network() {
		return Context{}, false
	}
	return x, true
}

func (c *compressor) classAndFlow(h *ip6.Header) uint16 {
	ecn := byte(h.ECN) << 6
	switch {
	case h.Flow == 0 && h.DSCP == 0 && ecn == 0:
		return hcNoClass | hcNoFlow
	case h.Flow == 0:
		c.out = append(c.out, ecn|h.DSCP)
		return hcNoFlow
	case h.DSCP == 0:
		c.out = append(c.out, ecn|byte(h.Flow>>16)&0xf, byte(h.Flow>>8), byte(h.Flow))
		return hcNoClass
	}
	c.out = append(c.out, ecn|h.DSCP, byte(h.Flow>>16)&0xf, byte(h.Flow>>8), byte(h.Flow))
	return 0
}

// iid compresses the last 64 bits of a unicast address and returns the mode.
func (c *compressor) iid(a ip6.Address, link ip6.IID, x Context) uint16 {
	i := a.IID()
	switch {
	case i == x.apply(link):
		return modeElided
	case i.IsLocator():
		c.out = append(c.out, i[6], i[7])
		return mode16
	}
	c.out = append(c.out, i[:]...)
	return mode64
}

// apply puts what a prefix longer than 64 bits says over an identifier.
func (x *Context) apply(i ip6.IID) ip6.IID {
	n := int(x.Prefix.Bits) - 64
	for at := 0; n > 0 && at < 8; at, n = at+1, n-8 {
		mask := byte(0xff)
		if n < 8 {
			mask <<= 8 - n
		}
		i[at] = i[at]&^mask | x.Prefix.Addr[8+at]&mask
	}
	return i
}

// multicast compresses a multicast destination and returns the mode, and DAC for one that holds the mesh-local prefix.
func (c *compressor) multicast(a *ip6.Address) uint16 {
	first := 2 // the first byte after flags and scope that is not zero
	for first < 16 && a[first] == 0 {
		first++
	}
	switch {
	case first == 15 && a[1] == 2:
		c.out = append(c.out, a[15])
		return 3
	case first >= 13 && first < 16:
		c.out = append(c.out, a[1], a[13], a[14], a[15])
		return 2
	case first >= 11 && first < 16:
		c.out = append(append(c.out, a[1]), a[11:]...)
		return 1
	}
	if x, ok := c.ctx.ContextByID(0); ok && x.Prefix.Bits == a[3] && x.Prefix.Addr.Network() == ip6.Network(a[4:12]) {
		c.out = append(append(c.out, a[1], a[2]), a[12:]...)
		return hcDAC
	}
	c.out = append(c.out, a[:]...)
	return 0
}

// extension compresses a hop-by-hop header (RFC 6282 section 4.2). One padding option at its end is left out.
func (c *compressor) extension(more bool, nested int) (next ip6.Protocol, err error) {
	e, err := ip6.ParseExtension(c.ip[c.at:])
	if err != nil {
		return 0, err
	}
	n := len(e.Content)
	for at := 0; at < len(e.Content); {
		o, err := ip6.ParseOption(e.Content[at:])
		if err != nil {
			return 0, err
		}
		if at += o.Size; at == len(e.Content) && o.IsPadding() {
			n -= o.Size
		}
	}
	if n > 255 {
		return 0, ErrParse
	}
	if more && (e.Next == ip6.UDP || e.Next == ip6.IP6 && nested < maxNested) {
		c.out = append(c.out, nhcExt|nhcExtNext)
	} else {
		c.out = append(c.out, nhcExt, byte(e.Next))
		if e.Next == ip6.UDP || e.Next == ip6.IP6 || e.Next == ip6.HopByHop {
			next = ip6.None // it is named in full: it must not be compressed
		}
	}
	if next != ip6.None {
		next = e.Next
	}
	c.out = append(append(c.out, byte(n)), e.Content[:n]...)
	c.at += e.Size
	return next, nil
}

// udp compresses a UDP header (RFC 6282 section 4.3). The checksum is always there, as Thread has it.
func (c *compressor) udp() error {
	u, err := ip6.ParseUDP(c.ip[c.at:])
	if err == nil && int(u.Length) != len(c.ip)-c.at {
		err = ErrParse // the length is not sent
	}
	if err != nil {
		return err
	}
	src, dst := u.SrcPort, u.DstPort
	switch {
	case src&0xfff0 == 0xf0b0 && dst&0xfff0 == 0xf0b0:
		c.out = append(c.out, nhcUDP|3, byte(src<<4)|byte(dst&0xf))
	case src&0xff00 == 0xf000:
		c.out = append(c.out, nhcUDP|2, byte(src), byte(dst>>8), byte(dst))
	case dst&0xff00 == 0xf000:
		c.out = append(c.out, nhcUDP|1, byte(src>>8), byte(src), byte(dst))
	default:
		c.out = append(c.out, nhcUDP, byte(src>>8), byte(src), byte(dst>>8), byte(dst))
	}
	c.out = append(c.out, byte(u.Checksum>>8), byte(u.Checksum))
	c.at += ip6.UDPSize
	return nil
}
