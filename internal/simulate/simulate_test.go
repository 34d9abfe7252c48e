package simulate

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heddle.example/sim/mesh/network"
)

const office = `
seed: 7
for: 4m
air: {time: true, loss: 0.01}
nodes:
  - {count: 9, kind: router, layout: floors 2 30x20, spread: 5s}
  - {count: 3, kind: sed, layout: floors 2 30x20, spread: 5s, poll: 500ms}
  - {kind: med, at: [[5, 5], [6, 6, 3]]}
links: ["1 2 rssi -60", "1 > 3 loss 0.2"]
script: |
  at 60s expect one partition
  at 61s ping 5 -> 9 size 100 count 2
  at 62s node 5 rloc16
  at 65s move 4 10 10
  at 70s split 1-7 / 8-14
  at 90s heal
  at 100s kill 14
  at 101s boot 14
  every 110s say still here
  at 230s expect one partition
  at 230s expect pings
`

func read(t *testing.T, text string) *Scenario {
	t.Helper()
	s, err := Read(strings.NewReader(text))
	if err == nil {
		err = s.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A scenario runs as its file says, and gives the same bytes again.
func TestRun(t *testing.T) {
	run := func() (*Report, []byte) {
		var pcap bytes.Buffer
		shown := 0
		r, err := Run(context.Background(), Options{Scenario: read(t, office), Pcap: &pcap, Progress: func(Progress) { shown++ }})
		if err != nil {
			t.Fatal(err)
		}
		if shown == 0 {
			t.Error("no progress")
		}
		return r, pcap.Bytes()
	}
	a, first := run()
	if len(a.Failures) > 0 || a.Virtual != 4*time.Minute || len(a.Partitions) != 1 || a.Detached != 0 || len(a.Kinds) != 3 {
		t.Errorf("%+v", a)
	}
	text := strings.Join(a.Transcript, "\n")
	for _, want := range []string{"> kill 14", "ping 5 -> 9: 2 of 2 answered", "> say still here", "node 5: "} {
		if !strings.Contains(text, want) {
			t.Errorf("the transcript has no %q:\n%s", want, text)
		}
	}
	for _, k := range a.Kinds {
		if k.Kind == "sed" && k.Energy.Sleep < 3*time.Minute {
			t.Errorf("sleepy nodes slept for %v", k.Energy.Sleep)
		}
	}
	b, second := run()
	if strings.Join(b.Transcript, "\n") != text || !bytes.Equal(first, second) {
		t.Error("two runs of one seed differ")
	}
	var out bytes.Buffer
	if err := a.Write(&out); err != nil || !strings.Contains(out.String(), "1 leader") {
		t.Error(err, out.String())
	}

	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark: the capture was not read")
	}
	file := filepath.Join(t.TempDir(), "x.pcapng")
	if err := os.WriteFile(file, first, 0o600); err != nil {
		t.Fatal(err)
	}
	fields := func(filter string) []string {
		t.Helper()
		b, err := exec.Command(tshark, "-r", file, "-o", `uat:ieee802154_keys:"00112233445566778899aabbccddeeff","1","Thread hash"`,
			"-o", "6lowpan.context0:fd00:db8::/64", "-o", "thread.thr_use_pan_id_in_key:FALSE", "-o", "thread.thr_auto_acq_thr_seq_ctr:TRUE",
			"-d", "udp.port==61631,coap", "-Y", filter, "-T", "fields", "-e", "frame.number").Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(b))
	}
	if bad := fields("_ws.malformed"); len(bad) > 0 {
		t.Errorf("tshark finds frames %v malformed", bad)
	}
	if n := len(fields("mle.cmd")); n < 50 {
		t.Errorf("tshark reads %d MLE messages", n)
	}
	if n := len(fields("icmpv6.type == 129")); n < 2 {
		t.Errorf("tshark reads %d echo replies", n)
	}
}

// An expectation that is not met fails the run, and says so.
func TestExpectations(t *testing.T) {
	s := read(t, "for: 30s\nair: {inrange: true}\nnodes: [{count: 2}]\nscript: |\n  at 20s expect 1 router\n  at 20s kill 9\n  at 21s kill 2\n  at 22s ping 1 -> 2\n  at 22s link 1 2 sideways\n  at 23s expect one partition\n")
	r, err := Run(context.Background(), Options{Scenario: s})
	if err != nil || len(r.Failures) != 4 {
		t.Errorf("%v, %q", err, r.Failures)
	}
}

func TestScenarioErrors(t *testing.T) {
	for text, says := range map[string]string{
		"":                                          "needs nodes",
		"seed: x":                                   "cannot unmarshal",
		"bananas: 1":                                "bananas",
		"for: tomorrow":                             "no time",
		"nodes: [{count: 2, kind: toaster}]":        "no kind",
		"nodes: [{count: 2, layout: pile}]":         "no layout",
		"nodes: [{count: 2, layout: grid -1}]":      "it is written",
		"nodes: [{count: -2}, {count: 5}]":          "count is -2",
		"nodes: [{at: [[1]]}]":                      "a place is",
		"nodes: [{count: 1000000}]":                 "too many",
		"nodes: [{count: 2}]\nair: {loss: 2}":       "a share",
		"nodes: [{count: 2}]\nnetworks: 1000":       "1000 networks",
		"nodes: [{count: 2}]\nscript: at noon rest": "script: line 1",
		"nodes: [{count: 2}]\nair: {time: true, colour: blue}": "colour",
	} {
		s, err := Read(strings.NewReader(text))
		if err == nil {
			err = s.Check()
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

func TestGroups(t *testing.T) {
	g, err := Groups(10, "router=3,sed=1", "disc", 0, 0)
	if err != nil || len(g) != 2 || g[0].Count != 8 || g[1].Count != 2 {
		t.Errorf("%+v %v", g, err)
	}
	for _, bad := range []string{"router=x", "router=0", "router=-1"} {
		if _, err := Groups(10, bad, "disc", 0, 0); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// Every network begins with a router, and each has its own channel.
func TestNetworks(t *testing.T) {
	s := &Scenario{Seed: 1, For: Time(90 * time.Second), Air: Air{Time: true}, Networks: 4}
	s.Nodes, _ = Groups(40, "router=1,sed=1", "disc 15", time.Second, time.Second)
	var net *network.Network
	r, err := Run(context.Background(), Options{Scenario: s, Started: func(n *network.Network) { net = n }})
	if err != nil || r.Detached > 0 || len(r.Partitions) < 4 {
		t.Fatal(err, r.Partitions, r.Detached)
	}
	used := 0
	for _, n := range net.Stats().ByChannel {
		if n > 0 {
			used++
		}
	}
	if used < 4 {
		t.Errorf("%d channels are used", used)
	}
}

func TestPrompt(t *testing.T) {
	s := &Scenario{Seed: 1, Air: Air{InRange: true}}
	s.Nodes, _ = Groups(3, "router", "grid", 0, 0)
	var out bytes.Buffer
	p, err := NewPrompt(s, &out)
	if err != nil {
		t.Fatal(err)
	}
	in := "go 3m\nnodes\nnode 2\nstate\nexit\nnode 3 state\nping 1 -> 2\nkill 3\nnode 3 state\nboot 3\nnode 3 reset\ngo\nnode\nfly\nhelp\nreport\nexit\nnode 1 state\n"
	if err := p.Run(strings.NewReader(in)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"180.000 s> ", "node 2, 180.000 s> ", "Done\n", "1 -> 2: 1 of 1 answered", "node 3 is off", "go TIME", "no verb \"fly\"", "partitions   1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if err := p.Do("exit"); err != io.EOF {
		t.Error(err)
	}
}

const metered = `
seed: 5
for: 6m
nodes:
  - {kind: border, at: [[10, 10]]}
  - {kind: router, at: [[22, 10], [34, 10]]}
  - {count: 6, kind: sed, layout: floors 1 40x20, spread: 5s, lwm2m: {objects: [3305]}}
  - {kind: router, at: [[30, 5]], lwm2m: {plain: true}}
server: {read: 2m}
script: |
  at 1m expect registered
  at 2m node 10 lwlist
  at 3m kill 5
  at 3m30s boot 5
  at 5m50s expect registered
`

// A scenario with LwM2M devices: they register through the border router and its NAT64, are read, and it is the same again.
func TestDevices(t *testing.T) {
	run := func() *Report {
		r, err := Run(context.Background(), Options{Scenario: read(t, metered)})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := run()
	l := r.LwM2M
	if len(r.Failures) > 0 || l == nil || l.Devices != 7 || l.Registered != 7 || l.AllAfter == 0 || l.Asked < 14 || l.Answered < 10 || l.Kept == 0 {
		t.Errorf("%q, %+v", r.Failures, l)
	}
	text := strings.Join(r.Transcript, "\n")
	if !strings.Contains(text, "status: REGISTERED") {
		t.Errorf("no registration in\n%s", text)
	}
	var out bytes.Buffer
	if err := r.Write(&out); err != nil || !strings.Contains(out.String(), "7 of 7 devices registered") {
		t.Error(err, out.String())
	}
	if again := strings.Join(run().Transcript, "\n"); again != text {
		t.Error("two runs of one seed differ")
	}
	bad := read(t, "nodes: [{count: 2}]")
	bad.Nodes = append(bad.Nodes, Group{Count: 1, Kind: "border", LwM2M: &LwM2M{}})
	if err := bad.Check(); err == nil {
		t.Error("a border router that is a device is taken")
	}
}
