package server

import (
	"runtime"
	"testing"
)

// What an idle plain client holds in the machine, right after its Register and once the exchange is forgotten: a server
// with its read model is to stay under 1 KB a client, so half of that is for the machine. A field that is added to the
// entry, the registration or the peer shows here.
func TestIdleMemory(t *testing.T) {
	const clients, freshMost, idleMost = 10_000, 620, 440
	before := heap()
	x := newBench()
	for i := range clients {
		x.receive(benchPath(i), benchRegister(i, benchLinks))
	}
	fresh := (heap() - before) / clients
	end := x.now.Add(280e9)
	for x.s.Deadline() <= end {
		x.now = max(x.now, x.s.Deadline())
		x.s.Expire(x.now)
		x.drain()
	}
	idle := (heap() - before) / clients
	if n := x.s.Stats().Registrations; n != clients {
		t.Fatalf("%d registrations", n)
	}
	t.Logf("%d bytes a client after Register, %d when idle", fresh, idle)
	if fresh > freshMost || idle > idleMost {
		t.Errorf("%d bytes a client after Register, %d when idle; at most %d and %d", fresh, idle, freshMost, idleMost)
	}
	runtime.KeepAlive(x)
}
