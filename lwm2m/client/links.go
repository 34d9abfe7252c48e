package client

import (
	"slices"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
)

// appendInventory appends the payload of Register: the root with the formats, then objects and instances. Object 0 is
// never listed (6.2.1).
func (c *Client) appendInventory(dst []byte) []byte {
	inv := lwm2m.Inventory{Root: c.root, Objects: make([]lwm2m.InventoryObject, 0, len(c.objects))}
	for _, ct := range format.Supported() {
		inv.Formats = append(inv.Formats, uint16(ct))
	}
	slices.Sort(inv.Formats)
	for _, o := range c.objects {
		d := o.Definition()
		if d.ID == securityObject {
			continue
		}
		io := lwm2m.InventoryObject{ID: d.ID, Instances: o.Instances(nil)}
		if d.Version != lwm2m.V1_0 {
			io.Version = d.Version
		}
		inv.Objects = append(inv.Objects, io)
	}
	return inv.Append(dst)
}

// InventoryObject tells of one object of the client.
type InventoryObject struct {
	ID        uint16
	Name      string
	Multiple  bool
	Instances []uint16
}

// Inventory returns the client's objects, object 0 among them, ascending.
func (c *Client) Inventory() []InventoryObject {
	var out []InventoryObject
	for _, o := range c.objects {
		d := o.Definition()
		out = append(out, InventoryObject{d.ID, d.Name, d.Multiple, o.Instances(nil)})
	}
	return out
}
