package client_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// restart makes a new client of what the old one has made durable, as after a crash.
func (s *script) restart(change func(*client.Config), objs ...client.Object) *script {
	s.t.Helper()
	n := newScript(s.t, change, objs...)
	n.now, n.disk = s.now, slices.Clone(s.disk)
	n.restore()
	return n
}

// The answer to Finish leaves once the accounts are on disk, and a restart goes on with them.
func TestBootstrapSurvivesRestart(t *testing.T) {
	durable := func(c *client.Config) { bootstrapOnly(c); c.Durable = true }
	s := newScript(t, durable).bootstrapping()
	s.run(`
		> PUT /0/3 ct=112 : /0/3/0=coap://192.0.2.1 /0/3/1=0 /0/3/2=3 /0/3/10=7
		< to 192.0.2.66:5683 ACK 2.04
		> PUT /1/5 ct=112 : /1/5/0=7 /1/5/1=600 /1/5/7=U /1/5/17=3
		< to 192.0.2.66:5683 ACK 2.04
	`)
	// A crash in the middle: nothing has happened.
	early := s.restart(durable)
	early.run(`
		start
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
	`)
	s.run(`
		> POST /bs
		! persist 2 records
		< to 192.0.2.66:5683 ACK 2.04
		! BootstrapFinished{}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/5>,</3>;ver=1.1,</3/0>
		! STATE_REGISTERING
	`)
	if a := s.afters[len(s.afters)-2]; a != s.seqs[len(s.seqs)-1] {
		t.Errorf("the answer to Finish waits for commit %d, not for %d", a, s.seqs[len(s.seqs)-1])
	}
	after := s.restart(durable)
	after.run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=600 ct=40 : </>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/5>,</3>;ver=1.1,</3/0>
		! STATE_REGISTERING
	`)
	accounts := after.c.Accounts()
	if len(accounts) != 2 || !accounts[0].Bootstrap || accounts[1].SecurityInstance != 3 || accounts[1].ServerInstance != 5 ||
		accounts[1].Retry.Count != 3 || !accounts[1].Given(17) || accounts[1].Given(18) {
		t.Errorf("accounts %+v", accounts)
	}
	// Where the program is started with another bootstrap server, that one counts.
	other := s.restart(func(c *client.Config) {
		durable(c)
		c.Servers[0].URI = "coap://192.0.2.1"
	})
	other.run(`
		start
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.1 HoldOff:0s}
		< CON POST /bs?ep=demo&pct=112
	`)
}

// A full disk at Finish: its answer never leaves; once there is room, the next commit has the accounts, too.
func TestBootstrapOnAFullDisk(t *testing.T) {
	durable := func(c *client.Config) { bootstrapOnly(c); c.Durable, c.AccessControl = true, true }
	s := newScript(t, durable, objects.NewTest()).bootstrapping()
	for _, line := range lines(`
		> PUT /0/3 ct=112 : /0/3/0=coap://192.0.2.1 /0/3/1=0 /0/3/2=3 /0/3/10=7
		> PUT /1/5 ct=112 : /1/5/0=7 /1/5/1=600 /1/5/7=U
		> PUT /2/0 ct=11542 : /2/0/0=3 /2/0/1=0 /2/0/3=7
		> POST /bs`) {
		s.command(line)
	}
	s.disk = nil
	s.c.PersistFailed(s.now, s.seqs[len(s.seqs)-1], errors.New("no space left"))
	s.drain("")
	s.run(`
		server 192.0.2.1:5683
		> 2.01 /rd/1
		! registered at 7: /rd/1, version 1.1
		! persist 4 records
		! STATE_READY
		> PUT /31024/10/1 ct=0 : 5
		! Written{Server:7 Path:/31024/10/1}
		! persist 1 records
		< ACK 2.04
	`)
	if a := s.restart(durable, objects.NewTest()).c.Accounts(); len(a) != 2 || a[1].ShortID != 7 {
		t.Errorf("%+v", a)
	}
}

// SNI and cipher suites (Security resources 14 and 16) are obeyed, and kept.
func TestBootstrapGivesCipherSuites(t *testing.T) {
	durable := func(c *client.Config) { bootstrapOnly(c); c.Durable = true }
	s := newScript(t, durable).bootstrapping()
	for _, line := range lines(`
		> PUT /0/3 ct=112 : /0/3/0=coaps://192.0.2.1 /0/3/1=0 /0/3/2=0 /0/3/3=aWQ= /0/3/5=a2V5 /0/3/10=7 /0/3/14=inner.example /0/3/16/0=49320 /0/3/16/1=53251
		> PUT /1/5 ct=112 : /1/5/0=7 /1/5/1=600 /1/5/7=U
		> POST /bs`) {
		s.command(line)
	}
	for range 2 {
		a := s.c.Accounts()[1]
		if a.SNI != "inner.example" || !slices.Equal(a.Suites, []dtls.Suite{0xC0A8, 0xD003}) || a.Identity != "id" {
			t.Errorf("%+v", a)
		}
		s.out = nil
		s = s.restart(durable)
	}
	// The hello has both, and no other suite.
	s.hello = nil
	s.command("start")
	if !bytes.Contains(s.hello, []byte("inner.example")) || !bytes.Contains(s.hello, []byte{0, 6, 0xC0, 0xA8, 0xD0, 0x03, 0, 0xFF}) {
		t.Errorf("ClientHello % x", s.hello)
	}
}

// The answer to 1/x/9 promises a bootstrap: a crash does not make it forgotten.
func TestBootstrapTriggerSurvivesRestart(t *testing.T) {
	durable := func(c *client.Config) { bothServers(c); c.Durable = true }
	s := newScript(t, durable)
	s.command("start")
	s.command("> 2.01 /rd/1")
	s.run(`
		> POST /1/0/9
		! Executed{Server:123 Path:/1/0/9}
		! persist 1 records
		< ACK 2.04
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
	`)
	s.restart(durable).run(`
		start
		! STATE_BOOTSTRAPPING
		! BootstrapStarted{Server:coap://192.0.2.66 HoldOff:0s}
		< to 192.0.2.66:5683 CON POST /bs?ep=demo&pct=112
		# refused: by the schedule, not at once
		server 192.0.2.66:5683
		> 5.03
		! STATE_BOOTSTRAP_REQUIRED
		! BootstrapFailed{Err:<nil> Code:5.03 Reason: Retry:1m0s}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
	`)
}

// Records that somebody has damaged are refused, and the device goes on with its own accounts.
func FuzzRestore(f *testing.F) {
	t := &testing.T{}
	s := newScript(t, func(c *client.Config) { bootstrapOnly(c); c.Durable = true }, objects.NewTest()).bootstrapping()
	for _, line := range lines(`
		> PUT /0/3 ct=112 : /0/3/0=coap://192.0.2.1 /0/3/1=0 /0/3/2=3 /0/3/10=7
		> PUT /1/5 ct=112 : /1/5/0=7 /1/5/1=600 /1/5/7=U
		> PUT /31024/10/1 ct=0 : 77
		> PUT /31024/40 ct=112 : /31024/40/1=7
		> DELETE /31024/11
		> POST /bs`) {
		s.command(line)
	}
	for _, r := range s.disk {
		if r.Table == client.Table {
			f.Add(r.Key, r.Value)
		}
	}
	f.Fuzz(func(t *testing.T, key, b []byte) {
		cfg := client.Config{Rand: machinetest.NewRand(1), Endpoint: "demo", Local: deviceAddr}
		bootstrapOnly(&cfg)
		cfg.Durable, cfg.Objects = true, []client.Object{objects.NewDevice(&testDevice), objects.NewTest()}
		c, err := client.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Restore(scriptTime, client.Table, key, b)
		c.Start(scriptTime, 1)
		for {
			if _, ok := c.Next(); !ok {
				break
			}
		}
		if c.State() == client.StateInitial {
			t.Errorf("the device does nothing")
		}
		c.Expire(scriptTime.Add(time.Second))
	})
}

var _ machine.Durable = (*client.Client)(nil)
