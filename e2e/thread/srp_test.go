//go:build peers

package thread

import (
	"regexp"
	"strings"
	"time"
)

var (
	anAddress = regexp.MustCompile(`fd[0-9a-f]{2}(:[0-9a-f]{1,4}){7}`)
	aTTL      = regexp.MustCompile(`TTL:\d+`)
)

// prints returns what a command prints, with all addresses of nodes as ADDR and TTLs as N.
func (n *node) prints(command string) string {
	n.t.Helper()
	return aTTL.ReplaceAllString(anAddress.ReplaceAllString(strings.TrimRight(strings.Join(n.do("%s", command), "\n"), "\n"), "ADDR"), "TTL:N")
}

func (n *node) wants(command, want string) {
	n.t.Helper()
	if got := n.prints(command); got != want {
		n.t.Errorf("%v: %s says\n%s\nnot\n%s", n, command, got, want)
	}
}

const (
	lampRegistered = "kitchen lamp._ipps._tcp.default.service.arpa.\n    deleted: false\n    subtypes: _color,_x\n    port: 631\n" +
		"    priority: 1\n    weight: 2\n    ttl: 300\n    lease: 300\n    key-lease: 680400\n    TXT: [a=62, c, d]\n" +
		"    host: lamp.default.service.arpa.\n    addresses: [ADDR]"
	lampFound = "Port:631, Priority:1, Weight:2, TTL:N\nHost:lamp.default.service.arpa.\nHostAddress:ADDR TTL:N\nTXT:[a=62, c, d] TTL:N"
)

// registered has a host of maker b registered with a server of maker a.
func registered(v *virtual, a, b maker, mode string) (server, host *node) {
	server, host = v.node(a, ftd), v.node(b, ftd)
	form(server)
	host.do("routereligible disable")
	joins(host, 60*time.Second, "child")
	server.all("srp server addrmode "+mode, "srp server seqnum 3", "srp server enable")
	until(v.t, v, 30*time.Second, "the client has its server", func() bool { return host.get("srp client state") == "Enabled" })
	host.all("srp client leaseinterval 300", "srp client host name lamp", "srp client host address auto", "srp client service add two _coap._udp 5683",
		`srp client service add kitchen\ lamp _ipps._tcp,_color,_x 631 1 2 03613d6201630164`)
	until(v.t, v, 60*time.Second, "the host is registered", func() bool { return host.get("srp client host state") == "Registered" })
	return server, host
}

// Service registration: a client of one maker with a server of the other.
var _ = story(
	scenario{"SRP", func(v *virtual, a, b maker) {
		server, host := registered(v, a, b, "unicast")
		server.wants("srp server host", "lamp.default.service.arpa.\n    deleted: false\n    addresses: [ADDR]")
		host.wants("srp client host", `name:"lamp", state:Registered, addrs:auto`)
		if got := server.prints("srp server service"); !strings.Contains(got, lampRegistered) || strings.Count(got, "deleted: false") != 2 {
			v.t.Errorf("%v has\n%s", server, got)
		}
		server.wants("srp server port", host.get("srp client server port"))
		// The host asks for its own names: the client's server is that of the registry.
		host.wants("dns browse _ipps._tcp.default.service.arpa", "DNS browse response for _ipps._tcp.default.service.arpa.\nkitchen lamp\n    "+
			strings.ReplaceAll(lampFound, "\n", "\n    "))
		host.wants("dns browse _color._sub._ipps._tcp.default.service.arpa", "DNS browse response for _color._sub._ipps._tcp.default.service.arpa.\nkitchen lamp\n    "+
			strings.ReplaceAll(lampFound, "\n", "\n    "))
		for _, how := range []string{"srv", "srv_txt", "srv_txt_sep", "srv_txt_opt"} {
			host.wants(`dns service kitchen\ lamp _ipps._tcp.default.service.arpa :: 0 0 0 1 `+how,
				"DNS service resolution response for kitchen lamp for service _ipps._tcp.default.service.arpa.\n"+lampFound)
		}
		host.wants(`dns servicehost two _coap._udp.default.service.arpa`, "DNS service resolution response for two for service _coap._udp.default.service.arpa.\n"+
			"Port:5683, Priority:0, Weight:0, TTL:N\nHost:lamp.default.service.arpa.\nHostAddress:ADDR TTL:N\nTXT:[] TTL:N")
		host.wants("dns resolve lamp.default.service.arpa", "DNS response for lamp.default.service.arpa. - ADDR TTL:N ")
		for _, c := range []string{"dns browse _x._tcp.default.service.arpa", "dns service a _x._tcp.default.service.arpa"} {
			if _, last := host.try(40*time.Second, "%s", c); last != "Error 23: NotFound" {
				v.t.Errorf("%v: %s: %s", host, c, last)
			}
		}
		// The lease is renewed; one service goes, then the host and its key.
		v.pass(6 * time.Minute)
		if got := server.prints("srp server service"); strings.Count(got, "deleted: false") != 2 {
			v.t.Errorf("after the lease %v has\n%s", server, got)
		}
		host.do("srp client service remove two _coap._udp")
		until(v.t, v, 30*time.Second, "the service is gone", func() bool {
			return strings.Contains(server.prints("srp server service"), "two._coap._udp.default.service.arpa.\n    deleted: true")
		})
		host.do("srp client host remove 1")
		until(v.t, v, 30*time.Second, "the host is gone", func() bool { return server.prints("srp server host") == "" })
		host.wants("srp client host", "name:(null), state:Removed, addrs:[]")
	}},
	scenario{"SRPAnycast", func(v *virtual, a, b maker) {
		server, host := registered(v, a, b, "anycast")
		if got := host.get("srp client server"); !strings.Contains(got, ":0:ff:fe00:fc1") || !strings.HasSuffix(got, "]:53") {
			v.t.Errorf("%v registers with %s", host, got)
		}
		if got := server.prints("srp server service"); !strings.Contains(got, lampRegistered) {
			v.t.Errorf("%v has\n%s", server, got)
		}
		host.wants("dns resolve lamp.default.service.arpa", "DNS response for lamp.default.service.arpa. - ADDR TTL:N ")
		// With another sequence number the server is a new one, with which the client registers again.
		server.all("srp server disable", "srp server seqnum 4", "srp server enable")
		until(v.t, v, 60*time.Second, "it is registered again", func() bool { return strings.Contains(server.prints("srp server service"), lampRegistered) })
	}},
	scenario{"SRPNameConflict", func(v *virtual, a, b maker) {
		server, host := registered(v, a, b, "unicast-force-add")
		other := v.node(b, ftd)
		other.do("routereligible disable")
		joins(other, 60*time.Second, "child")
		other.all("srp client callback enable", "srp client host name lamp", "srp client host address auto", "srp client service add x _x._udp 1")
		// It asks again 1.8 s after each refusal at the earliest, and only between refusal and retry it may have another name.
		for range 3 {
			other.says(60*time.Second, "SRP client callback - error:Duplicated")
			other.wants("srp client host state", "ToAdd")
		}
		other.do("srp client host name lamp2")
		until(v.t, v, 60*time.Second, "it has another name", func() bool { return other.get("srp client host state") == "Registered" })
		if got := server.prints("srp server host"); !strings.Contains(got, "lamp2.default") || !strings.Contains(got, "lamp.default") {
			v.t.Errorf("%v has\n%s", server, got)
		}
		// A server that is new has nothing, and another port.
		port := server.get("srp server port")
		server.all("srp server disable", "srp server enable")
		until(v.t, v, 90*time.Second, "both are registered again", func() bool { return strings.Count(server.prints("srp server host"), "deleted: false") == 2 })
		if again := server.get("srp server port"); again == port {
			v.t.Errorf("the port is still %s", port)
		}
		// A restart of a client: its key is kept, so its name is still its own.
		host.reset("reset")
		host.all("ifconfig up", "thread start")
		host.state(60*time.Second, "child")
		host.all("srp client host name lamp", "srp client host address auto", "srp client service add y _y._udp 1")
		until(v.t, v, 60*time.Second, "it is registered again", func() bool { return host.get("srp client host state") == "Registered" })
	}},
)

func init() {
	words = append(words,
		"srp", "srp foo", "srp client", "srp client help", "srp client foo", "srp client host", "srp client host name", "srp client host name a b",
		"srp client host foo", "srp client host remove", "srp client host remove x", "srp client host address", "srp client host address xyz",
		"srp client host state", "srp client host state x", "srp client service", "srp client service add", "srp client service add a",
		"srp client service add a b 70000", "srp client service add a b 7 x", "srp client service add a b 7 1 1 xyz", "srp client service remove a b",
		"srp client service remove a", "srp client service clear a b", "srp client service key", "srp client service key x", "srp client server",
		"srp client server address", "srp client server port", "srp client server foo", "srp client start", "srp client start ::1",
		"srp client start xyz 1", "srp client ttl", "srp client ttl x", "srp client leaseinterval", "srp client leaseinterval x",
		"srp client keyleaseinterval", "srp client autostart", "srp client autostart x", "srp client callback", "srp client callback x",
		"srp client state", "srp client state x", "srp client stop x", "srp server", "srp server help", "srp server foo", "srp server state",
		"srp server addrmode", "srp server addrmode foo", "srp server auto", "srp server auto x", "srp server domain", "srp server faststart",
		"srp server faststart x", "srp server faststart enable", "srp server host", "srp server host x", "srp server lease", "srp server lease 1 2",
		"srp server lease 5 4 3 2", "srp server port", "srp server port 1", "srp server seqnum", "srp server seqnum 300", "srp server service",
		"srp server service x", "srp server ttl", "srp server ttl 5", "srp server ttl 5 4", "dns", "dns help", "dns foo", "dns config", "dns config xyz",
		"dns browse", "dns service", "dns service a", "dns servicehost a", "dns query", "dns query 1", "dns query 1 a", "dns resolve", "dns resolve4",
		"dns resolve4 a.b", "dns server", "dns server foo", "dns compression", "sntp", "sntp foo", "sntp query xyz", "sntp query ::1 x")
}
