package client

import "heddle.example/lwm2m"

// typer tells the format decoders what kind each resource of the client's objects has.
type typer struct{ c *Client }

// TypeOf implements format.Typer.
func (t typer) TypeOf(p lwm2m.Path) (kind lwm2m.Kind, multiple, ok bool) {
	o := t.c.object(p.Object())
	if o == nil || p.Depth() < 3 {
		return 0, false, false
	}
	r := o.Definition().Resource(p.Resource())
	if r == nil {
		return 0, false, false
	}
	return r.Kind, r.Multiple, true
}
