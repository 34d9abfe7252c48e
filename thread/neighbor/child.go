package neighbor

import (
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// Child is a node that has us for its parent.
type Child struct {
	Neighbor
	Timeout        uint32 // seconds without a word until it is dropped
	DataVersion    uint8  // of the network data that it has: the full or the stable version, by its mode
	Supervision    uint16 // seconds; 0 is none
	SinceSupervise uint16 // seconds since the last message to it
	RequestTLVs    []byte // what its Child ID Request asked for, until the response is sent

	Queued   uint16 // datagrams that wait for it to poll
	UseShort bool   // its polls come from its short address, so that is in the source match table
	CSL      *CSL   // nil where there is no synchronized channel sample listening

	// What the sender and the poll handler keep for a child that sleeps; nil for one that does not.
	MAC  any // of package mac
	Mesh any // of package mesh

	meshLocal *ip6.IID // interface identifier of its mesh-local EID; nil: not registered
	addresses []ip6.Address
	children  *children
}

// CSL is what a parent knows of a child that samples the channel at set times.
type CSL struct {
	Synchronized  bool
	Channel       uint8 // 0: the network's
	Accuracy      uint8 // ppm
	Uncertainty   uint8 // in 10 us
	Period, Phase uint16
	Timeout       uint32 // seconds
	LastHeard     machine.Time
	LastRx        machine.Time // when the frame that told the phase began
	Attempts      uint8
}

// Addresses returns the registered addresses but the mesh-local one. The slice is borrowed.
func (c *Child) Addresses() []ip6.Address { return c.addresses }

// MeshLocal returns the child's mesh-local EID, if it registered one.
func (c *Child) MeshLocal() (ip6.Address, bool) {
	if c.meshLocal == nil {
		return ip6.Address{}, false
	}
	return ip6.Join(c.children.self.MeshLocal, *c.meshLocal), true
}

// AllAddresses appends all registered addresses, the mesh-local one first, and returns the extended slice.
func (c *Child) AllAddresses(dst []ip6.Address) []ip6.Address {
	if a, ok := c.MeshLocal(); ok {
		dst = append(dst, a)
	}
	return append(dst, c.addresses...)
}

// AddAddress registers an address and reports whether it was new and there was room. limit is how many addresses a child
// may have beside its mesh-local one.
func (c *Child) AddAddress(a ip6.Address, limit int) bool {
	if a.IsUnspecified() {
		return false
	}
	if c.children.self.IsMeshLocal(a) {
		if c.meshLocal != nil {
			return false
		}
		iid := a.IID()
		c.meshLocal = &iid
		c.children.changed()
		return true
	}
	if len(c.addresses) >= limit || slices.Contains(c.addresses, a) {
		return false
	}
	c.addresses = append(c.addresses, a)
	c.children.changed()
	return true
}

// RemoveAddress takes an address out and reports whether it was there.
func (c *Child) RemoveAddress(a ip6.Address) bool {
	if c.HasAddress(a) {
		if c.children.changed(); c.children.self.IsMeshLocal(a) {
			c.meshLocal = nil
			return true
		}
		i := slices.Index(c.addresses, a)
		last := len(c.addresses) - 1
		c.addresses[i] = c.addresses[last] // as OpenThread's array does: the order shows in `childip`
		c.addresses = c.addresses[:last]
		return true
	}
	return false
}

// ClearAddresses takes all addresses out.
func (c *Child) ClearAddresses() {
	c.meshLocal, c.addresses = nil, c.addresses[:0]
	c.children.changed()
}

// HasAddress reports whether a child registered an address.
func (c *Child) HasAddress(a ip6.Address) bool {
	if c.children.self.IsMeshLocal(a) {
		return c.meshLocal != nil && *c.meshLocal == a.IID()
	}
	return slices.Contains(c.addresses, a)
}
