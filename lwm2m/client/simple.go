package client

import (
	"cmp"
	"slices"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Simple is an object whose values are kept in memory, with hooks where a program wants to compute, check or act. A server
// may create and delete its instances where the program called AllowCreate. It is the easiest way to make an object of
// one's own:
//
//	light := client.NewObject(&client.Definition{ID: 3311, Multiple: true, Resources: []client.Resource{
//		{ID: 5850, Kind: lwm2m.Boolean, Operations: lwm2m.Read | lwm2m.Write, Mandatory: true},
//	}})
//	light.Set("/3311/0/5850", lwm2m.Bool(false))
//	light.OnWrite(5850, func(c client.Call, w client.Writing) error { return lamp.Switch(w.Value()) })
type Simple struct {
	def       *Definition
	instances []uint16
	values    []lwm2m.Entry // sorted by path
	hooks     []simpleHook
	room      int // instances that servers may fill; 0: they create and delete none
}

type simpleHook struct {
	resource uint16
	read     func(now machine.Time, instance uint16) lwm2m.Value
	write    func(Call, Writing) error
	execute  func(Call, lwm2m.Path, []Argument) error
}

// NewObject returns an object without instances.
func NewObject(def *Definition) *Simple { return &Simple{def: def} }

// What servers can make a Simple hold.
const (
	maxSimpleInstances         = 64
	maxSimpleResourceInstances = 256
)

// AllowCreate lets servers create and delete instances, up to 64.
func (s *Simple) AllowCreate() *Simple { s.room = maxSimpleInstances; return s }

// Set gives a resource or resource instance a value, and makes the instance if it is not there. Where the object belongs
// to a running client, call Client.Changed afterwards. It panics on a path that is not one of the object's: that is a
// mistake in the program.
func (s *Simple) Set(path string, v lwm2m.Value) *Simple {
	p := lwm2m.MustPath(path)
	r := s.def.Resource(p.Resource())
	if p.Depth() < 3 || p.Object() != s.def.ID || r == nil || r.Multiple != (p.Depth() == 4) || v.Kind() != r.Kind {
		panic("lwm2m client: " + path + " with a " + v.Kind().String() + " does not fit the definition of object " + lwm2m.NewPath(s.def.ID).String())
	}
	s.Add(p.Instance())
	s.put(lwm2m.Entry{Path: p, Value: v})
	return s
}

// Add makes an instance without values.
func (s *Simple) Add(instance uint16) *Simple {
	if i, ok := slices.BinarySearch(s.instances, instance); !ok {
		s.instances = slices.Insert(s.instances, i, instance)
	}
	return s
}

// Get returns the stored value of a resource or resource instance.
func (s *Simple) Get(p lwm2m.Path) (lwm2m.Value, bool) { return lwm2m.Get(s.values, p) }

// OnRead computes a resource of every instance when it is read, in place of a stored value.
func (s *Simple) OnRead(resource uint16, f func(now machine.Time, instance uint16) lwm2m.Value) *Simple {
	s.hook(resource).read = f
	return s
}

// OnWrite is asked before a server's value is stored; an error refuses the whole request. It must not act on the value
// where the object has several resources that one request may write: another may still refuse.
func (s *Simple) OnWrite(resource uint16, f func(Call, Writing) error) *Simple {
	s.hook(resource).write = f
	return s
}

// OnExecute runs when a server executes the resource.
func (s *Simple) OnExecute(resource uint16, f func(Call, lwm2m.Path, []Argument) error) *Simple {
	s.hook(resource).execute = f
	return s
}

// Definition implements Object.
func (s *Simple) Definition() *Definition { return s.def }

// Instances implements Object.
func (s *Simple) Instances(dst []uint16) []uint16 { return append(dst, s.instances...) }

// Read implements Object.
func (s *Simple) Read(now machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	if h := s.find(p.Resource()); h != nil && h.read != nil {
		return append(dst, lwm2m.Entry{Path: p, Value: h.read(now, p.Instance())}), true
	} else if h != nil && h.execute != nil {
		return dst, true
	}
	lo, hi := s.span(p)
	if lo == hi {
		return dst, false
	}
	for _, e := range s.values[lo:hi] {
		if !e.Value.IsNone() {
			dst = append(dst, e)
		}
	}
	return dst, true
}

// CheckWrite implements Writer.
func (s *Simple) CheckWrite(call Call, w Writing) error {
	if lo, hi := s.span(w.Resource); len(w.Entries) > maxSimpleResourceInstances || !w.Replace && hi-lo+len(w.Entries) > 2*maxSimpleResourceInstances {
		return BadRequest("too many instances of " + w.Resource.String())
	}
	if h := s.find(w.Resource.Resource()); h != nil && h.write != nil {
		return h.write(call, w)
	}
	return nil
}

// Write implements Writer.
func (s *Simple) Write(_ Call, w Writing) {
	if w.Replace {
		lo, hi := s.span(w.Resource)
		s.values = slices.Delete(s.values, lo, hi)
		if len(w.Entries) == 0 {
			s.put(lwm2m.Entry{Path: w.Resource}) // empty, not absent
		}
	}
	for _, e := range w.Entries {
		s.put(e)
	}
}

// Change implements Changer.
func (s *Simple) Change(_ Call, p lwm2m.Path, v lwm2m.Value) error {
	if lo, hi := s.span(p.Cut(3)); lo == hi {
		return NotAllowed("the resource has no stored value")
	}
	s.put(lwm2m.Entry{Path: p, Value: v})
	return nil
}

// Replaced implements Replacer: optional resources that a server can write and did not write go.
func (s *Simple) Replaced(_ Call, instance lwm2m.Path, written []uint16) {
	s.values = slices.DeleteFunc(s.values, func(e lwm2m.Entry) bool {
		if !e.Path.HasPrefix(instance) || slices.Contains(written, e.Path.Resource()) {
			return false
		}
		r := s.def.Resource(e.Path.Resource())
		return !r.Mandatory && r.Operations.Has(lwm2m.Write)
	})
}

// Execute implements Executer.
func (s *Simple) Execute(call Call, p lwm2m.Path, args []Argument) error {
	if h := s.find(p.Resource()); h != nil && h.execute != nil {
		return h.execute(call, p, args)
	}
	return NotFound("this instance has no such resource")
}

// Create implements Creator.
func (s *Simple) Create(call Call, instance lwm2m.Path, entries []lwm2m.Entry) error {
	if s.room == 0 {
		return NotAllowed("instances of this object cannot be created")
	}
	if len(s.instances) >= s.room {
		return &Error{coap.ServiceUnavailable, "the object has no room for another instance"}
	}
	for rest := entries; len(rest) > 0; {
		w := Writing{Resource: rest[0].Path.Cut(3), Replace: true}
		w.Entries, rest = cutResource(rest)
		if err := s.CheckWrite(call, w); err != nil {
			return err
		}
	}
	s.Add(instance.Instance())
	for _, e := range entries {
		s.put(e)
	}
	return nil
}

// Delete implements Deleter.
func (s *Simple) Delete(_ Call, instance lwm2m.Path) error {
	if s.room == 0 {
		return NotAllowed("instances of this object cannot be deleted")
	}
	lo, hi := s.span(instance)
	s.values = slices.Delete(s.values, lo, hi)
	if i, ok := slices.BinarySearch(s.instances, instance.Instance()); ok {
		s.instances = slices.Delete(s.instances, i, i+1)
	}
	return nil
}

// put stores one entry at its place.
func (s *Simple) put(e lwm2m.Entry) {
	if e.Path.Depth() == 4 { // the mark of an empty multiple resource goes
		if lo, hi := s.span(e.Path.Parent()); hi > lo && s.values[lo].Path.Depth() == 3 {
			s.values = slices.Delete(s.values, lo, lo+1)
		}
	}
	i, ok := slices.BinarySearchFunc(s.values, e.Path, func(e lwm2m.Entry, p lwm2m.Path) int { return e.Path.Compare(p) })
	if ok {
		s.values[i] = e
	} else {
		s.values = slices.Insert(s.values, i, e)
	}
}

// span returns where the values at and below a path are.
func (s *Simple) span(p lwm2m.Path) (lo, hi int) {
	lo, _ = slices.BinarySearchFunc(s.values, p, func(e lwm2m.Entry, p lwm2m.Path) int { return e.Path.Compare(p) })
	for hi = lo; hi < len(s.values) && s.values[hi].Path.HasPrefix(p); hi++ {
	}
	return lo, hi
}

func (s *Simple) find(resource uint16) *simpleHook {
	i, ok := slices.BinarySearchFunc(s.hooks, resource, func(h simpleHook, id uint16) int { return cmp.Compare(h.resource, id) })
	if !ok {
		return nil
	}
	return &s.hooks[i]
}

func (s *Simple) hook(resource uint16) *simpleHook {
	if s.def.Resource(resource) == nil {
		panic("lwm2m client: object " + lwm2m.NewPath(s.def.ID).String() + " has no resource " + lwm2m.NewPath(resource).String()[1:])
	}
	i, ok := slices.BinarySearchFunc(s.hooks, resource, func(h simpleHook, id uint16) int { return cmp.Compare(h.resource, id) })
	if !ok {
		s.hooks = slices.Insert(s.hooks, i, simpleHook{resource: resource})
	}
	return &s.hooks[i]
}

// cutResource cuts the entries of the first resource off a sorted list.
func cutResource(entries []lwm2m.Entry) (first, rest []lwm2m.Entry) {
	n, p := 1, entries[0].Path.Cut(3)
	for n < len(entries) && entries[n].Path.HasPrefix(p) {
		n++
	}
	return entries[:n:n], entries[n:]
}
