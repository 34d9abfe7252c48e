// Package registry holds object definitions: what objects, resources, types, ranges and units are called.
//
// The definitions of the OMA registry stay in one embedded text and are read where they are asked for, so that a program
// that uses three objects does not hold four hundred.
package registry

import (
	"slices"

	"heddle.example/lwm2m"
)

//go:generate sh -c "go run ./internal/gen $OBJECTS_TSV > table.txt.new && mv table.txt.new table.txt"

// Object is the definition of one version of an object.
type Object struct {
	ID           uint16
	Version      lwm2m.Version
	LwM2MVersion lwm2m.Version // the enabler version that it needs
	Name         string
	URN          string
	Multiple     bool
	Mandatory    bool
	Added        bool       // not built in
	Resources    []Resource // by id
}

// Resource is the definition of a resource.
type Resource struct {
	ID         uint16
	Name       string
	Operations lwm2m.OperationSet
	Multiple   bool
	Mandatory  bool
	Kind       lwm2m.Kind
	Range      string // as the definition has it; see Check, Limits and Choices
	Units      string // as the definition has it; see UnitText
}

// Resource returns the definition of an id, or nil.
func (o *Object) Resource(id uint16) *Resource {
	i, ok := slices.BinarySearchFunc(o.Resources, id, func(r Resource, id uint16) int { return int(r.ID) - int(id) })
	if !ok {
		return nil
	}
	return &o.Resources[i]
}

// Registry is a set of definitions. It never changes, so that machines and others share one without a lock: With and
// Without return another Registry, which whoever needs it is given as an input.
type Registry struct {
	added []*Object // by id and version; they stand before the built-in ones
	gone  []key     // built-in ones that were taken away
}

// key names one version of an object.
type key struct {
	id      uint16
	version lwm2m.Version
}

func (o *Object) key() key { return key{o.ID, o.Version} }

func (k key) compare(l key) int {
	if k.id != l.id {
		return int(k.id) - int(l.id)
	}
	return k.version.Compare(l.version)
}

// Builtin returns the definitions that the program brings along: the OMA registry and object 31024.
func Builtin() *Registry { return new(Registry) }

// Object returns the definition of an object in a version, or what fits best: the newest of the same major version,
// else the newest at all, which is also what the zero version asks for. It is nil where the object is unknown. What
// comes back is shared and must not be changed.
func (r *Registry) Object(id uint16, v lwm2m.Version) *Object {
	versions := r.Versions(id)
	if len(versions) == 0 {
		return nil
	}
	return r.Exact(id, best(versions, v))
}

// best chooses among versions in ascending order.
func best(versions []lwm2m.Version, v lwm2m.Version) lwm2m.Version {
	chosen := versions[len(versions)-1]
	for _, w := range versions {
		if w == v {
			return v
		}
		if w.Major == v.Major {
			chosen = w
		}
	}
	return chosen
}

// Exact returns the definition of an object in exactly this version, or nil.
func (r *Registry) Exact(id uint16, v lwm2m.Version) *Object {
	k := key{id, v}
	if i, ok := r.find(k); ok {
		return r.added[i]
	}
	if slices.Contains(r.gone, k) {
		return nil
	}
	for _, t := range tables {
		if at := t.search(k); at < len(t) && t.keyAt(at) == k {
			o, _ := t.object(at)
			return o
		}
	}
	return nil
}

func (r *Registry) find(k key) (int, bool) {
	return slices.BinarySearchFunc(r.added, k, func(o *Object, k key) int { return o.key().compare(k) })
}

// Versions returns the versions in which an object is defined, in ascending order.
func (r *Registry) Versions(id uint16) []lwm2m.Version {
	var versions []lwm2m.Version
	for _, t := range tables {
		for at := t.search(key{id: id}); at < len(t); at = t.next(at) {
			k := t.keyAt(at)
			if k.id != id {
				break
			}
			if !slices.Contains(r.gone, k) {
				versions = append(versions, k.version)
			}
		}
	}
	for _, o := range r.added {
		if o.ID == id {
			versions = append(versions, o.Version)
		}
	}
	slices.SortFunc(versions, lwm2m.Version.Compare)
	return slices.Compact(versions)
}

// Objects returns all definitions, by id and version. They are read anew, some megabytes: for listings, not for each
// request.
func (r *Registry) Objects() []*Object {
	all := slices.Clone(r.added)
	for _, t := range tables {
		for at := 0; at < len(t); {
			o, next := t.object(at)
			at = next
			if _, ok := r.find(o.key()); !ok && !slices.Contains(r.gone, o.key()) {
				all = append(all, o)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Object) int { return a.key().compare(b.key()) })
	return all
}

// WithObject returns the registry with one more definition, in place of one with the same id and version.
func (r *Registry) WithObject(o *Object) *Registry {
	n := &Registry{added: slices.Clone(r.added), gone: r.gone}
	i, ok := n.find(o.key())
	if ok {
		n.added[i] = o
	} else {
		n.added = slices.Insert(n.added, i, o)
	}
	return n
}

// Without returns the registry without one version of an object. Where an added definition stood before a built-in one,
// the built-in one is back.
func (r *Registry) Without(id uint16, v lwm2m.Version) *Registry {
	k := key{id, v}
	n := &Registry{added: slices.Clone(r.added), gone: r.gone}
	if i, ok := n.find(k); ok {
		n.added = slices.Delete(n.added, i, i+1)
	} else if !slices.Contains(n.gone, k) {
		n.gone = append(slices.Clone(n.gone), k)
	}
	return n
}
