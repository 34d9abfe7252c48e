package client

import (
	"slices"

	"heddle.example/machine"
)

// startObjects arms the timers of the objects that act by themselves.
func (c *Client) startObjects() {
	for _, o := range c.objects {
		c.startObject(o)
	}
}

func (c *Client) startObject(o Object) {
	if _, ok := o.(Timed); ok && c.started {
		c.objectTimers = append(c.objectTimers, objectTimer{object: o.Definition().ID})
		c.objectTouched(o)
	}
}

// stopObjects disarms them all.
func (c *Client) stopObjects() {
	for _, t := range c.objectTimers {
		c.timers.Stop(t.id)
	}
	c.objectTimers = nil
}

func (c *Client) stopObject(id uint16) {
	c.objectTimers = slices.DeleteFunc(c.objectTimers, func(t objectTimer) bool {
		if t.object == id {
			c.timers.Stop(t.id)
		}
		return t.object == id
	})
}

// objectTouched asks an object for its deadline again, after a call into it.
func (c *Client) objectTouched(o Object) {
	t, ok := o.(Timed)
	if !ok {
		return
	}
	id := o.Definition().ID
	for i := range c.objectTimers {
		if x := &c.objectTimers[i]; x.object == id {
			x.id = c.timers.Set(x.id, t.Deadline(), timerKey{objectTimerKind, uint32(id), c.cause})
		}
	}
}

// objectExpired lets an object act.
func (c *Client) objectExpired(id uint16) {
	o := c.object(id)
	t, ok := o.(Timed)
	if !ok {
		return
	}
	for i := range c.objectTimers {
		if c.objectTimers[i].object == id {
			c.objectTimers[i].id = 0
		}
	}
	for _, p := range t.Expire(Call{Now: c.now, Client: c}) {
		c.changed(p)
	}
	c.objectTouched(o)
}

// Emit hands an event of an object to the program.
func (call Call) Emit(v any) { call.Client.emit(v) }

// Ask hands a wish of an object to the program, which answers as the wish's type says.
func (call Call) Ask(v any) machine.OpID { return call.Client.ask(v) }
