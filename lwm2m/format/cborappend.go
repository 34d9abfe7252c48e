package format

import (
	"encoding/binary"
	"math"

	"heddle.example/lwm2m"
)

// appendCBORValue appends a value in CBOR's natural form. Floats have single or double width: not every small decoder
// knows half ones.
func appendCBORValue(dst []byte, v lwm2m.Value) []byte {
	switch v.Kind() {
	case lwm2m.String, lwm2m.Corelnk:
		return appendCBORText(dst, v.Raw())
	case lwm2m.Boolean:
		if b, _ := v.AsBool(); b {
			return append(dst, cborTrue)
		}
		return append(dst, cborFalse)
	case lwm2m.Opaque:
		dst = appendCBORHead(dst, cborBytes, uint64(len(v.Raw())))
		return append(dst, v.Raw()...)
	case lwm2m.Objlink:
		var b [12]byte
		return appendCBORText(dst, string(v.AppendText(b[:0])))
	case lwm2m.Unsigned:
		n, _ := v.AsUint()
		return appendCBORHead(dst, cborUint, n)
	case lwm2m.Integer, lwm2m.Time:
		n, _ := v.AsInt()
		return appendCBORInt(dst, n)
	}
	f, _ := v.AsFloat()
	return appendCBORFloat(dst, f)
}

func appendCBORInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendCBORHead(dst, cborNegInt, uint64(-1-n))
	}
	return appendCBORHead(dst, cborUint, uint64(n))
}

func appendCBORFloat(dst []byte, f float64) []byte {
	if g := float32(f); float64(g) == f {
		return binary.BigEndian.AppendUint32(append(dst, cborSingle), math.Float32bits(g))
	}
	return binary.BigEndian.AppendUint64(append(dst, cborDouble), math.Float64bits(f))
}

func appendCBORText(dst []byte, s string) []byte {
	dst = appendCBORHead(dst, cborText, uint64(len(s)))
	return append(dst, s...)
}

// appendCBORHead appends an item's head with the shortest argument (RFC 8949 section 4.2.1).
func appendCBORHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n < 1<<8:
		return append(dst, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}
