package system

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/internet"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/shell"
)

// The command line of a simulated border router has br and nat64.
func TestRouterShell(t *testing.T) {
	net := network.New(1, mesh.Config{})
	s := In(net, internet.New(net.World, internet.Config{}))
	r := s.AddRouter(RouterConfig{DNS: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}})
	r.Join(network.Dataset(0))
	if !s.WaitReady(time.Minute) {
		t.Fatal("no way out")
	}
	sh := shell.New(r.Thread(), r.Shell())
	for line, want := range map[string]string{"br state": "running", "br omrprefix favored": " prf:low", "nat64 state": "Translator: Active"} {
		sh.Output()
		r.Input(func(now machine.Time, _ *thread.Node) { sh.Run(now, 1, line) })
		if got := string(sh.Output()); !strings.Contains(got, want) || !strings.Contains(got, "Done") {
			t.Errorf("%s: %q", line, got)
		}
	}
}
