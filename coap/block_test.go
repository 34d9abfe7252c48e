package coap

import "testing"

func TestBlock(t *testing.T) {
	for _, c := range []struct {
		value  string
		b      Block
		size   int
		offset int
	}{
		{"", Block{}, 16, 0},
		{"06", Block{0, false, 6}, 1024, 0},
		{"0e", Block{0, true, 6}, 1024, 0},
		{"1a", Block{1, true, 2}, 64, 64},
		{"0126", Block{18, false, 6}, 1024, 18432},
		{"fffffe", Block{MaxBlockNum, true, 6}, 1024, MaxBlockNum * 1024},
	} {
		b, err := DecodeBlock(unhex(t, c.value))
		if err != nil || b != c.b || b.Size() != c.size || b.Offset() != c.offset {
			t.Errorf("%s: %+v, %v", c.value, b, err)
		}
		if got := AppendUint(nil, c.b.Uint()); string(got) != string(unhex(t, c.value)) {
			t.Errorf("%+v: %x, want %s", c.b, got, c.value)
		}
	}
	for _, v := range []string{"07", "0f", "01000000"} {
		if _, err := DecodeBlock(unhex(t, v)); err == nil {
			t.Errorf("%s is no block", v)
		}
	}
	for size, want := range map[int]uint8{0: 0, 16: 0, 31: 0, 32: 1, 64: 2, 1023: 5, 1024: 6, 5000: 6} {
		if got := SZX(size); got != want {
			t.Errorf("SZX(%d) = %d, want %d", size, got, want)
		}
	}
}

func FuzzBlock(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x0e})
	f.Add([]byte{0xff, 0xff, 0xfe})
	f.Add([]byte{7})
	f.Add([]byte{0, 0, 0, 6})
	f.Fuzz(func(t *testing.T, v []byte) {
		b, err := DecodeBlock(v)
		if err != nil {
			return
		}
		if b.Num > MaxBlockNum || b.SZX > 6 || b.Offset() < 0 {
			t.Fatalf("%x: %+v", v, b)
		}
		if again, err := DecodeBlock(AppendUint(nil, b.Uint())); err != nil || again != b {
			t.Fatalf("%+v became %+v, %v", b, again, err)
		}
	})
}
