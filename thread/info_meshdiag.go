package thread

import (
	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
	"heddle.example/thread/tmf"
)

// DiagnosticAsk asks the router with an RLOC16 for diagnostic TLVs and hands its answer to done, which is not called where
// there is none. tlvs are borrowed. (OpenThread's MeshDiag::DiscoverTopology does so with each router.)
func (n *Node) DiagnosticAsk(now machine.Time, cause machine.Cause, rloc16 uint16, types []byte, done func(now machine.Time, tlvs []byte)) error {
	return n.try(now, cause, func() error {
		return n.tmf.Send(now, tmf.Message{URI: tmf.DiagnosticGetRequest, Src: n.rloc(), Dst: ip6.RLOC(n.meshLocal(), rloc16),
			Priority: tmf.Low, Confirmable: true, Payload: tlv.Append(nil, byte(tmf.DiagTypeList), types),
			Done: func(now machine.Time, r tmf.Response) {
				if r.Err == nil && r.Code == coap.Changed {
					done(now, r.Payload)
				}
			}})
	})
}

// DiagnosticQuery asks a router for a list, and returns the query's number: answers are Events with *info.Diagnostic.
func (n *Node) DiagnosticQuery(now machine.Time, cause machine.Cause, rloc16 uint16, types []byte) (id uint16, err error) {
	switch {
	case !n.table.Self.Role.Attached():
		return 0, status.InvalidState
	case !neighbor.IsRouterRLOC16(rloc16):
		return 0, status.InvalidArgs
	case !n.table.IsAllocated(neighbor.RouterID(rloc16)):
		return 0, status.NotFound
	}
	err = n.try(now, cause, func() error {
		id = n.diag.NextQueryID()
		p := tlv.Append(nil, byte(tmf.DiagTypeList), types)
		return n.tmf.Send(now, tmf.Message{URI: tmf.DiagnosticGetQuery, Src: n.rloc(), Dst: ip6.RLOC(n.meshLocal(), rloc16),
			Priority: tmf.Normal, Confirmable: true, Payload: tlv.AppendUint16(p, byte(tmf.DiagQueryID), id)})
	})
	return id, err
}
