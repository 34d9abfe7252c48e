package client

import (
	"strconv"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
)

// serveDiscover answers with links to what is at and below a path, and the attributes there (6.3.2): for an object its
// instances and their resources, for an instance its resources, for a resource itself with the attributes that it
// inherits.
func (c *Client) serveDiscover(op *operation) (*endpoint.Reply, error) {
	p := op.path
	if p.Depth() == 0 || p.Depth() == 4 && !c.accounts[op.account].version.AtLeast(lwm2m.V1_2) {
		return nil, NotAllowed("Discover is for an object, an object instance or a resource")
	}
	o, r, err := c.target(p)
	if err != nil {
		return nil, err
	}
	var links []lwm2m.Link
	if r == nil {
		links = c.discoverAbove(op.account, o, p)
	} else if links, err = c.discoverResource(op.account, o, r, p); err != nil {
		return nil, err
	}
	return content(coap.LinkFormat, lwm2m.AppendLinks(nil, links)), nil
}

// link is a link with the attributes that were assigned to exactly this path.
func (c *Client) link(account int, p lwm2m.Path) lwm2m.Link {
	l := lwm2m.NewLink(c.root, p)
	if a := c.assigned(account, p); a != nil {
		l = l.WithAttributes(*a)
	}
	return l
}

func (c *Client) discoverAbove(account int, o Object, p lwm2m.Path) []lwm2m.Link {
	d := o.Definition()
	first := c.link(account, p)
	if p.Depth() == 1 && !d.Version.IsZero() && d.Version != lwm2m.V1_0 {
		first = first.With("ver", d.Version.String())
	}
	links := []lwm2m.Link{first}
	ids := []uint16{p.Instance()}
	if p.Depth() == 1 {
		ids = o.Instances(nil)
	}
	for _, id := range ids {
		instance := lwm2m.NewPath(d.ID, id)
		if p.Depth() == 1 {
			links = append(links, c.link(account, instance))
		}
		for i := range d.Resources {
			r := &d.Resources[i]
			if l, ok := c.resourceLink(account, o, r, instance.Child(r.ID), false); ok {
				links = append(links, l)
			}
		}
	}
	return links
}

// resourceLink is the link of a resource that is there and that a server can do something with. dim says how many
// instances a multiple resource has.
func (c *Client) resourceLink(account int, o Object, r *Resource, p lwm2m.Path, inherit bool) (lwm2m.Link, bool) {
	if r.Operations == 0 {
		return lwm2m.Link{}, false
	}
	entries, ok := o.Read(c.now, c.entries[:0], p)
	c.entries = entries[:0]
	if !ok {
		return lwm2m.Link{}, false
	}
	l := lwm2m.NewLink(c.root, p)
	if r.Multiple {
		l = l.With("dim", strconv.Itoa(len(entries)))
	}
	if inherit {
		a := c.effective(account, p)
		return l.WithAttributes(a), true
	}
	if a := c.assigned(account, p); a != nil {
		l = l.WithAttributes(*a)
	}
	return l, true
}

func (c *Client) discoverResource(account int, o Object, r *Resource, p lwm2m.Path) ([]lwm2m.Link, error) {
	l, ok := c.resourceLink(account, o, r, p.Cut(3), p.Depth() == 3)
	if !ok {
		return nil, NotFound("no such resource")
	}
	if p.Depth() == 4 {
		if _, err := c.read(nil, c.now, p); err != nil {
			return nil, err
		}
		return []lwm2m.Link{c.link(account, p)}, nil
	}
	links := []lwm2m.Link{l}
	if r.Multiple && c.accounts[account].version.AtLeast(lwm2m.V1_1) {
		entries, _ := o.Read(c.now, nil, p)
		for _, e := range entries {
			if e.Path.Depth() == 4 {
				links = append(links, c.link(account, e.Path))
			}
		}
	}
	return links, nil
}
