package bootstrap

import (
	"slices"
	"strings"
	"unicode/utf8"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
)

// value checks one value against its definition. A bootstrap server may write what a server may only read (section 6.1.7.5),
// but nothing that can only be executed.
func (k *checker) value(where string, o *registry.Object, id uint16, multiple bool, v lwm2m.Value) {
	if o == nil {
		return
	}
	r := o.Resource(id)
	switch {
	case r == nil:
		k.bad(where, "object %d (%s) has no resource %d", o.ID, o.Name, id)
	case r.Kind == lwm2m.None:
		k.bad(where, "%s can only be executed", r.Name)
	case r.Multiple && !multiple && !v.IsNone():
		k.bad(where, "%s has several instances: write {\"0\": value, …}", r.Name)
	case !r.Multiple && multiple:
		k.bad(where, "%s has one value, not several instances", r.Name)
	case v.IsNone():
		k.bad(where, "%s has no value", r.Name)
	default:
		if err := r.Check(v); err != nil {
			k.bad(where, "%s", strings.TrimPrefix(err.Error(), registry.ErrRange.Error()+": "))
		} else if v.Kind() == lwm2m.String && (len(v.Raw()) > 4096 || !utf8.ValidString(v.Raw())) {
			k.bad(where, "%s is too long or no UTF-8", r.Name)
		}
	}
}

func (k *checker) objects() {
	list := k.c.Objects
	if len(list) > writesMost {
		k.bad("objects", "there are %d paths; at most %d", len(list), writesMost)
		return
	}
	total := 0
	for i, w := range list {
		where := "objects." + w.Path.String()
		total += len(w.Entries)
		for _, other := range list[:i] {
			if w.Path.HasPrefix(other.Path) || other.Path.HasPrefix(w.Path) {
				k.bad(where, "is part of %s, or the reverse", other.Path)
			}
		}
		k.write(where, w)
	}
	if total > entriesMost {
		k.bad("objects", "there are %d values; at most %d", total, entriesMost)
	}
}

func (k *checker) write(where string, w bootstrap.Write) {
	p := w.Path
	switch {
	case p.Depth() < 1 || p.Depth() > 3:
		k.bad(where, "is no object, object instance or resource")
		return
	case p.Object() == 0 || p.Object() == 1:
		k.bad(where, "objects 0 and 1 are written by servers")
		return
	}
	o := k.reg.Object(p.Object(), lwm2m.Version{})
	if o == nil {
		k.bad(where, "object %d has no definition here, so its values cannot be checked: add its definition first", p.Object())
		return
	}
	if len(w.Entries) == 0 {
		k.bad(where, "has no values")
		return
	}
	there := map[lwm2m.Path]bool{}
	var instances []lwm2m.Path
	for _, e := range w.Entries {
		if e.Path.Depth() < 3 {
			instances = append(instances, e.Path)
			continue
		}
		k.value("objects."+e.Path.String(), o, e.Path.Resource(), e.Path.Depth() == 4, e.Value)
		there[e.Path.Cut(3)] = true
		if in := e.Path.Cut(2); !slices.Contains(instances, in) {
			instances = append(instances, in)
		}
		if !o.Multiple && e.Path.Instance() != 0 {
			k.bad("objects."+e.Path.String(), "object %d (%s) has one instance, 0", o.ID, o.Name)
		}
	}
	if p.Depth() < 3 {
		k.mandatory(o, instances, there)
	}
	if o.ID == 2 {
		k.acl(w)
	}
}

// mandatory: a new instance has all mandatory resources that the device cannot know by itself.
func (k *checker) mandatory(o *registry.Object, instances []lwm2m.Path, there map[lwm2m.Path]bool) {
	for _, in := range instances {
		if in.Depth() != 2 {
			continue
		}
		for _, r := range o.Resources {
			given := r.Operations == 0 || r.Operations.Has(lwm2m.Write) || o.ID == 2
			if r.Mandatory && r.Kind != lwm2m.None && given && !there[in.Child(r.ID)] {
				k.bad("objects."+in.String(), "%s (%d) is mandatory and missing", r.Name, r.ID)
			}
		}
	}
}

// acl checks who owns and who may: servers that the device will know (E.3).
func (k *checker) acl(w bootstrap.Write) {
	if !slices.ContainsFunc(k.c.Delete, func(d lwm2m.Path) bool { return d.Depth() == 0 || d.Depth() == 1 && d.Object() == 1 }) {
		return // the device may have other servers
	}
	known := func(id int64) bool {
		return slices.ContainsFunc(k.c.Servers, func(s Server) bool { return int64(s.ShortID) == id })
	}
	for _, e := range w.Entries {
		where := "objects." + e.Path.String()
		switch {
		case e.Path.Depth() == 4 && e.Path.Resource() == 2:
			if id := e.Path.ResourceInstance(); id != 0 && !known(int64(id)) {
				k.bad(where, "the device will know no server with Short Server ID %d", id)
			}
		case e.Path.Depth() == 3 && e.Path.Resource() == 3:
			if id, ok := e.Value.AsInt(); ok && id != int64(lwm2m.NoID) && !known(id) {
				k.bad(where, "the device will know no server with Short Server ID %d, which would own this", id)
			}
		}
	}
}
