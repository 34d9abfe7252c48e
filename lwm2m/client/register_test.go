package client_test

import (
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/machine/machinetest"
)

func TestETS_101_InitialRegistration(t *testing.T) {
	newScript(t, nil, objects.NewTest()).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links),</31024/10>,</31024/11>,</31024/12>
		! STATE_REGISTERING
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.1
		! STATE_READY
	`)
}

func TestETS_102_RegistrationUpdate(t *testing.T) {
	newScript(t, nil).registered().run(`
		+3m16s
		+1s
		< @3m17s CON POST /rd/1
		> 2.04
		! Updated{Server:123}
		+10s
		> PUT /1/0/1 ct=0 : 60
		! Written{Server:123 Path:/1/0/1}
		< ACK 2.04
		< CON POST /rd/1?lt=60
		> 2.04
		! Updated{Server:123}
		+30s
		< @3m57s CON POST /rd/1
		> 2.04
		! Updated{Server:123}
	`)
}

func TestETS_103_Deregistration(t *testing.T) {
	newScript(t, nil).registered().run(`
		stop
		< CON DELETE /rd/1
		> 2.02
		! Deregistered{Server:123}
		! Stopped{}
		! STATE_INITIAL
	`)
}

func TestETS_104_RegistrationUpdateTrigger(t *testing.T) {
	newScript(t, nil).registered().run(`
		> POST /1/0/8
		! Executed{Server:123 Path:/1/0/8}
		< ACK 2.04
		< CON POST /rd/1
		> 2.04
		! Updated{Server:123}
		update 123
		< CON POST /rd/1
		> 2.04
		! Updated{Server:123}
		update 7
		! lwm2m client: no server with this Short Server ID
	`)
}

func TestETS_107_ExtendingTheLifetime(t *testing.T) {
	newScript(t, nil).registered().run(`
		> PUT /1/0 ct=11542 : /1/0/1=600
		! Written{Server:123 Path:/1/0/1}
		< ACK 2.04
		< CON POST /rd/1?lt=600
		> 2.04
		! Updated{Server:123}
		> GET /1/0/1 accept=0
		< ACK 2.05 ct=0 : 600
	`)
}

func TestDisable(t *testing.T) {
	newScript(t, nil).registered().run(`
		> PUT /1/0/5 ct=0 : 20
		! Written{Server:123 Path:/1/0/5}
		< ACK 2.04
		> POST /1/0/4
		! Executed{Server:123 Path:/1/0/4}
		< ACK 2.04
		< CON DELETE /rd/1
		> 2.02
		! Deregistered{Server:123}
		! STATE_REGISTER_REQUIRED
		+19s
		+1s
		< @20s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @20s STATE_REGISTERING
	`)
}

func TestRegistrationRefusedBySchedule(t *testing.T) {
	newScript(t, nil).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
		> 4.03 : unknown endpoint
		! failed at 123: 4.03 unknown endpoint; again after 1m0s
		! STATE_REGISTER_REQUIRED
		+60s
		< @1m0s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @1m0s STATE_REGISTERING
		> 4.00
		! failed at 123: 4.00 ; again after 2m0s
		! STATE_REGISTER_REQUIRED
		+120s
		< @3m0s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @3m0s STATE_REGISTERING
		> 5.03
		! failed at 123: 5.03 ; again after 4m0s
		! STATE_REGISTER_REQUIRED
		+240s
		< @7m0s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @7m0s STATE_REGISTERING
		> 4.03
		! failed at 123: 4.03 ; again after 8m0s
		! STATE_REGISTER_REQUIRED
		+480s
		< @15m0s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @15m0s STATE_REGISTERING
		> 4.03
		! failed at 123: 4.03 ; again after 16m0s
		! STATE_REGISTER_REQUIRED
		+960s
		< @31m0s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @31m0s STATE_REGISTERING
		> 4.03
		! failed at 123: 4.03 ; again after 16m0s
		! STATE_REGISTER_REQUIRED
		+960s
		< @47m0s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @47m0s STATE_REGISTERING
		> 2.01 /rd/9
		! registered at 123: /rd/9, version 1.1
		! STATE_READY
	`)
}

func TestRegistrationSequences(t *testing.T) {
	newScript(t, func(c *client.Config) {
		c.Servers[0].Retry = &client.RetryPolicy{Count: 2, Timer: 10 * time.Second, SequenceDelay: time.Hour, SequenceCount: 2}
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
		> 4.03
		! failed at 123: 4.03 ; again after 1h0m0s
		! STATE_REGISTER_REQUIRED
		+1h
		< @1h0m10s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @1h0m10s STATE_REGISTERING
		> 4.03
		! failed at 123: 4.03 ; again after 10s
		! STATE_REGISTER_REQUIRED
		+10s
		< @1h0m20s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @1h0m20s STATE_REGISTERING
		> 4.03
		! failed at 123: 4.03 ; again after 20s
		! STATE_REGISTER_REQUIRED
		+20s
		< @1h0m40s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @1h0m40s STATE_REGISTERING
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.1
		! STATE_READY
	`)
}

func TestRegistrationNoAnswer(t *testing.T) {
	newScript(t, nil).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
		+4m
		< @2.518s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		< @7.555s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		< @17.629s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		< @37.777s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @1m18.073s failed at 123: no answer in time; again after 1m0s
		! @1m18.073s STATE_REGISTER_REQUIRED
		< @2m18.073s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @2m18.073s STATE_REGISTERING
		< @2m20.206s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		< @2m24.472s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		< @2m33.003s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		< @2m50.066s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @3m24.191s failed at 123: no answer in time; again after 2m0s
		! @3m24.191s STATE_REGISTER_REQUIRED
	`)
}

func TestVersionStepsDownOn412Only(t *testing.T) {
	newScript(t, func(c *client.Config) { c.Version, c.Queue = lwm2m.V1_2, true }).run(`
		start
		< CON POST /rd?lwm2m=1.2&ep=demo&lt=300&Q ct=40 : (links)
		! STATE_REGISTERING
		> 4.12
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300&Q ct=40 : (links)
		> 4.12
		< CON POST /rd?lwm2m=1.0&ep=demo&lt=300&b=UQ ct=40 : (links)
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.0
		! STATE_READY
		> GET /3/0/0
		< ACK 2.05 ct=11542 : /3/0/0=Heddle
	`)
}

func TestETS_105_DiscardedRegisterUpdate(t *testing.T) {
	newScript(t, nil).registered().run(`
		+197s
		< @3m17s CON POST /rd/1
		> 4.04
		! failed at 123: 4.04 ; again after 0s
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
		> 2.01 /rd/2
		! registered at 123: /rd/2, version 1.1
		! STATE_READY
	`)
}

func TestUpdateTimeOutRegistersAnew(t *testing.T) {
	newScript(t, nil).registered().run(`
		+197s
		< @3m17s CON POST /rd/1
		+93s
		< @3m19.133s CON POST /rd/1
		< @3m23.399s CON POST /rd/1
		< @3m31.93s CON POST /rd/1
		< @3m48.993s CON POST /rd/1
		! @4m23.118s failed at 123: no answer in time; again after 0s
		< @4m23.118s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @4m23.118s STATE_REGISTERING
		< @4m25.517s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		< @4m30.314s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		< @4m39.908s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		> 2.01 /rd/2
		! registered at 123: /rd/2, version 1.1
		! STATE_READY
	`)
}

func TestUpdateServerErrorKeepsRegistration(t *testing.T) {
	newScript(t, nil).registered().run(`
		+197s
		< @3m17s CON POST /rd/1
		> 5.03
		! failed at 123: 5.03 ; again after 1m0s
		+60s
		< @4m17s CON POST /rd/1
		> 2.04
		! Updated{Server:123}
	`)
}

func TestNameIsResolved(t *testing.T) {
	newScript(t, func(c *client.Config) { c.Servers[0].URI = "coap://server.example" }).run(`
		start
		? Resolve{Host:server.example}
		! STATE_REGISTERING
		resolved none
		! failed at 123: no such host; again after 1m0s
		! STATE_REGISTER_REQUIRED
		+60s
		? @1m0s Resolve{Host:server.example}
		! @1m0s STATE_REGISTERING
		resolved 192.0.2.1
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.1
		! STATE_READY
	`)
}

func TestObjectsComeAndGo(t *testing.T) {
	s := newScript(t, nil).registered()
	if err := s.c.AddObject(s.now, 1, objects.NewTest()); err != nil {
		t.Fatal(err)
	}
	s.run(`
		+0s
		< CON POST /rd/1 ct=40 : (links),</31024/10>,</31024/11>,</31024/12>
		> 2.04
		! Updated{Server:123}
	`)
	if err := s.c.RemoveObject(s.now, 1, 31024); err != nil {
		t.Fatal(err)
	}
	s.run(`
		+0s
		< CON POST /rd/1 ct=40 : (links)
		> 2.04
		! Updated{Server:123}
	`)
	for _, id := range []uint16{0, 1, 3, 31024} {
		if err := s.c.RemoveObject(s.now, 1, id); err == nil {
			t.Errorf("object %d could be removed", id)
		}
	}
}

func TestNameWithSeveralAddresses(t *testing.T) {
	newScript(t, func(c *client.Config) {
		c.Servers[0].URI = "coap://server.example"
		c.CoAP.MaxRetransmit = 1
	}).run(`
		start
		? Resolve{Host:server.example}
		! STATE_REGISTERING
		# the first one is dead: one attempt tries both
		resolved 192.0.2.66 192.0.2.1
		< to 192.0.2.66:5683 CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		+10s
		< @2.518s to 192.0.2.66:5683 CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		< @7.555s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		< @9.646s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.1
		! STATE_READY
	`)
}

func twoServers(c *client.Config) {
	c.Servers = append(c.Servers, client.Account{ShortID: 2, URI: "coap://192.0.2.66", Lifetime: time.Hour})
}

func TestETS_950_SeveralServers(t *testing.T) {
	newScript(t, twoServers).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</3>;ver=1.1,</3/0>
		< to 192.0.2.66:5683 CON POST /rd?lwm2m=1.1&ep=demo&lt=3600 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</3>;ver=1.1,</3/0>
		! STATE_REGISTERING
		server 192.0.2.66:5683
		> 2.01 /rd/B
		! registered at 2: /rd/B, version 1.1
		! STATE_READY
		server 192.0.2.1:5683
		# its own attributes and its own observations
		> GET /1 accept=112
		< ACK 2.05 ct=112 : /1/0/0=123 /1/0/1=300 /1/0/2=0 /1/0/3=0 /1/0/5=86400 /1/0/6=false /1/0/7=U /1/1/0=2 /1/1/1=3600 /1/1/2=0 /1/1/3=0 /1/1/5=86400 /1/1/6=false /1/1/7=U
	`)
}

func TestPriorities(t *testing.T) {
	newScript(t, func(c *client.Config) {
		twoServers(c)
		c.Servers[0].Priority, c.Servers[1].Priority = 20, 10
		c.Servers[1].Retry = &client.RetryPolicy{Count: 2, Timer: 5 * time.Second}
	}).run(`
		start
		< to 192.0.2.66:5683 CON POST /rd?lwm2m=1.1&ep=demo&lt=3600 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</3>;ver=1.1,</3/0>
		! STATE_REGISTERING
		server 192.0.2.66:5683
		> 4.03
		! failed at 2: 4.03 ; again after 5s
		! STATE_REGISTER_REQUIRED
		+5s
		< @5s to 192.0.2.66:5683 CON POST /rd?lwm2m=1.1&ep=demo&lt=3600 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</3>;ver=1.1,</3/0>
		! @5s STATE_REGISTERING
		# its sequence is over: the next one may begin
		> 4.03
		! failed at 2: 4.03 ; again after 5s
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</3>;ver=1.1,</3/0>
		server 192.0.2.1:5683
		> 2.01 /rd/A
		! registered at 123: /rd/A, version 1.1
		! STATE_READY
	`)
	newScript(t, func(c *client.Config) {
		twoServers(c)
		c.Servers[0].Priority, c.Servers[1].Priority = 20, 10
		c.Servers[1].FailureBlock = true
		c.Servers[1].Retry = &client.RetryPolicy{Count: 1, Timer: 5 * time.Second}
	}).run(`
		start
		< to 192.0.2.66:5683 CON POST /rd?lwm2m=1.1&ep=demo&lt=3600 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</3>;ver=1.1,</3/0>
		! STATE_REGISTERING
		server 192.0.2.66:5683
		> 4.03
		! failed at 2: 4.03 ; again after 5s
		! STATE_REGISTER_REQUIRED
		+5s
		< @5s to 192.0.2.66:5683 CON POST /rd?lwm2m=1.1&ep=demo&lt=3600 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</3>;ver=1.1,</3/0>
		! @5s STATE_REGISTERING
		> 2.01 /rd/B
		! registered at 2: /rd/B, version 1.1
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</1/1>,</3>;ver=1.1,</3/0>
		! STATE_READY
	`)
}

// A priority of 0 that a bootstrap server has given is a priority, and the first one.
func TestPriorityZero(t *testing.T) {
	newScript(t, bootstrapOnly).bootstrapping().run(`
		> PUT /0 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7 /0/2/0=coap://192.0.2.77 /0/2/1=0 /0/2/2=3 /0/2/10=8
		< to 192.0.2.66:5683 ACK 2.04
		> PUT /1 ct=112 : /1/1/0=7 /1/1/1=600 /1/1/13=1 /1/2/0=8 /1/2/1=600 /1/2/13=0
		< to 192.0.2.66:5683 ACK 2.04
		> POST /bs
		< to 192.0.2.66:5683 ACK 2.04
		! BootstrapFinished{}
		< to 192.0.2.77:5683 CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/1>,</1/2>,</3>;ver=1.1,</3/0>
		! STATE_REGISTERING
		server 192.0.2.77:5683
		> 2.01 /rd/2
		! registered at 8: /rd/2, version 1.1
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/1>,</1/2>,</3>;ver=1.1,</3/0>
		! STATE_READY
	`)
}

// The time of a disabled server is kept over a restart.
func TestDisableSurvivesRestart(t *testing.T) {
	durable := func(c *client.Config) { c.Durable, c.Servers[0].DisableTimeout = true, time.Minute }
	s := newScript(t, durable).registered()
	s.run(`
		> POST /1/0/4
		! Executed{Server:123 Path:/1/0/4}
		! persist 1 records
		< ACK 2.04
		< CON DELETE /rd/1
		> 2.02
		! Deregistered{Server:123}
		! STATE_REGISTER_REQUIRED
		+20s
	`)
	s = s.restart(durable)
	s.run(`
		start
		! STATE_REGISTER_REQUIRED
		+39s
		+1s
		< @1m0s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @1m0s STATE_REGISTERING
		> 2.01 /rd/2
		! registered at 123: /rd/2, version 1.1
		! persist 1 records
		! STATE_READY
	`)
	s.restart(durable).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
	`)
}

func TestInitialDelay(t *testing.T) {
	newScript(t, func(c *client.Config) { c.Servers[0].InitialDelay = 7 * time.Second }).run(`
		start
		! STATE_REGISTER_REQUIRED
		+7s
		< @7s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @7s STATE_REGISTERING
	`)
}

func TestETS_108_QueueMode(t *testing.T) {
	newScript(t, func(c *client.Config) { c.Queue = true }).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300&Q ct=40 : (links)
		! STATE_REGISTERING
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.1
		! STATE_READY
		update 123
		< CON POST /rd/1
	`)
}

func TestStopWhileRegistering(t *testing.T) {
	newScript(t, nil).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
		stop
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.1
		< CON DELETE /rd/1
		! STATE_READY
		> 2.02
		! Deregistered{Server:123}
		! Stopped{}
		! STATE_INITIAL
	`)
	newScript(t, nil).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
		stop
		+4s
		< @2.518s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! @3s Stopped{}
		! @3s STATE_INITIAL
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
	`)
}

func TestEndlessRegistration(t *testing.T) {
	newScript(t, func(c *client.Config) { c.Servers[0].Lifetime = -1 }).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=0 ct=40 : (links)
		! STATE_REGISTERING
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.1
		! STATE_READY
		+8760h
		> GET /1/0/1 accept=0
		< ACK 2.05 ct=0 : 0
		> PUT /1/0/1 ct=0 : 60
		! Written{Server:123 Path:/1/0/1}
		< ACK 2.04
		< CON POST /rd/1?lt=60
		> 2.04
		! Updated{Server:123}
		+30s
		< @8760h0m30s CON POST /rd/1
	`)
}

func TestAccountsAreChecked(t *testing.T) {
	for name, a := range map[string]client.Account{
		"no URI":         {ShortID: 1},
		"no scheme":      {ShortID: 1, URI: "192.0.2.1"},
		"other scheme":   {ShortID: 1, URI: "coap+tcp://192.0.2.1"},
		"no host":        {ShortID: 1, URI: "coap://:5683"},
		"bad port":       {ShortID: 1, URI: "coap://h:0"},
		"path":           {ShortID: 1, URI: "coap://h/rd"},
		"user":           {ShortID: 1, URI: "coap://me@h"},
		"no key":         {ShortID: 1, URI: "coaps://h", Identity: "i"},
		"no identity":    {ShortID: 1, URI: "coaps://h", Key: []byte("k")},
		"ID 0":           {URI: "coap://h"},
		"ID 65535":       {ShortID: 65535, URI: "coap://h"},
		"the same twice": {ShortID: 9, URI: "coap://h"},
	} {
		accounts := []client.Account{{ShortID: 9, URI: "coap://h"}, a}
		if _, err := client.New(client.Config{Rand: machinetest.NewRand(1), Servers: accounts}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
