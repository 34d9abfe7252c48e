package client

import (
	"fmt"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
)

// accessKey is the key of the record of object 2.
const accessKey = "A"

// accessEntries returns object 2 as values.
func (c *Client) accessEntries() []lwm2m.Entry {
	if c.access == nil {
		return nil
	}
	var out []lwm2m.Entry
	for i := range c.access.rules {
		r := &c.access.rules[i]
		for _, d := range accessDefinition.Resources {
			out = r.append(out, lwm2m.NewPath(accessObject, r.ID, d.ID))
		}
	}
	return out
}

// parseAccess makes rules of the instances of object 2 in a draft.
func parseAccess(d draft) ([]accessRule, error) {
	var out []accessRule
	for _, id := range d.instances(accessObject) {
		r := accessRule{AccessControl{ID: id}}
		p := lwm2m.NewPath(accessObject, id)
		for _, must := range []uint16{accessTo, accessInstance, accessOwner} {
			if _, ok := lwm2m.Get(d, p.Child(must)); !ok {
				return nil, fmt.Errorf("%s: resource %d is missing", p, must)
			}
		}
		for _, e := range d.below(p) {
			if e.Path.Depth() >= 3 {
				r.set(e)
			}
		}
		for i := range out {
			if out[i].Object == r.Object && out[i].Instance == r.Instance {
				return nil, fmt.Errorf("%s: there are two rules for %s", p, lwm2m.NewPath(r.Object, r.Instance))
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// accessRecord appends the record of object 2 where it is another one than was persisted last: version, fingerprint of
// Config.Servers, whether rules were given, and the object as SenML CBOR.
func (c *Client) accessRecord(records []machine.Record) []machine.Record {
	a := c.access
	if a == nil || len(a.rules) == 0 && a.stored == "" {
		return records
	}
	v := append([]byte{recordVersion}, c.factory[:]...)
	v = append(v, flag(a.configured))
	v, err := format.Append(v, coap.SenMLCBOR, lwm2m.Root, c.accessEntries())
	if err != nil || string(v) == a.stored {
		return records
	}
	a.stored = string(v)
	return append(records, machine.Record{Table: Table, Key: []byte(accessKey), Value: v})
}

// restoreAccess is the reverse of accessRecord.
func (c *Client) restoreAccess(v []byte) error {
	const header = 1 + 32 + 1
	if len(v) < header || v[0] != recordVersion {
		return fmt.Errorf("%w: access control", ErrRestore)
	}
	if c.access == nil || [32]byte(v[1:33]) != c.factory {
		return nil
	}
	entries, err := format.Decode(nil, coap.SenMLCBOR, lwm2m.Root, v[header:], typer{c}, format.Options{MaxEntries: maxEntries})
	if err != nil {
		return fmt.Errorf("%w: access control: %w", ErrRestore, err)
	}
	rules, err := parseAccess(entries)
	if err != nil {
		return fmt.Errorf("%w: access control: %w", ErrRestore, err)
	}
	c.access.rules, c.access.configured, c.access.stored = rules, v[33] != 0, string(v)
	return nil
}
