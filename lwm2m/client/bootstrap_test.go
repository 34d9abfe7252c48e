package client_test

import (
	"testing"
	"time"

	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
)

// bootstrapOnly is a device that knows nothing but its bootstrap server, at 192.0.2.66.
func bootstrapOnly(c *client.Config) {
	c.Servers = []client.Account{{Bootstrap: true, URI: "coap://192.0.2.66"}}
}

// bothServers is a device that has a server, and a bootstrap server behind it.
func bothServers(c *client.Config) {
	c.Servers = append(c.Servers, client.Account{Bootstrap: true, URI: "coap://192.0.2.66"})
	c.Servers[0].Retry = &client.RetryPolicy{Count: 1, Timer: 10 * time.Second}
}

// began is a script whose device has sent Bootstrap-Request and got its answer.
func (s *script) bootstrapping() *script {
	s.t.Helper()
	s.out = nil
	s.command("start")
	s.command("server 192.0.2.66:5683")
	s.command("> 2.04")
	if s.c.State() != client.StateBootstrapping {
		s.t.Fatalf("the client is not bootstrapping: %v", s.out)
	}
	return s
}

func TestETS_0_ClientInitiatedBootstrap(t *testing.T) {
	newScript(t, bootstrapOnly, objects.NewTest()).run(`
		start
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		server 192.0.2.66:5683
		> 2.04
		> GET / accept=40
		< to 192.0.2.66:5683 ACK 2.05 ct=40 : </>;lwm2m=1.1,</0>;ver=1.1,</0/0>,</1>;ver=1.1,</3>;ver=1.1,</3/0>,</31024/10>,</31024/11>,</31024/12>
		> DELETE /1
		< to 192.0.2.66:5683 ACK 2.02
		> PUT /0/1 ct=11542 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/3= /0/1/4= /0/1/5= /0/1/10=7
		< to 192.0.2.66:5683 ACK 2.04
		> PUT /1/0 ct=11542 : /1/0/0=7 /1/0/1=600 /1/0/6=1 /1/0/7=U
		< to 192.0.2.66:5683 ACK 2.04
		> GET / accept=40
		< to 192.0.2.66:5683 ACK 2.05 ct=40 : </>;lwm2m=1.1,</0>;ver=1.1,</0/0>,</0/1>;ssid=7;uri="coap://192.0.2.1",</1>;ver=1.1,</1/0>;ssid=7,</3>;ver=1.1,</3/0>,</31024/10>,</31024/11>,</31024/12>
		> POST /bs
		< to 192.0.2.66:5683 ACK 2.04
		! BootstrapFinished{}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : (links),</31024/10>,</31024/11>,</31024/12>
		! STATE_REGISTERING
		server 192.0.2.1:5683
		> 2.01 /rd/1
		! registered at 7: /rd/1, version 1.1
		! STATE_READY
		> GET /1/0 accept=112
		< ACK 2.05 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/2=0 /1/0/3=0 /1/0/5=86400 /1/0/6=true /1/0/7=U
		# the bootstrap is over
		server 192.0.2.66:5683
		> PUT /1/0/1 ct=0 : 60
		< to 192.0.2.66:5683 ACK 4.01 : no bootstrap is under way
	`)
}

// The hold-off time passes first (Security resource 11).
func TestBootstrapHoldOff(t *testing.T) {
	s := newScript(t, func(c *client.Config) {
		bootstrapOnly(c)
		c.Servers[0].HoldOff = 10 * time.Second
	})
	s.run(`
		start
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:10s}
	`)
	if b := s.c.BootstrapServers(); len(b) != 1 || b[0].Status != client.BootstrapHoldOff {
		t.Errorf("%v", b)
	}
	s.run(`
		+10s
		< @10s to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
	`)
	if b := s.c.BootstrapServers(); b[0].Status != client.BootstrapInitiated {
		t.Errorf("%v", b)
	}
}

// An object with several instances comes in one Write; what the device does not know is passed over; a failed write
// changes nothing.
func TestETS_1_ClientInitiatedBootstrapFull(t *testing.T) {
	newScript(t, bootstrapOnly, objects.NewTest()).bootstrapping().run(`
		> PUT /0 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7 /0/2/0=coap://192.0.2.77 /0/2/1=0 /0/2/2=3 /0/2/10=8
		< to 192.0.2.66:5683 ACK 2.04
		> PUT /1 ct=110 : /1/4/0=7 /1/4/1=600 /1/4/7=U /1/9/0=8 /1/9/1=700 /1/9/7=U
		< to 192.0.2.66:5683 ACK 2.04
		# one resource more
		> PUT /1/9/17 ct=0 : 3
		< to 192.0.2.66:5683 ACK 2.04
		> GET /1 accept=112
		< to 192.0.2.66:5683 ACK 2.05 ct=112 : /1/4/0=7 /1/4/1=600 /1/4/7=U /1/9/0=8 /1/9/1=700 /1/9/7=U /1/9/17=3
		> GET /1/4 accept=11542
		< to 192.0.2.66:5683 ACK 2.05 ct=11542 : /1/4/0=7 /1/4/1=600 /1/4/7=U
		# refused as a whole
		> PUT /1/9 ct=112 : /1/9/0=70000 /1/9/1=5
		< to 192.0.2.66:5683 ACK 4.00 : the value is out of the resource's range
		> PUT /1/9/99 ct=0 : 3
		< to 192.0.2.66:5683 ACK 4.04 : no such resource
		> PUT /77/0/1 ct=0 : 3
		< to 192.0.2.66:5683 ACK 4.04 : no such object
		> PUT / ct=112
		< to 192.0.2.66:5683 ACK 4.05 : everything at once cannot be written
		> GET /0 accept=112
		< to 192.0.2.66:5683 ACK 4.05 : Bootstrap-Read is for objects 1 and 2
		> GET /3 accept=112
		< to 192.0.2.66:5683 ACK 4.05 : Bootstrap-Read is for objects 1 and 2
		> GET /1/5 accept=112
		< to 192.0.2.66:5683 ACK 4.04 : no such object instance
		# any other object, at once
		> PUT /31024/10 ct=11542 : /31024/10/1=77
		! Written{Server:0 Path:/31024/10/1}
		< to 192.0.2.66:5683 ACK 2.04
		> PUT /31024/30 ct=11542 : /31024/30/1=78
		! InstanceChanged{Server:0 Path:/31024/30 Created:true}
		< to 192.0.2.66:5683 ACK 2.04
		> POST /bs
		< to 192.0.2.66:5683 ACK 2.04
		! BootstrapFinished{}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/4>,</1/9>,</3>;ver=1.1,</3/0>,</31024/10>,</31024/11>,</31024/12>,</31024/30>
		< to 192.0.2.77:5683 CON POST /rd?lwm2m=1.1&ep=demo&lt=700 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/4>,</1/9>,</3>;ver=1.1,</3/0>,</31024/10>,</31024/11>,</31024/12>,</31024/30>
		! STATE_REGISTERING
	`)
}

// One account, in two writes.
func TestClientInitiatedBootstrapMinimum(t *testing.T) {
	newScript(t, bootstrapOnly).bootstrapping().run(`
		> PUT /0 ct=11542 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7
		< to 192.0.2.66:5683 ACK 2.04
		> PUT /1 ct=11542 : /1/0/0=7 /1/0/1=600
		< to 192.0.2.66:5683 ACK 2.04
		> POST /bs
		< to 192.0.2.66:5683 ACK 2.04
		! BootstrapFinished{}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : (links)
		! STATE_REGISTERING
	`)
}

// What the maker gave comes first; the bootstrap server is asked when that has failed.
func TestETS_6_BootstrapSequence(t *testing.T) {
	newScript(t, bothServers).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
		> 4.03 : not mine
		! failed at 123: 4.03 not mine; again after 0s
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
	`)
}

// Object 1, as the draft has it; every resource that was given, also those that no server may read.
func TestETS_8_BootstrapRead(t *testing.T) {
	newScript(t, bothServers).registered().run(`
		> POST /1/0/9
		! Executed{Server:123 Path:/1/0/9}
		< ACK 2.04
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		server 192.0.2.66:5683
		> 2.04
		> GET /1 accept=11542
		< to 192.0.2.66:5683 ACK 2.05 ct=11542 : /1/0/0=123 /1/0/1=300 /1/0/2=0 /1/0/3=0 /1/0/5=86400 /1/0/6=false /1/0/7=U /1/0/17=1 /1/0/18=10 /1/0/19=0 /1/0/20=0
		> GET /1/0/1 accept=0
		< to 192.0.2.66:5683 ACK 4.05 : Bootstrap-Read is for an object or an instance
		> GET /2 accept=112
		< to 192.0.2.66:5683 ACK 4.04 : no such object
		> GET /1 accept=0
		< to 192.0.2.66:5683 ACK 4.06 : lwm2m/format: payload is about another path: text carries one value, /1 has 11
		> GET /1 accept=99
		< to 192.0.2.66:5683 ACK 4.06 : this content format is not supported
		> POST /1/0/9
		< to 192.0.2.66:5683 ACK 4.05 : this method is not part of the bootstrap interface
		> PUT /1/0/1 ct=99 : 5
		< to 192.0.2.66:5683 ACK 4.15 : this content format is not supported
	`)
}

// A bootstrap server that sends a device to a server that refuses it: the two do not make a loop.
func TestBootstrapThatLeadsToNoRegistration(t *testing.T) {
	s := newScript(t, bootstrapOnly).bootstrapping()
	s.run(`
		> PUT /0/1 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7
		< to 192.0.2.66:5683 ACK 2.04
		> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600
		< to 192.0.2.66:5683 ACK 2.04
		> POST /bs
		< to 192.0.2.66:5683 ACK 2.04
		! BootstrapFinished{}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : (links)
		! STATE_REGISTERING
		server 192.0.2.1:5683
		> 4.03
		! failed at 7: 4.03 ; again after 0s
		! STATE_BOOTSTRAP_REQUIRED
		+59s
		+1s
		! @1m0s STATE_BOOTSTRAPPING
		! @1m0s BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< @1m0s to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		server 192.0.2.66:5683
		> 2.04
		> POST /bs
		< to 192.0.2.66:5683 ACK 2.04
		! BootstrapFinished{}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : (links)
		! STATE_REGISTERING
		server 192.0.2.1:5683
		> 4.03
		! failed at 7: 4.03 ; again after 0s
		! STATE_BOOTSTRAP_REQUIRED
		+119s
		+1s
		! @3m0s STATE_BOOTSTRAPPING
		! @3m0s BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< @3m0s to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
	`)
}

// What does not fit together is refused at Finish, and may be put in order.
func TestETS_9_BootstrapConsistency(t *testing.T) {
	for _, c := range []struct{ name, writes, reason string }{
		{"nothing", ``, "there is no server to register with"},
		{"no server object", `
			> PUT /0/1 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7`,
			"/0/1: no instance of object 1 has its Short Server ID 7"},
		{"no security object", `
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U`,
			"/1/0: no instance of object 0 has its Short Server ID 7"},
		{"no lifetime", `
			> PUT /0/1 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/7=U`,
			"/1/0: the lifetime is missing"},
		{"a transport that the device has not", `
			> PUT /0/1 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=T`,
			"/1/0: this device has the binding U only"},
		{"one ID twice", `
			> PUT /0/1 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7
			> PUT /0/2 ct=112 : /0/2/0=coap://192.0.2.2 /0/2/1=0 /0/2/2=3 /0/2/10=7
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U`,
			"/0/2: Short Server ID 7 stands there twice"},
		{"its own account is written over", `
			> PUT /0/0 ct=112 : /0/0/0=coap://192.0.2.1 /0/0/1=0 /0/0/2=3 /0/0/10=7
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U`,
			"the bootstrap server's own account is missing"},
		{"two bootstrap servers", `
			> PUT /0/1 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=1 /0/1/2=3`,
			"/0/1: there can be one bootstrap server only"},
		{"no key", `
			> PUT /0/1 ct=112 : /0/1/0=coaps://192.0.2.1 /0/1/1=0 /0/1/2=0 /0/1/3=aWQ= /0/1/10=7
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U`,
			"/0/1: coaps://192.0.2.1 needs an identity and a key"},
		{"an unknown cipher suite", `
			> PUT /0/1 ct=112 : /0/1/0=coaps://192.0.2.1 /0/1/1=0 /0/1/2=0 /0/1/3=aWQ= /0/1/5=a2V5 /0/1/10=7 /0/1/16/0=49320 /0/1/16/1=4865
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U`,
			"/0/1: cipher suite 4865 is not supported"},
		{"a certificate", `
			> PUT /0/1 ct=112 : /0/1/0=coaps://192.0.2.1 /0/1/1=0 /0/1/2=2 /0/1/10=7
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U`,
			"/0/1: coaps://192.0.2.1 needs the device's private key"},
		{"a certificate of nobody", `
			> PUT /0/1 ct=112 : /0/1/0=coaps://192.0.2.1 /0/1/1=0 /0/1/2=2 /0/1/3=aWQ= /0/1/5=a2V5 /0/1/10=7
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U`,
			"/0/1: coaps://192.0.2.1 needs the server's public key or certificate: without it anybody could be the server"},
		{"a raw public key that is none", `
			> PUT /0/1 ct=112 : /0/1/0=coaps://192.0.2.1 /0/1/1=0 /0/1/2=1 /0/1/3=aWQ= /0/1/4=aWQ= /0/1/5=a2V5 /0/1/10=7
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U`,
			"/0/1: dtls: this is no private key: give PKCS #8 or SEC 1, in DER"},
		{"another mode", `
			> PUT /0/1 ct=112 : /0/1/0=coaps://192.0.2.1 /0/1/1=0 /0/1/2=4 /0/1/10=7
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U`,
			"/0/1: security mode 4 is not supported: 0 (pre-shared key), 1 (raw public key), 2 (certificate) or 3 (none)"},
		{"mode and scheme", `
			> PUT /0/1 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=0 /0/1/10=7
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U`,
			"/0/1: security mode 0 does not go with the URI's scheme"},
		{"another URI", `
			> PUT /0/1 ct=112 : /0/1/0=http://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7
			> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U`,
			`/0/1: server URI must be coap://host[:port] or coaps://host[:port], not "http://192.0.2.1"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, bootstrapOnly).bootstrapping()
			s.out = nil
			for _, line := range lines(c.writes) {
				s.command(line)
			}
			s.run("> POST /bs\n< to 192.0.2.66:5683 ACK 4.06 : " + c.reason)
			s.run(`
				> DELETE /
				< to 192.0.2.66:5683 ACK 2.02
				> PUT /0/0 ct=112 : /0/0/0=coap://192.0.2.66 /0/0/1=1 /0/0/2=3
				< to 192.0.2.66:5683 ACK 2.04
				> PUT /0/1 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7
				< to 192.0.2.66:5683 ACK 2.04
				> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600 /1/0/7=U
				< to 192.0.2.66:5683 ACK 2.04
				> POST /bs
				< to 192.0.2.66:5683 ACK 2.04
				! BootstrapFinished{}
				< CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : (links)
				! STATE_REGISTERING
			`)
		})
	}
}

// The bootstrap server's own account and the Device object stay, whatever is deleted.
func TestETS_4_BootstrapDelete(t *testing.T) {
	s := newScript(t, func(c *client.Config) {
		bothServers(c)
		c.Servers[0], c.Servers[1] = c.Servers[1], c.Servers[0]
	}, objects.NewTest())
	s.run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links),</31024/10>,</31024/11>,</31024/12>
		! STATE_REGISTERING
		> 4.03
		! failed at 123: 4.03 ; again after 0s
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		server 192.0.2.66:5683
		# the first request may come before the answer
		> GET /0 accept=40
		< to 192.0.2.66:5683 ACK 2.05 ct=40 : </>;lwm2m=1.1,</0>;ver=1.1,</0/0>,</0/1>;ssid=123;uri="coap://192.0.2.1"
		> DELETE /0/0
		< to 192.0.2.66:5683 ACK 4.00 : the bootstrap server's own account stays
		> DELETE /3
		< to 192.0.2.66:5683 ACK 4.00 : the Device object stays
		> DELETE /3/0
		< to 192.0.2.66:5683 ACK 4.00 : the Device object stays
		> DELETE /0/7
		< to 192.0.2.66:5683 ACK 4.04 : no such object instance
		> DELETE /9
		< to 192.0.2.66:5683 ACK 4.04 : no such object
		> DELETE /0/1/0
		< to 192.0.2.66:5683 ACK 4.00 : Bootstrap-Delete is for everything, an object or an instance
		> DELETE /31024/11
		! InstanceChanged{Server:0 Path:/31024/11 Created:false}
		< to 192.0.2.66:5683 ACK 2.02
		> DELETE /
		! InstanceChanged{Server:0 Path:/31024/10 Created:false}
		! InstanceChanged{Server:0 Path:/31024/12 Created:false}
		< to 192.0.2.66:5683 ACK 2.02
		> GET / accept=40
		< to 192.0.2.66:5683 ACK 2.05 ct=40 : </>;lwm2m=1.1,</0>;ver=1.1,</0/0>,</1>;ver=1.1,</3>;ver=1.1,</3/0>,</31024>
	`)
}

// Without an answer the accounts are as they were, and the next bootstrap comes by the schedule.
func TestBootstrapFailsAndIsRolledBack(t *testing.T) {
	s := newScript(t, func(c *client.Config) {
		bothServers(c)
		c.CoAP.MaxRetransmit = 1
	})
	s.run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
		+6s
		< @2.518s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		+5s
		! @7.555s failed at 123: no answer in time; again after 0s
		! @7.555s STATE_BOOTSTRAPPING
		! @7.555s BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< @7.555s to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		< @9.646s to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		server 192.0.2.66:5683
		> 2.04
		> DELETE /1
		< to 192.0.2.66:5683 ACK 2.02
		+240s
		> PUT /1/0/1 ct=0 : 5
		< to 192.0.2.66:5683 ACK 2.04
		+246s
		# 247 s after its last request it is given up
		+1s
		! @8m18s STATE_BOOTSTRAP_REQUIRED
		! @8m18s BootstrapFailed{Err:lwm2m client: the bootstrap server has stopped in the middle Code:0.00 Reason: Retry:1m0s}
		< @8m18s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @8m18s STATE_REGISTERING
		server 192.0.2.1:5683
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.1
		! STATE_READY
		> GET /1/0/1 accept=0
		< ACK 2.05 ct=0 : 300
	`)
	if b := s.c.Backup(); len(b) != 2 || b[0].ShortID != 123 || b[0].Lifetime != 300*time.Second || len(b[0].Key) > 0 {
		t.Errorf("backup %+v", b)
	}
}

// A device that nobody answers goes on trying, at growing intervals.
func TestBootstrapRetries(t *testing.T) {
	newScript(t, bootstrapOnly).run(`
		start
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		server 192.0.2.66:5683
		# a server of 1.0 does not know pct
		> 4.00
		< to 192.0.2.66:5683 CON POST /bs?ep=demo
		> 4.00 : who are you
		! STATE_BOOTSTRAP_REQUIRED
		! BootstrapFailed{Err:<nil> Code:4.00 Reason:who are you Retry:1m0s}
		+60s
		! @1m0s STATE_BOOTSTRAPPING
		! @1m0s BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< @1m0s to 192.0.2.66:5683 CON POST /bs?ep=demo
		> 5.03
		! STATE_BOOTSTRAP_REQUIRED
		! BootstrapFailed{Err:<nil> Code:5.03 Reason: Retry:2m0s}
		+119s
		+1s
		! @3m0s STATE_BOOTSTRAPPING
		! @3m0s BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< @3m0s to 192.0.2.66:5683 CON POST /bs?ep=demo
		> 2.04
		stop
		! Stopped{}
		! STATE_INITIAL
	`)
}

// 1/x/9: a server wants the device to ask its bootstrap server.
func TestETS_5_ServerInitiatedBootstrap(t *testing.T) {
	newScript(t, nil).registered().run(`
		> POST /1/0/9
		< ACK 4.04 : no such resource
	`)
	newScript(t, bothServers).registered().run(`
		> POST /1/0/9
		! Executed{Server:123 Path:/1/0/9}
		< ACK 2.04
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		# the server is served on
		> GET /3/0/0 accept=0
		< ACK 2.05 ct=0 : Heddle
		> PUT /0/0 ct=112
		< ACK 4.01 : the Security object is for bootstrap only
		server 192.0.2.66:5683
		> 2.04
		> PUT /1/0/1 ct=0 : 900
		< to 192.0.2.66:5683 ACK 2.04
		> POST /bs
		< to 192.0.2.66:5683 ACK 2.04
		! BootstrapFinished{}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=900 ct=40 : (links)
		! STATE_REGISTERING
		server 192.0.2.1:5683
		> 2.01 /rd/2
		! registered at 123: /rd/2, version 1.1
		! STATE_READY
	`)
}

// A server that the bootstrap server takes away is told so.
func TestBootstrapReplacesServer(t *testing.T) {
	s := newScript(t, bothServers).registered()
	s.run(`
		> POST /1/0/9
		! Executed{Server:123 Path:/1/0/9}
		< ACK 2.04
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		server 192.0.2.66:5683
		> 2.04
		> DELETE /
		< to 192.0.2.66:5683 ACK 2.02
		> PUT /0/0 ct=112 : /0/0/0=coap://192.0.2.77 /0/0/1=0 /0/0/2=3 /0/0/10=1
		< to 192.0.2.66:5683 ACK 2.04
		> PUT /1/0 ct=112 : /1/0/0=1 /1/0/1=600 /1/0/7=U
		< to 192.0.2.66:5683 ACK 2.04
		> POST /bs
		< CON DELETE /rd/1
		< to 192.0.2.66:5683 ACK 2.04
		! BootstrapFinished{}
		< to 192.0.2.77:5683 CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : (links)
		! STATE_REGISTERING
		server 192.0.2.77:5683
		> 2.01 /rd/2
		! registered at 1: /rd/2, version 1.1
		! STATE_READY
	`)
	if l := s.c.Servers(); len(l) != 1 || l[0].ShortID != 1 {
		t.Errorf("servers %v", l)
	}
}

// With resource 16 false, and with no bootstrap account, a failed registration never leads to bootstrap.
func TestETS_7_FallbackToBootstrap(t *testing.T) {
	newScript(t, func(c *client.Config) {
		bothServers(c)
		c.Servers[0].NoBootstrapOnFailure = true
	}).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
		> 4.03
		! failed at 123: 4.03 ; again after 10s
		! STATE_REGISTER_REQUIRED
		+10s
		< @10s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @10s STATE_REGISTERING
	`)
	// A lost Update leads to a new registration first.
	newScript(t, func(c *client.Config) {
		bothServers(c)
		c.CoAP.MaxRetransmit = 1
	}).registered().run(`
		+197s
		< @3m17s CON POST /rd/1
		+8s
		< @3m19.133s CON POST /rd/1
		! @3m23.399s failed at 123: no answer in time; again after 0s
		< @3m23.399s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @3m23.399s STATE_REGISTERING
		+6s
		< @3m25.797s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @3m30.594s failed at 123: no answer in time; again after 0s
		! @3m30.594s STATE_BOOTSTRAPPING
		! @3m30.594s BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< @3m30.594s to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
	`)
}

// The answer to Bootstrap-Request may get lost where what follows does not.
func TestBootstrapAnswerLost(t *testing.T) {
	newScript(t, func(c *client.Config) { bootstrapOnly(c); c.CoAP.MaxRetransmit = 1 }).run(`
		start
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		server 192.0.2.66:5683
		> PUT /0/1 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7
		< to 192.0.2.66:5683 ACK 2.04
		+60s
		< @2.518s to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600
		< to 192.0.2.66:5683 ACK 2.04
		> POST /bs
		< to 192.0.2.66:5683 ACK 2.04
		! BootstrapFinished{}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : (links)
		! STATE_REGISTERING
	`)
}

// One program is both servers at one address: who speaks, tells the state of the bootstrap.
func TestBootstrapServerAndServerAtOneAddress(t *testing.T) {
	newScript(t, func(c *client.Config) { c.Servers = []client.Account{{Bootstrap: true, URI: "coap://192.0.2.1"}} }).run(`
		start
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.1 HoldOff:0s}
		< CON POST /bs?ep=demo&pct=112
		> 2.04
		> PUT /0/1 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7
		< ACK 2.04
		> PUT /1/0 ct=112 : /1/0/0=7 /1/0/1=600
		< ACK 2.04
		> GET /3/0/0 accept=0
		< ACK 4.05 : Bootstrap-Read is for objects 1 and 2
		> POST /bs
		< ACK 2.04
		! BootstrapFinished{}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : (links)
		! STATE_REGISTERING
		> 2.01 /rd/1
		! registered at 7: /rd/1, version 1.1
		! STATE_READY
		> GET /3/0/0 accept=0
		< ACK 2.05 ct=0 : Heddle
		> POST /1/0/9
		! Executed{Server:7 Path:/1/0/9}
		< ACK 2.04
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.1 HoldOff:0s}
		< CON POST /bs?ep=demo&pct=112
		> 2.04
		> DELETE /1
		< ACK 2.02
		> PUT /1/3 ct=112 : /1/3/0=7 /1/3/1=300
		< ACK 2.04
		> POST /bs
		< ACK 2.04
		! BootstrapFinished{}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/3>,</3>;ver=1.1,</3/0>
		! STATE_REGISTERING
		> 2.01 /rd/2
		! registered at 7: /rd/2, version 1.1
		! STATE_READY
	`)
}

// The bootstrap account itself may have an end (Security resource 12).
func TestBootstrapAccountTimeout(t *testing.T) {
	s := newScript(t, bothServers).registered()
	s.run(`
		> POST /1/0/9
		! Executed{Server:123 Path:/1/0/9}
		< ACK 2.04
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		server 192.0.2.66:5683
		> 2.04
		> PUT /0/1/12 ct=0 : 30
		< to 192.0.2.66:5683 ACK 2.04
		> POST /bs
		< to 192.0.2.66:5683 ACK 2.04
		! BootstrapFinished{}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
		server 192.0.2.1:5683
		> 2.01 /rd/2
		! registered at 123: /rd/2, version 1.1
		! STATE_READY
	`)
	if len(s.c.BootstrapServers()) != 1 {
		t.Error("the bootstrap account has gone too early")
	}
	s.run("+30s")
	if len(s.c.BootstrapServers()) != 0 {
		t.Error("the bootstrap account has not gone")
	}
	s.run(`
		> POST /1/0/9
		< ACK 4.04 : no such resource
	`)
}
