package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mesh"
	"heddle.example/thread/status"
	"heddle.example/thread/tmf"
)

const (
	mlePort         = 19788
	defaultHopLimit = 64
	// What leaves in one IPv6 datagram, and what is put together from fragments (OpenThread's ip6.hpp).
	maxDatagram  = 1280
	maxAssembled = 1806
)

// outgoing says how a datagram of ours is to leave.
type outgoing struct {
	src, dst     ip6.Address
	hopLimit     uint8
	zeroHopLimit bool
	loop         bool // we hear our own multicast
	noSecurity   bool
	entrust      bool // under the key-encryption key
	priority     tmf.Priority
}

// incoming says how a datagram has come.
type incoming struct {
	fromHost  bool
	secured   bool // by the link layer, or it came from ourselves
	assembled bool
	link      *mesh.LinkInfo // of one from the mesh
}

// header makes the header of a datagram of ours.
func (n *Node) header(o *outgoing) (h ip6.Header, err error) {
	h = ip6.Header{HopLimit: o.hopLimit, Src: o.src, Dst: o.dst}
	if h.HopLimit == 0 && !o.zeroHopLimit {
		h.HopLimit = defaultHopLimit
	}
	switch o.priority {
	case tmf.Low:
		h.DSCP = 0x08 // CS1
	case tmf.High:
		h.DSCP = 0x20 // CS4
	}
	if h.Src.IsUnspecified() || h.Src.IsMulticast() {
		src, ok := n.SourceFor(h.Dst)
		if !ok {
			return h, status.InvalidSourceAddress
		}
		h.Src = src
	}
	return h, nil
}

// sendDatagram sends a whole datagram of ours: to ourselves, to the mesh, or both. What becomes of it there its sender
// does not learn.
func (n *Node) sendDatagram(now machine.Time, o *outgoing, b []byte) error {
	if len(b) > maxAssembled {
		return status.NoBufs
	}
	if len(b) > maxDatagram {
		return n.sendFragments(now, o, b)
	}
	dst := ip6.Dst(b)
	if dst.IsMulticast() {
		n.sendMulticast(now, o, b, dst)
		return nil
	}
	switch n.routeOf(ip6.Src(b), dst) {
	case toSelf:
		n.loop = append(n.loop, b)
	case toMesh:
		return n.meshSend(now, o, b)
	case toHost:
		n.passToHost(now, b, false)
	}
	return nil
}

// meshSend gives the mesh layer a datagram. Only that there is no room for it is an error: the rest is the network's.
func (n *Node) meshSend(now machine.Time, o *outgoing, b []byte) error {
	d := mesh.Datagram{IP: b, Priority: meshPriority(o.priority), NoSecurity: o.noSecurity}
	if o.entrust {
		d.Kind = mesh.JoinerEntrust
	}
	err := n.mesh.Send(now, &d)
	if err != status.NoBufs {
		return nil
	}
	return err
}

// sendFragments sends a datagram that is longer than a link carries in IPv6 fragments (RFC 8200 section 4.5).
func (n *Node) sendFragments(now machine.Time, o *outgoing, b []byte) error {
	const room = (maxDatagram - ip6.HeaderSize - ip6.FragmentSize) &^ 7
	h, err := ip6.ParseHeader(b)
	if err != nil {
		return status.Parse
	}
	if n.fragmentID == 0 {
		n.fragmentID = uint32(n.config.Rand.Uint64())
	}
	n.fragmentID++
	f := ip6.FragmentHeader{Next: h.Next, ID: n.fragmentID, More: true}
	h.Next = ip6.Fragment
	for rest := b[ip6.HeaderSize:]; len(rest) > 0; f.Offset += room {
		part := rest
		if f.More = len(rest) > room; f.More {
			part = rest[:room]
		}
		rest = rest[len(part):]
		h.PayloadLen = uint16(ip6.FragmentSize + len(part))
		if err := n.sendDatagram(now, o, append(f.Append(h.Append(nil)), part...)); err != nil {
			return err
		}
	}
	return nil
}

// receiveLoop takes in a datagram that the node has sent itself.
func (n *Node) receiveLoop(now machine.Time, b []byte) {
	n.receive(now, b, &incoming{secured: true})
}

// receive takes in a datagram that is for this node. b is borrowed.
func (n *Node) receive(now machine.Time, b []byte, in *incoming) {
	h, err := ip6.ParseHeader(b)
	if err != nil || ip6.Check(b) != nil {
		return
	}
	at, next := ip6.HeaderSize, h.Next
	for {
		switch next {
		case ip6.HopByHop, ip6.DstOpts:
			e, err := ip6.ParseExtension(b[at:])
			if err != nil || !skippable(e.Content) {
				return
			}
			at, next = at+e.Size, e.Next
			continue
		case ip6.Fragment:
			f, err := ip6.ParseFragment(b[at:])
			if err != nil {
				return
			}
			if f.Offset == 0 && !f.More {
				at, next = at+ip6.FragmentSize, f.Next
				continue
			}
			n.assemble(now, &h, b, at, f, in)
			return
		}
		break
	}
	if !ip6.ChecksumOK(b, at, next) {
		return
	}
	switch next {
	case ip6.UDP:
		n.receiveUDP(now, &h, b[at:], in)
	case ip6.ICMP6:
		n.receiveICMP(now, &h, b[at:])
	}
}

// skippable reports whether a node may pass over all options of an extension header that it does not know.
func skippable(content []byte) bool {
	for len(content) > 0 {
		o, err := ip6.ParseOption(content)
		if err != nil || !o.IsPadding() && o.Type != ip6.OptionMPL && !o.Type.MaySkip() {
			return false
		}
		content = content[o.Size:]
	}
	return true
}

// assembly is a datagram whose fragments have come in part.
type assembly struct {
	src, dst ip6.Address
	id       uint32
	until    machine.Time
	b        []byte
}

const (
	assemblyTime  = 10 * time.Second // OPENTHREAD_CONFIG_IP6_REASSEMBLY_TIMEOUT
	maxAssemblies = 4
)

// assemble puts a fragment whose header is at offset at of b in its place, and takes in the datagram with its last one.
func (n *Node) assemble(now machine.Time, h *ip6.Header, b []byte, at int, f ip6.FragmentHeader, in *incoming) {
	part := b[at+ip6.FragmentSize:]
	end := at + f.Offset + len(part)
	i := 0
	for i < len(n.reasm) && !(n.reasm[i].id == f.ID && n.reasm[i].src == h.Src && n.reasm[i].dst == h.Dst) {
		i++
	}
	if end > maxAssembled || len(part) == 0 {
		if i < len(n.reasm) {
			n.reasm = append(n.reasm[:i], n.reasm[i+1:]...)
		}
		return
	}
	if i == len(n.reasm) {
		if i == maxAssemblies {
			return
		}
		n.reasm = append(n.reasm, assembly{src: h.Src, dst: h.Dst, id: f.ID, until: now.Add(assemblyTime), b: append([]byte(nil), b[:at]...)})
	}
	a := &n.reasm[i]
	if grow := end - len(a.b); grow > 0 {
		a.b = append(a.b, make([]byte, grow)...)
	}
	copy(a.b[at+f.Offset:], part)
	if f.More {
		return
	}
	whole := a.b
	if n.reasm = append(n.reasm[:i], n.reasm[i+1:]...); len(n.reasm) == 0 {
		n.reasm = nil
	}
	if at != ip6.HeaderSize {
		return // extension headers before the fragment header: nobody in a mesh sends them
	}
	ip6.SetNext(whole, f.Next)
	ip6.SetPayloadLen(whole)
	n.receive(now, whole, &incoming{fromHost: in.fromHost, secured: in.secured, assembled: true, link: in.link})
}

func (n *Node) expireFragments(now machine.Time) {
	for i := 0; i < len(n.reasm); {
		if a := n.reasm[i]; a.until <= now {
			n.reasm = append(n.reasm[:i], n.reasm[i+1:]...)
			n.sendICMPError(now, ip6.TimeExceeded, ip6.ReassemblyExceeded, a.dst, a.b)
			continue
		}
		i++
	}
}
