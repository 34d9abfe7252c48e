package client

import (
	"encoding/binary"
	"fmt"

	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// KeepTable holds what objects keep over a restart. A key is the object's identifier and then the object's own.
const KeepTable machine.Table = "lwm2m.client.object"

// Kept is one record of an object; Value nil deletes Key.
type Kept struct{ Key, Value []byte }

// Keeper is an object with a state that outlives the program. It calls Call.Keep when something changed.
type Keeper interface {
	// Changes appends what changed since it was called last.
	Changes(dst []Kept) []Kept
	// Kept appends what the object needs to go on after a reboot of a device that has no disk.
	Kept(dst []Kept) []Kept
	// Restore takes in a record, before Start.
	Restore(key, value []byte) error
	// NotKept says that what Changes gave could not be stored.
	NotKept(call Call)
}

// Keep notes that the object has something to store; the answer to the request that is being served waits for it.
func (call Call) Keep() { call.Client.dirty = true }

// Changed tells observers that the object has changed values at or below the paths, besides what a request says anyway.
func (call Call) Changed(paths ...lwm2m.Path) {
	for _, p := range paths {
		call.Client.changed(p)
	}
}

// Object returns the object with an identifier, or nil.
func (c *Client) Object(id uint16) Object { return c.object(id) }

// Durable reports whether the client's state is written to a disk.
func (c *Client) Durable() bool { return c.cfg.Durable }

// appendKept appends what the objects want to store.
func (c *Client) appendKept(records []machine.Record) []machine.Record {
	n := len(records)
	var list []Kept
	for _, o := range c.objects {
		k, ok := o.(Keeper)
		if !ok {
			continue
		}
		list = k.Changes(list[:0])
		records = appendRecords(records, o, list)
	}
	c.keeps = c.keeps || len(records) > n
	return records
}

func appendRecords(dst []machine.Record, o Object, list []Kept) []machine.Record {
	for _, k := range list {
		key := append(binary.BigEndian.AppendUint16(nil, o.Definition().ID), k.Key...)
		dst = append(dst, machine.Record{Table: KeepTable, Key: key, Value: k.Value})
	}
	return dst
}

// Kept returns what a device without a disk takes into its next boot: the objects' records, for Restore.
func (c *Client) Kept() (records []machine.Record) {
	for _, o := range c.objects {
		if k, ok := o.(Keeper); ok {
			records = appendRecords(records, o, k.Kept(nil))
		}
	}
	return records
}

// restoreKept hands a record to its object. Those of objects that the device does not have any more are passed over.
func (c *Client) restoreKept(key, value []byte) error {
	if len(key) < 2 {
		return fmt.Errorf("%w: key %x", ErrRestore, key)
	}
	if k, ok := c.object(binary.BigEndian.Uint16(key)).(Keeper); ok {
		return k.Restore(key[2:], value)
	}
	return nil
}

// notKept tells the objects that the disk has failed or is full.
func (c *Client) notKept() {
	if !c.keeps {
		return
	}
	c.keeps = false
	for _, o := range c.objects {
		if k, ok := o.(Keeper); ok {
			k.NotKept(Call{Now: c.now, Client: c})
			c.objectTouched(o)
		}
	}
}
