package client

import (
	"cmp"
	"slices"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
)

// attributeEntry holds the attributes that one server has assigned to one path. Servers do not see each other's.
type attributeEntry struct {
	account int
	path    lwm2m.Path
	lwm2m.Attributes
}

// serveWriteAttributes carries out Write-Attributes (6.3.4).
func (c *Client) serveWriteAttributes(op *operation) (*endpoint.Reply, error) {
	if op.path.Depth() == 0 {
		return nil, NotAllowed("attributes belong to an object or something in it")
	}
	change, err := lwm2m.ParseAttributes(op.queries...)
	if err != nil {
		return nil, BadRequest(err.Error())
	}
	_, r, err := c.target(op.path)
	if err != nil {
		return nil, err
	}
	if op.path.Depth() >= 2 {
		if err := c.authorize(op.path, RightRead); err != nil {
			return nil, err
		}
	}
	if r != nil {
		if r.Operations.Has(lwm2m.Read) {
			if _, err := c.read(nil, c.now, op.path); err != nil {
				return nil, err
			}
		} else if r.Operations == 0 {
			return nil, NotFound("no such resource")
		}
		if err := change.ValidateKind(r.Kind); err != nil {
			return nil, BadRequest(err.Error())
		}
	}
	i, found := c.findAttributes(op.account, op.path)
	var now lwm2m.Attributes
	if found {
		now = c.attributes[i].Attributes
	}
	now = now.Apply(change)
	if err := now.Validate(op.path); err != nil {
		return nil, BadRequest(err.Error())
	}
	// Thresholds that come from several levels have to fit together too.
	if all := now.Inherit(c.effective(op.account, op.path.Parent())); op.path.Depth() >= 3 {
		if err := all.Validate(op.path); err != nil {
			return nil, BadRequest(err.Error())
		}
	}
	switch {
	case now.Set == 0 && found:
		c.attributes = slices.Delete(c.attributes, i, i+1)
	case now.Set == 0:
	case found:
		c.attributes[i].Attributes = now
	case len(c.attributes) >= c.cfg.MaxAttributes:
		return nil, &Error{coap.ServiceUnavailable, "no room for more attributes"}
	default:
		c.attributes = slices.Insert(c.attributes, i, attributeEntry{op.account, op.path, now})
	}
	c.dirty = true
	c.attributesChanged(op.account, op.path)
	return &endpoint.Reply{Code: coap.Changed}, nil
}

func (c *Client) findAttributes(account int, p lwm2m.Path) (int, bool) {
	return slices.BinarySearchFunc(c.attributes, p, func(e attributeEntry, p lwm2m.Path) int {
		return cmp.Or(cmp.Compare(e.account, account), e.path.Compare(p))
	})
}

// assigned returns the attributes assigned to exactly this path, or nil.
func (c *Client) assigned(account int, p lwm2m.Path) *lwm2m.Attributes {
	if i, ok := c.findAttributes(account, p); ok {
		return &c.attributes[i].Attributes
	}
	return nil
}

// effective returns the attributes in force at a path: the nearest level wins, each attribute by itself (7.3.2).
func (c *Client) effective(account int, p lwm2m.Path) lwm2m.Attributes {
	var a lwm2m.Attributes
	for ; p.Depth() > 0; p = p.Parent() {
		if b := c.assigned(account, p); b != nil {
			a = a.Inherit(*b)
		}
	}
	return a
}

// forgetAttributes drops what is assigned at and below a path that is gone.
func (c *Client) forgetAttributes(p lwm2m.Path) {
	n := len(c.attributes)
	c.attributes = slices.DeleteFunc(c.attributes, func(e attributeEntry) bool { return e.path.HasPrefix(p) })
	c.dirty = c.dirty || len(c.attributes) != n
}
