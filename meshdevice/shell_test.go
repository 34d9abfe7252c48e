package meshdevice_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

// The commands at a node's prompt, with their answers to the letter: stopped, registered, and stopped again.
func TestWords(t *testing.T) {
	r := newRig(t, 20, mesh.Config{})
	x := r.device(network.NodeConfig{Kind: network.FED}, meshdevice.Config{})
	for _, c := range strings.Fields("lwstop lwlist lwls lwadd lwrm lwdisp lwdispb lwobs lwfw") {
		if got := x.typed(c); got != "Error: LWM2M not started\n" {
			t.Errorf("%s: %q", c, got)
		}
	}
	steps := []struct{ line, want string }{
		{"lwchange", "Syntax error! lwchange <URI> \\[VALUE\\]\nDone\n"},
		{"lwupdate", "Syntax error ! lwupdate <SERVER ID>\nDone\n"},
		{"lwupdate 123", "Error: LWM2M not started\n"},
		{"lwsend", "Syntax error! lwsend <PATH>...\nDone\n"},
		{"lwsend /3/0/9", "Error: LWM2M not started\n"},
		{"lwstart -n demo -h fdaa::10 -i id -s 001", "Error: Failed to parse Pre-Shared-Key 001\n"},
		{"lwstart -q", "Error: InvalidArgs: -q; usage: " + `lwstart \[-n NAME\] .*` + "\n"},
		{"lwstart -n demo -h fdaa::10 -t 60", "LWM2M Client \"demo\" started on port 0\n -> waiting for the Thread network: ifconfig up, thread start\nDone\n"},
		{"lwstart", "Error: LWM2M already started\n"},
		{"lwlist", "No Bootstrap Server.\nLWM2M Servers:\n - Server ID 123\tstatus: DEREGISTERED\nDone\n"},
		{"lwupdate 123", "Registration update error: 128\nDone\n"},
		{"join", ""},
		{"lwlist", "No Bootstrap Server.\nLWM2M Servers:\n - Server ID 123\tstatus: REGISTERED\tlocation: \"/rd/[^\"]+\"\tLifetime: 60s\nDone\n"},
		{"lwls", "/0/0  \n/1/0  \n/2 \n/3/0  \n/4/0  \n/5/0  \n/6/0  \n/7/0  \n/31024/10  /31024/11  /31024/12  \nDone\n"},
		{"lwobs", " - Server ID 123\t/31024/10/1\t\nDone\n"},
		{"lwrm", "Object 31024 removed.\nDone\n"},
		{"lwrm", "Removing object 31024 failed: 132\nDone\n"},
		{"lwadd", "Object 31024 added.\nDone\n"},
		{"lwadd", "Adding object 31024 failed: 134\nDone\n"},
		{"lwchange /31024/10/1 42", "value changed!\nDone\n"},
		{"lwchange /31024/10/1", "report change!\nDone\n"},
		{"lwchange /31024/10/1 x", "Failed to change value!\nDone\n"},
		{"lwchange /3/0/0 x", "write not supported for specified resource!\nDone\n"},
		{"lwchange /99/0/0 x", "Object not found !\nDone\n"},
		{"lwchange demo", "Syntax error! lwchange <URI> \\[VALUE\\]\nDone\n"},
		{"lwupdate 123", "Done\n"},
		{"lwupdate 7", "Registration update error: 132\nDone\n"},
		{"lwsend /3/0/9", "Send: 2.04 Changed\nDone\n"},
		{"lwfw", "State: idle, result: initial\nProtocols: coap\nDone\n"},
		{"lwdispb", "Done\n"},
		{"lwstop", " -> State: STATE_INITIAL\nDone\n"},
		{"lwlist", "Error: LWM2M not started\n"},
	}
	for _, s := range steps {
		if s.line == "join" {
			x.join(t)
			if !x.ready(10 * time.Second) {
				t.Fatalf("%+v", x.d.Status())
			}
			r.do("demo", server.Operation{Kind: server.Observe, Path: lwm2m.MustPath("/31024/10/1")})
			x.take()
			continue
		}
		if got := x.typed(s.line); !regexp.MustCompile(`\A` + s.want + `\z`).MatchString(got) {
			t.Errorf("%s: %q, want %q", s.line, got, s.want)
		}
		r.net.Run(time.Second)
		x.take()
	}
	got := ""
	if got = x.typed("lwhelp"); !strings.Contains(got, "lwstart [-n NAME]") || strings.Count(got, "\n") != 16 {
		t.Error(got)
	}
}
