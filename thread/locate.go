package thread

import (
	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
	"heddle.example/thread/tmf"
)

// TLVs of a locator's answer.
const (
	tlvMeshLocalEID = 3
	tlvRLOC16       = 2
)

// Locate asks who is behind an anycast locator. The Result is an *info.Located.
func (n *Node) Locate(now machine.Time, cause machine.Cause, anycast ip6.Address) (op machine.OpID, err error) {
	err = n.try(now, cause, func() error {
		if !n.isMeshLocal(anycast) || !anycast.IID().IsAnycastLocator() {
			return status.InvalidArgs
		}
		n.lastOp++
		id := n.lastOp
		op = id
		return n.tmf.Send(now, tmf.Message{URI: tmf.AnycastLocate, Src: n.rloc(), Dst: anycast, Confirmable: true,
			Done: func(now machine.Time, r tmf.Response) { n.result(id, cause, n.located(now, &r)) }})
	})
	return op, err
}

func (n *Node) located(now machine.Time, r *tmf.Response) *info.Located {
	v := &info.Located{Err: r.Failure()}
	iid, ok := tlv.Find(r.Payload, tlvMeshLocalEID)
	rloc16, ok2 := tlv.Uint16(r.Payload, tlvRLOC16)
	if v.Err == nil && (!ok || !ok2 || len(iid) != 8) {
		v.Err = status.Parse
	}
	if v.Err != nil {
		return v
	}
	v.Addr, v.RLOC16 = ip6.Join(n.meshLocal(), ip6.IID(iid)), rloc16
	return v
}

// serveLocate says who we are to somebody who asks an anycast locator of ours.
func (n *Node) serveLocate(now machine.Time, r *tmf.Request) {
	iid := n.mle.MeshLocalEID().IID()
	b := tlv.AppendUint16(tlv.Append(nil, tlvMeshLocalEID, iid[:]), tlvRLOC16, n.mle.RLOC16())
	n.tmf.Respond(now, r, coap.Changed, b)
}
