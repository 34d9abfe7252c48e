package dtls

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// Any set of fragments, cut anywhere, overlapping, in any order, repeated, gives the messages in order, once.
func TestReassembly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "messages")
		var messages [][]byte
		var all []fragment
		for i := range n {
			body := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body")
			messages = append(messages, body)
			for at := 0; ; {
				k := rapid.IntRange(min(1, len(body)), 100).Draw(t, "cut")
				from := max(at-rapid.IntRange(0, 10).Draw(t, "overlap"), 0)
				to := min(at+k, len(body))
				all = append(all, fragment{typ: byte(i), length: len(body), seq: uint16(i), offset: from, body: body[from:to]})
				if at = to; at == len(body) {
					break
				}
			}
		}
		var r reassembly
		got := 0
		take := func(typ byte, body []byte, ok bool) {
			for ; ok; typ, body, ok = r.pop() {
				if int(typ) != got || !bytes.Equal(body, messages[got]) {
					t.Fatalf("message %d: type %d, %x", got, typ, body)
				}
				got++
			}
		}
		for round := 0; got < n; round++ {
			for _, i := range rapid.Permutation(indices(len(all))).Draw(t, "order") {
				if f := all[i]; f.seq >= r.next {
					scratch := f
					scratch.body = bytes.Clone(f.body)
					take(r.offer(&scratch))
					clear(scratch.body) // borrowed
				}
			}
			if round > 1 {
				t.Fatal("the messages do not come together")
			}
		}
		if len(r.waiting) != 0 || r.bytes != 0 {
			t.Fatalf("%d messages and %d bytes are left", len(r.waiting), r.bytes)
		}
	})
}

func indices(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// What a peer makes us keep is bounded.
func TestReassemblyLimits(t *testing.T) {
	var r reassembly
	for seq := range uint16(100) {
		r.offer(&fragment{typ: 1, length: maxMessage, seq: seq + 1, body: make([]byte, 1)})
		r.offer(&fragment{typ: 1, length: maxMessage + 1, seq: seq + 1, body: make([]byte, 1)})
		r.offer(&fragment{typ: 1, length: 1 << 24, seq: seq + 1, offset: 1<<24 - 1, body: make([]byte, 1)})
		r.offer(&fragment{typ: 1, length: 2, seq: seq, body: make([]byte, 1)})
	}
	if r.bytes > maxReassembly || len(r.waiting) > maxAhead {
		t.Errorf("%d bytes in %d messages", r.bytes, len(r.waiting))
	}
}

// A fragment that contradicts the first one of its message is dropped.
func TestReassemblyContradiction(t *testing.T) {
	var r reassembly
	r.offer(&fragment{typ: 1, length: 4, body: []byte{1, 2}})
	for _, f := range []fragment{
		{typ: 2, length: 4, offset: 2, body: []byte{3, 4}},
		{typ: 1, length: 5, offset: 2, body: []byte{3, 4, 5}},
	} {
		if _, _, ok := r.offer(&f); ok {
			t.Errorf("%+v accepted", f)
		}
	}
	if _, body, ok := r.offer(&fragment{typ: 1, length: 4, offset: 2, body: []byte{3, 4}}); !ok || !bytes.Equal(body, []byte{1, 2, 3, 4}) {
		t.Errorf("%x %v", body, ok)
	}
}
