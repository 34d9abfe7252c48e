package client

import (
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Set sets a resource from inside the device: one that a server could write, with the same checks, or one that the
// object itself lets be changed (Changer). Observers are notified.
func (c *Client) Set(now machine.Time, cause machine.Cause, p lwm2m.Path, v lwm2m.Value) error {
	c.begin(now, cause)
	defer c.end()
	o, r, err := c.target(p)
	if err != nil {
		return err
	}
	if r == nil || p.Object() == securityObject {
		return NotAllowed("only a resource can be set")
	}
	if v, err = v.Convert(r.Kind); err != nil {
		return BadRequest(err.Error())
	}
	if err := r.Check(v); err != nil {
		return err
	}
	call := Call{Now: now, Cause: cause, Client: c}
	if r.Operations.Has(lwm2m.Write) {
		return c.write(call, o, p, []lwm2m.Entry{{Path: p, Value: v}}, false)
	}
	ch, ok := o.(Changer)
	if !ok {
		return NotAllowed("the resource cannot be set")
	}
	if err := ch.Change(call, p, v); err != nil {
		return err
	}
	c.objectTouched(o)
	c.changed(p)
	return nil
}
