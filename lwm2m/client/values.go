package client

import (
	"encoding/binary"
	"fmt"
	"slices"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
)

// valuesKey begins the key of a record with what was written into an instance; object and instance follow.
const valuesKey = 'v'

// Volatile is an object with resources that can be written but would be wrong after a restart, as the time of day.
type Volatile interface {
	Volatile(resource uint16) bool
}

// writtenInstance is an instance that is not as the program makes it: resources were written, or it came or went.
type writtenInstance struct {
	path      lwm2m.Path
	resources []uint16 // ascending
	created   bool
	deleted   bool
	dirty     bool
	stored    bool
}

// keepsValues reports whether the values of an object are stored here: objects 0 to 2 and Keepers look after themselves.
func (c *Client) keepsValues(o Object) bool {
	_, keeper := o.(Keeper)
	return c.cfg.Durable && !keeper && o.Definition().ID > accessObject
}

// writtenAt returns the note about an instance, and makes one.
func (c *Client) writtenAt(instance lwm2m.Path) *writtenInstance {
	i, ok := slices.BinarySearchFunc(c.written, instance, func(w writtenInstance, p lwm2m.Path) int { return w.path.Compare(p) })
	if !ok {
		c.written = slices.Insert(c.written, i, writtenInstance{path: instance})
	}
	return &c.written[i]
}

// noteWritten notes that a resource was written: the answer waits until it is on disk.
func (c *Client) noteWritten(o Object, resource lwm2m.Path) {
	if v, ok := o.(Volatile); !c.keepsValues(o) || ok && v.Volatile(resource.Resource()) {
		return
	}
	w := c.writtenAt(resource.Cut(2))
	if i, ok := slices.BinarySearch(w.resources, resource.Resource()); !ok {
		w.resources = slices.Insert(w.resources, i, resource.Resource())
	}
	w.dirty, c.dirty = true, true
}

// noteReplaced notes that what a server did not write of an instance may be gone.
func (c *Client) noteReplaced(o Object, instance lwm2m.Path) {
	for _, r := range o.Definition().Resources {
		if !r.Mandatory && r.Operations.Has(lwm2m.Write) {
			c.noteWritten(o, instance.Child(r.ID))
		}
	}
}

// noteCreated and noteDeleted note that an instance came or went.
func (c *Client) noteCreated(o Object, instance lwm2m.Path) {
	if !c.keepsValues(o) {
		return
	}
	w := c.writtenAt(instance)
	w.created, w.deleted, w.resources = true, false, nil
	for _, r := range o.Definition().Resources {
		if _, ok := o.Read(c.now, nil, instance.Child(r.ID)); ok && r.Operations.Has(lwm2m.Write) {
			w.resources = append(w.resources, r.ID)
		}
	}
	w.dirty, c.dirty = true, true
}

func (c *Client) noteDeleted(o Object, instance lwm2m.Path) {
	if !c.keepsValues(o) {
		return
	}
	w := c.writtenAt(instance)
	w.created, w.deleted, w.resources = false, true, nil
	w.dirty, c.dirty = true, true
}

// forgetValues drops what is noted about an object that is taken out of the client.
func (c *Client) forgetValues(object uint16) {
	for _, w := range c.written {
		if w.path.Object() == object && w.stored {
			c.unwanted = append(c.unwanted, w.path)
			c.dirty = true
		}
	}
	c.written = slices.DeleteFunc(c.written, func(w writtenInstance) bool { return w.path.Object() == object })
}

func instanceKey(p lwm2m.Path) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{valuesKey}, p.Object()), p.Instance())
}

// appendValues appends the records of the instances that have changed.
func (c *Client) appendValues(records []machine.Record) []machine.Record {
	for _, p := range c.unwanted {
		records = append(records, machine.Record{Table: Table, Key: instanceKey(p)})
	}
	c.unwanted = nil
	for i := range c.written {
		w := &c.written[i]
		if !w.dirty {
			continue
		}
		w.dirty = false
		v, err := c.appendInstance(w)
		if err != nil {
			continue // a value that no format can carry cannot have come from a server
		}
		w.stored = true
		records = append(records, machine.Record{Table: Table, Key: instanceKey(w.path), Value: v})
	}
	return records
}

// appendInstance makes an instance's record: version, flags, the number of resources and their identifiers, and their
// values as SenML CBOR.
func (c *Client) appendInstance(w *writtenInstance) ([]byte, error) {
	v := []byte{recordVersion, flag(w.created) | flag(w.deleted)<<1}
	v = binary.BigEndian.AppendUint16(v, uint16(len(w.resources)))
	var entries []lwm2m.Entry
	o := c.object(w.path.Object())
	for _, r := range w.resources {
		v = binary.BigEndian.AppendUint16(v, r)
		if o != nil {
			entries, _ = o.Read(c.now, entries, w.path.Child(r))
		}
	}
	return format.Append(v, coap.SenMLCBOR, lwm2m.Root, entries)
}

// restoreValues is the reverse of appendInstance: it writes what a server wrote once.
func (c *Client) restoreValues(now machine.Time, key, v []byte) error {
	bad := func(why any) error { return fmt.Errorf("%w: values %x: %v", ErrRestore, key, why) }
	if len(key) != 5 || len(v) < 4 || v[0] != recordVersion {
		return bad("its form")
	}
	p := lwm2m.NewPath(binary.BigEndian.Uint16(key[1:]), binary.BigEndian.Uint16(key[3:]))
	n := int(binary.BigEndian.Uint16(v[2:]))
	if len(v) < 4+2*n {
		return bad("its form")
	}
	w := writtenInstance{path: p, created: v[1]&1 != 0, deleted: v[1]&2 != 0, stored: true}
	for i := range n {
		w.resources = append(w.resources, binary.BigEndian.Uint16(v[4+2*i:]))
	}
	o := c.object(p.Object())
	if o == nil || !c.keepsValues(o) {
		return nil // the device has no such object any more
	}
	entries, err := format.Decode(nil, coap.SenMLCBOR, lwm2m.Root, v[4+2*n:], typer{c}, format.Options{MaxEntries: maxEntries})
	if err != nil {
		return bad(err)
	}
	if err := c.apply(Call{Now: now, Client: c}, o, &w, entries); err != nil {
		return bad(err)
	}
	*c.writtenAt(p) = w
	return nil
}

// apply brings an instance to what its record says.
func (c *Client) apply(call Call, o Object, w *writtenInstance, entries []lwm2m.Entry) error {
	there := c.hasInstance(o, w.path.Instance())
	switch {
	case w.deleted && !there:
		return nil
	case w.deleted:
		d, ok := o.(Deleter)
		if !ok {
			return NotAllowed("instances cannot be deleted")
		}
		return d.Delete(call, w.path)
	case !there && w.created:
		creator, ok := o.(Creator)
		if !ok {
			return NotAllowed("instances cannot be created")
		}
		entries, err := c.checkCreate(o, w.path, entries)
		if err != nil {
			return err
		}
		return creator.Create(call, w.path, entries)
	case !there:
		return nil
	}
	for _, r := range w.resources {
		if err := c.applyResource(call, o, w.path.Child(r), entries); err != nil {
			return err
		}
	}
	if rep, ok := o.(Replacer); ok {
		var keep []uint16
		for _, r := range o.Definition().Resources {
			if !slices.Contains(w.resources, r.ID) || slices.ContainsFunc(entries, func(e lwm2m.Entry) bool { return e.Path.HasPrefix(w.path.Child(r.ID)) }) {
				keep = append(keep, r.ID)
			}
		}
		rep.Replaced(call, w.path, keep)
	}
	return nil
}

func (c *Client) applyResource(call Call, o Object, p lwm2m.Path, entries []lwm2m.Entry) error {
	r, x := o.Definition().Resource(p.Resource()), Writing{Resource: p, Replace: true}
	wr, ok := o.(Writer)
	if r == nil || !ok || !r.Operations.Has(lwm2m.Write) {
		return nil // another version of the object
	}
	for _, e := range entries {
		if e.Path.HasPrefix(p) {
			x.Entries = append(x.Entries, e)
		}
	}
	if len(x.Entries) == 0 && !r.Multiple {
		return nil
	}
	x.Replace = r.Multiple
	if err := checkEntries(r, &x); err != nil {
		return err
	}
	if err := wr.CheckWrite(call, x); err != nil {
		return err
	}
	wr.Write(call, x)
	return nil
}
