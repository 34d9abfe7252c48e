package server_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	known "heddle.example/internal/fleet"
	"heddle.example/internal/stream"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim"
)

// natForgets is what the NAT of these tests forgets after: less than the device's lifetime of a minute, as many do.
const natForgets = 30 * time.Second

// home is a server, and one secure device behind a NAT that forgets. What the server tells goes into a fleet, as in the
// program.
type home struct {
	*fleet
	d    *simDevice
	nat  *sim.NAT
	seen *known.Fleet
}

func newHome(t *testing.T, cid bool, lifetime time.Duration) *home {
	f := newFleet(t, 1, 0, sim.LinkConfig{DelayMin: 20 * time.Millisecond, DelayMax: 40 * time.Millisecond})
	f.w.Quiet = true
	h := &home{fleet: f}
	inside := f.w.Network("home", sim.LinkConfig{DelayMin: time.Millisecond, DelayMax: time.Millisecond})
	h.nat = f.w.NAT(inside, f.net, netip.MustParseAddr("10.9.9.9"), natForgets)
	addr := netip.MustParseAddr("192.168.1.7")
	h.d = &simDevice{f: f, name: "meter", secure: true, noCID: !cid, lifetime: lifetime, addr: addr, node: f.w.Node("meter", inside, addr)}
	h.d.node.OnAction = h.d.fromClient
	f.keys["meter"] = server.Credential{Endpoint: "meter", Identity: "id-meter", Key: []byte("0123456789abcdef"), Mode: machine.PSK}
	f.devices = append(f.devices, h.d)
	reg := registry.Builtin()
	h.seen = known.New(known.Options{Hub: stream.NewHub(stream.Options{}), Registry: func() *registry.Registry { return reg }, Now: f.w.Now})
	f.tell = h.seen.Take
	f.boot()
	h.d.boot()
	f.w.RunFor(5 * time.Second)
	f.do("meter", server.Operation{Kind: server.Observe, Path: observed})
	f.w.RunFor(5 * time.Second)
	if !h.d.observed || h.d.client.State() != client.StateReady {
		t.Fatalf("the device is %v, observed %v", h.d.client.State(), h.d.observed)
	}
	return h
}

// known reports whether the newest value has come.
func (h *home) known() bool { return h.d.notified == h.d.value }

// long gives the device a text that takes several blocks.
func (h *home) long() string {
	text := strings.Repeat("a long text ", 400)
	h.d.node.Do(func(machine.Time) { h.d.object.Set("/3303/0/5750", lwm2m.Str(text)) })
	return text
}

// A device with a connection ID keeps its session through every change of its address: between two notifications, in the
// middle of one that is repeated, and in the middle of a block transfer. It never shakes hands or registers again.
func TestNATForgetsWithCID(t *testing.T) {
	h := newHome(t, true, time.Minute)
	for range 10 { // the silence is longer than the NAT's memory, each value comes from another port
		h.w.RunFor(natForgets + 12*time.Second)
		h.d.change()
		h.w.RunFor(2 * time.Second)
		if !h.known() {
			t.Fatalf("value %v did not come, the server knows %v", h.d.value, h.d.notified)
		}
	}
	for range 10 { // the NAT restarts while a notification, and what answers it, is on its way
		h.d.change()
		h.w.RunFor(time.Duration(h.rnd(90)) * time.Millisecond)
		h.nat.Forget()
		h.w.RunFor(10 * time.Second)
		h.d.change()
		h.w.RunFor(10 * time.Second)
		if !h.known() {
			t.Fatalf("value %v did not come, the server knows %v", h.d.value, h.d.notified)
		}
	}
	// In the middle of a block transfer: the server asks for blocks where nobody is any more, until the device's next message.
	text := h.long()
	got := ""
	path := lwm2m.MustPath("/3303/0/5750")
	tell := h.node.OnAction
	h.node.OnAction = func(now machine.Time, a machine.Action) {
		if o, ok := a.Value.(*server.Outcome); ok && o.Op == server.Read && len(o.Entries) == 1 {
			got, _ = o.Entries[0].Value.AsString()
		}
		tell(now, a)
	}
	for cut := range 8 {
		got = ""
		h.d.change() // so that its address is known
		h.w.RunFor(2 * time.Second)
		h.do("meter", server.Operation{Kind: server.Read, Path: path, Timeout: time.Minute})
		h.w.RunFor(time.Duration(30+70*cut) * time.Millisecond)
		h.nat.Forget()
		h.w.RunFor(time.Second)
		h.d.change()
		h.w.RunFor(30 * time.Second)
		if got != text {
			t.Errorf("cut after %d ms: %d of %d bytes came", 30+70*cut, len(got), len(text))
		}
	}
	st := h.server.Stats()
	if st.Registers != 1 || st.DTLS.HandshakesDone != 1 || st.DTLS.Sessions != 1 {
		t.Errorf("%d registrations, %d handshakes, %d sessions, want one of each", st.Registers, st.DTLS.HandshakesDone, st.DTLS.Sessions)
	}
	if st.Moves < 20 {
		t.Errorf("only %d changes of address", st.Moves)
	}
	if len(h.ops) != 0 {
		t.Errorf("operations without a result: %v", h.ops)
	}
}

// What is measured of that NAT is what it does, and the advice follows.
func TestNATIsMeasured(t *testing.T) {
	h := newHome(t, true, time.Minute)
	read := func(silence time.Duration) {
		h.w.RunFor(silence)
		h.seen.Began("meter")
		before := h.results["answered"]
		h.do("meter", server.Operation{Kind: server.Read, Path: observed, Timeout: 5 * time.Second})
		h.w.RunFor(time.Second)
		if h.results["answered"] > before {
			h.seen.Heard("meter", h.w.Now())
		}
		h.w.RunFor(10 * time.Second)
		h.seen.Finished("meter")
	}
	for range 6 {
		h.w.RunFor(natForgets + 5*time.Second)
		h.d.change()
		h.w.RunFor(time.Second)
		read(18 * time.Second) // reaches it
		h.d.change()
		read(natForgets + 3*time.Second) // does not
	}
	n := h.seen.NAT("meter")
	if n == nil || n.Changes < 3 {
		t.Fatalf("%+v", n)
	}
	least, most := natForgets.Seconds()-15, natForgets.Seconds()+20
	if n.ForgetsAfter.AtLeast < least || n.ForgetsAfter.AtLeast > natForgets.Seconds() || n.ForgetsAfter.AtMost < natForgets.Seconds() || n.ForgetsAfter.AtMost > most {
		t.Errorf("forgets after %+v, it does so after %v", n.ForgetsAfter, natForgets)
	}
	if !strings.HasPrefix(n.Advice, "Its NAT forgets between 2") || !strings.Contains(n.Advice, "use queue mode") {
		t.Errorf("advice: %s", n.Advice)
	}
}

// A device without a connection ID is a stranger at its new address. Its session is not taken over by it; it shakes hands
// anew, and the server knows it by its identity: nothing of it is lost.
func TestNATForgetsWithoutCID(t *testing.T) {
	h := newHome(t, false, 5*time.Minute)
	for range 4 {
		h.w.RunFor(natForgets + 12*time.Second)
		h.d.change() // is not heard
		// Until an Update is not answered, and the device has given up on its session.
		done := h.server.Stats().DTLS.HandshakesDone
		for wait := 0; h.server.Stats().DTLS.HandshakesDone == done; wait++ {
			if h.w.RunFor(time.Second); wait > 600 {
				t.Fatalf("no new handshake; the device is %v", h.d.client.State())
			}
		}
		h.w.RunFor(10 * time.Second) // it registers, and is asked to be observed
		h.d.change()
		h.w.RunFor(5 * time.Second)
		if !h.known() {
			t.Fatalf("value %v did not come, the server knows %v; the device is %v", h.d.value, h.d.notified, h.d.client.State())
		}
	}
	st := h.server.Stats()
	if st.Moves != 0 {
		t.Errorf("a session without a connection ID has moved %d times", st.Moves)
	}
	if st.DTLS.HandshakesDone < 4 || st.DTLS.Sessions > 2 || st.Registrations != 1 {
		t.Errorf("%d handshakes, %d sessions, %d registrations", st.DTLS.HandshakesDone, st.DTLS.Sessions, st.Registrations)
	}
	if n := h.seen.NAT("meter"); n == nil || n.Changes < 3 || !strings.Contains(n.Advice, "no connection ID") {
		t.Errorf("%+v", n)
	}
}
