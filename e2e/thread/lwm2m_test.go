//go:build peers

package thread

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// outside is a mesh in real time whose first node is `heddle border-router`, and servers on an IPv4 address of the loopback
// that no other test uses.
type outside struct {
	*real
	address string // of the servers
	dns     string // the DNS server outside, if not the computer's
	border  *node
}

// serverAlias is the address by which nodes reach the servers.
const serverAlias = "198.51.100.1"

const border kind = "border"

func (o *outside) program(t testing.TB, m maker, k kind, id int) *exec.Cmd {
	if k != border {
		return o.real.program(t, m, k, id)
	}
	args := []string{"border-router", "--alias", serverAlias + "=" + o.address, strconv.Itoa(id)}
	if o.dns != "" {
		args = append(args, "--dns", o.dns)
	}
	return exec.Command(peer.Program(t), args...)
}

func (o *outside) add(m maker, k kind) *node {
	o.t.Helper()
	n := start(o.t, o, o.dir, m, k, len(o.nodes)+1, "PORT_OFFSET="+strconv.Itoa(o.offset))
	o.nodes = append(o.nodes, n)
	return n
}

// at returns an address for a server with a free port.
func (o *outside) at() (address, port string) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(o.address)})
	if err != nil {
		o.t.Fatal(err)
	}
	defer c.Close()
	_, port, _ = net.SplitHostPort(c.LocalAddr().String())
	return net.JoinHostPort(o.address, port), port
}

// newOutside makes the mesh: our border router, a router of OpenThread's, and our node behind it.
func newOutside(t *testing.T) (o *outside, router, device *node) { return newOutsideWith(t, "") }

func newOutsideWith(t *testing.T, dns string) (o *outside, router, device *node) {
	o = &outside{dns: dns, real: newReal(t, 1), address: fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))}
	o.border = o.add(ours, border)
	o.border.state(30*time.Second, "leader")
	dataset := o.border.get("dataset active -x")
	router, device = o.add(theirs, ftd), o.add(ours, ftd)
	o.line(o.border, router, device)
	for _, n := range []*node{router, device} {
		n.all("dataset set active "+dataset, "ifconfig up", "thread start")
		n.state(60*time.Second, "child", "router")
		if n == router {
			n.try(time.Second, "state router") // it would wait for two minutes at most
			n.state(60*time.Second, "router")
		} else {
			n.do("routereligible disable")
		}
	}
	until(t, o, 30*time.Second, "NAT64 is in the network data", func() bool {
		return strings.Contains(strings.Join(device.do("netdata show"), "\n"), "64:ff9b:0:0:0:0::/96")
	})
	return o, router, device
}

// expect waits until a node has printed a line by itself.
func (n *node) expect(timeout time.Duration, text string) {
	n.t.Helper()
	until(n.t, n.world, timeout, fmt.Sprintf("%v prints %q", n, text), func() bool {
		n.drain()
		return strings.Contains(strings.ReplaceAll(n.out.String(), "\r", ""), text)
	})
}

// Our node registers through a router of OpenThread's and our border router at a Leshan 2 server that listens on IPv4 only,
// with DTLS; it is managed; it is bootstrapped by Leshan's bootstrap server; and it is there again after a reset. OpenThread's
// router asks our own LwM2M server with the command coap.
func TestLwM2MThroughTheMesh(t *testing.T) {
	t.Parallel()
	const key, bsKey = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	o, router, device := newOutside(t)
	at, port := o.at()
	server := peer.Leshan2Server(t, "--coaps", at, "--psk", "demo,id,"+key)
	device.do("lwstart -n demo -h %s -p %s -i id -s %s", serverAlias, port, key)
	server.Expect("registered", "ep=demo", "version=1.1", "lifetime=300")
	device.expect(10*time.Second, " -> State: STATE_READY\n")
	for _, c := range []struct{ command, code, field, value string }{
		{"read demo /4/0/0", "205", "value", "23"}, {"write demo /31024/10/1 77", "204", "", ""}, {"read demo /31024/10/1", "205", "value", "77"},
		{"execute demo /31024/10/2", "204", "", ""}, {"observe demo /31024/10/1", "205", "", ""},
	} {
		server.Send("%s", c.command)
		e := server.Expect("response", "op="+strings.Fields(c.command)[0])
		if e.Field("code") != c.code || c.field != "" && e.Field(c.field) != c.value {
			t.Errorf("%s: %v", c.command, e)
		}
	}
	if got := device.do("lwchange /31024/10/1 42"); len(got) != 1 || got[0] != "value changed!" {
		t.Errorf("lwchange: %q", got)
	}
	server.Expect("notification", "path=/31024/10/1", "value=42")

	// It attaches again from its settings, and LwM2M resumes by itself.
	server.Forget()
	device.reset("reset")
	device.all("ifconfig up", "thread start")
	server.Expect("registered", "ep=demo")
	device.do("lwstop")
	server.Expect("deregistered", "ep=demo", "expired=false")

	bsAt, bsPort := o.at()
	bs := peer.LeshanBootstrapServer(t, "--coaps", bsAt, "--endpoint", "demo", "--psk", "demo,BSID,"+bsKey,
		"--bootstrap", "coaps://"+net.JoinHostPort(serverAlias, bsPort)+",BSID,"+bsKey,
		"--server", "7,120,coaps://"+net.JoinHostPort(serverAlias, port)+",id,"+key, "--delete", "/1")
	server.Forget()
	device.do("lwstart -n demo -h %s -b -p %s -i BSID -s %s", serverAlias, bsPort, bsKey)
	bs.Expect("bootstrapped", "ep=demo")
	server.Expect("registered", "ep=demo", "lifetime=120")
	device.expect(10*time.Second, " -> State: STATE_READY\n")
	if list := strings.Join(device.do("lwlist"), "\n"); !strings.Contains(list, "status: BOOTSTRAP FINISHED") || !strings.Contains(list, "Server ID 7\tstatus: REGISTERED") {
		t.Error(list)
	}

	ours := peer.Heddle(t, "server", "--coap", net.JoinHostPort(o.address, "5683"), "--coaps", "off", "--web", peer.TCPPort(t), "--data", "none")
	ours.ExpectLine("Ready.")
	router.do("coap start")
	router.do("coap get 64:ff9b:0:0:0:0:c633:6401 .well-known/core con")
	router.expect(10*time.Second, "coap response from 64:ff9b:0:0:0:0:c633:6401 with payload: ")
}
