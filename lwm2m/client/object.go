package client

import (
	"cmp"
	"slices"

	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Definition says what an object can have: the part of its registered definition that the client needs. It is shared by
// all instances and all clients of a process and never changes.
type Definition struct {
	ID        uint16
	Name      string
	Version   lwm2m.Version // the object's version; the zero Version is 1.0
	Multiple  bool          // more than one instance is possible
	Resources []Resource    // ascending by ID
}

// Resource is the definition of one resource.
type Resource struct {
	ID         uint16
	Name       string
	Kind       lwm2m.Kind
	Operations lwm2m.OperationSet
	Multiple   bool
	Mandatory  bool
	Min, Max   float64 // the range of a number, or of the length of a text or opaque value, where Max > Min
}

// Resource returns the definition of a resource, or nil.
func (d *Definition) Resource(id uint16) *Resource {
	i, ok := slices.BinarySearchFunc(d.Resources, id, func(r Resource, id uint16) int { return cmp.Compare(r.ID, id) })
	if !ok {
		return nil
	}
	return &d.Resources[i]
}

// maxValue bounds a text or opaque value whose definition has no range.
const maxValue = 64 << 10

// Check reports why a value cannot be written to the resource: another kind, or out of range.
func (r *Resource) Check(v lwm2m.Value) error {
	if v.Kind() != r.Kind {
		return BadRequest("the value is a " + v.Kind().String() + ", the resource a " + r.Kind.String())
	}
	if r.Max <= r.Min {
		if len(v.Raw()) > maxValue {
			return BadRequest("the value is longer than 64 KiB")
		}
		return nil
	}
	n, numeric := v.AsFloat()
	if !numeric {
		n = float64(len(v.Raw()))
	}
	if !(n >= r.Min && n <= r.Max) { // not-a-number fails too
		return BadRequest("the value is out of the resource's range")
	}
	return nil
}

// Object is one object of a device. The client machine does the protocol: rights, formats, attributes, observations. The
// object has the values. What else a server may do with it (write, execute, create, delete) is in the optional
// interfaces below; without them such a request is answered 4.05.
type Object interface {
	// Definition always returns the same value.
	Definition() *Definition
	// Instances appends the identifiers of the instances that exist, ascending.
	Instances(dst []uint16) []uint16
	// Read appends the value of one resource of an existing instance: one entry at the resource's path, or, for a
	// multiple resource, one for each of its instances, ascending. For a resource without a value (one to execute) it
	// appends nothing. It reports whether the instance has the resource. It is called for observations too, so that it
	// must have no effect.
	Read(now machine.Time, dst []lwm2m.Entry, resource lwm2m.Path) ([]lwm2m.Entry, bool)
}

// Call is what a handler knows about the request that it serves.
type Call struct {
	Now    machine.Time
	Cause  machine.Cause
	Server uint16 // Short Server ID of the server that asks; 0: the device itself, or Bootstrap
	Client *Client

	Bootstrap bool // the bootstrap server asks
}

// Writing is a value, or the values of a multiple resource, on their way into one resource.
type Writing struct {
	Resource lwm2m.Path
	Entries  []lwm2m.Entry // one at Resource, or those of a multiple resource, ascending; kinds and ranges are checked
	Replace  bool          // a multiple resource: instances that are not among Entries go
}

// Value returns the value of a single resource.
func (w Writing) Value() lwm2m.Value {
	if len(w.Entries) == 0 {
		return lwm2m.Value{}
	}
	return w.Entries[0].Value
}

// Writer is an object with resources that a server may write.
type Writer interface {
	// CheckWrite reports whether Write would succeed, and changes nothing. The client asks for every resource of a
	// request before it writes any, so that a request is carried out as a whole or not at all.
	CheckWrite(call Call, w Writing) error
	Write(call Call, w Writing)
}

// Replacer is an object with optional resources that go away when a server replaces an instance without them.
type Replacer interface {
	// Replaced says that a whole instance was replaced; written has the identifiers of the resources that were written.
	Replaced(call Call, instance lwm2m.Path, written []uint16)
}

// Executer is an object with resources that a server may execute.
type Executer interface {
	Execute(call Call, resource lwm2m.Path, args []Argument) error
}

// Creator is an object of which a server may create instances.
type Creator interface {
	// Create makes an instance; entries (kinds and ranges are checked, mandatory resources are there) may be empty only
	// where nothing that a server can write is mandatory.
	Create(call Call, instance lwm2m.Path, entries []lwm2m.Entry) error
}

// Deleter is an object of which a server may delete instances.
type Deleter interface {
	Delete(call Call, instance lwm2m.Path) error
}

// Changer is an object with values that no server can write but the device can, as when a person turns a knob.
type Changer interface {
	// Change sets a resource; the value's kind and range are checked. A resource that is not its to set is NotAllowed.
	Change(call Call, resource lwm2m.Path, v lwm2m.Value) error
}

// Mover is an object with values that change by themselves as time goes by. Read computes them from now; NextChange says
// when a value at or below path may next differ, so that nothing runs for values that nobody observes.
type Mover interface {
	NextChange(now machine.Time, path lwm2m.Path) machine.Time
}

// Timed is an object that acts by itself at an instant, observed or not.
type Timed interface {
	// Deadline says when Expire is to be called; Never stops it. It is asked after each call into the object.
	Deadline() machine.Time
	// Expire does what is due; afterwards Deadline() > call.Now. It returns the paths whose values changed.
	Expire(call Call) []lwm2m.Path
}

// Attacher is an object that wants to know its client.
type Attacher interface {
	Attach(c *Client)
}
