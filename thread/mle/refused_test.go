package mle

import (
	"testing"
	"time"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
)

// A partition that refuses us is left alone for longer and longer, until it takes us in or is forgotten.
func TestRefusals(t *testing.T) {
	b := newBench(t)
	n := b.form()
	const p = 0x1234
	if n.heldBack(b.now, p, false) || n.refused != nil {
		t.Error("held back from the start")
	}
	for i, wait := range []time.Duration{10, 20, 40, 40, 40} {
		n.noteRefusal(b.now, p, false)
		if !n.heldBack(b.now.Add(wait*time.Second-1), p, false) || n.heldBack(b.now.Add(wait*time.Second*5/4+time.Second), p, false) {
			t.Errorf("refusal %d holds until %v, not for %d s", i, n.refused[0].until.Sub(b.now), wait)
		}
		if n.heldBack(b.now, p, true) {
			t.Error("a router is news after an end device")
		}
		b.now = n.refused[0].until
	}
	n.noteRefusal(b.now, p, true)
	if !n.heldBack(b.now, p, true) {
		t.Error("its routers refused us as well")
	}
	b.now = n.refused[0].until.Add(refusalForgiven + 1)
	if n.noteRefusal(b.now, p, false); n.refused[0].wait != refusalWaitMin {
		t.Error("an old refusal counts:", n.refused[0].wait)
	}
	for i := range uint32(20) {
		n.noteRefusal(b.now, 100+i, false)
	}
	if len(n.refused) != mostRefusals || !n.heldBack(b.now, 119, false) {
		t.Errorf("%+v", n.refused)
	}
	if n.forgive(119); n.heldBack(b.now, 119, false) || len(n.refused) != mostRefusals-1 {
		t.Errorf("%+v", n.refused)
	}
}

// Who has children or routers of its own does not go where there is no router id for it.
func TestNobodyIsLeftBehindForAFullPartition(t *testing.T) {
	b := newBench(t)
	n := b.form()
	better := LeaderData{PartitionID: n.leaderData.PartitionID + 1, Weighting: n.leaderData.Weighting}
	suits := func(routers uint8) bool { return n.suits(better, Connectivity{ActiveRouters: routers}) }
	n.attachMode = BetterPartition
	if !suits(31) || !suits(32) {
		t.Error("a leader by itself goes anywhere")
	}
	c := n.table.NewChild(ieee802154.ExtAddr{1})
	c.SetState(b.now, neighbor.Valid)
	if !suits(32) {
		t.Error("a minimal child goes with its parent")
	}
	if c.Mode = neighbor.RouterMode; !suits(31) || suits(32) {
		t.Error("a full Thread device is left behind")
	}
	n.table.RemoveChild(c)
	id := n.table.Allocate(b.now, neighbor.InvalidRouterID).RouterID()
	if !suits(31) || suits(32) {
		t.Error("a leader leaves its routers behind")
	}
	if n.table.Release(b.now, id); !suits(32) {
		t.Error("it is alone again")
	}
	for n.table.RouterCount() < scarceIDs {
		n.table.Allocate(b.now, neighbor.InvalidRouterID)
	}
	if !suits(manyThere-1) || suits(manyThere) {
		t.Error("two large partitions are one too many")
	}
}

// Whoever forms a partition because another one is out of reach does not draw that one over.
func TestNewPartitionIsTheLesserOne(t *testing.T) {
	b := newBench(t)
	n := b.form()
	n.leaderData.PartitionID = 1 << 24
	for range 100 {
		if id := n.newPartitionID(); id >= 1<<24 {
			t.Fatalf("%#x", id)
		}
	}
	n.leaderData.PartitionID = 5
	if n.newPartitionID() == n.newPartitionID() {
		t.Error("with few ids left it is a random one")
	}
}
