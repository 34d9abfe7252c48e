package format

import (
	"encoding/binary"
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

// appendTLV appends entries below base.
func appendTLV(dst []byte, base lwm2m.Path, entries []lwm2m.Entry) ([]byte, error) {
	depth := base.Depth()
	if depth == 0 {
		return dst, fmt.Errorf("%w: TLV has no room for several objects", ErrPath)
	}
	for len(entries) > 0 {
		p := entries[0].Path
		if depth > 1 || p.Depth() < 2 || p.Instance() == lwm2m.NoID {
			return appendTLVResources(dst, depth == 4, entries)
		}
		inst := p.Cut(2)
		n := 1
		for n < len(entries) && entries[n].Path.HasPrefix(inst) {
			n++
		}
		start := len(dst)
		var err error
		if dst, err = appendTLVResources(dst, false, entries[:n]); err != nil {
			return dst, err
		}
		if dst, err = insertTLVHeader(dst, start, tlvObjectInstance, inst.ID()); err != nil {
			return dst, err
		}
		entries = entries[n:]
	}
	return dst, nil
}

// appendTLVResources appends the resources of one instance; bare leaves the resource around a resource instance out.
func appendTLVResources(dst []byte, bare bool, entries []lwm2m.Entry) ([]byte, error) {
	var err error
	inst := entries[0].Path.Cut(2)
	for i := 0; i < len(entries); {
		e := &entries[i]
		if e.Time != 0 {
			return dst, fmt.Errorf("%w: TLV carries no time-stamp (%s)", ErrType, e.Path)
		}
		if !e.Path.HasPrefix(inst) {
			return dst, fmt.Errorf("%w: %s beside %s", ErrPath, e.Path, inst)
		}
		switch {
		case e.Path.Depth() < 3: // an empty instance
			i++
		case e.Path.Depth() == 3:
			start, typ := len(dst), byte(tlvResource)
			if e.Value.IsNone() {
				typ = tlvMultiple
			}
			dst = appendTLVValue(dst, e.Value)
			if dst, err = insertTLVHeader(dst, start, typ, e.Path.ID()); err != nil {
				return dst, err
			}
			i++
		default:
			res, start := e.Path.Cut(3), len(dst)
			for ; i < len(entries) && entries[i].Path.HasPrefix(res); i++ {
				at := len(dst)
				dst = appendTLVValue(dst, entries[i].Value)
				if dst, err = insertTLVHeader(dst, at, tlvResourceInstance, entries[i].Path.ID()); err != nil {
					return dst, err
				}
			}
			if bare {
				continue
			}
			if dst, err = insertTLVHeader(dst, start, tlvMultiple, res.ID()); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}

// insertTLVHeader puts the header before dst[start:], now that the length is known.
func insertTLVHeader(dst []byte, start int, typ byte, id uint16) ([]byte, error) {
	n := len(dst) - start
	var h [6]byte
	b := append(h[:0], typ)
	if id > 0xFF {
		b[0] |= tlvLongID
		b = append(b, byte(id>>8))
	}
	b = append(b, byte(id))
	switch {
	case n < 8:
		b[0] |= byte(n)
	case n < 1<<8:
		b[0] |= 1 << 3
		b = append(b, byte(n))
	case n < 1<<16:
		b[0] |= 2 << 3
		b = append(b, byte(n>>8), byte(n))
	case n < 1<<24:
		b[0] |= 3 << 3
		b = append(b, byte(n>>16), byte(n>>8), byte(n))
	default:
		return dst, fmt.Errorf("%w: %d bytes do not fit a TLV", ErrTooMany, n)
	}
	dst = append(dst, b...) // room for the header
	copy(dst[start+len(b):], dst[start:start+n])
	copy(dst[start:], b)
	return dst, nil
}

// appendTLVValue appends a value as appendix C has it, integers and floats in the shortest form that loses nothing.
func appendTLVValue(dst []byte, v lwm2m.Value) []byte {
	switch v.Kind() {
	case lwm2m.Integer, lwm2m.Time:
		n, _ := v.AsInt()
		switch {
		case n == int64(int8(n)):
			return append(dst, byte(n))
		case n == int64(int16(n)):
			return binary.BigEndian.AppendUint16(dst, uint16(n))
		case n == int64(int32(n)):
			return binary.BigEndian.AppendUint32(dst, uint32(n))
		}
		return binary.BigEndian.AppendUint64(dst, uint64(n))
	case lwm2m.Unsigned:
		n, _ := v.AsUint()
		switch {
		case n < 1<<8:
			return append(dst, byte(n))
		case n < 1<<16:
			return binary.BigEndian.AppendUint16(dst, uint16(n))
		case n < 1<<32:
			return binary.BigEndian.AppendUint32(dst, uint32(n))
		}
		return binary.BigEndian.AppendUint64(dst, n)
	case lwm2m.Float:
		f, _ := v.AsFloat()
		if g := float32(f); float64(g) == f {
			return binary.BigEndian.AppendUint32(dst, math.Float32bits(g))
		}
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(f))
	case lwm2m.Boolean:
		if b, _ := v.AsBool(); b {
			return append(dst, 1)
		}
		return append(dst, 0)
	case lwm2m.Objlink:
		o, i, _ := v.AsObjectLink()
		return binary.BigEndian.AppendUint32(dst, uint32(o)<<16|uint32(i))
	}
	return append(dst, v.Raw()...)
}
