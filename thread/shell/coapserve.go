package shell

import (
	"bytes"
	"strings"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

func peerOf(p machine.Path) ip6.Address { return ip6.FromNetip(p.Remote.Addr()) }

// observeCoAP takes in what an endpoint says, that of coap or that of coaps.
func (s *Shell) observeCoAP(a machine.Action) {
	c := &s.coap
	if a.Path.Security != nil || s.coaps.requests[a.Op] {
		c = &s.coaps
	}
	switch v := a.Value.(type) {
	case *endpoint.Incoming:
		c.request(s, a.Path, v)
	case *endpoint.Response:
		c.answered(s, a.Op, a.Path, v)
	case *endpoint.Notification:
		if a.Op != c.watch.op || v.Err != nil {
			return
		}
		s.coapValue(c.name()+" response from "+peerOf(a.Path).String(), true, v.Sequence, v.Payload)
	case *endpoint.Delivered:
		if v.Subscription == c.observer {
			s.Line("Received ACK in reply to notification from %s", peerOf(a.Path))
		}
	case *endpoint.Unsubscribed:
		if v.Subscription != c.observer {
			return
		}
		c.observer = endpoint.Subscription{}
		if v.Reason == endpoint.TimedOut {
			s.Line("%s receive notification response error %d: %s", c.name(), status.ResponseTimeout, status.ResponseTimeout.Name())
		}
	}
}

var coapNames = map[coap.Code]string{coap.GET: "GET", coap.POST: "POST", coap.PUT: "PUT", coap.DELETE: "DELETE"}

// serves reports whether a request is for the resource.
func (c *coapState) serves(o coap.Options) bool {
	return c.served && strings.Trim(o.Path(), "/") == strings.Trim(c.uri, "/")
}

// request prints a request for the resource, and answers it.
func (c *coapState) request(s *Shell, path machine.Path, r *endpoint.Incoming) {
	reply := endpoint.Reply{Code: coap.NotFound}
	respond := func() error {
		return c.with(s, func(e *endpoint.Endpoint) {
			if reply.Code == coap.Content && r.Observe == 0 && !c.secure {
				c.observer = e.AcceptFrom(s.now, r.Exchange, c.serial)
				c.observedBy, c.confirmable = path, r.Confirmable
				c.serial++
			}
			e.Respond(s.now, s.cause, r.Exchange, &reply, 0)
		})
	}
	name := coapNames[r.Code]
	if !c.serves(r.Options) || name == "" {
		_ = respond()
		return
	}
	if r.Streamed {
		s.block("received", r.Block.Num, r.Payload)
		if r.Block.More {
			reply.Code = coap.Continue
			_ = respond()
			return
		}
	}
	block, wanted := r.Options.Block(coap.Block2)
	if wanted = wanted && r.Code == coap.GET; wanted && block.Num > 0 {
		c.sendBlock(s, block, &reply)
		_ = respond()
		return
	}
	s.coapValue(c.name()+" request from "+peerOf(path).String()+" "+name, r.Observe >= 0 && !c.secure, uint32(max(r.Observe, 0)), bytes.Clone(r.Payload))
	if !r.Confirmable && r.Code != coap.GET {
		return // as OpenThread has it: nobody wants to know
	}
	switch {
	case r.Code != coap.GET && c.secure:
		reply.Code = coap.Valid // OpenThread's coaps says so
	case r.Code != coap.GET:
		reply.Code = coap.Changed
	case r.Observe == 0 && c.observer.Valid() && !c.secure:
		reply.Code = coap.ServiceUnavailable // it has one observer
	case wanted:
		c.sendBlock(s, block, &reply)
	default:
		reply.Code, reply.Payload = coap.Content, c.text()
		if r.Observe == 0 && !c.secure {
			s.Line("Subscribing client")
		}
	}
	if err := respond(); err != nil {
		s.Line("%s send response error %d: %s", c.name(), number(err), number(err).Name())
		return
	}
	s.Line("%s response sent", c.name())
}

// sendBlock makes a reply the block that was asked for.
func (c *coapState) sendBlock(s *Shell, b coap.Block, reply *endpoint.Reply) {
	if b.Num >= c.count() {
		reply.Code = coap.BadRequest // past the end (RFC 7959 section 2.4)
		return
	}
	b.More = b.Num+1 < c.count()
	reply.Code, reply.Sliced, reply.Payload = coap.Content, true, s.random(b.Size())
	reply.Options = coap.Options{}.AddUint(coap.Block2, b.Uint())
	s.block("send", b.Num, reply.Payload)
}
