package tlv

import (
	"bytes"
	"slices"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	long := bytes.Repeat([]byte{7}, 300)
	b := AppendUint8(nil, 1, 0x11)
	b = AppendUint16(b, 2, 0x2233)
	b = AppendUint32(b, 3, 0x44556677)
	b = AppendUint64(b, 4, 1<<63|5)
	b = Append(b, 5, long)
	b = AppendString(b, 6, "heddle")
	var mark int
	b, mark = Begin(b, 7)
	b = AppendUint8(b, 70, 1)
	b = End(b, mark)
	b, mark = Begin(b, 8)
	b = append(b, long...)
	b = End(b, mark)
	b = Append(b, 9, nil)
	var types []uint8
	size := 0
	for typ, v := range All(b) {
		types = append(types, typ)
		size += Len(len(v))
	}
	if !slices.Equal(types, []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9}) || size != len(b) || !Valid(b) {
		t.Fatalf("types %v, %d of %d bytes", types, size, len(b))
	}
	v8, _ := Uint8(b, 1)
	v16, _ := Uint16(b, 2)
	v32, _ := Uint32(b, 3)
	v64, _ := Uint64(b, 4)
	if v8 != 0x11 || v16 != 0x2233 || v32 != 0x44556677 || v64 != 1<<63|5 {
		t.Error(v8, v16, v32, v64)
	}
	for _, typ := range []uint8{5, 8} {
		if v, ok := Find(b, typ); !ok || !bytes.Equal(v, long) {
			t.Errorf("element %d is %d bytes", typ, len(v))
		}
	}
	if inner, _ := Find(b, 7); !bytes.Equal(inner, []byte{70, 1, 1}) {
		t.Errorf("inner %x", inner)
	}
	if _, ok := Find(b, 10); ok {
		t.Error("found what is not there")
	}
	if _, ok := Uint32(b, 2); ok {
		t.Error("4 bytes read from 2")
	}
}

func TestMalformed(t *testing.T) {
	for _, b := range [][]byte{{1}, {1, 2, 3}, {1, 255}, {1, 255, 0}, {1, 255, 0, 2, 9}} {
		if Valid(b) {
			t.Errorf("% x is valid", b)
		}
		if _, _, rest, ok := Next(b); ok || !bytes.Equal(rest, b) {
			t.Errorf("% x: %v % x", b, ok, rest)
		}
	}
}

func FuzzTLV(f *testing.F) {
	f.Add([]byte{1, 1, 2, 3, 255, 0, 1, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		for _, v := range All(b) {
			n += 2 + len(v)
		}
		if n > len(b) {
			t.Fatal("more than there is")
		}
		Find(b, 9)
	})
}
