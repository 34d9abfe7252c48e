package fleet

import (
	"slices"
	"sync"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
)

// kind is what a list of objects says about a device. Devices of one kind share their list, so it is worked out once.
type kind struct {
	name   string
	paths  []string
	object map[uint16]bool
}

// kindCache is bounded; beyond that it starts over.
type kindCache struct {
	mu    sync.RWMutex
	kinds map[*server.Objects]*kind
}

const kindsMost = 8192

func (c *kindCache) of(o *server.Objects, reg func() *registry.Registry) *kind {
	c.mu.RLock()
	k := c.kinds[o]
	c.mu.RUnlock()
	if k != nil {
		return k
	}
	k = newKind(o, reg())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds == nil || len(c.kinds) >= kindsMost {
		c.kinds = map[*server.Objects]*kind{}
	}
	c.kinds[o] = k
	return k
}

// forget is for a changed registry: names may be others now.
func (c *kindCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kinds = nil
}

// RegistryChanged says that objects may have other names now.
func (f *Fleet) RegistryChanged() { f.kinds.forget() }

// plumbing are the objects that nearly every device has: they say nothing about what it is for.
var plumbing = []uint16{0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 16, 21, 23, 24}

func newKind(o *server.Objects, reg *registry.Registry) *kind {
	k := &kind{name: "Device", object: map[uint16]bool{}}
	inv := o.Inventory()
	best := -1
	for _, obj := range inv.Objects {
		k.object[obj.ID] = true
		p := lwm2m.NewPath(obj.ID)
		if len(obj.Instances) == 0 {
			k.paths = append(k.paths, p.String())
		}
		for _, i := range obj.Instances {
			k.paths = append(k.paths, p.Child(i).String())
		}
		rank := rankOf(obj.ID)
		if d := reg.Object(obj.ID, obj.Version); d != nil && rank > best {
			k.name, best = d.Name, rank
		}
	}
	if best < 1 {
		k.name = "Device"
	}
	return k
}

// rankOf says how much an object tells about a device: a sensor (the IPSO objects, 3200 to 3499) more than where it is.
func rankOf(object uint16) int {
	switch {
	case slices.Contains(plumbing, object):
		return 0
	case object >= 3200 && object < 3500:
		return 3
	case object == 6:
		return 1
	}
	return 2
}
