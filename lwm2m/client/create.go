package client

import (
	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
)

// serveCreate carries out Create (6.3.6): with one instance at most, whose identifier the server may leave to us.
func (c *Client) serveCreate(op *operation) (*endpoint.Reply, error) {
	o, _, err := c.target(op.path)
	if err != nil {
		return nil, err
	}
	creator, ok := o.(Creator)
	if !ok {
		return nil, NotAllowed("instances of this object cannot be created")
	}
	if err := c.authorize(op.path, RightCreate); err != nil {
		return nil, err
	}
	entries, err := c.decodeCreate(op)
	if err != nil {
		return nil, err
	}
	id, chosen := lwm2m.NoID, false
	for _, e := range entries {
		if e.Path.Depth() < 2 {
			continue
		}
		if id != lwm2m.NoID && e.Path.Instance() != id {
			return nil, BadRequest("one instance at a time can be created")
		}
		id = e.Path.Instance()
	}
	if id == lwm2m.NoID {
		if id, ok = c.freeInstance(o); !ok {
			return nil, &Error{coap.BadRequest, "the object has no room for another instance"}
		}
		chosen = true
	} else if c.hasInstance(o, id) {
		return nil, BadRequest("the instance exists already")
	}
	instance := lwm2m.NewPath(op.path.Object(), id)
	if entries, err = c.checkCreate(o, instance, entries); err != nil {
		return nil, err
	}
	if err := c.createInstance(op.call, o, creator, instance, entries); err != nil {
		return nil, err
	}
	reply := &endpoint.Reply{Code: coap.Created, Remember: true}
	if chosen {
		reply.Options = reply.Options.AppendLocation(c.root + instance.String())
	}
	return reply, nil
}

// createInstance makes an instance of entries that are checked, and tells.
func (c *Client) createInstance(call Call, o Object, creator Creator, instance lwm2m.Path, entries []lwm2m.Entry) error {
	if err := creator.Create(call, instance, entries); err != nil {
		return err
	}
	c.noteCreated(o, instance)
	c.ownInstance(call, instance)
	c.objectTouched(o)
	c.inventoryChanged()
	c.emit(&InstanceChanged{Server: call.Server, Path: instance, Created: true})
	c.changed(instance)
	return nil
}

// decodeCreate reads the payload; resources without an instance come with lwm2m.NoID.
func (c *Client) decodeCreate(op *operation) ([]lwm2m.Entry, error) {
	if len(op.Payload) == 0 {
		return nil, nil
	}
	if !op.HasFormat || op.Format == coap.Text || op.Format == coap.Opaque {
		return nil, &Error{coap.UnsupportedContentFormat, "Create needs TLV or SenML"}
	}
	return c.decode(op, op.path, format.Options{Instance: lwm2m.NoID})
}

// freeInstance returns the lowest identifier that is free.
func (c *Client) freeInstance(o Object) (uint16, bool) {
	c.ids = o.Instances(c.ids[:0])
	if !o.Definition().Multiple && len(c.ids) > 0 {
		return 0, false
	}
	for i, id := range c.ids {
		if int(id) != i {
			return uint16(i), true
		}
	}
	return uint16(len(c.ids)), len(c.ids) < int(lwm2m.NoID)
}

// checkCreate puts entries at the instance's path and checks them: known, writable or set once at creation, in range, and
// all mandatory resources that have a value and can be written are there.
func (c *Client) checkCreate(o Object, instance lwm2m.Path, entries []lwm2m.Entry) ([]lwm2m.Entry, error) {
	d := o.Definition()
	out := make([]lwm2m.Entry, 0, len(entries))
	for _, e := range entries {
		if e.Path.Depth() < 3 {
			continue
		}
		p := instance.Child(e.Path.Resource())
		if e.Path.Depth() == 4 {
			p = p.Child(e.Path.ResourceInstance())
		}
		out = append(out, lwm2m.Entry{Path: p, Value: e.Value, Time: e.Time})
	}
	lwm2m.Sort(out)
	have := make(map[uint16]bool)
	for rest := out; len(rest) > 0; {
		var w Writing
		w.Resource = rest[0].Path.Cut(3)
		w.Entries, rest = cutResource(rest)
		r := d.Resource(w.Resource.Resource())
		switch {
		case r == nil:
			return nil, BadRequest("no resource " + w.Resource.String())
		case r.Kind == lwm2m.None || !r.Operations.Has(lwm2m.Write):
			return nil, BadRequest("the resource " + w.Resource.String() + " cannot be written")
		}
		if err := checkEntries(r, &w); err != nil {
			return nil, err
		}
		have[r.ID] = true
	}
	for i := range d.Resources {
		if r := &d.Resources[i]; r.Mandatory && r.Operations.Has(lwm2m.Write) && !have[r.ID] {
			return nil, BadRequest("the mandatory resource " + instance.Child(r.ID).String() + " is missing")
		}
	}
	return out, nil
}

// serveDelete carries out Delete of an instance (6.3.7), or of a resource instance, which servers of 1.2 know.
func (c *Client) serveDelete(op *operation) (*endpoint.Reply, error) {
	if op.path.Depth() == 4 {
		return c.serveDeleteValue(op)
	}
	if op.path.Depth() != 2 {
		return nil, NotAllowed("only an object instance can be deleted")
	}
	o, _, err := c.target(op.path)
	if err != nil {
		return nil, err
	}
	if err := c.authorize(op.path, RightDelete); err != nil {
		return nil, err
	}
	if err := c.deleteInstance(op.call, o, op.path); err != nil {
		return nil, err
	}
	return &endpoint.Reply{Code: coap.Deleted, Remember: true}, nil
}

// deleteInstance takes an instance away, and tells.
func (c *Client) deleteInstance(call Call, o Object, instance lwm2m.Path) error {
	d, ok := o.(Deleter)
	if !ok {
		return NotAllowed("instances of this object cannot be deleted")
	}
	if err := d.Delete(call, instance); err != nil {
		return err
	}
	c.noteDeleted(o, instance)
	c.disownInstance(instance)
	c.forgetAttributes(instance)
	c.objectTouched(o)
	c.inventoryChanged()
	c.emit(&InstanceChanged{Server: call.Server, Path: instance})
	c.changed(instance)
	return nil
}
