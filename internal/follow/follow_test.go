package follow_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/border/nat64"
	"heddle.example/dtls"
	"heddle.example/internal/follow"
	"heddle.example/internal/trace"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/words"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/sim"
	"heddle.example/sim/internet"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
)

// seen is a server as shards show it to a Follower.
type seenServer struct {
	*server.Server
	w *sim.World
	f *follow.Follower
}

func (s *seenServer) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	s.f.Datagram(0, now, cause, false, path, b)
	s.Server.Receive(now, cause, path, b)
}

func (s *seenServer) Next() (machine.Action, bool) {
	a, ok := s.Server.Next()
	if ok && a.Kind == machine.Send {
		s.f.Datagram(0, s.w.Now(), a.Cause, true, a.Path, a.Data)
	}
	return a, ok
}

type anyone struct{}

var key = []byte("0123456789abcdef")

func (anyone) ByEndpoint(ep string) (server.Credential, bool) {
	return server.Credential{Endpoint: ep, Identity: "id-" + ep, Key: key, Mode: machine.PSK}, true
}

func (a anyone) ByIdentity(id []byte) (server.Credential, bool) {
	return a.ByEndpoint(strings.TrimPrefix(string(id), "id-"))
}

// One Read is followed from the server through NAT64, over three hops to a sleepy device, and back: every layer is there,
// in the order of time, and each radio frame on its hop.
func TestRead(t *testing.T) {
	net := network.New(3, mesh.Config{AirTime: true})
	w := net.World
	w.Quiet = true
	inet := internet.New(w, internet.Config{})
	server4 := netip.MustParseAddr("198.51.100.10")
	inet.Host(server4, 60, "server.example")
	f := follow.New(follow.Options{
		Node: func(n int) follow.Node { return follow.Node{Sleepy: n == 4} },
		Keys: func() ([]byte, netip.Prefix) {
			d := network.Dataset(0)
			return d.NetworkKey[:], netip.MustParsePrefix("fd00:db8::/64")
		},
	})
	net.Follow(f.Hop)
	node := w.Node("server", inet.WAN, server4)
	s := server.New(server.Config{Rand: w.Rand("server"), Credentials: anyone{}, DTLS: &dtls.Config{},
		Secure: func(local netip.AddrPort) bool { return local.Port() == 5684 },
		Tap:    func(now machine.Time, out bool, path machine.Path, b []byte) { f.Message(0, now, out, path, b) }})
	var out *server.Outcome
	node.OnAction = func(now machine.Time, a machine.Action) {
		if o, ok := a.Value.(*server.Outcome); ok {
			c := *o
			out = &c
			f.Ended(now, a.Op, o)
		}
	}
	node.Boot(&seenServer{s, w, f})
	node.Do(func(now machine.Time) { s.Started(now) })

	// The border router leads; nodes 2 and 3 are routers in a line, 4 is a sleepy device behind them.
	var r *border.Router
	var g *internet.Gateway
	b := net.Add(network.NodeConfig{Off: true, Make: func(tc thread.Config) (mesh.Device, *thread.Node, error) {
		n, err := thread.New(tc)
		if err != nil {
			return nil, nil, err
		}
		r, err = border.New(border.Config{Node: n, Rand: tc.Rand, Infra: border.Infra{None: true}, Translate: true, Uplink: true,
			NAT64: border.NAT64{Enable: true, Prefix: nat64.WellKnown, Pool: []netip.Prefix{netip.MustParsePrefix("192.168.255.1/32")}}})
		if err == nil {
			err = r.Start(tc.Now, 0)
		}
		return r, n, err
	}})
	g = inet.Gateway(func(p []byte) {
		cause := f.Enters(w.Now(), 1, p)
		b.Do(func(now machine.Time) { r.OutsideReceived(now, cause, p) })
	})
	b.OnEvent = func(now machine.Time, a machine.Action) {
		if v, ok := a.Value.(*border.Outside); ok {
			f.Leaves(now, a.Cause, 1, v.Packet)
			g.Send(v.Packet)
		}
	}
	b.Boot()
	b.Form(network.Dataset(0))
	for i := 2; i <= 3; i++ {
		n := net.Add(network.NodeConfig{})
		for j := range i - 2 {
			net.SetLink(i, j+1, mesh.Link{Off: true})
		}
		n.Join(network.Dataset(0))
	}
	var d *meshdevice.Device
	x := net.Add(network.NodeConfig{Off: true, Kind: network.SED, Make: func(tc thread.Config) (mesh.Device, *thread.Node, error) {
		var err error
		d, err = meshdevice.New(meshdevice.Config{Thread: tc, Start: &meshdevice.StartOptions{
			Options: words.Options{Name: "demo", Host: "198.51.100.10", Identity: "id-demo", Key: "30313233343536373839616263646566", Lifetime: 300}},
			Tap: func(now machine.Time, cause machine.Cause, out bool, _ machine.Path, b []byte) machine.Cause {
				return f.Device(now, cause, 4, out, b)
			}})
		if err != nil {
			return nil, nil, err
		}
		return d, d.Node(), nil
	}})
	net.SetLink(4, 1, mesh.Link{Off: true})
	net.SetLink(4, 2, mesh.Link{Off: true})
	x.Boot()
	net.Run(3 * time.Minute)
	x.Join(network.Dataset(0))
	if !net.RunUntil(func() bool { return d.Status().State == client.StateReady }, 5*time.Minute) {
		t.Fatalf("not registered: %+v, %v", d.Status(), x.Role())
	}
	var id machine.OpID
	op := server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0")}
	node.Do(func(now machine.Time) {
		cause := w.Cause()
		id = s.Do(now, cause, "demo", &op)
		f.Asked(now, cause, id, "demo", &op)
	})
	net.RunUntil(func() bool { return out != nil }, time.Minute)
	if out == nil || out.Err != nil {
		t.Fatalf("%+v", out)
	}
	got, err := f.Get(context.Background(), server.FormatOp(id))
	if err != nil {
		t.Fatal(err)
	}
	check(t, got)
	list, err := f.List(context.Background(), "demo", trace.Operation, 10)
	if err != nil || len(list) != 1 || list[0].Frames != got.Frames || list[0].Spans != nil {
		t.Errorf("%+v, %v", list, err)
	}
	var file bytes.Buffer
	if err := f.Capture(context.Background(), got.ID, &file, true); err != nil || file.Len() < 1000 {
		t.Errorf("%d bytes, %v", file.Len(), err)
	}
	readByTshark(t, file.Bytes())
	if path := os.Getenv("TRACE_PCAP"); path != "" {
		_ = os.WriteFile(path, file.Bytes(), 0o644)
	}
	// The device has begun something before: it registered.
	register := byDevice(t, f, "Register")
	checkOwn(t, register, "2.01 Created")
	if register.Endpoint != "demo" || register.Op != "register" {
		t.Errorf("%s %s", register.Endpoint, register.Op)
	}
	// What an observation brings later has its cause, but is not part of the exchange that began it.
	out, op = nil, server.Operation{Kind: server.Observe, Path: lwm2m.MustPath("/3/0/13")}
	node.Do(func(now machine.Time) {
		cause := w.Cause()
		id = s.Do(now, cause, "demo", &op)
		f.Asked(now, cause, id, "demo", &op)
	})
	net.Run(10 * time.Second)
	if x, err := f.Get(context.Background(), server.FormatOp(id)); err != nil || out == nil || x.Took > 2_000_000 || x.Frames > 12 {
		t.Errorf("%v %+v", err, x)
	}
	// It is one of the device's own, which the server's acknowledgement or nothing answers.
	note := byDevice(t, f, "Notify /3/0/13")
	checkOwn(t, note, "")
	x.Do(func(now machine.Time) {
		err := d.Do(now, w.Cause(), func(c *client.Client) {
			if err := c.Update(now, w.Cause(), words.ShortServerID); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	net.Run(10 * time.Second)
	checkOwn(t, byDevice(t, f, "Update"), "2.04 Changed")
	if _, err := f.Get(context.Background(), "nothing"); err != trace.ErrUnknown {
		t.Error(err)
	}
}

func check(t *testing.T, got *trace.Trace) {
	t.Helper()
	var lanes []string
	for _, l := range got.Lanes {
		lanes = append(lanes, l.Name)
		t.Logf("%-10s %s", l.Name, l.Where)
	}
	if s := strings.Join(lanes, " "); s != "REST LwM2M CoAP DTLS 1.2 IPv4 NAT64 IPv6 6LoWPAN Hop 1 Hop 2 Hop 3 Device" {
		t.Error(s)
	}
	for _, s := range got.Spans {
		t.Logf("%8d-%8d %-9s %-8s %s try %d lost %v %d", s.Begin, s.End, got.Lanes[s.Lane].Name, s.Kind, s.Label, s.Try, s.Lost, s.RSSI)
	}
	for _, p := range got.Parts {
		t.Logf("%-30s %8d us", p.Name, p.Took)
	}
	for _, l := range got.Layers {
		t.Logf("%-12s %-20s %4d B", l.Name, l.Note, l.Bytes)
	}
	seen := map[string]map[string]bool{}
	for _, s := range got.Spans {
		name := got.Lanes[s.Lane].Name
		if seen[name] == nil {
			seen[name] = map[string]bool{}
		}
		seen[name][s.Kind] = true
		if s.End < s.Begin || s.Cause >= s.ID {
			t.Errorf("%+v", s)
		}
	}
	for _, name := range []string{"CoAP", "DTLS 1.2", "IPv4", "NAT64", "IPv6", "6LoWPAN", "Hop 1", "Hop 2", "Hop 3"} {
		if !seen[name]["request"] || !seen[name]["answer"] {
			t.Errorf("%s: %v", name, seen[name])
		}
	}
	if !seen["Device"]["work"] || !seen["Hop 3"]["wait"] {
		t.Error(seen)
	}
	if got.State != "done" || got.Code != "2.05 Content" || got.Frames < 6 || len(got.Route) != 4 || got.Node != 4 {
		t.Errorf("%s %s, %d frames, route %v, node %d", got.State, got.Code, got.Frames, got.Route, got.Node)
	}
}

// readByTshark does what a capture's comment says: with it each frame is decrypted, though none shows a long address.
func readByTshark(t *testing.T, capture []byte) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Log("no tshark: the capture was only written")
		return
	}
	command := regexp.MustCompile(`tshark -o [ -~]*`).Find(capture)
	file := filepath.Join(t.TempDir(), "trace.pcapng")
	if err := os.WriteFile(file, capture, 0o600); err != nil {
		t.Fatal(err)
	}
	for filter, some := range map[string]bool{"wpan && !6lowpan": false, "6lowpan && udp": true} {
		out, err := exec.Command("sh", "-c", string(command)+" -r "+file+" -Y '"+filter+"'").Output()
		if err != nil || (len(out) > 0) != some {
			t.Errorf("%s: %v\n%s\n%s", filter, err, command, out)
		}
	}
}

// byDevice returns the latest exchange with a title that a device began.
func byDevice(t *testing.T, f *follow.Follower, title string) *trace.Trace {
	t.Helper()
	list, err := f.List(context.Background(), "demo", "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, x := range list {
		if titles = append(titles, x.Title); x.Title == title {
			whole, err := f.Get(context.Background(), x.ID)
			if err != nil {
				t.Fatal(err)
			}
			return whole
		}
	}
	t.Fatalf("no %q among %v", title, titles)
	return nil
}

// checkOwn looks whether what a device began is there in all places, on its way to the server and back.
func checkOwn(t *testing.T, got *trace.Trace, code string) {
	t.Helper()
	t.Logf("%s, %s %s, %d us, route %v", got.Title, got.State, got.Code, got.Took, got.Route)
	both := map[string]map[string]bool{}
	for _, s := range got.Spans {
		name := got.Lanes[s.Lane].Name
		if both[name] == nil {
			both[name] = map[string]bool{}
		}
		both[name][s.Kind] = true
		t.Logf("%8d-%8d %-9s %-8s %s try %d", s.Begin, s.End, name, s.Kind, s.Label, s.Try)
	}
	for _, p := range got.Parts {
		t.Logf("%-30s %8d us", p.Name, p.Took)
	}
	for _, l := range got.Layers {
		t.Logf("%-12s %-20s %4d B", l.Name, l.Note, l.Bytes)
	}
	var lanes []string
	for _, l := range got.Lanes {
		lanes = append(lanes, l.Name)
	}
	if s := strings.Join(lanes, " "); s != "LwM2M CoAP DTLS 1.2 IPv4 NAT64 IPv6 6LoWPAN Hop 1 Hop 2 Hop 3 Device" {
		t.Error(s)
	}
	for _, name := range []string{"CoAP", "DTLS 1.2", "IPv4", "NAT64", "IPv6", "6LoWPAN", "Hop 1", "Hop 2", "Hop 3"} {
		if !both[name]["request"] || code != "" && !both[name]["answer"] {
			t.Errorf("%s: %s has %v", got.Title, name, both[name])
		}
	}
	if !both["Device"]["work"] || got.State != "done" || code != "" && got.Code != code || got.Kind == trace.Operation || got.Node != 4 ||
		fmt.Sprint(got.Route) != "[1 2 3 4]" {
		t.Errorf("%s: %s %s, %s, node %d, route %v", got.Title, got.State, got.Code, got.Kind, got.Node, got.Route)
	}
	if got.Took <= 0 || got.Took > 3_000_000 {
		t.Errorf("%s took %d us", got.Title, got.Took)
	}
}
