package client

import (
	"cmp"
	"fmt"
	"slices"

	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// AddObject adds an object to a running client and tells the servers.
func (c *Client) AddObject(now machine.Time, cause machine.Cause, o Object) error {
	c.begin(now, cause)
	defer c.end()
	if err := c.insert(o); err != nil {
		return err
	}
	c.startObject(o)
	c.inventoryChanged()
	return nil
}

// RemoveObject takes an object out of a running client and tells the servers. Objects 0, 1 and 3 stay.
func (c *Client) RemoveObject(now machine.Time, cause machine.Cause, id uint16) error {
	c.begin(now, cause)
	defer c.end()
	o := c.object(id)
	if o == nil || id == securityObject || id == serverObject || id == deviceObject {
		return fmt.Errorf("%w: %d", ErrNoObject, id)
	}
	c.objects = slices.DeleteFunc(c.objects, func(o Object) bool { return o.Definition().ID == id })
	c.stopObject(id)
	c.forgetAttributes(lwm2m.NewPath(id))
	c.forgetValues(id)
	c.inventoryChanged()
	c.changed(lwm2m.NewPath(id))
	return nil
}

// inventoryChanged notes that objects or instances came or went: every server hears of it by an Update (6.2.2).
func (c *Client) inventoryChanged() {
	for i := range c.accounts {
		c.accounts[i].dirty |= dirtObjects
	}
}

// insert puts an object at its place.
func (c *Client) insert(o Object) error {
	id := o.Definition().ID
	i, ok := slices.BinarySearchFunc(c.objects, id, func(o Object, id uint16) int { return cmp.Compare(o.Definition().ID, id) })
	if ok {
		return fmt.Errorf("%w: %d", ErrExists, id)
	}
	c.objects = slices.Insert(c.objects, i, o)
	if a, ok := o.(Attacher); ok {
		a.Attach(c)
	}
	return nil
}
