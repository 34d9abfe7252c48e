package network_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/shell"
)

// seat is a node with somebody at its prompt.
type seat struct {
	node *network.Node
	sh   *shell.Shell
}

func sit(net *network.Network, c network.NodeConfig) *seat {
	s := &seat{}
	c.OnBoot = func(_ machine.Time, t *thread.Node) { s.sh = shell.New(t, shell.Config{Echo: true}) }
	s.node = net.Add(c)
	s.node.OnEvent = func(now machine.Time, a machine.Action) { s.sh.Observe(now, a) }
	return s
}

// typeIn types a line, and waits until the command has ended.
func (s *seat) typeIn(net *network.Network, line string) {
	s.node.Input(func(now machine.Time, _ *thread.Node) { s.sh.Input(now, 0, []byte(line+"\n")) })
	for range 400 {
		if !s.sh.Pending() {
			break
		}
		net.Run(50 * time.Millisecond)
		if s.sh.Deadline() <= net.World.Now() {
			s.node.Input(func(now machine.Time, _ *thread.Node) { s.sh.Expire(now) })
		}
	}
	net.Run(30 * time.Millisecond)
	switch s.sh.Exit() {
	case shell.Reset:
		s.node.Reset()
	case shell.FactoryReset:
		s.node.FactoryReset()
	}
}

// What depends on chance stands in a transcript as its kind: <ext> for 8 bytes, <iid> for the second half of an address,
// <rloc> for a short address, <id> for a router or partition id, <n> for another number.
var chance = []struct {
	pattern *regexp.Regexp
	as      string
}{
	{regexp.MustCompile(`((?:fd00:db8|fd00:1|fe80):0:0:|fe80:0:0:0:)0:ff:fe00:[0-9a-f]+`), "${1}<rloc>"},
	{regexp.MustCompile(`((?:fd00:db8|fd00:1):0:0|fe80:0:0:0):[0-9a-f]+:[0-9a-f]+:[0-9a-f]+:[0-9a-f]+`), "${1}:<iid>"},
	{regexp.MustCompile(`\b[0-9a-f]{32,}\b`), "<bytes>"},
	{regexp.MustCompile(`\b[0-9a-f]{16}\b`), "<ext>"},
	{regexp.MustCompile(`\b0x[0-9a-f]{4}\b`), "<rloc>"},
	{regexp.MustCompile(`\b[0-9a-f]{4}( [0-9]+)?$`), "<rloc>${1}"},
	{regexp.MustCompile(`^[0-9a-f]{4}: `), "<rloc>: "},
	{regexp.MustCompile(`((?:DataVersion|StableDataVersion): )\d+`), "${1}<n>"},
	{regexp.MustCompile(`^\d+ - - -`), "<n> - - -"},
	{regexp.MustCompile(`^(\|   \d \| <rloc> \| +\d+ \| +\d+ \| +\d \| )+ *\d+`), "${1} <n>"},
	{regexp.MustCompile(`time=\d+ms`), "time=<n>ms"},
	{regexp.MustCompile(`= \d+/\d+\.\d+/\d+ ms`), "= <n> ms"},
	{regexp.MustCompile(`(\b(?:age|conn-time|transTime|Age|Data Version|Stable Data Version|Partition ID|Leader Router ID|Net Data|RSSI|IdSequence):? ?)(-?\d[\d:]*)`), "${1}<n>"},
}

func steady(line string) string {
	for _, c := range chance {
		line = c.pattern.ReplaceAllString(line, c.as)
	}
	return line
}

// A script is a session at several nodes, each line with the number of its node: what it typed and what it shows. A line
// "+ 10s" lets time pass, "+ mtd 3" adds a node of another kind.
func TestShellScripts(t *testing.T) {
	names, _ := filepath.Glob("testdata/shell/*.txt")
	if len(names) == 0 {
		t.Fatal("no scripts")
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(b))
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			g, w := strings.Split(got, "\n"), strings.Split(string(b), "\n")
			for i := range max(len(g), len(w)) {
				switch {
				case i >= len(g):
					t.Fatalf("line %d is missing: %s", i+1, w[i])
				case i >= len(w) || g[i] != w[i]:
					t.Fatalf("line %d is\n%s\nafter\n%s", i+1, g[i], strings.Join(g[max(0, i-6):i], "\n"))
				}
			}
		})
	}
}

// play runs what a script types and returns the whole transcript.
func play(t *testing.T, script string) string {
	var out strings.Builder
	net := network.New(1, mesh.Config{})
	seats := map[int]*seat{}
	at := func(i int) *seat {
		for n := len(seats) + 1; n <= i; n++ {
			seats[n] = sit(net, network.NodeConfig{})
			seats[n].sh.Output()
		}
		return seats[i]
	}
	show := func(i int, b []byte) {
		lines := strings.Split(string(b), "\r\n")
		for n, l := range lines {
			l = strings.TrimPrefix(l, "> ") // what comes by itself comes behind a prompt
			if n == len(lines)-1 && l == "" {
				continue
			}
			fmt.Fprintf(&out, "%d %s\n", i, strings.TrimRight(steady(l), " "))
		}
	}
	others := func() {
		for i := 1; i <= len(seats); i++ {
			show(i, seats[i].sh.Output())
		}
	}
	for line := range strings.Lines(script) {
		line = strings.TrimRight(line, "\n")
		if d, ok := strings.CutPrefix(line, "+ "); ok {
			fmt.Fprintln(&out, line)
			if kind, ok := strings.CutPrefix(d, "mtd "); ok {
				n, _ := strconv.Atoi(kind)
				seats[n] = sit(net, network.NodeConfig{MTD: true})
				seats[n].sh.Output()
				continue
			}
			pass, err := time.ParseDuration(d)
			if err != nil {
				t.Fatal(err)
			}
			net.Run(pass)
			others()
			continue
		}
		number, typed, ok := strings.Cut(line, " > ")
		if !ok {
			continue
		}
		i, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		s := at(i)
		s.typeIn(net, typed)
		fmt.Fprintf(&out, "%d > ", i)
		b := s.sh.Output()
		echo, rest, _ := strings.Cut(string(b), "\r\n")
		fmt.Fprintln(&out, echo)
		show(i, []byte(rest))
		others()
	}
	return out.String()
}

// The commands of CoAP between two nodes, as the README of OpenThread's shell has them.
func TestCoAPCommands(t *testing.T) {
	net := network.New(11, mesh.Config{})
	a, b := sit(net, network.NodeConfig{}), sit(net, network.NodeConfig{})
	for _, s := range []*seat{a, b} {
		s.node.Join(network.Dataset(0))
		if !net.RunUntil(func() bool { return s.node.Thread().MLE().Role().Attached() }, time.Minute) {
			t.Fatal("not attached")
		}
	}
	to := a.node.Thread().MLE().MeshLocalEID().String()
	from := b.node.Thread().MLE().MeshLocalEID().String()
	say := func(s *seat, line string, want ...string) {
		t.Helper()
		a.sh.Output()
		b.sh.Output()
		s.typeIn(net, line)
		net.Run(2 * time.Second)
		got := string(b.sh.Output())
		if s == a {
			got = string(a.sh.Output()) + got
		} else {
			got += string(a.sh.Output())
		}
		var lines []string
		for l := range strings.Lines(got) {
			if l = strings.TrimSpace(strings.TrimPrefix(l, "> ")); l != "" && l != line {
				lines = append(lines, l)
			}
		}
		if strings.Join(lines, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s\nwant:\n%s", line, strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	}
	say(b, "coap get "+to+" test-resource", "Error 13: InvalidState")
	say(a, "coap start", "Done")
	say(a, "coap start", "Done")
	say(a, "coap resource test-resource", "Done")
	say(a, "coap resource", "test-resource", "Done")
	say(b, "coap start", "Done")
	say(b, "coap get "+to+" test-resource", "Done", "coap response from "+to+" with payload: 30",
		"coap request from "+from+" GET", "coap response sent")
	say(b, "coap put "+to+" test-resource con payload", "Done", "coap response from "+to,
		"coap request from "+from+" PUT with payload: 7061796c6f6164", "coap response sent")
	say(b, "coap put "+to+" test-resource non-con payload", "Done", "coap request from "+from+" PUT with payload: 7061796c6f6164")
	say(b, "coap delete "+to+" other con", "Done", "coap response from "+to)
	say(b, "coap get "+to, "Error 7: InvalidArgs")
	say(b, "coap cancel", "Error 13: InvalidState")
	say(b, "coap observe "+to+" test-resource con", "Done", "coap response from "+to+" OBS=0 with payload: 30",
		"coap request from "+from+" GET OBS=0", "Subscribing client", "coap response sent")
	say(a, "coap set 41", "sending coap notification to "+from, "Done",
		"Received ACK in reply to notification from "+from, "coap response from "+to+" OBS=1 with payload: 3431")
	say(b, "coap cancel", "Done", "coap response from "+to+" with payload: 3431", "coap request from "+from+" GET OBS=1", "coap response sent")
	say(a, "coap set 42", "Done")
	say(a, "coap set", "42", "Done")
	say(b, "coap parameters request 1000 3 2 1", "Transmission parameters for request:",
		"ACK_TIMEOUT=1000 ms, ACK_RANDOM_FACTOR=3/2, MAX_RETRANSMIT=1", "Done")
	say(b, "coap parameters request default", "Transmission parameters for request:", "default", "Done")
	say(a, "coap stop", "Done")
	say(b, "coap stop", "Done")
}
