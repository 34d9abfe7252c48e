package client_test

import (
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
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
