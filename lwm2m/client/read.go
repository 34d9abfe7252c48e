package client

import (
	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
)

// serveGet tells Read, Discover, Observe and Cancel Observation apart.
func (c *Client) serveGet(op *operation) (*endpoint.Reply, error) {
	if op.hasAccept && op.accept == coap.LinkFormat {
		return c.serveDiscover(op)
	}
	if op.path.Depth() == 0 {
		return nil, NotAllowed("the root cannot be read")
	}
	f := op.accept
	if !op.hasAccept {
		f = c.defaultFormat(op.account)
	}
	payload, err := c.readPayload(op.path, f)
	if err != nil {
		return nil, err
	}
	reply := content(f, payload)
	if op.Observe == 0 {
		c.observe(op, []lwm2m.Path{op.path}, f, reply)
		return nil, nil
	}
	// Observe: 1 has ended the observation in the endpoint already.
	return reply, nil
}

// defaultFormat is the format for a server that does not say which it wants: TLV was 1.0's, SenML CBOR is what 1.1
// servers understand and is smallest.
func (c *Client) defaultFormat(i int) coap.ContentFormat {
	if i >= 0 && c.accounts[i].version == lwm2m.V1_0 {
		return coap.TLV
	}
	return coap.SenMLCBOR
}

// content is the answer 2.05 with a payload.
func content(f coap.ContentFormat, payload []byte) *endpoint.Reply {
	return &endpoint.Reply{Code: coap.Content, Options: coap.Options(nil).SetFormat(f), Payload: payload}
}

// readPayload reads what a server sees at a path, as a payload.
func (c *Client) readPayload(p lwm2m.Path, f coap.ContentFormat) ([]byte, error) {
	if !format.Known(f) {
		return nil, &Error{coap.NotAcceptable, "this content format is not supported"}
	}
	entries, err := c.read(c.entries[:0], c.now, p)
	c.entries = entries[:0]
	if err != nil {
		return nil, err
	}
	payload, err := format.Append(nil, f, p, entries)
	if err != nil {
		return nil, &Error{coap.NotAcceptable, err.Error()} // text for a whole instance, say
	}
	return payload, nil
}

// read appends what a server sees at a path: readable resources only.
func (c *Client) read(dst []lwm2m.Entry, now machine.Time, p lwm2m.Path) ([]lwm2m.Entry, error) {
	o, r, err := c.target(p)
	if err != nil {
		return dst, err
	}
	if p.Depth() >= 2 {
		if err := c.authorize(p, RightRead); err != nil {
			return dst, err
		}
	}
	if r == nil {
		n := len(dst)
		if dst = c.readAbove(dst, now, o, p); len(dst) == n && len(o.Instances(c.ids[:0])) > 0 {
			return dst, denied // not one of them
		}
		return dst, nil
	}
	if !r.Operations.Has(lwm2m.Read) {
		return dst, NotAllowed("the resource cannot be read")
	}
	start := len(dst)
	dst, ok := c.readResource(dst, now, o, r, p.Cut(3))
	if !ok {
		return dst[:start], NotFound("no such resource")
	}
	if p.Depth() == 3 {
		return dst, nil
	}
	v, ok := lwm2m.Get(dst[start:], p)
	if dst = dst[:start]; !ok {
		return dst, NotFound("no such resource instance")
	}
	return append(dst, lwm2m.Entry{Path: p, Value: v}), nil
}

// readResource appends one resource; an empty multiple resource is one entry without a value.
func (c *Client) readResource(dst []lwm2m.Entry, now machine.Time, o Object, r *Resource, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	start := len(dst)
	dst, ok := o.Read(now, dst, p)
	if ok && len(dst) == start && r.Multiple {
		dst = append(dst, lwm2m.Entry{Path: p})
	}
	return dst, ok
}

// readAbove appends the readable resources of an instance or of a whole object; an empty instance is one entry without a
// value.
func (c *Client) readAbove(dst []lwm2m.Entry, now machine.Time, o Object, p lwm2m.Path) []lwm2m.Entry {
	var one [1]uint16
	var few [8]uint16
	ids := few[:0]
	if p.Depth() == 2 {
		one[0] = p.Instance()
		ids = one[:]
	} else {
		ids = o.Instances(ids)
	}
	d := o.Definition()
	for _, id := range ids {
		instance, start := lwm2m.NewPath(d.ID, id), len(dst)
		if c.authorize(instance, RightRead) != nil {
			continue
		}
		for i := range d.Resources {
			if r := &d.Resources[i]; r.Operations.Has(lwm2m.Read) {
				dst, _ = c.readResource(dst, now, o, r, instance.Child(r.ID))
			}
		}
		if len(dst) == start {
			dst = append(dst, lwm2m.Entry{Path: instance})
		}
	}
	return dst
}

// Read returns what a server would read at a path.
func (c *Client) Read(now machine.Time, p lwm2m.Path) ([]lwm2m.Entry, error) {
	return c.read(nil, now, p)
}
