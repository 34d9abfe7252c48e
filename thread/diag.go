package thread

import (
	"encoding/binary"
	"math/bits"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/tlv"
	"heddle.example/thread/tmf"
)

// diagEnv is the Node as tmf.DiagEnv.
type diagEnv Node

// StackVersion is what a node says that it runs.
const StackVersion = "HEDDLE/1.0; Thread 1.4"

// DiagSource implements tmf.DiagEnv.
func (e *diagEnv) DiagSource(dst ip6.Address) ip6.Address {
	if dst.IsLinkLocalUnicast() || dst.IsLinkLocalMulticast() {
		return e.mle.LinkLocal()
	}
	return (*Node)(e).rloc()
}

// DiagAnswer implements tmf.DiagEnv.
func (e *diagEnv) DiagAnswer(now machine.Time, a *tmf.DiagAnswer) {
	n := (*Node)(e)
	n.event(0, &info.Diagnostic{Err: a.Err, From: a.From, TLVs: n.out.Nest().Copy(a.TLVs)})
}

// ResetDiagnostic implements tmf.DiagEnv.
func (e *diagEnv) ResetDiagnostic(now machine.Time, t tmf.DiagType) {
	switch t {
	case tmf.DiagMACCounters:
		e.mac.ResetCounters()
	case tmf.DiagMLECounters:
		e.mle.ResetCounters(now)
	}
}

// DiagnosticGet asks a node, or all that hear a multicast, for diagnostic TLVs. Answers are Events with an
// *info.Diagnostic.
func (n *Node) DiagnosticGet(now machine.Time, cause machine.Cause, dst ip6.Address, types []byte) error {
	n.begin(now, cause)
	defer n.finish(now)
	return n.diag.Get(now, dst, types)
}

// DiagnosticReset asks nodes to reset counters.
func (n *Node) DiagnosticReset(now machine.Time, cause machine.Cause, dst ip6.Address, types []byte) error {
	n.begin(now, cause)
	defer n.finish(now)
	return n.diag.Reset(now, dst, types)
}

// AppendDiagnostic implements tmf.DiagEnv (network_diagnostic.cpp, Server::AppendDiagTlv).
func (e *diagEnv) AppendDiagnostic(now machine.Time, dst []byte, t tmf.DiagType) []byte {
	n := (*Node)(e)
	typ := byte(t)
	switch t {
	case tmf.DiagExtAddress:
		ext := n.mac.Ext()
		return tlv.Append(dst, typ, ext[:])
	case tmf.DiagAddress16:
		return tlv.AppendUint16(dst, typ, n.table.Self.RLOC16)
	case tmf.DiagMode:
		return tlv.AppendUint8(dst, typ, n.mle.Mode().Wire())
	case tmf.DiagEUI64:
		return tlv.Append(dst, typ, n.config.EUI64[:])
	case tmf.DiagVersion:
		return tlv.AppendUint16(dst, typ, threadVersion)
	case tmf.DiagTimeout:
		if n.mle.Mode().RxOn() {
			return dst
		}
		return tlv.AppendUint32(dst, typ, n.mle.Timeout())
	case tmf.DiagLeaderData:
		d := n.mle.LeaderData()
		v := binary.BigEndian.AppendUint32(nil, d.PartitionID)
		return tlv.Append(dst, typ, append(v, d.Weighting, d.DataVersion, d.StableDataVersion, d.LeaderRouterID))
	case tmf.DiagNetworkData:
		return tlv.Append(dst, typ, n.data.Data())
	case tmf.DiagAddresses:
		var v []byte
		for i := range n.unicast {
			v = append(v, n.unicast[i].Addr[:]...)
		}
		return tlv.Append(dst, typ, v)
	case tmf.DiagMACCounters:
		return tlv.Append(dst, typ, n.macCounters())
	case tmf.DiagMLECounters:
		return tlv.Append(dst, typ, mleCounters(n.mle.Counters(now)))
	case tmf.DiagVendorName:
		return tlv.AppendString(dst, typ, n.vendor[0])
	case tmf.DiagVendorModel:
		return tlv.AppendString(dst, typ, n.vendor[1])
	case tmf.DiagVendorSoftware:
		return tlv.AppendString(dst, typ, n.vendor[2])
	case tmf.DiagVendorURL:
		return tlv.AppendString(dst, typ, n.vendor[3])
	case tmf.DiagStackVersion:
		return tlv.AppendString(dst, typ, StackVersion)
	case tmf.DiagChannelPages:
		return tlv.Append(dst, typ, []byte{0})
	case tmf.DiagNonPreferredMask:
		return tlv.Append(dst, typ, binary.BigEndian.AppendUint32([]byte{0, 4}, bits.Reverse32(n.shell.nonPreferred)))
	}
	if n.config.MTD {
		return dst
	}
	return n.appendRouterDiagnostic(now, dst, t)
}

// appendRouterDiagnostic appends what only a full Thread device tells.
func (n *Node) appendRouterDiagnostic(now machine.Time, dst []byte, t tmf.DiagType) []byte {
	router := n.table.Self.Role.RouterOrLeader()
	switch t {
	case tmf.DiagConnectivity:
		b := mle.AppendConnectivity(nil, n.mle.Connectivity())
		b[0] = byte(t) // the value is that of MLE's TLV
		return append(dst, b...)
	case tmf.DiagRoute:
		dst, mark := tlv.Begin(dst, byte(t))
		return tlv.End(n.table.AppendRoute(dst, nil), mark)
	case tmf.DiagEnhancedRoute:
		if router {
			return tlv.Append(dst, byte(t), n.enhancedRoute())
		}
	case tmf.DiagChildTable:
		if router {
			return tlv.Append(dst, byte(t), n.childTable())
		}
	case tmf.DiagMaxChildTimeout:
		if s := n.mle.MaxChildTimeout(); s > 0 {
			return tlv.AppendUint32(dst, byte(t), s)
		}
	}
	return dst
}

// enhancedRoute is a set of router ids and for each two bytes: self, link, quality out and in, next hop, its cost.
func (n *Node) enhancedRoute() []byte {
	set := n.table.RouterSet()
	b := binary.BigEndian.AppendUint64(nil, uint64(set))
	own := neighbor.RouterID(n.table.Self.RLOC16)
	for r := range n.table.Routers() {
		v := uint16(1) << 15
		if id := r.RouterID(); id != own {
			v = uint16(r.NextHop&0x3f)<<4 | uint16(r.Cost&0xf)
			if r.State == neighbor.Valid {
				v |= 1<<14 | uint16(r.Link.Out)<<12 | uint16(r.Link.QualityIn())<<10
			}
		}
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

// childTable has three bytes a child: time-out as a power of two, link quality, child id, mode.
func (n *Node) childTable() (b []byte) {
	count := 0
	for c := range n.table.Children(neighbor.InValid) {
		if count++; count > tmf.MaxChildEntries {
			break
		}
		exp := uint16(0)
		for exp < 27 && uint32(1)<<exp < c.Timeout {
			exp++
		}
		v := (exp+4)<<11 | uint16(c.Link.QualityIn())<<9 | neighbor.ChildID(c.RLOC16)
		b = append(binary.BigEndian.AppendUint16(b, v), c.Mode.Wire())
	}
	return b
}

func (n *Node) macCounters() (b []byte) {
	c := &n.mac.Counters
	for _, v := range []uint32{
		c.RxOther,
		c.RxErrNoFrame + c.RxErrUnknownNeighbor + c.RxErrInvalidSrcAddr + c.RxErrSec + c.RxErrFCS + c.RxErrOther,
		c.TxErrCCA, c.RxUnicast, c.RxBroadcast, c.RxAddressFiltered + c.RxDestAddrFiltered + c.RxDuplicated,
		c.TxUnicast, c.TxBroadcast, c.TxErrBusyChannel,
	} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func mleCounters(c mle.Counters) (b []byte) {
	for _, v := range c.Roles {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	for _, v := range []uint16{c.AttachAttempts, c.PartitionIDChanges, c.BetterPartitionAttachAttempts, c.ParentChanges} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(c.TrackedTime/time.Millisecond))
	for _, d := range c.RoleTime {
		b = binary.BigEndian.AppendUint64(b, uint64(d/time.Millisecond))
	}
	return b
}

// EachDiagnostic implements tmf.DiagEnv.
func (e *diagEnv) EachDiagnostic(now machine.Time, t tmf.DiagType, yield func(tlv []byte)) {
	n := (*Node)(e)
	if n.config.MTD {
		return
	}
	switch t {
	case tmf.DiagChild:
		for c := range n.table.Children(neighbor.InValid) {
			yield(tlv.Append(nil, byte(t), childDiagnostic(now, c)))
		}
	case tmf.DiagChildAddresses:
		for c := range n.table.Children(neighbor.InValid) {
			if list := c.AllAddresses(nil); len(list) > 0 {
				v := binary.BigEndian.AppendUint16(nil, c.RLOC16)
				for _, a := range list {
					v = append(v, a[:]...)
				}
				yield(tlv.Append(nil, byte(t), v))
			}
		}
	case tmf.DiagRouterNeighbor:
		for r := range n.table.Routers() {
			if r.State == neighbor.Valid {
				v := append([]byte{1 << 7}, binary.BigEndian.AppendUint16(nil, r.RLOC16)...)
				v = binary.BigEndian.AppendUint16(append(v, r.Ext[:]...), r.Version)
				v = binary.BigEndian.AppendUint32(v, r.ConnectionTime(now))
				yield(tlv.Append(nil, byte(t), appendLinkDiagnostic(v, &r.Link)))
			}
		}
	}
}

func appendLinkDiagnostic(v []byte, l *neighbor.LinkInfo) []byte {
	v = append(v, l.Margin(), byte(l.RSS()), byte(l.LastRSS))
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(v, uint16(l.FrameErr)), uint16(l.PacketErr))
}

func childDiagnostic(now machine.Time, c *neighbor.Child) []byte {
	flags := byte(1 << 3) // error rates are tracked
	if c.Mode.RxOn() {
		flags |= 1 << 7
	}
	if c.Mode.FTD() {
		flags |= 1 << 6
	}
	if c.Mode.FullNetworkData() {
		flags |= 1 << 5
	}
	var csl neighbor.CSL
	if c.CSL != nil {
		if csl = *c.CSL; csl.Synchronized {
			flags |= 1 << 4
		}
	}
	v := binary.BigEndian.AppendUint16([]byte{flags}, c.RLOC16)
	v = binary.BigEndian.AppendUint16(append(v, c.Ext[:]...), c.Version)
	v = binary.BigEndian.AppendUint32(v, c.Timeout)
	v = binary.BigEndian.AppendUint32(v, c.Age(now))
	v = binary.BigEndian.AppendUint32(v, c.ConnectionTime(now))
	supervision := c.Supervision
	if c.Mode.RxOn() {
		supervision = 0
	}
	v = appendLinkDiagnostic(binary.BigEndian.AppendUint16(v, supervision), &c.Link)
	v = binary.BigEndian.AppendUint16(v, c.Queued)
	v = binary.BigEndian.AppendUint16(v, csl.Period)
	return append(binary.BigEndian.AppendUint32(v, csl.Timeout), csl.Channel)
}
