package registry

import (
	"slices"

	"heddle.example/lwm2m"
)

// maxCachedTypes bounds the cache: a device can claim any version of any object.
const maxCachedTypes = 1024

// Types answers, for one owner, which type a resource has. It keeps what it has looked up, so it must not be shared.
type Types struct {
	registry *Registry
	cache    map[key]*kinds
}

// Types returns an empty cache over the registry.
func (r *Registry) Types() *Types { return &Types{registry: r, cache: map[key]*kinds{}} }

// kinds are the types of an object's resources, by id.
type kinds struct {
	ids   []uint16
	kinds []kind
}

type kind struct {
	kind     lwm2m.Kind
	multiple bool
}

// For returns the types as a device has them that says which versions its objects have; nil stands for the newest. It
// is valid for this owner until the next For.
func (t *Types) For(version func(object uint16) lwm2m.Version) *DeviceTypes {
	return &DeviceTypes{types: t, version: version}
}

// DeviceTypes are the types of one device's resources; it is a format.Typer.
type DeviceTypes struct {
	types   *Types
	version func(object uint16) lwm2m.Version
	object  int // the last one asked for, plus 1
	kinds   *kinds
}

// TypeOf returns the type of a resource. A resource that the device's version does not define is looked for in the
// object's other versions, the newest first: devices add resources without saying so.
func (d *DeviceTypes) TypeOf(p lwm2m.Path) (k lwm2m.Kind, multiple, ok bool) {
	if p.Depth() < 3 {
		return lwm2m.None, false, false
	}
	id := p.Object()
	if d.object != int(id)+1 {
		var v lwm2m.Version
		if d.version != nil {
			v = d.version(id)
		}
		d.object, d.kinds = int(id)+1, d.types.kindsOf(key{id, v})
	}
	if d.kinds == nil {
		return lwm2m.None, false, false
	}
	ids := d.kinds.ids
	low, high, res := 0, len(ids), p.Resource()
	for low < high {
		if mid := (low + high) / 2; ids[mid] < res {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(ids) || ids[low] != res {
		return lwm2m.None, false, false
	}
	found := d.kinds.kinds[low]
	return found.kind, found.multiple, true
}

func (t *Types) kindsOf(k key) *kinds {
	if found, ok := t.cache[k]; ok {
		return found
	}
	versions := t.registry.Versions(k.id)
	if len(versions) == 0 {
		return nil
	}
	// The chosen version first, then the others from the newest on.
	slices.Reverse(versions)
	chosen := t.registry.Object(k.id, k.version)
	all := slices.Clone(chosen.Resources)
	for _, v := range versions {
		for _, r := range t.registry.Exact(k.id, v).Resources {
			if !slices.ContainsFunc(all, func(s Resource) bool { return s.ID == r.ID }) {
				all = append(all, r)
			}
		}
	}
	slices.SortFunc(all, func(a, b Resource) int { return int(a.ID) - int(b.ID) })
	found := new(kinds)
	for _, r := range all {
		found.ids = append(found.ids, r.ID)
		found.kinds = append(found.kinds, kind{r.Kind, r.Multiple})
	}
	if len(t.cache) >= maxCachedTypes {
		clear(t.cache)
	}
	t.cache[k] = found
	return found
}
