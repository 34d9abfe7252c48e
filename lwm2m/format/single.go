package format

import (
	"fmt"

	"heddle.example/lwm2m"
)

// single takes in the value of a format that carries exactly one.
func (d *decoder) single(name string, read func(k lwm2m.Kind) (lwm2m.Value, error)) error {
	if d.base.Depth() < 3 {
		return fmt.Errorf("%w: %s carries one value, %s has several", ErrPath, name, d.base)
	}
	k := d.typeOf(d.base)
	v, err := read(k)
	if err != nil {
		return typeError(d.base, k, err)
	}
	return d.add(d.base, v, 0)
}

// text reads text/plain (0): the value as a person would write it (7.4.1).
func (d *decoder) text(s string) error {
	return d.single("text", func(k lwm2m.Kind) (lwm2m.Value, error) { return lwm2m.ParseText(k, s) })
}

// opaque reads application/octet-stream (42).
func (d *decoder) opaque(s string) error {
	return d.single("opaque", func(k lwm2m.Kind) (lwm2m.Value, error) {
		if k != lwm2m.Opaque && k != lwm2m.None {
			return lwm2m.Value{}, lwm2m.ErrKind
		}
		return lwm2m.BytesOf(s), nil
	})
}

// cbor reads application/cbor (60): one item.
func (d *decoder) cbor(s string) error {
	return d.single("CBOR", func(k lwm2m.Kind) (lwm2m.Value, error) {
		c := cborScanner{s: s}
		v, ok := c.value()
		if !ok || c.i != len(c.s) {
			return v, ErrMalformed
		}
		return convert(k, v)
	})
}

// one returns the only value of entries.
func one(name string, base lwm2m.Path, entries []lwm2m.Entry) (lwm2m.Value, error) {
	if len(entries) != 1 || entries[0].Path != base || entries[0].Value.IsNone() {
		return lwm2m.Value{}, fmt.Errorf("%w: %s carries one value, %s has %d", ErrPath, name, base, len(entries))
	}
	if entries[0].Time != 0 {
		return lwm2m.Value{}, fmt.Errorf("%w: %s carries no time-stamp (%s)", ErrType, name, base)
	}
	return entries[0].Value, nil
}
