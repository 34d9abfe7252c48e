package thread_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/mle"
	"heddle.example/thread/shell"
)

// typist types at the prompts of nodes.
type typist struct {
	t   *testing.T
	net *network.Network
	sh  map[*network.Node]*shell.Shell
}

func (k *typist) sit(n *network.Node) {
	sh := shell.New(n.Thread(), shell.Config{})
	sh.Output()
	k.sh[n] = sh
	n.OnEvent = func(now machine.Time, a machine.Action) { sh.Observe(now, a) }
}

var ownAddress = regexp.MustCompile(`fd[0-9a-f]{2}(:[0-9a-f]{1,4}){7}`)

// run types lines, and returns what the last one prints, without its prompt, with all addresses of nodes as ADDR and TTLs as N.
func (k *typist) run(n *network.Node, lines ...string) string {
	k.t.Helper()
	out := ""
	for _, l := range lines {
		k.sh[n].Output()
		n.Input(func(now machine.Time, _ *thread.Node) { k.sh[n].Run(now, 0, l) })
		for i := 0; k.sh[n].Pending() && i < 60; i++ {
			k.net.Run(time.Second)
		}
		out = strings.TrimSuffix(strings.ReplaceAll(string(k.sh[n].Output()), "\r\n", "\n"), "> ")
		if !strings.HasSuffix(out, "Done\n") {
			k.t.Fatalf("%s: %q", l, out)
		}
	}
	out = ownAddress.ReplaceAllString(out, "ADDR")
	return strings.TrimSuffix(regexp.MustCompile(`TTL:\d+`).ReplaceAllString(out, "TTL:N"), "Done\n")
}

func (k *typist) want(n *network.Node, line, want string) {
	k.t.Helper()
	if got := k.run(n, line); got != want {
		k.t.Errorf("%s:\n%s\nnot\n%s", line, got, want)
	}
}

// A node registers with the server that the network data names, is found by a third one, and takes itself back.
func TestRegistration(t *testing.T) {
	for _, mode := range []string{"unicast", "anycast", "unicast-force-add"} {
		t.Run(mode, func(t *testing.T) { registration(t, mode) })
	}
}

func registration(t *testing.T, mode string) {
	k := &typist{t, network.New(11, mesh.Config{}), map[*network.Node]*shell.Shell{}}
	server := k.net.Add(network.NodeConfig{})
	d := server.Thread().Datasets().NewNetwork()
	start(t, server, d)
	wait(t, k.net, time.Minute, "leader", func() bool { return role(server) == mle.Leader })
	host, other := k.net.Add(network.NodeConfig{}), k.net.Add(network.NodeConfig{})
	for _, n := range []*network.Node{host, other} {
		start(t, n, d)
		wait(t, k.net, time.Minute, "child", func() bool { return role(n).Attached() })
	}
	for _, n := range []*network.Node{server, host, other} {
		k.sit(n)
	}
	k.want(host, "srp client autostart", "Enabled\n")
	k.run(server, "srp server addrmode "+mode, "srp server seqnum 3", "srp server lease 30 7200 30 14400", "srp server enable")
	k.net.Run(20 * time.Second)
	k.want(server, "srp server state", "running\n")
	k.want(host, "srp client state", "Enabled\n")
	k.run(host, "srp client callback enable", "srp client host name lamp", "srp client host address auto",
		"srp client service add kitchen\\ lamp _ipps._tcp,_color,_x 631 1 2 03613d6201630164", "srp client service add two _coap._udp 5683")
	k.net.Run(20 * time.Second)
	k.want(host, "srp client host", "name:\"lamp\", state:Registered, addrs:auto\n")
	k.want(host, "srp client service", "instance:\"two\", name:\"_coap._udp\", state:Registered, port:5683, priority:0, weight:0\n"+
		"instance:\"kitchen lamp\", name:\"_ipps._tcp,_color,_x\", state:Registered, port:631, priority:1, weight:2\n")
	k.want(server, "srp server host", "lamp.default.service.arpa.\n    deleted: false\n    addresses: [ADDR]\n")
	const service = "kitchen lamp._ipps._tcp.default.service.arpa.\n    deleted: false\n    subtypes: _color,_x\n    port: 631\n" +
		"    priority: 1\n    weight: 2\n    ttl: 7200\n    lease: 7200\n    key-lease: 14400\n    TXT: [a=62, c, d]\n" +
		"    host: lamp.default.service.arpa.\n    addresses: [ADDR]\n"
	if got := k.run(server, "srp server service"); !strings.Contains(got, service) || strings.Count(got, "deleted") != 2 {
		t.Error(got)
	}
	// Somebody else finds it.
	const found = "Port:631, Priority:1, Weight:2, TTL:N\nHost:lamp.default.service.arpa.\nHostAddress:ADDR TTL:N\nTXT:[a=62, c, d] TTL:N\n"
	inner := "    " + strings.ReplaceAll(strings.TrimSuffix(found, "\n"), "\n", "\n    ") + "\n"
	k.want(other, "dns browse _ipps._tcp.default.service.arpa", "DNS browse response for _ipps._tcp.default.service.arpa.\nkitchen lamp\n"+inner+"\n")
	k.want(other, "dns browse _color._sub._ipps._tcp.default.service.arpa.", "DNS browse response for _color._sub._ipps._tcp.default.service.arpa.\nkitchen lamp\n"+inner+"\n")
	k.want(other, "dns service kitchen\\ lamp _ipps._tcp.default.service.arpa", "DNS service resolution response for kitchen lamp for service _ipps._tcp.default.service.arpa.\n"+found+"\n")
	for _, how := range []string{"srv", "srv_txt", "srv_txt_sep", "srv_txt_opt"} {
		k.want(other, "dns servicehost kitchen\\ lamp _ipps._tcp.default.service.arpa :: 0 0 0 1 "+how, "DNS service resolution response for kitchen lamp for service _ipps._tcp.default.service.arpa.\n"+found+"\n")
	}
	k.want(other, "dns resolve LAMP.default.service.arpa", "DNS response for LAMP.default.service.arpa. - ADDR TTL:N \n")
	if got := k.run(other, "ping lamp.default.service.arpa"); !strings.Contains(got, "1 packets received") {
		t.Error(got)
	}
	// Renewed before the lease ends, so that it stays.
	k.net.Run(130 * time.Minute)
	if got := k.run(server, "srp server service"); strings.Count(got, "deleted: false") != 2 {
		t.Error(got)
	}
	// One service goes, then the host.
	k.run(host, "srp client service remove two _coap._udp")
	k.net.Run(20 * time.Second)
	if got := k.run(server, "srp server service"); !strings.Contains(got, service) || !strings.Contains(got, "two._coap._udp.default.service.arpa.\n    deleted: true\n") {
		t.Error(got)
	}
	k.run(host, "srp client host remove")
	k.net.Run(20 * time.Second)
	k.want(server, "srp server host", "lamp.default.service.arpa.\n    deleted: true\n")
	k.want(host, "srp client host", "name:(null), state:Removed, addrs:[]\n")
	if mode == "unicast" { // the name is kept for longer
		k.net.Run(5 * time.Hour)
		k.want(server, "srp server host", "")
	}
	k.run(server, "srp server disable")
	k.net.Run(20 * time.Second)
	k.want(host, "srp client state", "Disabled\n")
	k.want(host, "srp client server", "[0:0:0:0:0:0:0:0]:0\n")
}
