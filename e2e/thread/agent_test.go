//go:build peers

package thread

import (
	"regexp"
	"strings"
	"time"
)

// A commissioner that is not in the mesh, the border agent of either maker, and a joiner of the other one. OpenThread has no
// external commissioner, so that is always ours.
var _ = story(
	scenario{"ExternalCommissioner", func(v *virtual, a, b maker) { commissionFromOutside(v, a, b, false) }},
	scenario{"EphemeralKey", func(v *virtual, a, b maker) { commissionFromOutside(v, a, b, true) }},
	scenario{"SecureCoAP", secureCoAP},
)

// OpenThread's border agent answers without link security, which a node takes from a neighbour only: so it is asked at its
// link-local address.
func commissionFromOutside(v *virtual, a, b maker, ephemeral bool) {
	agent, joiner, outside := v.node(a, ftd), v.node(b, ftd), v.node(ours, ftd)
	agent.all("dataset init new", "dataset commit active", "ifconfig up", "thread start")
	agent.state(30*time.Second, "leader")
	set := agent.get("dataset active -x")
	outside.do("dataset set active %s", set)
	outside.all("ifconfig up", "thread start")
	outside.state(150*time.Second, "router")
	v.link(outside, joiner, false)

	port, key := "", agent.get("pskc")
	if ephemeral {
		key = "989710128"
		agent.do("ba ephemeralkey start %s 600000", key)
		port = agent.get("ba ephemeralkey port")
	} else {
		port = agent.get("ba port")
	}
	address := agent.get("ipaddr linklocal")
	outside.do("extcommissioner connect %s %s wr0ngpassword", address, port)
	outside.says(150*time.Second, "extcommissioner disconnected")
	v.pass(5 * time.Second)
	outside.do("extcommissioner connect %s %s %s", address, port, key)
	outside.says(60*time.Second, "extcommissioner connected")
	if got := outside.get("extcommissioner dataset active"); !strings.EqualFold(got, set) {
		v.t.Errorf("%v gives away the dataset %s, not %s", agent, got, set)
	}
	outside.do("extcommissioner start phone")
	outside.says(20*time.Second, "Commissioner: active")
	if ephemeral {
		if s := agent.get("ba ephemeralkey"); s != "Accepted" {
			v.t.Errorf("the ephemeral key is %s", s)
		}
	} else if s := agent.get("ba sessions"); !regexp.MustCompile(`connected:yes commissioner:yes`).MatchString(s) {
		v.t.Errorf("sessions: %s", s)
	}
	outside.do("extcommissioner joiner add %s J01NME 600", joiner.get("eui64"))
	v.pass(5 * time.Second)
	joiner.do("ifconfig up")
	joiner.do("joiner start J01NME")
	joiner.says(60*time.Second, "Join success")
	joiner.do("thread start")
	joiner.state(60*time.Second, "child", "router")
	v.pass(60 * time.Second)
	if s := outside.get("extcommissioner state"); s != "active" {
		v.t.Errorf("after a minute the commissioner is %s", s)
	}
	outside.do("extcommissioner disconnect")
	v.pass(5 * time.Second)
	if ephemeral {
		agent.awaits(5*time.Second, "ba ephemeralkey", "Stopped")
	}
}

// secureCoAP has a client ask a server by coaps, with a right and a wrong key.
func secureCoAP(v *virtual, a, b maker) {
	server, client := v.node(a, ftd), v.node(b, ftd)
	form(server)
	join(client)
	client.state(90*time.Second, "router")
	server.all("coaps psk secret me", "coaps resource sec 2", "coaps set hello", "coaps start")
	client.all("coaps psk wrong me", "coaps start")
	address := server.get("ipaddr mleid")
	client.do("coaps connect %s", address)
	client.says(40*time.Second, "coaps disconnected")
	v.pass(5 * time.Second)
	client.all("coaps psk secret me", "coaps connect "+address)
	client.says(20*time.Second, "coaps connected")
	for command, says := range map[string]string{
		"coaps get sec con": "with payload: 68656c6c6f", "coaps put sec con hello": "coaps response from",
		"coaps get sec block-16": "received block: Num 1 Len 16",
	} {
		client.do("%s", command)
		client.says(10*time.Second, says)
	}
	client.do("coaps disconnect")
	client.says(10*time.Second, "coaps disconnected")
	server.awaits(10*time.Second, "coaps isconnactive", "no")
}
