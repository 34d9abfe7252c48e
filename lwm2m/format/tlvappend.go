package format

import (
	"encoding/binary"
	"fmt"
	"math"

	"heddle.example/lwm2m"
)

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
