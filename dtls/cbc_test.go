package dtls

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// allSuites is every suite, the one with CBC too.
// allSuites are those with a pre-shared key.
func allSuites() []Suite {
	return append(slices.DeleteFunc(SecureSuites(), func(s Suite) bool { return suiteByID(s).secret != secretKey }), PSKWithAES128CBC)
}

// The state of a hash stands where chaining looks for it.
func TestChaining(t *testing.T) {
	if got := chaining(sha256.New(), nil); !bytes.Equal(got, unhex(t, "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19")) {
		t.Errorf("initial state %x (FIPS 180-4 section 5.3.3)", got)
	}
}

// The MAC of every length that the padding of a record can leave is HMAC's.
func TestCBCMAC(t *testing.T) {
	key := [cbcMAC]byte{1, 2, 3}
	for _, total := range []int{48, 64, 80, 128, 288, 304, 320, 336, 352, 1024, 1232} {
		b := make([]byte, total)
		for i := range b {
			b[i] = byte(i * 7)
		}
		for _, headerLen := range []int{13, 23, 31} {
			header := bytes.Repeat([]byte{9}, headerLen)
			most := total - cbcMAC - 1
			for n := max(0, most-255); n <= most; n++ {
				binary.BigEndian.PutUint16(header[headerLen-2:], uint16(n))
				mac := hmac.New(sha256.New, key[:])
				mac.Write(header)
				mac.Write(b[:n])
				if got := cbcMACOf(&key, bytes.Repeat([]byte{9}, headerLen), b, n); !bytes.Equal(got[:], mac.Sum(nil)) {
					t.Fatalf("record of %d, header of %d, content of %d: %x", total, headerLen, n, got)
				}
				if got := cbcTag(b, n); !bytes.Equal(got[:], b[n:n+cbcMAC]) {
					t.Fatalf("record of %d: tag at %d is %x", total, n, got)
				}
			}
		}
	}
}

func TestCBCPadding(t *testing.T) {
	for _, total := range []int{48, 64, 288, 304, 512} {
		most := total - cbcMAC - 1
		for pad := range 256 {
			b := make([]byte, total)
			for i := max(0, total-1-pad); i < total; i++ {
				b[i] = byte(pad)
			}
			n, good := cbcPadding(b)
			if fits := pad <= most; (good == 1) != fits || fits && n != most-pad || !fits && n != most {
				t.Fatalf("%d bytes, padding %d: content of %d, %d", total, pad, n, good)
			}
			for i := max(0, total-1-pad); i < total-1 && pad <= most; i++ { // every wrong byte is seen
				b[i] ^= 0x10
				if n, good := cbcPadding(b); good != 0 || n != most {
					t.Fatalf("%d bytes, padding %d, byte %d wrong: content of %d, %d", total, pad, i, n, good)
				}
				b[i] ^= 0x10
			}
		}
	}
}

// cbcPair is two ends of a session without its handshake.
func cbcPair(t rapid.TB, cid string, flags sessionFlags) (e *Engine, s *session) {
	e, err := New(Config{Rand: newTestRand(1), CIDLen: len(cid), AllowCBC: true})
	if err != nil {
		t.Fatal(err)
	}
	s = &session{id: 1, peerCID: cid, flags: flags, suite: suiteIndex(suiteByID(PSKWithAES128CBC))}
	block := cbcKeyBlock{}
	for i := range block {
		block[i] = byte(i)
	}
	s.setCBC(&block, dirWrite, dirRead)
	s.keys[dirRead], s.cbc.mac[dirRead] = s.keys[dirWrite], s.cbc.mac[dirWrite]
	return e, s
}

// What was sealed opens again, with all forms of connection IDs and with padding of any length; nothing that was changed
// does.
func TestCBCProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cid := rapid.SampledFrom([]string{"", "12345678"}).Draw(t, "cid")
		flags := rapid.SampledFrom([]sessionFlags{0, flagDraftCID}).Draw(t, "flags")
		e, s := cbcPair(t, cid, flags)
		content := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "content")
		b := e.seal(nil, s, contentApplicationData, 9, content)
		if len(b) != s.sealedLen(len(content)) {
			t.Fatalf("%d bytes, expected %d", len(b), s.sealedLen(len(content)))
		}
		open := func(b []byte) ([]byte, bool) {
			var r record
			if _, ok := r.decode(b, len(cid)); !ok {
				return nil, false
			}
			typ, content, ok := e.open(s, &r)
			return content, ok && typ == contentApplicationData
		}
		if got, ok := open(b); !ok || !bytes.Equal(got, content) {
			t.Fatalf("opened %x, %v", got, ok)
		}
		longer := cbcPadded(s, b, recordHeaderLen+len(cid), 16*rapid.IntRange(0, 15).Draw(t, "blocks of padding"))
		if longer != nil {
			if got, ok := open(longer); !ok || !bytes.Equal(got, content) {
				t.Fatalf("with longer padding: opened %x, %v", got, ok)
			}
		}
		at := recordHeaderLen + len(cid) + rapid.IntRange(0, len(b)-recordHeaderLen-len(cid)-1).Draw(t, "byte")
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, ok := open(b); ok {
			t.Fatal("a changed record opens")
		}
	})
}

// cbcPadded seals a record's content with more padding, as some peers do to hide how long it is.
func cbcPadded(s *session, b []byte, header, more int) []byte {
	iv, body := b[header:header+cbcBlock], slices.Clone(b[header+cbcBlock:])
	block := s.cbcCipher(dirWrite)
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(body, body)
	pad := int(body[len(body)-1]) + more
	if pad > 255 {
		return nil
	}
	body = append(body[:len(body)-1-(pad-more)], bytes.Repeat([]byte{byte(pad)}, pad+1)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(body, body)
	out := append(slices.Clone(b[:header+cbcBlock]), body...)
	binary.BigEndian.PutUint16(out[header-2:], uint16(cbcBlock+len(body)))
	return out
}

// FuzzOpenCBC opens what nobody sealed: records with right MACs do not come out of that.
func FuzzOpenCBC(f *testing.F) {
	e, s := cbcPair(f, "", 0)
	sealed := e.seal(nil, s, contentApplicationData, 9, []byte("hello"))[recordHeaderLen:]
	f.Add(sealed)
	f.Add(sealed[:len(sealed)-16])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > maxPlaintext+512 {
			return
		}
		header := additionalData(nil, s, contentApplicationData, 9, nil, 0)
		if content, ok := s.openCBC(nil, header, b); ok && !bytes.Equal(b, sealed) {
			t.Errorf("%x opens to %x", b, content)
		}
	})
}

// The suite is off unless both ends turn it on, and never taken where there is a better one.
func TestCBCOnlyWhenAllowed(t *testing.T) {
	cbc := []Suite{PSKWithAES128CBC}
	if slices.Contains(SecureSuites(), PSKWithAES128CBC) {
		t.Error("among the secure suites")
	}
	if _, err := New(Config{Rand: newTestRand(1), Suites: cbc}); err == nil {
		t.Error("an engine with the suite turned off takes it")
	}
	w := newWorld(t, 1, Config{AllowCBC: true}, Config{CIDLen: 8})
	if _, err := w.server.e.Dial(w.now, 0, w.server.pathTo(clientAddr), ClientConfig{Identity: "x", Key: []byte("y"), Suites: cbc}); err == nil {
		t.Error("Dial with the suite turned off")
	}
	w.dial(ClientConfig{Suites: cbc})
	w.run(5 * time.Minute)
	if r := last[*Refused](w.server); r == nil || !errors.Is(r.Reason, ErrNoSuite) {
		t.Errorf("refused: %+v", r)
	}
	w = newWorld(t, 1, Config{AllowCBC: true}, Config{CIDLen: 8, AllowCBC: true})
	if _, se := w.connect(ClientConfig{Suites: []Suite{PSKWithAES128CBC, PSKWithAES128CCM8}}); se.Suite != PSKWithAES128CCM8 {
		t.Errorf("took %v", se.Suite)
	}
	if _, se := w.connect(ClientConfig{Suites: cbc}); se.Suite != PSKWithAES128CBC {
		t.Errorf("took %v", se.Suite)
	}
}

// A stored session comes back with its MAC keys, and not where the suite has been turned off meanwhile.
func TestCBCRestored(t *testing.T) {
	w := newWorld(t, 5, Config{AllowCBC: true}, Config{CIDLen: 8, Durable: true, AllowCBC: true})
	ce, se := w.connect(ClientConfig{Suites: []Suite{PSKWithAES128CBC}})
	stored := w.server.disk
	for _, allow := range []bool{false, true} {
		w.server = w.node("server", serverAddr, Config{CIDLen: 8, Durable: true, AllowCBC: allow}, 99)
		w.server.disk = stored
		for k, v := range stored {
			if err := w.server.e.Restore(w.now, []byte(k), v); (err == nil) != allow {
				t.Fatalf("allowed %v: %v", allow, err)
			}
		}
	}
	w.exchange(ce.Session, se.Session)
}

// A wrong MAC, wrong padding and a right record take the same time, whatever the length of the padding.
func BenchmarkOpenCBC(b *testing.B) {
	e, s := cbcPair(b, "", 0)
	sealed := e.seal(nil, s, contentApplicationData, 9, make([]byte, 100))
	long := cbcPadded(s, sealed, recordHeaderLen, 144)
	short := e.seal(nil, s, contentApplicationData, 9, make([]byte, 244))
	if len(long) != len(short) {
		b.Fatal(len(long), len(short))
	}
	badMAC, badPad := slices.Clone(long), slices.Clone(long)
	badMAC[recordHeaderLen+cbcBlock] ^= 1
	badPad[len(badPad)-1] ^= 1
	for _, c := range []struct {
		name string
		b    []byte
		ok   bool
	}{{"good, long padding", long, true}, {"good, short padding", short, true}, {"bad MAC", badMAC, false}, {"bad padding", badPad, false}} {
		b.Run(fmt.Sprintf("%s/%d", c.name, len(c.b)), func(b *testing.B) {
			for b.Loop() {
				var r record
				r.decode(c.b, 0)
				e.out.Next()
				e.out.Begin()
				if _, _, ok := e.open(s, &r); ok != c.ok {
					b.Fatal(ok)
				}
			}
		})
	}
}
