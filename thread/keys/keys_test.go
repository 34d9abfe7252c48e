package keys

import (
	"encoding/hex"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/meshcop"
)

type env struct {
	stored  []Counters
	changes int
	resets  int
}

func (e *env) StoreCounters(_ machine.Time, c Counters) machine.Seq {
	e.stored = append(e.stored, c)
	return machine.Seq(len(e.stored))
}
func (e *env) KeySequenceChanged(machine.Time) { e.changes++ }
func (e *env) NetworkKeyChanged(machine.Time)  { e.resets++ }

var nk = meshcop.NetworkKey{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}

// The vector of OpenThread's test_hmac_sha256 and of the Thread specification: key 00112233..., sequence 0.
func TestDerive(t *testing.T) {
	mle, mac := hash(nk, 0)
	if hex.EncodeToString(mle[:]) != "5445f4158fd75912175809f8b57a66a4" || hex.EncodeToString(mac[:]) != "de89c53af382b421e0fde5a9bae3bef0" {
		t.Errorf("%x %x", mle, mac)
	}
	c := NewCache()
	if c.Get(nk, 5).MAC != c.Get(nk, 5).MAC || c.Get(nk, 5).MAC == c.Get(nk, 6).MAC {
		t.Error("keys are shared by sequence")
	}
	for i := range uint32(1000) {
		c.Get(nk, i)
	}
	if len(c.sets) > cacheSets {
		t.Errorf("%d sets", len(c.sets))
	}
}

func TestByIndex(t *testing.T) {
	m := New(new(env), NewCache(), nk, Counters{Sequence: 127})
	for seq, ok := range map[uint32]bool{125: false, 126: true, 127: true, 128: true, 129: false} {
		if _, got, found := m.ByIndex(Index(seq)); found != ok || found && got != seq {
			t.Errorf("sequence %d, index %d: %d %v", seq, Index(seq), got, found)
		}
	}
	if Index(127) != 128 || Index(128) != 1 {
		t.Error("indexes go from 1 to 128")
	}
}

func TestRotation(t *testing.T) {
	e := new(env)
	m := New(e, NewCache(), nk, Counters{})
	m.Start(0)
	now := machine.Time(0)
	hours := func(n int) {
		for range n {
			now = now.Add(time.Hour)
			m.Expire(now)
		}
	}
	hours(671)
	if m.Sequence() != 0 {
		t.Error("rotated too soon")
	}
	m.NextMAC(now)
	hours(1)
	if m.Sequence() != 1 || m.Counters().MAC != 1 || e.changes != 1 {
		t.Errorf("sequence %d, %+v", m.Sequence(), m.Counters())
	}
	// 93 % of the rotation time: no neighbour is followed, but an operator is.
	if m.SetSequence(now, 2, Followed) {
		t.Error("followed within the guard time")
	}
	hours(623)
	if m.SetSequence(now, 2, Followed) {
		t.Error("followed within the guard time")
	}
	hours(1)
	if !m.SetSequence(now, 2, Followed) || m.Sequence() != 2 {
		t.Error("not followed after it")
	}
	if !m.SetSequence(now, 7, Forced) {
		t.Error("forced")
	}
	p := meshcop.DefaultPolicy()
	p.RotationHours = 1
	if !m.SetPolicy(now, p) || m.Policy().RotationHours != meshcop.MinRotation || m.GuardHours() != 1 {
		t.Errorf("%+v, guard %d", m.Policy(), m.GuardHours())
	}
	hours(2)
	if m.Sequence() != 8 {
		t.Errorf("sequence %d", m.Sequence())
	}
	m.SetNetworkKey(now, meshcop.NetworkKey{1})
	if m.Sequence() != 0 || e.resets != 1 {
		t.Errorf("sequence %d", m.Sequence())
	}
}

// No counter is used before one above it is stored, none twice under a key: over restarts, and if a key comes back.
func TestCountersNeverGoBack(t *testing.T) {
	e := new(env)
	last := uint32(0)
	restored := Counters{}
	for range 3 {
		m := New(e, NewCache(), nk, restored)
		for range 2500 {
			c, after := m.NextMAC(0)
			if c < last || int(after) != len(e.stored) || e.stored[after-1].MAC <= c {
				t.Fatalf("counter %d after %d, stored %+v", c, last, e.stored)
			}
			last = c + 1
		}
		a := m.ReserveAcks(0, 100)
		if a < last || e.stored[len(e.stored)-1].MAC < a+100 {
			t.Fatalf("acks from %d, stored %+v", a, e.stored)
		}
		seen := map[uint32]bool{}
		for range 1000 {
			c, _ := m.NextMAC(0)
			if c >= a && c < a+100 || seen[c] {
				t.Fatalf("counter %d is that of an ack, or used", c)
			}
			seen[c] = true
			last = c + 1
		}
		if !m.AcksPassed() {
			t.Error("not passed")
		}
		restored = e.stored[len(e.stored)-1]
	}
	m := New(e, NewCache(), nk, restored)
	before := m.Counters().MAC
	m.SetSequence(0, 1, Forced)
	if m.Counters().MAC < before {
		t.Error("a key may have been used before that its manager does not know")
	}
	for range 10 {
		m.NextMAC(0)
	}
	m.SetSequence(0, 0, Forced)
	if m.Counters().MAC < before {
		t.Errorf("key 0 goes on at %d, not %d", m.Counters().MAC, before)
	}
	m.SetSequence(0, 1, Forced)
	if m.Counters().MAC < 10 {
		t.Errorf("key 1 goes on at %d", m.Counters().MAC)
	}
}
