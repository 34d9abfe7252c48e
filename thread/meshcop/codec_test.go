package meshcop

import (
	"encoding/hex"
	"testing"
)

func TestDerivePSKc(t *testing.T) {
	// The example of Thread 1.1.1 section 8.4.1.2.2.
	for _, x := range []struct{ pass, name, ext, want string }{
		{"12SECRETPASSWORD34", "Test Network", "0001020304050607", "c3f59368445a1b6106be420a706d4cc9"},
	} {
		e, _ := hex.DecodeString(x.ext)
		k, err := DerivePSKc(x.pass, x.name, [8]byte(e))
		if err != nil || hex.EncodeToString(k[:]) != x.want {
			t.Errorf("%s %s: %x %v, want %s", x.pass, x.name, k, err, x.want)
		}
	}
	if _, err := DerivePSKc("short", "x", [8]byte{}); err == nil {
		t.Error("a passphrase of 5 characters")
	}
}

func TestPolicy(t *testing.T) {
	b := DefaultPolicy().Append(nil)
	if hex.EncodeToString(b) != "02a0f7f8" {
		t.Errorf("%x", b)
	}
	p, ok := ParsePolicy([]byte{0x0e, 0x10, 0xff, 0xc0})
	if !ok || p.RotationHours != 3600 || !p.TobleLink {
		t.Errorf("%+v", p)
	}
	if q, _ := ParsePolicy(b); q != DefaultPolicy() {
		t.Errorf("%+v", q)
	}
	if _, ok := ParsePolicy(b[:2]); ok {
		t.Error("too short")
	}
	q := SecurityPolicy{NonCCMRouters: true, RoutingVersionThreshold: 3}
	if !q.SetLetters("Cno") || q.Letters() != "onC" || q.NonCCMRouters || q.RoutingVersionThreshold != 3 {
		t.Errorf("%+v", q)
	}
	if q.SetLetters("oxn") {
		t.Error("x is no letter of a policy")
	}
}

func TestSteeringData(t *testing.T) {
	s := NewSteeringData(16)
	j := NewJoinerID([8]byte{0x18, 0xb4, 0x30, 0, 0, 0, 0, 2})
	if s.Contains(j) || !s.Empty() || s.PermitsAll() {
		t.Error("an empty filter")
	}
	s.Add(j)
	if !s.Contains(j) || s.Contains(NewJoinerID([8]byte{1})) || s.Empty() {
		t.Errorf("%x", s)
	}
	if all := (SteeringData{0xff}); !all.PermitsAll() || !all.Contains(j) {
		t.Error("all")
	}
	if !(SteeringData{}).Empty() || (SteeringData{}).Contains(j) || (SteeringData{}).PermitsAll() {
		t.Error("none")
	}
}

func TestTimestamp(t *testing.T) {
	list := []Timestamp{NoTimestamp, 0, OrphanAnnounce, NewTimestamp(0, 1, false), NewTimestamp(1, 0, false), NewTimestamp(1, 0, true),
		NewTimestamp(1, 0x7fff, true), NewTimestamp(1<<48-1, 0, false)}
	for i, a := range list {
		for j, b := range list {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if a.Compare(b) != want || a.After(b) != (want > 0) {
				t.Errorf("%x and %x: %d", a, b, a.Compare(b))
			}
		}
	}
	if x := NewTimestamp(1, 0x7fff, false).Advance(5); x.Seconds() != 2 || x.Ticks() != 5 {
		t.Errorf("%x", x)
	}
	if x := NewTimestamp(7, 3, true); x.Seconds() != 7 || x.Ticks() != 3 || !x.Authoritative() {
		t.Errorf("%x", x)
	}
}

// FuzzDataset reads anything as a dataset. What is good stays the same when it is written from its fields again.
func FuzzDataset(f *testing.F) {
	for _, seed := range []string{"3506000400000000", "0e08000000000001000000030000" + "0f35060004001fffe00208dead00beef00cafe0708fd000db800000000" +
		"051000112233445566778899aabbccddeeff0306686564646c650102abcd04103aa55f91ca47d1e4e71a08cb35e915910c0402a0f7f8"} {
		b, _ := hex.DecodeString(seed)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDataset(b)
		if err != nil {
			return
		}
		n := d.Info()
		if d.Validate() != nil || n.Has&HasChannelMask != 0 && n.ChannelMask == 0 {
			return
		}
		c := d.Clone()
		if err := n.Write(&c); err != nil {
			t.Skip() // a name that was cut
		}
		if m := c.Info(); m != n {
			t.Fatalf("%x: %+v, %+v", b, n, m)
		}
		if !d.SubsetOf(&d) {
			t.Fatal("not a subset of itself")
		}
		for _, k := range []uint8{Channel, NetworkKeyTLV, DelayTimer} {
			c.Remove(k)
			if c.Has(k) {
				t.Fatal("removed")
			}
		}
	})
}
