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
	return d.single("CBOR", func(k lwm2m.Kind) (v lwm2m.Value, err error) {
		c := cborScanner{s: s}
		ok := true
		// Tag 1 (epoch time) says nothing that the resource's type does not.
		if c.peek() == cborTag|1 {
			c.i++
		}
		switch first := c.peek(); {
		case first&0xE0 == cborBytes:
			s, ok = c.bytes(cborBytes)
			v = lwm2m.BytesOf(s)
		case first&0xE0 == cborText:
			s, ok = c.text()
			v = lwm2m.Str(s)
		case first == cborTrue || first == cborFalse:
			var b bool
			b, ok = c.bool()
			v = lwm2m.Bool(b)
		default:
			v, ok = c.number()
		}
		if !ok || c.i != len(c.s) {
			return v, ErrMalformed
		}
		switch {
		case k == lwm2m.None:
			return v, nil
		case k == lwm2m.Objlink && v.Kind() == lwm2m.String:
			return lwm2m.ParseText(k, s)
		}
		return v.Convert(k)
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
