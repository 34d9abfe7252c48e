package server

import (
	"errors"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// sleepsWith registers a device in queue mode over DTLS, with or without a connection ID of its own.
func (r *rig) sleepsWith(w *wire, cid bool) (d *secureDevice, location string) {
	r.t.Helper()
	d = &secureDevice{r: r, outside: addr("192.0.2.20:1000")}
	d.path.Local, d.path.Remote = d.outside, secureAddr
	d.stack = stack.New(stack.Config{Rand: machinetest.NewRand(77), DTLS: &dtls.Config{DisableCID: !cid}})
	w.devices = append(w.devices, d)
	r.deliver = w.deliver
	d.dial("id", "0123456789abcdef")
	a := d.request(coap.POST, "/rd?ep=dev&lwm2m=1.1&lt=300&Q", links)
	if a == nil || a.Code != coap.Created {
		r.t.Fatalf("Register is answered %+v", a)
	}
	return d, a.Options.Location()
}

// reply has the device answer the newest request of the server.
func (d *secureDevice) reply(code coap.Code) {
	d.r.t.Helper()
	if len(d.asked) == 0 {
		d.r.t.Fatal("the device was asked nothing")
	}
	d.stack.Begin(d.r.now)
	d.stack.Endpoint().Respond(d.r.now, 1, d.asked[len(d.asked)-1].Exchange, &endpoint.Reply{Code: code}, 0)
	d.run()
}

// Over a session that came back from disk nothing kept is sent before its records are proved to be no replay: what looks
// like a sign of life may be one that was captured.
func TestQueueWaitsForProof(t *testing.T) {
	config := secure(keyring{"dev": psk("dev", "id", "0123456789abcdef")})
	r := newRig(t, config)
	var w wire
	d, at := r.sleepsWith(&w, true)
	r.wait(94 * time.Second)
	id := r.do("dev", writeOp("/3/0/14", "a"))
	captured := d.records
	r.restart(config)
	d.deaf = true
	for _, b := range captured {
		if b[0] != 22 {
			d.toServer(b)
		}
	}
	d.request(coap.POST, at, "") // its own, but the challenge does not reach it
	r.wait(11 * time.Second)
	if len(d.asked) != 0 || r.s.Queue("dev")[0].Attempts != 0 {
		t.Fatalf("sent before the proof: %+v", r.s.Queue("dev"))
	}
	d.deaf = false
	d.stack.Begin(r.now)
	d.stack.Endpoint().Cancel(r.now, d.op)
	d.run()
	d.request(coap.POST, at, "")
	d.reply(coap.Changed)
	if o := r.result[id]; o == nil || o.Code != coap.Changed {
		t.Errorf("%+v\n%+v", o, r.s.Queue("dev"))
	}
}

// After a restart, a device over DTLS without a connection ID may be behind a NAT that has forgotten it: it is asleep
// until a record of its own has refreshed its address. One with a connection ID, and a plain one, are still awake if their
// window is not over.
func TestWhoIsAwakeAfterARestart(t *testing.T) {
	for _, cid := range []bool{true, false} {
		config := secure(keyring{"dev": psk("dev", "id", "0123456789abcdef")})
		config.Unknown = AcceptUnknown
		r := newRig(t, config)
		var w wire
		_, at := r.sleepsWith(&w, cid)
		r.wait(30 * time.Second)
		r.restart(config)
		if awake, _ := r.s.Awake("dev"); awake != cid {
			t.Errorf("with a connection ID %v, awake %v", cid, awake)
		}
		w.devices[0].request(coap.POST, at, "")
		if awake, until := r.s.Awake("dev"); !awake || until.Sub(r.now) != 93*time.Second {
			t.Errorf("after an Update: %v until %v", awake, until.Sub(r.now))
		}
	}
}

// A device whose session has ended is not asked: it shakes hands anew first.
func TestQueueWaitsForASession(t *testing.T) {
	k := keyring{"dev": psk("dev", "id", "0123456789abcdef")}
	r := newRig(t, secure(k))
	var w wire
	d, at := r.sleepsWith(&w, true)
	exec := r.do("dev", &Operation{Kind: Execute, Path: path("/3/0/4"), Timeout: 10 * time.Second})
	r.wait(11 * time.Second)
	if r.s.Queued("dev") != 1 {
		t.Fatal("not kept")
	}
	// The session ends while the device is being asked: nobody knows whether it has run.
	r.s.stack.DTLS().Close(r.now, 1, d.session)
	r.s.Expire(r.now)
	r.drain()
	write := r.do("dev", &Operation{Kind: Write, Path: path("/3/0/14"), Entries: entry1("/3/0/14", lwm2m.Str("a"))})
	r.wait(100 * time.Second)
	asked := len(d.asked)
	r.wait(20 * time.Second)
	if o := r.result[write]; o != nil || len(d.asked) != asked {
		t.Errorf("%+v, asked %d times", o, len(d.asked)-asked)
	}
	if o := r.result[exec]; o == nil || !errors.Is(o.Err, ErrMaybeExecuted) {
		t.Errorf("%+v", o)
	}
	d.dial("id", "0123456789abcdef")
	d.request(coap.POST, at, "")
	d.reply(coap.Changed)
	if o := r.result[write]; o == nil || o.Code != coap.Changed {
		t.Errorf("%+v\n%+v", o, r.s.Queue("dev"))
	}
}

// A device whose NAT has forgotten it wakes at another address: its session goes on, and what was kept goes there. The
// request is not sent before the new address is proved.
func TestQueueFollowsTheSession(t *testing.T) {
	r := newRig(t, secure(keyring{"dev": psk("dev", "id", "0123456789abcdef")}))
	var w wire
	d, at := r.sleepsWith(&w, true)
	r.wait(94 * time.Second)
	id := r.do("dev", writeOp("/3/0/14", "a"))
	d.outside = addr("198.51.100.1:77")
	sent := 0
	r.deliver = func(a machine.Action) bool {
		if a.Path.Remote != d.outside {
			t.Errorf("sent to the old address %v", a.Path.Remote)
		}
		sent++
		return w.deliver(a)
	}
	if a := d.request(coap.POST, at, ""); a == nil || a.Code != coap.Changed {
		t.Fatalf("%+v", a)
	}
	d.reply(coap.Changed)
	if o := r.result[id]; o == nil || o.Code != coap.Changed || sent == 0 {
		t.Errorf("%+v", o)
	}
}
