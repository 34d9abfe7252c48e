package system

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/firmware"
	"heddle.example/lwm2m/server"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

func packageHeader(digest [32]byte, size int) ([]byte, error) {
	h := firmware.Header{Name: "sim", Version: "2.0", Image: uint64(size), Digest: digest}
	return h.Append(nil)
}

// seeds runs a story for some seeds, or as many as HEDDLE_SEEDS says.
func seeds(t *testing.T, n int, f func(t *testing.T, seed uint64)) {
	if more, err := strconv.Atoi(os.Getenv("HEDDLE_SEEDS")); err == nil {
		n = more
	}
	for i := range n {
		seed := uint64(i + 1)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { t.Parallel(); f(t, seed) })
	}
}

// The border router dies, and a second one takes over: every device is read again, over the session that it had.
func TestBorderRouterDies(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		r := newRig(t, rigOptions{seed: seed, routers: 2, relays: 2, devices: 8})
		r.poll(20 * time.Second)
		r.settle(r.now(), 10*time.Minute)
		// Whoever carries the traffic dies.
		dead := r.Routers[0]
		if n := r.Routers[1].Border().Status(r.now()).NAT64Counters.UDP.Packets6To4; n > dead.Border().Status(r.now()).NAT64Counters.UDP.Packets6To4 {
			dead = r.Routers[1]
		}
		dead.Kill()
		since := r.now()
		heard := r.heardAll(since, 30*time.Minute)
		took := r.settle(since, 30*time.Minute)
		r.accounted()
		t.Logf("all %d devices have told the server %.0f s after the border router died, and answered %.0f s after; %d operations, of which %v", len(r.devices), heard.Seconds(), took.Seconds(), r.ended, r.errors)
	})
}

// Mappings of both NATs expire after a minute of silence. With a connection ID every session outlives that, and in queue
// mode every operation waits until the device has told of its new address.
func TestMappingsExpire(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		r := newRig(t, rigOptions{seed: seed, routers: 1, relays: 2, devices: 8, mappings: time.Minute, queue: true})
		r.poll(5 * time.Minute)
		r.settle(r.now(), 20*time.Minute)
		before := map[string]uint64{}
		for _, d := range r.devices {
			before[d.name] = d.session
		}
		helloes := r.helloes
		r.Net.Run(time.Hour)
		took := r.settle(r.now(), 20*time.Minute)
		for _, d := range r.devices {
			if d.session != before[d.name] {
				t.Errorf("%s has another session", d.name)
			}
		}
		if r.helloes > helloes {
			t.Errorf("%d handshakes", r.helloes-helloes)
		}
		if len(r.errors) > 0 {
			t.Errorf("operations failed: %v", r.errors)
		}
		r.accounted()
		t.Logf("after an hour all devices answered within %.0f s over the sessions of the start; %d operations, of which %v", took.Seconds(), r.ended, r.errors)
	})
}

// The IPv4 network is away for an hour.
func TestIPv4Away(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		r := newRig(t, rigOptions{seed: seed, routers: 1, relays: 2, devices: 8})
		r.poll(time.Minute)
		r.settle(r.now(), 10*time.Minute)
		r.Inet.SetIPv4(false)
		r.Net.Run(time.Hour)
		r.Inet.SetIPv4(true)
		took := r.settle(r.now(), time.Hour)
		r.accounted()
		t.Logf("all devices answer again %.0f s after IPv4 came back; %d operations, of which %v", took.Seconds(), r.ended, r.errors)
	})
}

// The parent of a sleepy device dies while it fetches a firmware package. It finds another and goes on.
func TestParentDiesInTransfer(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		r := newRig(t, rigOptions{seed: seed, routers: 1, relays: 3, devices: 2, place: func(i int) mesh.Position { return mesh.Position{X: 14, Y: float64(4 * i)} }})
		r.server.Files["new"] = testPackage(t, 20_000)
		d := r.devices[1]
		r.until(5*time.Minute, func() bool { rt, _ := r.Net.Routers(); return rt >= 4 })
		var parent *network.Node
		for _, n := range r.Net.Members() {
			if n.Role().RouterOrLeader() && n.Thread().RLOC16() == d.Thread().RLOC16()&^0x1ff {
				parent = n
			}
		}
		state := func() (v int64) {
			v = -1
			done := false
			r.ask(d.name, &server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/5/0/3")}, &done, func(o *server.Outcome) {
				if len(o.Entries) == 1 {
					v, _ = o.Entries[0].Value.AsInt()
				}
			})
			r.until(30*time.Minute, func() bool { return done }) // it is kept, if the device has fallen asleep
			return v
		}
		ok := false
		done := false
		p := lwm2m.MustPath("/5/0/1")
		r.ask(d.name, &server.Operation{Kind: server.Write, Path: p, Entries: []lwm2m.Entry{{Path: p, Value: lwm2m.Str("coaps://server.example/fw/new")}}}, &done, func(o *server.Outcome) {
			// 4.05: it has the URI already. The first answer was lost, and the server asked again.
			ok = o.Code == coap.Changed || o.Code == coap.MethodNotAllowed
		})
		if r.until(30*time.Minute, func() bool { return done }); !ok {
			t.Fatalf("seed %d: the URI was not taken", seed)
		}
		r.Net.Run(3 * time.Second)
		killed, served := r.now(), r.server.Served
		switch {
		case parent == nil:
			t.Fatal("the device has no parent")
		case served == 0 || served >= 20_000:
			t.Fatalf("seed %d: %d bytes had been sent: that is not in the midst", seed, served)
		case parent == r.Routers[0].Node:
			r.Routers[0].Kill()
			r.Net.World.After(time.Minute, r.Routers[0].Boot)
		default:
			parent.Kill()
		}
		for end := r.now().Add(time.Hour); ; r.Net.Run(5 * time.Second) {
			if s := state(); s == 2 { // downloaded
				break
			} else if r.now() > end {
				t.Fatalf("seed %d: firmware state %d after an hour", seed, s)
			}
		}
		r.accounted()
		if again := r.server.Served - served; again > 20_500 {
			t.Errorf("seed %d: %d bytes were sent again: the transfer did not go on where it was", seed, again)
		}
		t.Logf("%s has the package %.0f s after its parent died, when it had %d of 20,000 bytes", d.name, r.now().Sub(killed).Seconds(), served)
	})
}

// ask is Ask with its end noted.
func (r *rig) ask(name string, op *server.Operation, done *bool, f func(o *server.Outcome)) {
	r.asked++
	r.server.Ask(name, op, func(o *server.Outcome) { r.ended++; *done = true; f(o) })
}

// All devices reboot at once, as after a power failure: they come back one after another, and the air is not full.
func TestAllReboot(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		const n = 24
		r := newRig(t, rigOptions{seed: seed, routers: 1, relays: 3, devices: n, place: func(i int) mesh.Position {
			return mesh.Position{X: 10 + float64(i%6)*3, Y: float64(i/6) * 6}
		}})
		r.poll(time.Minute)
		r.settle(r.now(), 10*time.Minute)
		helloes := r.helloes
		for _, d := range r.devices {
			d.Reset()
		}
		since := r.now()
		busiest, last := 0, r.carried
		for range 12 {
			r.Net.Run(10 * time.Second)
			busiest, last = max(busiest, (r.carried-last)/10), r.carried
		}
		heard := r.heardAll(since, 20*time.Minute)
		took := r.settle(since, 20*time.Minute)
		r.accounted()
		if per := float64(r.helloes-helloes) / n; per > 3 {
			t.Errorf("%.1f ClientHellos a device", per)
		}
		if busiest > 250_000/8*2/3 {
			t.Errorf("%d bytes a second for ten seconds: that is more than two thirds of what the radio carries", busiest)
		}
		t.Logf("all %d devices have told the server %.0f s after they rebooted at once, and answered %.0f s after; what datagrams took of the radio in the busiest ten seconds: %d%% of 250 kbit/s; %d handshakes begun", n, heard.Seconds(), took.Seconds(), busiest*800/250_000, r.helloes-helloes)
	})
}
