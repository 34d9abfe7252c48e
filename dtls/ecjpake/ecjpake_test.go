package ecjpake

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"testing"

	"heddle.example/thread/captures"
	"heddle.example/thread/ieee802154"
)

// Arithmetic modulo the order, against math/big.
func TestScalar(t *testing.T) {
	n, _ := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
	r := rand.New(rand.NewPCG(1, 2))
	number := func() []byte {
		b := make([]byte, 1+r.IntN(64))
		for i := range b {
			switch b[i] = byte(r.Uint32()); r.IntN(3) {
			case 0:
				b[i] = 0xff
			case 1:
				b[i] = 0
			}
		}
		return b
	}
	same := func(what string, got scalar, want *big.Int) {
		t.Helper()
		b := got.bytes()
		if new(big.Int).SetBytes(b[:]).Cmp(want.Mod(want, n)) != 0 {
			t.Fatalf("%s: %x, not %x", what, b, want)
		}
	}
	for range 2000 {
		x, y := number(), number()
		bx, by := new(big.Int).SetBytes(x), new(big.Int).SetBytes(y)
		sx, sy := scalarOf(x), scalarOf(y)
		same("reading", sx, new(big.Int).Set(bx))
		same("sum", sx.add(sy), new(big.Int).Add(bx, by))
		same("difference", sx.sub(sy), new(big.Int).Sub(bx, by))
		same("product", sx.mul(sy), new(big.Int).Mul(bx, by))
		same("negation", sx.negate(), new(big.Int).Neg(bx))
	}
	same("order", scalarOf(n.Bytes()), new(big.Int))
}

func vector(t *testing.T, name string) []byte {
	b, err := hex.DecodeString(jpakeVector[name])
	if err != nil || len(b) == 0 {
		t.Fatal(name, err)
	}
	return b
}

// The run that mbedTLS checks itself against gives the same secret on both sides.
func TestJPAKEVector(t *testing.T) {
	password := vector(t, "password")
	client, server := New(true, password), New(false, password)
	for _, k := range []struct {
		j      *Exchange
		x1, x2 string
	}{{client, "x1", "x2"}, {server, "x3", "x4"}} {
		k.j.x1, k.j.x2 = scalarOf(vector(t, k.x1)), scalarOf(vector(t, k.x2))
		k.j.own1, k.j.own2 = baseMultiply(k.j.x1), baseMultiply(k.j.x2)
	}
	if err := server.ReadRoundOne(vector(t, "cli_one")); err != nil {
		t.Fatal(err)
	}
	if err := client.ReadRoundOne(vector(t, "srv_one")); err != nil {
		t.Fatal(err)
	}
	if err := client.ReadRoundTwo(vector(t, "srv_two")[3:]); err != nil { // behind the curve
		t.Fatal(err)
	}
	if err := server.ReadRoundTwo(vector(t, "cli_two")); err != nil {
		t.Fatal(err)
	}
	for _, j := range []*Exchange{client, server} {
		if got, err := j.Secret(); err != nil || !bytes.Equal(got[:], vector(t, "pms")) {
			t.Errorf("secret %x, %v", got, err)
		}
	}
	// One bit is enough for a proof to fail.
	for _, i := range []int{1, 70, 140, 200, 329} {
		b := vector(t, "cli_one")
		b[i] ^= 1
		if New(false, password).ReadRoundOne(b) == nil {
			t.Errorf("byte %d is wrong, and nobody cares", i)
		}
	}
	if New(true, password).ReadRoundOne(vector(t, "cli_one")) == nil {
		t.Error("a client's proof is taken from a server")
	}
}

// The proofs of a real joiner and a real commissioner hold.
func TestJPAKERecorded(t *testing.T) {
	frames, err := captures.Load("commission-join")
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, c := range frames {
		var f ieee802154.Frame
		if f.Parse(c.PSDU) == nil && f.Type == ieee802154.Data && !f.Secured() {
			b := f.Payload
			switch { // the bytes of 6LoWPAN fragments, one behind the other, without their headers
			case len(b) > 4 && b[0]&0xf8 == 0xc0:
				b = b[4:]
			case len(b) > 5 && b[0]&0xf8 == 0xe0:
				b = b[5:]
			}
			all = append(all, b...)
		}
	}
	found := map[string]int{}
	for rest := all; ; {
		i := bytes.Index(rest, []byte{0x01, 0x00, 0x01, 0x4a, 65, 4}) // extension 256, 330 bytes
		if i < 0 || len(rest) < i+4+330 {
			break
		}
		one := rest[i+4 : i+4+330]
		rest = rest[i+4:]
		for _, client := range []bool{true, false} {
			j := New(!client, []byte("J01NME"))
			if j.ReadRoundOne(one) == nil {
				found[j.name(false)]++
			}
		}
	}
	if found["client"] == 0 {
		t.Errorf("proofs: %v", found)
	}
	t.Log(found)
}

// No bytes make the readers panic, and none but those with a proof are taken.
func FuzzRounds(f *testing.F) {
	for _, name := range []string{"cli_one", "srv_one", "cli_two", "srv_two"} {
		b, _ := hex.DecodeString(jpakeVector[name])
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		j := New(true, []byte("J01NME"))
		_ = j.ReadRoundOne(b)
		j = New(false, []byte("J01NME"))
		one := j.ReadRoundOne(b) == nil
		_ = j.ReadRoundTwo(b)
		if _, err := j.Secret(); err == nil && !one {
			t.Fatal("a secret out of nothing")
		}
	})
}
