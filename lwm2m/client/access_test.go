package client_test

import (
	"testing"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
)

// aclScript is a device with two servers, 123 at 192.0.2.1 and 2 at 192.0.2.66, and rules.
func aclScript(t *testing.T, rules []client.AccessControl, more ...client.Object) *script {
	s := newScript(t, func(c *client.Config) {
		twoServers(c)
		c.AccessControl, c.Access = true, rules
	}, append(more, objects.NewTest())...)
	s.command("start")
	first, firstToken := s.firstID, s.firstTok
	s.command("server 192.0.2.66:5683")
	s.command("> 2.01 /rd/B")
	s.lastID, s.reqTok = first, firstToken
	s.command("server 192.0.2.1:5683")
	s.command("> 2.01 /rd/A")
	if s.c.Servers()[0].Location == "" || s.c.Servers()[1].Location == "" {
		t.Fatalf("the client is not registered: %v", s.out)
	}
	return s
}

const all = client.RightRead | client.RightWrite | client.RightExecute | client.RightDelete

// What the ACL says about a server holds for it; the owner without an entry may everything; the others have the default;
// what has no rule is closed.
func TestAccessControl(t *testing.T) {
	aclScript(t, []client.AccessControl{
		{Object: 3, Instance: 0, Owner: 123, Rights: []client.ServerRights{{Server: 0, Rights: client.RightRead}}},
		{Object: 31024, Instance: 10, Owner: 123, Rights: []client.ServerRights{{Server: 2, Rights: client.RightWrite}, {Server: 123, Rights: client.RightRead}}},
		{Object: 31024, Instance: 11, Owner: 2},
		{Object: 31024, Instance: lwm2m.NoID, Owner: lwm2m.NoID, Rights: []client.ServerRights{{Server: 2, Rights: client.RightCreate}}},
	}).run(`
		server 192.0.2.66:5683
		> GET /3/0/0 accept=0
		< to 192.0.2.66:5683 ACK 2.05 ct=0 : Heddle
		> PUT /3/0/14 ct=0 : +02:00
		< to 192.0.2.66:5683 ACK 4.01 : this server has no right to do so
		> POST /3/0/12
		< to 192.0.2.66:5683 ACK 4.01 : this server has no right to do so
		> GET /31024/10/1 accept=0
		< to 192.0.2.66:5683 ACK 4.01 : this server has no right to do so
		> PUT /31024/10/1 ct=0 : 50
		! Written{Server:2 Path:/31024/10/1}
		< to 192.0.2.66:5683 ACK 2.04
		> PUT /31024/10/1?pmin=5
		< to 192.0.2.66:5683 ACK 4.01 : this server has no right to do so
		> DELETE /31024/10
		< to 192.0.2.66:5683 ACK 4.01 : this server has no right to do so
		# of a whole object it sees what it may
		> GET /31024 accept=11542
		< to 192.0.2.66:5683 ACK 2.05 ct=11542 : /31024/11/1=21 /31024/11/3=-28.99 /31024/11/5=
		# of what it may not there is no difference between instances
		> GET /31024/12/1 accept=0
		< to 192.0.2.66:5683 ACK 4.01 : this server has no right to do so
		> GET /31024/77/1 accept=0
		< to 192.0.2.66:5683 ACK 4.04 : no such object instance
		# Discover asks for no right
		> GET /31024/12 accept=40
		< to 192.0.2.66:5683 ACK 2.05 ct=40 : </31024/12>,</31024/12/1>,</31024/12/2>,</31024/12/3>,</31024/12/5>
		# what it creates is its own
		> POST /31024 ct=112 : /31024/20/1=9
		! InstanceChanged{Server:2 Path:/31024/20 Created:true}
		< to 192.0.2.66:5683 ACK 2.01
		< CON POST /rd/A ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</2>;ver=1.1,</2/0>,</2/1>,</2/2>,</2/3>,</2/4>,</3>;ver=1.1,</3/0>,</31024/10>,</31024/11>,</31024/12>,</31024/20>
		< to 192.0.2.66:5683 CON POST /rd/B ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</2>;ver=1.1,</2/0>,</2/1>,</2/2>,</2/3>,</2/4>,</3>;ver=1.1,</3/0>,</31024/10>,</31024/11>,</31024/12>,</31024/20>
	`)
}

func TestAccessControlOwner(t *testing.T) {
	s := aclScript(t, []client.AccessControl{
		{Object: 31024, Instance: 10, Owner: 123},
		{Object: 31024, Instance: 11, Owner: 2},
	})
	s.run(`
		server 192.0.2.66:5683
		> GET /31024/10/1 observe=0 accept=0
		< to 192.0.2.66:5683 ACK 4.01 : this server has no right to do so
		# who may what, everybody may know; the owner alone changes it
		> GET /2/0 accept=112
		< to 192.0.2.66:5683 ACK 2.05 ct=112 : /2/0/0=31024 /2/0/1=10 /2/0/2= /2/0/3=123
		> PUT /2/0/2 ct=11542 : /2/0/2/2=31
		< to 192.0.2.66:5683 ACK 4.01 : this server has no right to do so
		> DELETE /2/0
		< to 192.0.2.66:5683 ACK 4.01 : this server has no right to do so
		> POST /2 ct=112 : /2/7/3=2
		< to 192.0.2.66:5683 ACK 4.05 : instances of this object cannot be created
		> PUT /2/1/2 ct=11542 : /2/1/2/2=5 /2/1/2/0=1
		! Written{Server:2 Path:/2/1/2}
		< to 192.0.2.66:5683 ACK 2.04
		> GET /2/1/2 accept=11542
		< to 192.0.2.66:5683 ACK 2.05 ct=11542 : /2/1/2/0=1 /2/1/2/2=5
		> PUT /2/1/2 ct=11542 : /2/1/2/2=32
		< to 192.0.2.66:5683 ACK 4.00 : the value is out of the resource's range
		# the owner has restricted itself
		> PUT /31024/11/1 ct=0 : 5
		< to 192.0.2.66:5683 ACK 4.01 : this server has no right to do so
		> GET /31024/11/1 accept=0
		< to 192.0.2.66:5683 ACK 2.05 ct=0 : 21
	`)
}

// Who may not read any more is told so, and nothing else.
func TestAccessControlEndsObservation(t *testing.T) {
	aclScript(t, []client.AccessControl{
		{Object: 31024, Instance: 10, Owner: 2, Rights: []client.ServerRights{{Server: 123, Rights: client.RightRead}, {Server: 2, Rights: all}}},
	}).run(`
		server 192.0.2.1:5683
		> GET /31024/10/1 observe=0 accept=0
		! Observed{Server:123 Path:/31024/10/1 Began:true}
		< ACK 2.05 observe ct=0 : 20
		server 192.0.2.66:5683
		> PUT /31024/10/1 ct=0 : 50
		! Written{Server:2 Path:/31024/10/1}
		< to 192.0.2.66:5683 ACK 2.04
		< NON 2.05 token=t1 observe ct=0 : 50
		> PUT /2/0/2 ct=11542 : /2/0/2/2=15
		! Written{Server:2 Path:/2/0/2}
		< to 192.0.2.66:5683 ACK 2.04
		! Observed{Server:123 Path:/31024/10/1 Began:false}
		< CON 4.01 token=t1
	`)
}

// Without any rule nothing is closed, as on a device that has no object 2: but what a server creates is its own.
func TestAccessControlWithoutRules(t *testing.T) {
	s := aclScript(t, nil)
	s.run(`
		server 192.0.2.66:5683
		> GET /31024/10/1 accept=0
		< to 192.0.2.66:5683 ACK 2.05 ct=0 : 20
		> POST /31024 ct=112 : /31024/20/1=9
		! InstanceChanged{Server:2 Path:/31024/20 Created:true}
		< to 192.0.2.66:5683 ACK 2.01
		< CON POST /rd/A ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</2>;ver=1.1,</2/0>,</3>;ver=1.1,</3/0>,</31024/10>,</31024/11>,</31024/12>,</31024/20>
		< to 192.0.2.66:5683 CON POST /rd/B ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</2>;ver=1.1,</2/0>,</3>;ver=1.1,</3/0>,</31024/10>,</31024/11>,</31024/12>,</31024/20>
		> 2.04
		! Updated{Server:2}
		> GET /2/0 accept=112
		< to 192.0.2.66:5683 ACK 2.05 ct=112 : /2/0/0=31024 /2/0/1=20 /2/0/2= /2/0/3=2
	`)
	s.run(`
		server 192.0.2.1:5683
		> GET /31024/20/1 accept=0
		< ACK 4.01 : this server has no right to do so
		> GET /31024/10/1 accept=0
		< ACK 2.05 ct=0 : 20
		> DELETE /31024/20
		< ACK 4.01 : this server has no right to do so
	`)
}

// With one server there is nothing to enforce.
func TestAccessControlSingleServer(t *testing.T) {
	newScript(t, func(c *client.Config) {
		c.Access = []client.AccessControl{{Object: 3, Instance: 0, Owner: 77}}
	}, objects.NewTest()).registered().run(`
		> PUT /3/0/14 ct=0 : +02:00
		! Written{Server:123 Path:/3/0/14}
		< ACK 2.04
		> GET /31024/10/1 accept=0
		< ACK 2.05 ct=0 : 20
	`)
}

// The bootstrap server gives the rules.
func TestBootstrapWritesAccessControl(t *testing.T) {
	durable := func(c *client.Config) { bootstrapOnly(c); c.AccessControl, c.Durable = true, true }
	s := newScript(t, durable, objects.NewTest()).bootstrapping()
	s.run(`
		> PUT /0 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7 /0/2/0=coap://192.0.2.77 /0/2/1=0 /0/2/2=3 /0/2/10=8
		< to 192.0.2.66:5683 ACK 2.04
		> PUT /1 ct=112 : /1/1/0=7 /1/1/1=0 /1/1/7=U /1/2/0=8 /1/2/1=0 /1/2/7=U
		< to 192.0.2.66:5683 ACK 2.04
		> PUT /2 ct=11542 : /2/0/0=3 /2/0/1=0 /2/0/2/8=3 /2/0/3=7 /2/1/0=3 /2/1/1=0 /2/1/3=7
		< to 192.0.2.66:5683 ACK 2.04
		> POST /bs
		< to 192.0.2.66:5683 ACK 4.06 : /2/1: there are two rules for /3/0
		> PUT /2/1/0 ct=0 : 31024
		< to 192.0.2.66:5683 ACK 2.04
		> GET /2 accept=11542
		< to 192.0.2.66:5683 ACK 2.05 ct=11542 : /2/0/0=3 /2/0/1=0 /2/0/2/8=3 /2/0/3=7 /2/1/0=31024 /2/1/1=0 /2/1/3=7
	`)
	s.out = nil
	s.command("> POST /bs")
	// Both registrations are answered after a restart, which has the rules, too.
	s = s.restart(durable, objects.NewTest())
	s.out = nil
	s.command("start")
	s.command("server 192.0.2.77:5683")
	s.command("> 2.01 /rd/B")
	s.run(`
		> GET /3/0/0 accept=0
		< to 192.0.2.77:5683 ACK 2.05 ct=0 : Heddle
		> POST /3/0/12
		< to 192.0.2.77:5683 ACK 4.01 : this server has no right to do so
		> GET /31024/10/1 accept=0
		< to 192.0.2.77:5683 ACK 4.01 : this server has no right to do so
	`)
}
