package thread

import (
	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/tmf"
)

// resource answers requests to one path of the management port. With ok false there is no answer.
type resource struct {
	path   string
	handle func(now machine.Time, from ip6.Address, request, dst []byte) (answer []byte, ok bool)
}

// serveTMF hands a management request to the part whose it is.
func (n *Node) serveTMF(now machine.Time, r *tmf.Request) bool {
	if n.diag.Serve(now, r) {
		return true
	}
	switch r.URI {
	case tmf.AddressQuery, tmf.AddressNotify, tmf.AddressError:
		if r.Code == coap.POST {
			n.serveResolver(now, r)
		}
		return true
	case tmf.RelayTx:
		if j := n.joins.router; j != nil && r.Code == coap.POST && !r.Confirmable {
			j.RelayTx(now, r.Payload)
		}
		return true
	case tmf.JoinerEntrust:
		if j := n.joins.joiner; j != nil && r.Code == coap.POST && r.Confirmable && j.Entrust(now, r.Src, r.Payload) {
			n.tmf.Changed(now, r)
		}
		return true
	case tmf.MulticastListeners:
		return n.serveListeners(now, r)
	case tmf.AnycastLocate:
		if r.Code == coap.POST && r.Confirmable {
			n.serveLocate(now, r)
		}
		return true
	case tmf.AddressSolicit, tmf.AddressRelease:
		if n.config.MTD {
			return false
		}
		if r.Code == coap.POST && r.Confirmable {
			n.serveRouterID(now, r)
		}
		return true
	}
	if n.resources == nil {
		n.resources = n.reports()
		for _, s := range n.cop.Resources(!n.config.MTD) {
			n.resources = append(n.resources, resource{s.Path, s.Handle})
		}
		if !n.config.MTD {
			for _, s := range n.data.Resources() {
				n.resources = append(n.resources, resource{s.Path, s.Handle})
			}
		}
	}
	for i := range n.resources {
		if n.resources[i].path != r.URI {
			continue
		}
		if r.Code != coap.POST && r.Code != coap.GET {
			return false
		}
		if answer, ok := n.resources[i].handle(now, r.Src, r.Payload, nil); ok && r.Confirmable && !r.Dst.IsMulticast() {
			n.tmf.Respond(now, r, coap.Changed, answer)
		}
		return true
	}
	return false
}
