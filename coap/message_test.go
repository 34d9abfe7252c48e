package coap

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func same(a, b *Message) bool {
	if a.Type != b.Type || a.Code != b.Code || a.ID != b.ID || a.Token != b.Token || !bytes.Equal(a.Payload, b.Payload) || len(a.Options) != len(b.Options) {
		return false
	}
	for i := range a.Options {
		if a.Options[i].Number != b.Options[i].Number || !bytes.Equal(a.Options[i].Value, b.Options[i].Value) {
			return false
		}
	}
	return true
}

// One table drives encoding, decoding and the way back.
var messages = []struct {
	name string
	hex  string
	m    Message
}{
	{"empty ACK", "60 00 1234", Message{Type: ACK, ID: 0x1234}},
	{"ping", "40 00 0001", Message{Type: CON, ID: 1}},
	{"reset", "70 00 ffff", Message{Type: RST, ID: 0xffff}},
	// RFC 7252 appendix A, figure 16.
	{"GET temperature", "40 01 7d34 bb 74656d7065726174757265", Message{Type: CON, Code: GET, ID: 0x7d34,
		Options: Options{{URIPath, []byte("temperature")}}}},
	{"2.05 piggybacked", "60 45 7d34 ff 32322e332043", Message{Type: ACK, Code: Content, ID: 0x7d34, Payload: []byte("22.3 C")}},
	{"token of 8", "58 45 0001 0102030405060708", Message{Type: NON, Code: Content, ID: 1,
		Token: NewToken([]byte{1, 2, 3, 4, 5, 6, 7, 8})}},
	{"observe, path, accept", "41 01 0002 20 60 51 33 01 30 62 2d16", Message{Type: CON, Code: GET, ID: 2,
		Token:   NewToken([]byte{0x20}),
		Options: Options{{Observe, nil}, {URIPath, []byte("3")}, {URIPath, []byte("0")}, {Accept, []byte{0x2d, 0x16}}}}},
	{"extended delta of one byte", "40 01 0003 d1 2f aa", Message{Type: CON, Code: GET, ID: 3,
		Options: Options{{Size1, []byte{0xaa}}}}},
	{"extended delta of two bytes", "40 01 0004 e0 0017", Message{Type: CON, Code: GET, ID: 4, Options: Options{{RequestTag, nil}}}},
	{"largest option number", "40 01 0005 e1 fef2 01", Message{Type: CON, Code: GET, ID: 5, Options: Options{{65535, []byte{1}}}}},
	{"extended length of one byte", "40 02 0006 bd 00" + strings.Repeat("61", 13), Message{Type: CON, Code: POST, ID: 6,
		Options: Options{{URIPath, []byte(strings.Repeat("a", 13))}}}},
	{"extended length of two bytes", "40 02 0007 de 16 0001" + strings.Repeat("62", 270), Message{Type: CON, Code: POST, ID: 7,
		Options: Options{{ProxyURI, []byte(strings.Repeat("b", 270))}}}},
	{"payload of ff", "50 03 0008 ff ff", Message{Type: NON, Code: PUT, ID: 8, Payload: []byte{0xff}}},
}

func TestMessages(t *testing.T) {
	for _, c := range messages {
		t.Run(c.name, func(t *testing.T) {
			want := unhex(t, c.hex)
			got, err := c.m.Append([]byte("dst"))
			if err != nil || !bytes.Equal(got, append([]byte("dst"), want...)) {
				t.Errorf("Append: %x, %v; want %x", got, err, want)
			}
			if len(want) > c.m.Size() {
				t.Errorf("Size() = %d, below %d", c.m.Size(), len(want))
			}
			m := Message{Options: make(Options, 3), Payload: []byte("stale"), Token: NewToken([]byte{9})}
			if err := m.Decode(want); err != nil || !same(&m, &c.m) {
				t.Errorf("Decode: %+v, %v", m, err)
			}
			for i := range want { // no cut message panics
				_ = m.Decode(want[:i])
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		want      error
	}{
		{"nothing", "", ErrShort},
		{"three bytes", "400100", ErrShort},
		{"version 0", "00 01 0001", ErrVersion},
		{"version 2", "80 01 0001", ErrVersion},
		{"token length 9", "49 01 0001 000102030405060708", ErrFormat},
		{"token length 15", "4f 01 0001 000102030405060708090a0b0c0d0e", ErrFormat},
		{"token cut", "44 01 0001 0102", ErrFormat},
		{"empty with a token", "41 00 0001 01", ErrFormat},
		{"empty with an option", "40 00 0001 b0", ErrFormat},
		{"marker without payload", "40 01 0001 ff", ErrFormat},
		{"delta 15", "40 01 0001 f0", ErrFormat},
		{"length 15", "40 01 0001 0f", ErrFormat},
		{"delta extension cut", "40 01 0001 d0", ErrFormat},
		{"long delta extension cut", "40 01 0001 e0 01", ErrFormat},
		{"length extension cut", "40 01 0001 0d", ErrFormat},
		{"long length extension cut", "40 01 0001 0e 01", ErrFormat},
		{"value cut", "40 01 0001 b4 616263", ErrFormat},
		{"number beyond 65535", "40 01 0001 e0 fef3", ErrFormat},
		{"numbers sum up beyond 65535", "40 01 0001 e0 fef2 10", ErrFormat},
		{"257 options", "40 01 0001" + strings.Repeat("00", 257), ErrTooManyOptions},
	} {
		var m Message
		b := unhex(t, c.hex)
		if err := m.Decode(b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		} else if errors.Is(err, ErrFormat) && m.ID != 1 {
			t.Errorf("%s: ID %d is lost, so the message cannot be rejected", c.name, m.ID)
		}
	}
}

func TestAppendErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		m    Message
		want error
	}{
		{"options out of order", Message{Code: GET, Options: Options{{URIQuery, nil}, {URIPath, nil}}}, ErrOptionOrder},
		{"endless value", Message{Code: GET, Options: Options{{URIPath, make([]byte, 0x10000+269)}}}, ErrTooLong},
		{"empty with a payload", Message{Payload: []byte{1}}, ErrFormat},
		{"empty with a token", Message{Token: NewToken([]byte{1})}, ErrFormat},
	} {
		if _, err := c.m.Append(nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// Any message comes back as it was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Message{Type: Type(rapid.IntRange(0, 3).Draw(t, "type")), Code: Code(rapid.IntRange(1, 255).Draw(t, "code")),
			ID:      rapid.Uint16().Draw(t, "id"),
			Token:   NewToken(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "token")),
			Payload: rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "payload")}
		for range rapid.IntRange(0, 10).Draw(t, "options") {
			m.Options = m.Options.Add(OptionNumber(rapid.Uint16().Draw(t, "number")), rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "value"))
		}
		b, err := m.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got Message
		if err := got.Decode(b); err != nil || !same(&got, &m) {
			t.Fatalf("%+v became %+v, %v", m, got, err)
		}
	})
}

// What decodes is the same message once encoded and decoded again, and decoding never panics.
func FuzzMessage(f *testing.F) {
	for _, c := range messages {
		f.Add(unhex(f, c.hex))
	}
	for _, s := range []string{"", "4001", "49010001", "40010001ff", "40010001f0", "40010001e0fef3", "44010001 0102", "40010001 0d", "40010001 be ffff"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again Message
		if m.Decode(b) != nil {
			return
		}
		for _, o := range m.Options {
			o.WellFormed()
			o.Uint()
		}
		m.Options.Path()
		m.Options.Block(Block1)
		out, err := m.Append(nil)
		if err != nil || len(out) > m.Size() {
			t.Fatalf("%x: %v, %d > %d", b, err, len(out), m.Size())
		}
		if err := again.Decode(out); err != nil || !same(&m, &again) {
			t.Fatalf("%x became %x: %v", b, out, err)
		}
		m.Options.Clone().Recognize(func(n OptionNumber) bool { return n == URIPath })
	})
}

func TestDecodeAllocatesNothing(t *testing.T) {
	b := unhex(t, messages[6].hex)
	var m Message
	if n := testing.AllocsPerRun(100, func() {
		if err := m.Decode(b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	d := unhex(b, messages[6].hex)
	var m Message
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Decode(d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	m := messages[6].m
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = m.Append(dst[:0])
	}
}
