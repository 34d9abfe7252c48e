package server_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim"
)

// The server crashes at each point of the story of a device that sleeps: around each datagram of either side while four
// requests are kept and sent, and, in the second half, around each commit. Each is answered exactly once, or an Execute is
// reported as perhaps executed; never is it executed twice.
func TestQueueCrashPoints(t *testing.T) {
	for _, secure := range []bool{true, false} {
		points, perhaps, answered := 0, 0, 0
		for point := 1; ; point++ {
			f := newFleet(t, 2*uint64(point), 1, sim.LinkConfig{DelayMin: 5 * time.Millisecond, DelayMax: 5 * time.Millisecond})
			f.w.Quiet = true
			f.node.Disk().SyncDelay = 20 * time.Millisecond
			d := f.devices[0]
			d.queue, d.secure = true, secure
			if !secure {
				f.keys[d.name] = server.Credential{Endpoint: d.name}
			}
			f.boot()
			d.boot()
			f.w.RunFor(time.Minute)
			if awake, _ := f.server.Awake(d.name); awake || !d.client.Sleeping() {
				t.Fatal("not asleep")
			}
			// Odd points: a datagram has just left. Even ones: it has arrived, and what it led to is not on disk.
			delay := time.Duration(1-point%2) * 7 * time.Millisecond
			sent, crashed := 0, false
			f.net.Tap(func(machine.Time, netip.AddrPort, netip.AddrPort, []byte) {
				if sent++; sent == (point+1)/2 {
					f.w.After(delay, func() { crashed = true; f.crash() })
				}
			})
			p := lwm2m.MustPath("/3303/0/5750")
			for i := range 2 {
				f.do(d.name, server.Operation{Kind: server.Write, Path: p, Entries: []lwm2m.Entry{{Path: p, Value: lwm2m.Str(fmt.Sprint(i))}}})
				f.do(d.name, server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/3303/0/5605"), Args: fmt.Sprintf("0='%d'", i)})
			}
			f.w.RunFor(5 * time.Minute)
			if !crashed {
				points = point - 1
				break
			}
			f.w.RunFor(10 * time.Minute)
			if len(f.kept) != 0 || len(f.ops) != 0 || f.results["kept"] != 4 || f.results["kept and ended"] != 4 {
				t.Fatalf("crash at point %d: %v kept, %v open, %v", point, f.kept, f.ops, f.results)
			}
			if v, ok := d.object.Get(p); !ok || v != lwm2m.Str("1") {
				t.Fatalf("crash at point %d: the last write is %v", point, v)
			}
			perhaps += f.results["perhaps executed"]
			answered += f.results["answered"]
		}
		t.Logf("secure %v: %d crash points, %d answered, %d perhaps executed", secure, points, answered, perhaps)
		if points < 15 || perhaps == 0 || answered < 3*points {
			t.Error("the crashes did not do what they are for")
		}
	}
}

// A year of a device that wakes twice a day, with a server that is restarted now and then: nothing that is kept is lost or
// late, and what is never fetched expires.
func TestQueueForAYear(t *testing.T) {
	f := newFleet(t, 7, 2, sim.LinkConfig{DelayMin: 20 * time.Millisecond, DelayMax: 50 * time.Millisecond, Loss: 0.1})
	f.w.Quiet = true
	f.boot()
	awake, gone := f.devices[0], f.devices[1]
	awake.lifetime, gone.lifetime = 24*time.Hour, -1
	awake.boot()
	gone.boot()
	f.w.RunFor(time.Hour)
	gone.node.Crash() // it never comes back, and its registration has no end
	f.do(gone.name, server.Operation{Kind: server.Read, Path: observed, Expires: 300 * 24 * time.Hour})
	asked := 1
	for day := range 365 {
		for range f.rnd(4) {
			asked++
			f.do(awake.name, server.Operation{Kind: server.Read, Path: observed})
		}
		if day%30 == 7 {
			f.crash()
		}
		if day%100 == 50 { // clocks jump
			f.w.RunFor(36 * time.Hour)
		}
		f.w.RunFor(24 * time.Hour)
		for _, q := range f.server.Queue(awake.name) {
			if f.w.Now().Sub(q.QueuedAt) > 49*time.Hour {
				t.Fatalf("day %d: %+v still waits", day, q)
			}
		}
	}
	f.w.RunFor(48 * time.Hour)
	if len(f.kept) != 0 || f.results["kept"] < asked-20 || f.results["kept"] > f.results["kept and ended"] || f.results["kept and ended"] > asked {
		t.Errorf("asked %d: %v, left %v", asked, f.results, f.kept)
	}
	if f.results["failed: "+server.ErrQueueExpired.Error()] != 1 {
		t.Errorf("%v", f.results)
	}
}
