package endpoint_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
	"heddle.example/sim"
)

// A manager and a device over a link that loses, repeats, reorders and delays: bodies of all sizes go both ways and
// arrive whole or are reported, what may run once runs once, and the last value of an observation arrives.
func TestOverBadLinks(t *testing.T) {
	for seed := range uint64(12) {
		a := badLink(t, seed)
		if seed < 2 && a != badLink(t, seed) {
			t.Errorf("seed %d: two runs differ", seed)
		}
	}
}

func body(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*31 + n)
	}
	return b
}

func badLink(t *testing.T, seed uint64) string {
	w := sim.New(seed)
	net := w.Network("net", sim.LinkConfig{Loss: 0.15, Duplicate: 0.1, Reorder: 0.15, DelayMin: 5 * time.Millisecond, DelayMax: 60 * time.Millisecond})
	at := func(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
	manager := endpoint.New(endpoint.Config{Rand: w.Rand("manager"), BlockSize: 64})
	device := endpoint.New(endpoint.Config{Rand: w.Rand("device"), BlockSize: 128})
	mn, dn := w.Node("manager", net, at("192.0.2.1:1").Addr()), w.Node("device", net, at("192.0.2.2:1").Addr())
	path := machine.Path{Local: at("192.0.2.1:5683"), Remote: at("192.0.2.2:5683")}

	ran := map[string]int{}
	var sub endpoint.Subscription
	value := body(300)
	dn.OnAction = func(now machine.Time, a machine.Action) {
		in, ok := a.Value.(*endpoint.Incoming)
		if !ok {
			return
		}
		r := &endpoint.Reply{Code: coap.Content}
		var n int
		switch p := in.Options.Path(); {
		case p == "/obs":
			if in.Observe == 0 {
				sub = device.Accept(now, in.Exchange)
			}
			r.Payload = value
		case in.Code == coap.POST:
			if _, err := fmt.Sscanf(p, "/post/%d", &n); err != nil || !bytes.Equal(in.Payload, body(n)) {
				t.Errorf("seed %d: %s came with %d bytes that were not sent", seed, p, len(in.Payload))
			}
			ran[p]++
			r.Code, r.Remember = coap.Changed, true
		default:
			if _, err := fmt.Sscanf(p, "/get/%d", &n); err != nil {
				t.Error(err)
			}
			r.Payload = body(n)
		}
		device.Respond(now, a.Cause, in.Exchange, r, 0)
	}
	want := map[machine.OpID]int{} // operation to size of the expected body, -1 for none
	got := map[machine.OpID]int{}
	var observation machine.OpID
	last := ""
	mn.OnAction = func(_ machine.Time, a machine.Action) {
		switch v := a.Value.(type) {
		case *endpoint.Response:
			got[a.Op]++
			if n := want[a.Op]; v.Err == nil && n >= 0 && !bytes.Equal(v.Payload, body(n)) {
				t.Errorf("seed %d: operation %d: %d bytes, not the %d that were asked for", seed, a.Op, len(v.Payload), n)
			}
			if v.Err == nil && !v.Code.IsSuccess() {
				t.Errorf("seed %d: operation %d: %v", seed, a.Op, v.Code)
			}
		case *endpoint.Notification:
			if v.Err == nil {
				last = string(v.Payload)
			}
		}
	}
	mn.Boot(manager)
	dn.Boot(device)
	mn.Do(func(now machine.Time) {
		observation = manager.Request(now, 1, path, &endpoint.Request{Code: coap.GET, Options: coap.Options{}.AppendPath("/obs"), Observe: true, Timeout: time.Hour})
		want[observation] = 300
		for n := 0; n < 1500; n += 97 {
			get := manager.Request(now, 2, path, &endpoint.Request{Code: coap.GET, Options: coap.Options{}.AppendPath(fmt.Sprintf("/get/%d", n)), Timeout: time.Hour})
			want[get] = n
			post := manager.Request(now, 3, path, &endpoint.Request{Code: coap.POST, Options: coap.Options{}.AppendPath(fmt.Sprintf("/post/%d", n)), Payload: body(n), Timeout: time.Hour})
			want[post] = -1
		}
	})
	w.RunFor(30 * time.Minute)
	for i := range 40 {
		dn.Do(func(now machine.Time) {
			value = fmt.Appendf(body(i*20), "value %d", i)
			device.Notify(now, 4, sub, &endpoint.Reply{Code: coap.Content, Payload: value}, true)
		})
		w.RunFor(3 * time.Second)
	}
	w.RunFor(30 * time.Minute)
	for op := range want {
		if got[op] != 1 {
			t.Errorf("seed %d: operation %d has %d results", seed, op, got[op])
		}
	}
	for p, n := range ran {
		if n != 1 {
			t.Errorf("seed %d: %s ran %d times", seed, p, n)
		}
	}
	if !strings.HasSuffix(last, "value 39") && manager.Stats().Timeouts+device.Stats().Timeouts == 0 {
		t.Errorf("seed %d: the last value is missing: %.20q", seed, last)
	}
	for _, e := range []*endpoint.Endpoint{manager, device} {
		if s := e.Stats(); s.Calls+s.Exchanges+s.Stored != 0 {
			t.Errorf("seed %d: something is left: %+v", seed, s)
		}
	}
	return strings.Join(w.Transcript(), "\n")
}
