package client

import (
	"slices"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
)

// serveBootstrap serves a request of the bootstrap server: while a bootstrap is under way, and never else (6.1.7).
func (c *Client) serveBootstrap(op *operation) (*endpoint.Reply, error) {
	a := &c.accounts[op.account]
	if a.phase != requesting && a.phase != bootstrapping {
		return nil, &Error{coap.Unauthorized, "no bootstrap is under way"}
	}
	// Its first request may arrive before the answer to ours.
	a.phase = bootstrapping
	c.setTimer(op.account, bootstrapSilence)
	op.call.Bootstrap = true
	if op.Options.Path() == "/bs" {
		if op.Code != coap.POST {
			return nil, NotAllowed("Bootstrap-Finish is a POST")
		}
		return c.serveFinish(op)
	}
	if err := op.parse(c.root); err != nil {
		return nil, err
	}
	switch op.Code {
	case coap.GET:
		if op.hasAccept && op.accept == coap.LinkFormat || op.path.Depth() == 0 {
			return c.bootstrapDiscover(op)
		}
		return c.bootstrapRead(op)
	case coap.PUT:
		return c.bootstrapWrite(op)
	case coap.DELETE:
		return c.bootstrapDelete(op)
	}
	return nil, NotAllowed("this method is not part of the bootstrap interface")
}

// drafted reports whether an object is part of the draft.
func (c *Client) drafted(object uint16) bool {
	return object <= accessObject && c.object(object) != nil
}

// bootstrapInstances returns the instances of an object as the bootstrap server sees them.
func (c *Client) bootstrapInstances(o Object) []uint16 {
	if id := o.Definition().ID; c.drafted(id) {
		return c.boot.draft.instances(id)
	}
	return o.Instances(nil)
}

// bootstrapDiscover carries out Bootstrap-Discover of everything or of one object (6.1.7.2): which instances there are,
// and which server each account belongs to.
func (c *Client) bootstrapDiscover(op *operation) (*endpoint.Reply, error) {
	if op.path.Depth() > 1 {
		return nil, BadRequest("Bootstrap-Discover is for everything or an object")
	}
	if op.path.Depth() == 1 && c.object(op.path.Object()) == nil {
		return nil, NotFound("no such object")
	}
	links := []lwm2m.Link{lwm2m.Link{Target: "/", IsPath: true}.With("lwm2m", c.cfg.Version.String())}
	if c.root != "" {
		links[0] = lwm2m.NewLink(c.root, lwm2m.Root).With("lwm2m", c.cfg.Version.String())
	}
	for _, o := range c.objects {
		d := o.Definition()
		if op.path.Depth() == 1 && d.ID != op.path.Object() {
			continue
		}
		ids := c.bootstrapInstances(o)
		if v := d.Version; len(ids) == 0 || !v.IsZero() && v != lwm2m.V1_0 {
			l := lwm2m.NewLink(c.root, lwm2m.NewPath(d.ID))
			if !v.IsZero() && v != lwm2m.V1_0 {
				l = l.With("ver", v.String())
			}
			links = append(links, l)
		}
		for _, id := range ids {
			links = append(links, c.bootstrapLink(lwm2m.NewPath(d.ID, id)))
		}
	}
	return content(coap.LinkFormat, lwm2m.AppendLinks(nil, links)), nil
}

// bootstrapLink is the link of an instance; those of objects 0 and 1 say whose they are. The bootstrap server's own has no
// Short Server ID.
func (c *Client) bootstrapLink(p lwm2m.Path) lwm2m.Link {
	l := lwm2m.NewLink(c.root, p)
	d := c.boot.draft
	switch p.Object() {
	case securityObject:
		if v, _ := lwm2m.Get(d, p.Child(securityBootstrap)); v == lwm2m.Bool(true) {
			return l
		}
		if v, ok := lwm2m.Get(d, p.Child(securityShortID)); ok {
			l = l.With("ssid", v.String())
		}
		if v, ok := lwm2m.Get(d, p.Child(securityURI)); ok && c.cfg.Version != lwm2m.V1_0 {
			l = l.WithQuoted("uri", v.Raw())
		}
	case serverObject:
		if v, ok := lwm2m.Get(d, p.Child(serverShortID)); ok {
			l = l.With("ssid", v.String())
		}
	}
	return l
}

// bootstrapRead carries out Bootstrap-Read, which is for objects 1 and 2 only (6.1.7.3).
func (c *Client) bootstrapRead(op *operation) (*endpoint.Reply, error) {
	p := op.path
	if id := p.Object(); id != serverObject && id != accessObject {
		return nil, NotAllowed("Bootstrap-Read is for objects 1 and 2")
	}
	if p.Depth() > 2 {
		return nil, NotAllowed("Bootstrap-Read is for an object or an instance")
	}
	if c.object(p.Object()) == nil {
		return nil, NotFound("no such object")
	}
	f := op.accept
	if !op.hasAccept {
		f = c.defaultFormat(op.account)
	}
	if !format.Known(f) {
		return nil, &Error{coap.NotAcceptable, "this content format is not supported"}
	}
	entries := c.boot.draft.below(p)
	if len(entries) == 0 && p.Depth() == 2 {
		return nil, NotFound("no such object instance")
	}
	payload, err := format.Append(nil, f, p, entries)
	if err != nil {
		return nil, &Error{coap.NotAcceptable, err.Error()}
	}
	return content(f, payload), nil
}

// bootstrapDelete carries out Bootstrap-Delete (6.1.7.5). The bootstrap server's own account and the Device object stay.
func (c *Client) bootstrapDelete(op *operation) (*endpoint.Reply, error) {
	p := op.path
	switch {
	case p.Depth() > 2:
		return nil, BadRequest("Bootstrap-Delete is for everything, an object or an instance")
	case p.Depth() > 0 && c.object(p.Object()) == nil:
		return nil, NotFound("no such object")
	case p.Depth() > 0 && p.Object() == deviceObject:
		return nil, BadRequest("the Device object stays")
	case p.Depth() == 2 && !slices.Contains(c.bootstrapInstances(c.object(p.Object())), p.Instance()):
		return nil, NotFound("no such object instance")
	}
	own := lwm2m.NewPath(securityObject, c.accounts[op.account].SecurityInstance)
	if p == own {
		return nil, BadRequest("the bootstrap server's own account stays")
	}
	for _, o := range c.objects {
		id := o.Definition().ID
		if p.Depth() > 0 && id != p.Object() || id == deviceObject {
			continue
		}
		for _, instance := range c.bootstrapInstances(o) {
			q := lwm2m.NewPath(id, instance)
			if p.Depth() == 2 && q != p || q == own {
				continue
			}
			if c.drafted(id) {
				c.boot.draft.drop(q)
				continue
			}
			if err := c.deleteInstance(op.call, o, q); err != nil && p.Depth() > 0 {
				return nil, err // of everything, what can be deleted goes
			}
		}
	}
	return &endpoint.Reply{Code: coap.Deleted}, nil
}
