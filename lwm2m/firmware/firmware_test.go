package firmware

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"
)

// pack makes a container.
func pack(t testing.TB, name, version string, image []byte) []byte {
	t.Helper()
	h := Header{Name: name, Version: version, Image: uint64(len(image)), Digest: sha256.Sum256(image)}
	b, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, image...)
}

// check feeds a package in pieces, and takes the check through its stored form between them.
func check(b []byte, piece int) (*Verifier, error) {
	v := NewVerifier()
	for len(b) > 0 {
		n := min(piece, len(b))
		if err := v.Write(b[:n]); err != nil {
			return v, err
		}
		b = b[n:]
		var err error
		if v, err = RestoreVerifier(v.Append(nil)); err != nil {
			return v, err
		}
	}
	return v, v.Finish()
}

func TestContainer(t *testing.T) {
	image := bytes.Repeat([]byte("firmware"), 100)
	good := pack(t, "lamp", "1.2.3", image)
	damaged := func(at int) []byte { b := bytes.Clone(good); b[at] ^= 1; return b }
	future := bytes.Clone(good)
	future[4] = 2
	for _, c := range []struct {
		name string
		b    []byte
		err  error
		raw  bool
	}{
		{"good", good, nil, false},
		{"raw", image, nil, true},
		{"two bytes", []byte("HD"), nil, true},
		{"the magic alone", []byte("HDFW"), ErrIntegrity, false},
		{"half a header", good[:40], ErrIntegrity, false},
		{"no image", good[:len(good)-len(image)], ErrIntegrity, false},
		{"one byte short", good[:len(good)-1], ErrIntegrity, false},
		{"one byte long", append(bytes.Clone(good), 0), ErrIntegrity, false},
		{"damaged image", damaged(len(good) - 5), ErrIntegrity, false},
		{"damaged name", damaged(50), ErrIntegrity, false},
		{"damaged digest", damaged(20), ErrIntegrity, false},
		{"name too long", damaged(5 + 0), ErrIntegrity, false},
		{"another format", future, ErrType, false},
		{"empty image", pack(t, "", "", nil), nil, false},
		{"longest texts", pack(t, string(bytes.Repeat([]byte("n"), MaxText)), string(bytes.Repeat([]byte("v"), MaxText)), image), nil, false},
	} {
		for _, piece := range []int{1, 7, 64, 4096} {
			v, err := check(c.b, piece)
			if !errors.Is(err, c.err) || c.err == nil && err != nil {
				t.Errorf("%s in pieces of %d: %v, want %v", c.name, piece, err, c.err)
				continue
			}
			if err == nil && v.Raw() != c.raw {
				t.Errorf("%s in pieces of %d: raw is %v", c.name, piece, v.Raw())
			}
			if err == nil && (v.Len() != uint64(len(c.b)) || v.Digest() != sha256.Sum256(c.b)) {
				t.Errorf("%s in pieces of %d: length %d or digest is wrong", c.name, piece, v.Len())
			}
		}
	}
	v, _ := check(good, 100)
	if h, ok := v.Header(); !ok || h.Name != "lamp" || h.Version != "1.2.3" || v.Size() != uint64(len(good)) {
		t.Errorf("header %+v, size %d", h, v.Size())
	}
	for _, s := range []string{string(make([]byte, MaxText+1)), "a\nb", "\xff"} {
		if _, err := (&Header{Name: s}).Append(nil); err == nil {
			t.Errorf("a package can be named %q", s)
		}
	}
}

// Whatever arrives, in whatever pieces: no panic, one answer, and the same one over a restart at every piece.
func FuzzVerifier(f *testing.F) {
	good := pack(f, "n", "v", []byte("image"))
	f.Add(good, 3)
	f.Add(good[:20], 1)
	f.Add([]byte("raw"), 2)
	f.Add(append(bytes.Clone(good), good...), 16)
	f.Fuzz(func(t *testing.T, b []byte, piece int) {
		piece = max(1, min(piece, 1<<16))
		_, err := check(b, piece)
		whole := NewVerifier()
		err2 := whole.Write(b)
		if err2 == nil {
			err2 = whole.Finish()
		}
		if (err == nil) != (err2 == nil) || errors.Is(err, ErrType) != errors.Is(err2, ErrType) {
			t.Errorf("in pieces: %v, as a whole: %v", err, err2)
		}
		if err == nil && !whole.Raw() && len(b) > 0 {
			h, _ := whole.Header()
			again, _ := h.Append(nil)
			if !bytes.HasPrefix(b, again) || sha256.Sum256(b[len(again):]) != h.Digest {
				t.Error("accepted, though it is not what its header says")
			}
		}
	})
}

func FuzzRestoreVerifier(f *testing.F) {
	v := NewVerifier()
	v.Write(pack(f, "n", "v", []byte("image"))[:60])
	f.Add(v.Append(nil))
	f.Add([]byte{1, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := RestoreVerifier(b)
		if err != nil {
			return
		}
		v.Write([]byte("more"))
		v.Finish()
	})
}
