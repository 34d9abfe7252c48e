package client

import (
	"cmp"
	"slices"

	"heddle.example/lwm2m"
)

// ResourceAt returns the definition of the resource that a path names, or nil.
func (c *Client) ResourceAt(p lwm2m.Path) *Resource {
	if o := c.object(p.Object()); o != nil && p.Depth() >= 3 {
		return o.Definition().Resource(p.Resource())
	}
	return nil
}

// object returns the object with an identifier, or nil.
func (c *Client) object(id uint16) Object {
	i, ok := slices.BinarySearchFunc(c.objects, id, func(o Object, id uint16) int { return cmp.Compare(o.Definition().ID, id) })
	if !ok {
		return nil
	}
	return c.objects[i]
}

// hasInstance reports whether an object has an instance.
func (c *Client) hasInstance(o Object, id uint16) bool {
	c.ids = o.Instances(c.ids[:0])
	_, ok := slices.BinarySearch(c.ids, id)
	return ok
}

// target checks that what a path names is there, down to the instance; and for a resource, that the object defines it.
func (c *Client) target(p lwm2m.Path) (Object, *Resource, error) {
	o := c.object(p.Object())
	if p.Depth() == 0 || o == nil {
		return nil, nil, NotFound("no such object")
	}
	if p.Depth() >= 2 && !c.hasInstance(o, p.Instance()) {
		return nil, nil, NotFound("no such object instance")
	}
	if p.Depth() < 3 {
		return o, nil, nil
	}
	r := o.Definition().Resource(p.Resource())
	if r == nil {
		return nil, nil, NotFound("no such resource")
	}
	if p.Depth() == 4 && !r.Multiple {
		return nil, nil, NotFound("the resource has no instances")
	}
	return o, r, nil
}

// Has reports whether an object, or an object instance, is there.
func (c *Client) Has(p lwm2m.Path) bool {
	_, _, err := c.target(p.Cut(2))
	return err == nil
}
