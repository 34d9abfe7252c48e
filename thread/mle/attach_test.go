package mle

import (
	"strings"
	"testing"
	"time"

	"heddle.example/thread/neighbor"
)

// form makes node 1 the leader.
func (b *bench) form() *benchNode {
	n := b.add("rdn")
	n.Start(b.now)
	b.until(20*time.Second, "a leader", func() bool { return n.role == Leader })
	return n
}

// child attaches a node of a mode.
func (b *bench) child(mode string) *benchNode {
	b.t.Helper()
	n := b.add(mode)
	n.Start(b.now)
	b.until(10*time.Second, "a child", func() bool { return n.role == Child })
	return n
}

// What nodes say while a network is formed, joined, and a child becomes a router is what real ones said in the recording
// form-attach-promote: six Parent Requests at intervals of 0.75 and 1.25 s and no answer; request, response, request,
// response.
func TestFormAttachPromote(t *testing.T) {
	b := newBench(t)
	b.logging = true
	n := b.form()
	if got := len(b.records[ParentRequest]); got != 6 {
		t.Errorf("%d Parent Requests, not 6", got)
	}
	at := func(i int) time.Duration { return b.records[ParentRequest][i+1].at.Sub(b.records[ParentRequest][i].at) }
	for i, want := range []time.Duration{750, 750, 1250, 1250, 1250} {
		if at(i) != want*time.Millisecond {
			t.Errorf("Parent Request %d after %v", i+2, at(i))
		}
	}
	if n.rloc16 == InvalidRLOC16 || !neighbor.IsRouterRLOC16(n.rloc16) || n.leaderData.PartitionID == 0 {
		t.Errorf("RLOC16 %04x, leader data %+v", n.rloc16, n.leaderData)
	}
	b.log = nil
	c := b.child("rdn")
	var attach []string
	for _, l := range b.log {
		if l = l[strings.Index(l, " ")+1:]; !strings.Contains(l, "Advertisement") {
			attach = append(attach, l)
		}
	}
	want := "2 -> all Parent Request\n1 -> 2 Parent Response\n2 -> 1 Child ID Request\n1 -> 2 Child ID Response"
	if got := strings.Join(attach[:4], "\n"); got != want {
		t.Errorf("attaching:\n%s", strings.Join(b.log, "\n"))
	}
	if c.leaderData != n.leaderData || !neighbor.SameRouter(c.rloc16, n.rloc16) || c.rloc16 == n.rloc16 {
		t.Errorf("child %04x %+v of %04x %+v", c.rloc16, c.leaderData, n.rloc16, n.leaderData)
	}
	b.until(150*time.Second, "a second router", func() bool { return c.role == Router })
	b.run(60 * time.Second)
	c.is(Router)
	n.is(Leader)
}

// All kinds of end devices attach and stay.
func TestEndDevices(t *testing.T) {
	for _, mode := range []string{"rn", "r", "-", "n", "rdn"} {
		b := newBench(t)
		n := b.form()
		c := b.add(strings.ReplaceAll(mode, "-", ""))
		c.SetTimeout(0, 20)
		c.Start(b.now)
		b.until(10*time.Second, mode+" attached", func() bool { return c.role == Child })
		for range 6 {
			b.run(18 * time.Second)
			if c.role != Child && mode != "rdn" {
				t.Errorf("mode %s is %v", mode, c.role)
			}
		}
		if got := n.table.ChildCount(neighbor.InValid); mode != "rdn" && mode != "-" && mode != "n" && got != 1 {
			t.Errorf("mode %s: %d children", mode, got)
		}
		if c.mode.RxOn() != c.rxOn {
			t.Errorf("mode %s: receiver on: %v", mode, c.rxOn)
		}
	}
}
