package dtls

import (
	"bytes"
	"testing"
)

// The layouts of additional data, byte by byte.
func TestAdditionalData(t *testing.T) {
	cid := []byte{0xC1, 0xC2, 0xC3}
	for _, c := range []struct {
		name  string
		flags sessionFlags
		cid   []byte
		want  string
	}{
		{"RFC 6347 section 4.1.2.1", 0, nil, "0001000000000005" + "17" + "fefd" + "0064"},
		{"RFC 9146 section 5.3", 0, cid, "ffffffffffffffff" + "19" + "03" + "19" + "fefd" + "0001000000000005" + "c1c2c3" + "0064"},
		{"draft-ietf-tls-dtls-connection-id-08 section 5.3", flagDraftCID, cid,
			"0001000000000005" + "19" + "fefd" + "c1c2c3" + "03" + "0064"},
	} {
		got := additionalData(nil, &session{flags: c.flags}, contentApplicationData, 5, c.cid, 100)
		if !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("%s: %x, want %s", c.name, got, c.want)
		}
	}
}

// Padding after the inner type is cut off; an inner plaintext of zeros only has no type and is dropped
// (RFC 9146 section 4).
func TestInnerPlaintext(t *testing.T) {
	e, err := New(Config{Rand: newTestRand(1), CIDLen: 8})
	if err != nil {
		t.Fatal(err)
	}
	s := &session{id: 1, peerCID: "\x00\x00\x00\x00\x00\x00\x00\x01"}
	s.keys[dirWrite].key[0] = 1
	s.keys[dirRead] = s.keys[dirWrite]
	for _, c := range []struct {
		content string // with padding, before the type that seal adds
		typ     byte
		want    string
		wantTyp byte
		ok      bool
	}{
		{"hello", contentApplicationData, "hello", contentApplicationData, true},
		{"hello\x17\x00\x00", 0, "hello", contentApplicationData, true},
		{"", contentApplicationData, "", contentApplicationData, true},
		{"\x00\x00\x00", 0, "", 0, false},
		{"", 0, "", 0, false},
	} {
		b := e.seal(nil, s, c.typ, 7, []byte(c.content))
		if len(b) != s.sealedLen(len(c.content)) {
			t.Errorf("%q: %d bytes, expected %d", c.content, len(b), s.sealedLen(len(c.content)))
		}
		var r record
		if _, ok := r.decode(b, 8); !ok || r.typ != contentCID || r.seq != 7 || r.epoch != 1 {
			t.Fatalf("%+v", r)
		}
		typ, content, ok := e.open(s, &r)
		if ok != c.ok || string(content) != c.want || typ != c.wantTyp {
			t.Errorf("%q: type %d, %q, %v", c.content, typ, content, ok)
		}
	}
}

// The cache never holds more than its limit, and what it evicted works again.
func TestCipherCache(t *testing.T) {
	c := cipherCache{limit: 4}
	sessions := make([]session, 10)
	for i := range sessions {
		sessions[i].id = uint64(i + 1)
		sessions[i].keys[dirRead].key[0] = byte(i)
		sessions[i].keys[dirWrite].key[1] = byte(i)
	}
	want := map[[2]int][]byte{}
	var nonce [12]byte
	for round := range 50 {
		for i := range sessions {
			for dir := range 2 {
				got := c.get(&sessions[i], dir).seal(nil, &nonce, []byte("x"), nil)
				if round == 0 {
					want[[2]int{i, dir}] = got
				} else if !bytes.Equal(got, want[[2]int{i, dir}]) {
					t.Fatalf("session %d has another's cipher", i)
				}
			}
		}
	}
	if len(c.entries) != 4 {
		t.Errorf("%d entries", len(c.entries))
	}
	misses := c.misses
	for range 10 {
		c.get(&sessions[9], dirRead)
	}
	if c.misses > misses+1 {
		t.Errorf("%d misses for one cipher", c.misses-misses)
	}
	c.drop(&sessions[9])
	for _, e := range c.entries {
		if e.session == 10 {
			t.Error("dropped and still there")
		}
	}
}
