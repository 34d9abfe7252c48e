package client_test

import (
	"testing"

	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
)

// What servers wrote, created and deleted is there after a restart, as are their attributes and their settings.
func TestWrittenValuesSurviveRestart(t *testing.T) {
	durable := func(c *client.Config) { c.Durable = true }
	s := newScript(t, durable, objects.NewTest()).registered()
	s.run(`
		> PUT /31024/10/1 ct=0 : 99
		! Written{Server:123 Path:/31024/10/1}
		! persist 1 records
		< ACK 2.04
		> POST /31024 ct=112 : /31024/40/1=7
		! InstanceChanged{Server:123 Path:/31024/40 Created:true}
		! persist 1 records
		< ACK 2.01
		< CON POST /rd/1 ct=40 : (links),</31024/10>,</31024/11>,</31024/12>,</31024/40>
		> 2.04
		! Updated{Server:123}
		> PUT /31024/40/3 ct=0 : 1.5
		! Written{Server:123 Path:/31024/40/3}
		! persist 1 records
		< ACK 2.04
		> DELETE /31024/12
		! InstanceChanged{Server:123 Path:/31024/12 Created:false}
		! persist 1 records
		< ACK 2.02
		< CON POST /rd/1 ct=40 : (links),</31024/10>,</31024/11>,</31024/40>
		> 2.04
		! Updated{Server:123}
		# a replacement takes the optional resources away
		> PUT /31024/11 ct=11542 : /31024/11/1=5
		! Written{Server:123 Path:/31024/11/1}
		! persist 1 records
		< ACK 2.04
		> PUT /31024/10/1?gt=5
		! persist 1 records
		< ACK 2.04
		> PUT /1/0/3 ct=0 : 77
		! Written{Server:123 Path:/1/0/3}
		! persist 1 records
		< ACK 2.04
		# the clock is not one of these
		> PUT /3/0/13 ct=0 : 5
		! Written{Server:123 Path:/3/0/13}
		< ACK 2.04
		> PUT /3/0/14 ct=0 : +03:00
		! Written{Server:123 Path:/3/0/14}
		! persist 1 records
		< ACK 2.04
	`)
	for range 2 {
		s = s.restart(durable, objects.NewTest())
		s.run(`
			start
			< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links),</31024/10>,</31024/11>,</31024/40>
			! STATE_REGISTERING
			> 2.01 /rd/1
			! registered at 123: /rd/1, version 1.1
			! STATE_READY
			> GET /31024/10 accept=112
			< ACK 2.05 ct=112 : /31024/10/1=99 /31024/10/3=-30.0 /31024/10/5=
			> GET /31024/11 accept=112
			< ACK 2.05 ct=112 : /31024/11/1=5
			> GET /31024/40 accept=112
			< ACK 2.05 ct=112 : /31024/40/1=7 /31024/40/3=1.5
			> GET /3/0/14 accept=0
			< ACK 2.05 ct=0 : +03:00
			> GET /1/0/3 accept=0
			< ACK 2.05 ct=0 : 77
			> GET /31024/10/1 accept=40
			< ACK 2.05 ct=40 : </31024/10/1>;gt=5
		`)
	}
	// An object that is taken out takes its records with it.
	if err := s.c.RemoveObject(s.now, 1, 31024); err != nil {
		t.Fatal(err)
	}
	s.drain("")
	s.restart(durable, objects.NewTest()).registered().run(`
		> GET /31024/10/1 accept=0
		< ACK 2.05 ct=0 : 20
	`)
}
