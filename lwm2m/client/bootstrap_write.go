package client

import (
	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
)

// maxDraftInstances bounds the instances that a bootstrap server can make of one object.
const maxDraftInstances = 64

// bootstrapWrite carries out Bootstrap-Write of an object (any number of its instances), an instance or a resource,
// whether it is there or not (6.1.7.4). Resources that this device does not know are passed over.
func (c *Client) bootstrapWrite(op *operation) (*endpoint.Reply, error) {
	p := op.path
	if p.Depth() == 0 {
		return nil, NotAllowed("everything at once cannot be written")
	}
	o := c.object(p.Object())
	if o == nil {
		return nil, NotFound("no such object")
	}
	d := o.Definition()
	entries, err := c.decode(op, p, format.Options{Instance: lwm2m.NoID})
	if err != nil {
		return nil, err
	}
	parts, err := c.cutInstances(o, p, entries)
	if err != nil {
		return nil, err
	}
	if c.drafted(d.ID) {
		have := make(map[uint16]bool)
		for _, id := range c.boot.draft.instances(d.ID) {
			have[id] = true
		}
		for _, x := range parts {
			have[x.path.Instance()] = true
		}
		if len(have) > maxDraftInstances || d.ID <= serverObject && len(have) > maxAccounts {
			return nil, &Error{coap.RequestEntityTooLarge, "no room for so many instances"}
		}
		for _, x := range parts {
			c.boot.draft.put(x.path, x.entries)
		}
		return &endpoint.Reply{Code: coap.Changed}, nil
	}
	for _, x := range parts {
		if err := c.bootstrapInstance(op.call, o, x); err != nil {
			return nil, err
		}
	}
	return &endpoint.Reply{Code: coap.Changed}, nil
}

// part is what a Bootstrap-Write says about one instance, or about the resource that it is for.
type part struct {
	path    lwm2m.Path
	entries []lwm2m.Entry
}

// cutInstances cuts a payload up by instances and checks every value, before any is written.
func (c *Client) cutInstances(o Object, p lwm2m.Path, entries []lwm2m.Entry) ([]part, error) {
	d := o.Definition()
	chosen := lwm2m.NoID // for resources that came without an instance
	var parts []part
	if p.Depth() >= 2 {
		parts = append(parts, part{path: p})
	}
	for rest := entries; len(rest) > 0; {
		e := rest[0]
		if !e.Path.HasPrefix(p) {
			return nil, BadRequest("a value lies outside of the path that is written")
		}
		if e.Path.Depth() < 2 {
			rest = rest[1:]
			continue
		}
		at := e.Path.Cut(2)
		if at.Instance() == lwm2m.NoID {
			if chosen == lwm2m.NoID {
				chosen = c.freeForBootstrap(o)
			}
			at = lwm2m.NewPath(d.ID, chosen)
		}
		if !d.Multiple && at.Instance() != 0 {
			return nil, BadRequest("the object has one instance, 0")
		}
		if p.Depth() < 2 && (len(parts) == 0 || parts[len(parts)-1].path != at) {
			parts = append(parts, part{path: at})
		}
		if e.Path.Depth() == 2 {
			rest = rest[1:]
			continue
		}
		var w Writing
		w.Entries, rest = cutResource(rest)
		w.Resource = at.Child(e.Path.Resource())
		r := d.Resource(e.Path.Resource())
		if r == nil || r.Kind == lwm2m.None {
			continue
		}
		if err := checkEntries(r, &w); err != nil {
			return nil, err
		}
		last := &parts[len(parts)-1]
		for _, x := range w.Entries {
			q := w.Resource
			if x.Path.Depth() == 4 {
				q = q.Child(x.Path.ResourceInstance())
			}
			last.entries = append(last.entries, lwm2m.Entry{Path: q, Value: x.Value})
		}
	}
	if p.Depth() >= 3 && len(parts[0].entries) == 0 {
		return nil, NotFound("no such resource")
	}
	return parts, nil
}

// freeForBootstrap returns the lowest instance that is free; 0 where there can be one only.
func (c *Client) freeForBootstrap(o Object) uint16 {
	if !o.Definition().Multiple {
		return 0
	}
	for i, id := range c.bootstrapInstances(o) {
		if int(id) != i {
			return uint16(i)
		}
	}
	return uint16(len(c.bootstrapInstances(o)))
}

// bootstrapInstance writes into an instance of an object that is not part of the draft, and makes it where it is not
// there.
func (c *Client) bootstrapInstance(call Call, o Object, x part) error {
	instance := x.path.Cut(2)
	if c.hasInstance(o, instance.Instance()) {
		if len(x.entries) == 0 {
			return nil
		}
		return c.write(call, o, x.path, x.entries, true)
	}
	creator, ok := o.(Creator)
	if !ok {
		return NotAllowed("instances of this object cannot be created")
	}
	entries, err := c.checkCreate(o, instance, x.entries)
	if err != nil {
		return err
	}
	return c.createInstance(call, o, creator, instance, entries)
}
