package client_test

import (
	"errors"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim"
)

// observeAll sets an observation of each device, and one of several paths where it knows that.
func (x *system) observeAll() {
	for _, d := range x.devices {
		x.do(d.name, server.Operation{Kind: server.Observe, Path: lwm2m.MustPath("/3303/0/5700")})
		if d.version.AtLeast(lwm2m.V1_1) {
			x.do(d.name, server.Operation{Kind: server.ObserveComposite, Paths: []lwm2m.Path{lwm2m.MustPath("/3303/0/5700"), lwm2m.MustPath("/3/0/9"), lwm2m.MustPath("/31024")}})
		}
	}
}

// fromDevice counts the results of Sends: each has exactly one.
func (x *system) fromDevice(d *simDevice, a machine.Action) {
	out, ok := a.Value.(*client.SendOutcome)
	if !ok {
		return
	}
	if !d.sends[a.Op] {
		x.t.Errorf("seed %d: %s: a second result for Send %d", x.w.Seed(), d.name, a.Op)
	}
	delete(d.sends, a.Op)
	if out.Err == nil && out.Code.Class() == 2 {
		x.taken[d.name]++
	}
}

// traffic is what goes on besides misfortunes: Sends, and composites that write.
func (x *system) traffic(r machine.Rand) {
	n := r.Uint64()
	d := x.devices[n>>32%uint64(len(x.devices))]
	switch n % 3 {
	case 0:
		if d.node.On() {
			d.node.Do(func(now machine.Time) {
				d.sends[d.c.Send(now, x.w.Cause(), &client.SendRequest{Entries: []lwm2m.Entry{
					{Path: lwm2m.MustPath("/3303/0/5700"), Value: lwm2m.Num(20), Time: int64(now.Add(-time.Minute))},
					{Path: lwm2m.MustPath("/3303/0/5700"), Value: lwm2m.Num(21), Time: int64(now)},
				}})] = true
			})
		}
	case 1:
		x.do(d.name, server.Operation{Kind: server.WriteComposite, Entries: []lwm2m.Entry{
			{Path: lwm2m.MustPath("/1/0/6"), Value: lwm2m.Bool(n>>40%2 == 0)},
			{Path: lwm2m.MustPath("/31024/10/1"), Value: lwm2m.Int(int64(n >> 40 % 256))}}})
	default:
		x.do(d.name, server.Operation{Kind: server.ReadComposite, Paths: []lwm2m.Path{lwm2m.MustPath("/3"), lwm2m.MustPath("/9/9")}})
	}
}

// checkSends waits until every Send has its result. What was answered 2.04 has come to the server.
func (x *system) checkSends(when string) {
	x.t.Helper()
	x.w.RunFor(2 * time.Minute)
	for _, d := range x.devices {
		if len(d.sends) > 0 {
			x.t.Errorf("seed %d: %s: %s: Sends without a result: %v", x.w.Seed(), when, d.name, d.sends)
		}
		if x.sent[d.name] < x.taken[d.name] {
			x.t.Errorf("seed %d: %s: %s has %d answers of 2.04, the server has %d Sends", x.w.Seed(), when, d.name, x.taken[d.name], x.sent[d.name])
		}
	}
}

// A list of paths and an answer that are both longer than a block: FETCH with Block1 and then Block2 (RFC 7959 section
// 3.3, RFC 8132), and notifications whose rest is fetched. Plain and over DTLS, on a link that loses.
func TestCompositesInBlocks(t *testing.T) {
	for seed := range uint64(4) {
		compositesInBlocks(t, seed)
	}
}

func compositesInBlocks(t *testing.T, seed uint64) {
	x := newSystem(t, seed, 1, 2)
	if !x.w.RunUntil(x.allReady, time.Minute) {
		t.Fatal("not all devices are registered")
	}
	var paths []lwm2m.Path
	for instance := range uint16(3) {
		for _, r := range []uint16{1, 3, 5} {
			paths = append(paths, lwm2m.NewPath(31024, 10+instance, r))
		}
	}
	for i := range uint16(100) {
		paths = append(paths, lwm2m.NewPath(3, 0, i))
	}
	paths = append(paths, lwm2m.MustPath("/3303/0/5700"))
	big := make([]byte, 1500)
	for i := range big {
		big[i] = byte(i)
	}
	for _, d := range x.devices {
		if !d.version.AtLeast(lwm2m.V1_1) {
			continue
		}
		for _, format := range []coap.ContentFormat{coap.SenMLJSON, coap.SenMLCBOR} {
			x.net.SetLink(sim.LinkConfig{Loss: 0.1, DelayMin: 5 * time.Millisecond, DelayMax: 30 * time.Millisecond})
			big[0]++
			want := lwm2m.Bytes(big)
			var out *server.Outcome
			do := func(op server.Operation) *server.Outcome {
				t.Helper()
				op.Format, op.HasFormat, op.Timeout = format, true, 4*time.Minute
				x.outcome = func(o *server.Outcome) { out = o }
				for range 3 { // now and then five transmissions of a block in a row are lost
					out = nil
					x.do(d.name, op)
					x.w.RunUntil(func() bool { return out != nil }, 5*time.Minute)
					if out != nil && !errors.Is(out.Err, server.ErrTimeout) {
						break
					}
				}
				x.outcome = nil
				if out == nil || out.Err != nil {
					t.Fatalf("%s %v: %+v", d.name, op.Kind, out)
				}
				return out
			}
			if o := do(server.Operation{Kind: server.WriteComposite, Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/31024/10/5"), Value: want}, {Path: lwm2m.MustPath("/31024/11/5"), Value: want}}}); o.Code != coap.Changed {
				t.Errorf("%s: Write-Composite: %v %s", d.name, o.Code, o.Payload)
			}
			o := do(server.Operation{Kind: server.ReadComposite, Paths: paths})
			if v, _ := lwm2m.Get(o.Entries, lwm2m.MustPath("/31024/11/5")); v != want || len(o.Payload) < 3000 {
				t.Errorf("seed %d: %s: Read-Composite: %v, %d bytes", seed, d.name, o.Code, len(o.Payload))
			}
			do(server.Operation{Kind: server.ObserveComposite, Paths: paths})
			clear(x.notes)
			x.w.RunFor(5 * time.Minute)
			// The values change while their blocks are on their way; a lost one is one too many now and then.
			if n := x.notes[d.name+" /"]; n == 0 || x.unreadable*20 > n {
				t.Errorf("seed %d: %s: %d notifications in blocks, %d unreadable", seed, d.name, x.notes[d.name+" /"], x.unreadable)
			}
			if o := do(server.Operation{Kind: server.CancelObserveComposite, Paths: paths}); o.Code != coap.Content {
				t.Errorf("%s: the cancel: %v %s", d.name, o.Code, o.Payload)
			}
			for _, o := range d.c.Observations() {
				t.Errorf("seed %d: %s: still observed after the cancel: %v", seed, d.name, o.Paths)
			}
		}
	}
}
