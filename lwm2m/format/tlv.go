package format

import (
	"fmt"
	"math"

	"heddle.example/lwm2m"
)

// The types of a TLV, bits 7-6 of its first byte (7.4.3, table 7.4.3-1).
const (
	tlvObjectInstance   = 0x00
	tlvResourceInstance = 0x40
	tlvMultiple         = 0x80
	tlvResource         = 0xC0
	tlvTypeMask         = 0xC0
	tlvLongID           = 0x20 // the identifier has 16 bits
)

// cutTLV takes the first TLV off s. The value's length has 3 bits in the type byte or 8, 16 or 24 bits behind the
// identifier.
func cutTLV(s string) (typ byte, id uint16, value, rest string, ok bool) {
	if len(s) < 2 {
		return 0, 0, "", "", false
	}
	first := s[0]
	id, i := uint16(s[1]), 2
	if first&tlvLongID != 0 {
		if len(s) < 3 {
			return 0, 0, "", "", false
		}
		id, i = id<<8|uint16(s[2]), 3
	}
	length := int(first & 7)
	if n := int(first >> 3 & 3); n > 0 {
		if len(s) < i+n {
			return 0, 0, "", "", false
		}
		for length = 0; n > 0; n-- {
			length = length<<8 | int(s[i])
			i++
		}
	}
	if id == lwm2m.NoID || len(s)-i < length {
		return 0, 0, "", "", false
	}
	return first & tlvTypeMask, id, s[i : i+length], s[i+length:], true
}

func (d *decoder) tlv(s string) error {
	depth := d.base.Depth()
	if depth == 0 {
		return fmt.Errorf("%w: TLV has no room for several objects", ErrPath)
	}
	whole := len(s)
	for s != "" {
		typ, id, value, rest, ok := cutTLV(s)
		if !ok {
			return fmt.Errorf("%w: TLV cut off at byte %d of %d", ErrMalformed, whole-len(s), whole)
		}
		var err error
		switch typ {
		case tlvObjectInstance:
			err = d.tlvInstance(id, value)
		case tlvResourceInstance:
			// A multiple resource's instances may come without the resource around them.
			if depth < 3 || depth == 4 && id != d.base.ResourceInstance() {
				return fmt.Errorf("%w: resource instance %d in %s", ErrPath, id, d.base)
			}
			err = d.tlvValue(d.base.Cut(3).Child(id), value)
		default:
			inst := d.base.Cut(2)
			if depth == 1 {
				inst = d.base.Child(d.o.Instance)
			}
			err = d.tlvResource(inst, typ, id, value)
		}
		if err != nil {
			return err
		}
		s = rest
	}
	return nil
}

func (d *decoder) tlvInstance(id uint16, s string) error {
	inst := d.base.Cut(1).Child(id)
	if d.base.Depth() > 1 && d.base.Cut(2) != inst {
		return fmt.Errorf("%w: object instance %d in %s", ErrPath, id, d.base)
	}
	if s == "" {
		if d.base.Depth() > 2 { // an empty instance around what was asked for: nothing is there
			return nil
		}
		return d.add(inst, lwm2m.Value{}, 0)
	}
	for s != "" {
		typ, id, value, rest, ok := cutTLV(s)
		if !ok || typ != tlvMultiple && typ != tlvResource {
			return fmt.Errorf("%w: in the TLV of %s", ErrMalformed, inst)
		}
		if err := d.tlvResource(inst, typ, id, value); err != nil {
			return err
		}
		s = rest
	}
	return nil
}

func (d *decoder) tlvResource(inst lwm2m.Path, typ byte, id uint16, s string) error {
	p := inst.Child(id)
	if d.base.Depth() >= 3 && d.base.Cut(3) != p {
		return fmt.Errorf("%w: resource %s in %s", ErrPath, p, d.base)
	}
	if typ == tlvResource {
		if d.base.Depth() == 4 {
			p = d.base
		}
		return d.tlvValue(p, s)
	}
	if s == "" {
		if d.base.Depth() > 3 { // likewise
			return nil
		}
		return d.add(p, lwm2m.Value{}, 0)
	}
	for s != "" {
		typ, id, value, rest, ok := cutTLV(s)
		if !ok || typ != tlvResourceInstance {
			return fmt.Errorf("%w: in the TLV of %s", ErrMalformed, p)
		}
		if d.base.Depth() == 4 && id != d.base.ResourceInstance() {
			return fmt.Errorf("%w: resource instance %s/%d in %s", ErrPath, p, id, d.base)
		}
		if err := d.tlvValue(p.Child(id), value); err != nil {
			return err
		}
		s = rest
	}
	return nil
}

func (d *decoder) tlvValue(p lwm2m.Path, s string) error {
	k := d.typeOf(p)
	v, ok := tlvDecodeValue(k, s)
	if !ok {
		return typeError(p, k, fmt.Errorf("%d bytes of TLV", len(s)))
	}
	return d.add(p, v, 0)
}

// tlvDecodeValue reads a value as appendix C has it. Bytes of an unknown kind stay bytes.
func tlvDecodeValue(k lwm2m.Kind, s string) (lwm2m.Value, bool) {
	switch k {
	case lwm2m.String, lwm2m.Corelnk:
		return text(k, s)
	case lwm2m.Integer:
		n, ok := tlvInt(s)
		return lwm2m.Int(n), ok
	case lwm2m.Time:
		n, ok := tlvInt(s)
		return lwm2m.TimeValue(n), ok
	case lwm2m.Unsigned:
		n, ok := tlvUint(s)
		return lwm2m.Uint(n), ok
	case lwm2m.Float:
		n, _ := tlvUint(s)
		switch len(s) {
		case 4:
			return lwm2m.Num(float64(math.Float32frombits(uint32(n)))), true
		case 8:
			return lwm2m.Num(math.Float64frombits(n)), true
		}
		return lwm2m.Value{}, false
	case lwm2m.Boolean:
		return lwm2m.Bool(s == "\x01"), s == "\x01" || s == "\x00"
	case lwm2m.Objlink:
		n, _ := tlvUint(s)
		return lwm2m.ObjectLink(uint16(n>>16), uint16(n)), len(s) == 4
	}
	return lwm2m.BytesOf(s), true
}

func tlvUint(s string) (n uint64, ok bool) {
	if len(s) > 8 {
		return 0, false
	}
	for i := range len(s) {
		n = n<<8 | uint64(s[i])
	}
	return n, len(s) == 1 || len(s) == 2 || len(s) == 4 || len(s) == 8
}

func tlvInt(s string) (int64, bool) {
	n, ok := tlvUint(s)
	up := 64 - 8*uint(len(s))
	return int64(n<<up) >> up, ok
}
