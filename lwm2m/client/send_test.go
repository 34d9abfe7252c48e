package client_test

import (
	"testing"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
)

func unmuted(cfg *client.Config) { cfg.Servers[0].Unmuted = true }

func TestETS_306_311_Send(t *testing.T) {
	d := newDial()
	newScript(t, unmuted, d).registered().run(`
		send /1/0/1 /3/0/11
		< CON POST /dp ct=112 : /1/0/1=300 /3/0/11/0=0
		> 2.04
		! result: send to 123: 2.04
		send ct=110 server=123 /3/0/9 /3/0/9999 /0 /3/0/4
		< CON POST /dp ct=110 : /3/0/9=100
		> 2.04
		! result: send to 123: 2.04
		# samples of a sensor, the last one being of now
		send ct=110 /3303/0/5700=20.5@-30s /3303/0/5700=20@-60s /3303/0/5700
		< CON POST /dp ct=110 : /3303/0/5700=20.0@-1m0s /3303/0/5700=20.5@-30s /3303/0/5700=0.0@0s
		> 4.00
		! result: send to 123: 4.00
		# 4.04: the server may have lost the registration, and an Update finds out
		send /3/0/9
		< CON POST /dp ct=112 : /3/0/9=100
		> 4.04 : not registered
		! result: send to 123: 4.04 not registered
		< CON POST /rd/1
		> 2.04
		! Updated{Server:123}
		# no answer
		send /3/0/9
		< CON POST /dp ct=112 : /3/0/9=100
		> RST
		! result: send to 123: the peer rejected the message with a Reset
	`)
}

func TestETS_307_MuteSend(t *testing.T) {
	s := newScript(t, nil).registered()
	s.run(`
		# without resource 23 Send is muted
		send /3/0
		! result: send to 0: Send is muted
		> PUT /1/0/23 ct=0 : 1
		! Written{Server:123 Path:/1/0/23}
		< ACK 2.04
		send server=123 /3/0
		! result: send to 123: Send is muted
		> PUT /1/0/23 ct=0 : 0
		! Written{Server:123 Path:/1/0/23}
		< ACK 2.04
		send /3/0/9
		< CON POST /dp ct=112 : /3/0/9=100
		> 2.04
		! result: send to 123: 2.04
	`)
}

func TestSendRefused(t *testing.T) {
	newScript(t, unmuted).run(`
		send /3/0/9
		! result: send to 0: not registered with this server
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links)
		! STATE_REGISTERING
		send /3/0/9
		! result: send to 0: not registered with this server
		> 4.12
		< CON POST /rd?lwm2m=1.0&ep=demo&lt=300 ct=40 : (links)
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.0
		! STATE_READY
		send /3/0/9
		! result: send to 0: the server speaks LwM2M 1.0, which has no Send
	`)
	s := newScript(t, unmuted).registered()
	s.run(`
		send server=7 /3/0/9
		! result: send to 7: no server with this Short Server ID
		send /5 /0
		! result: send to 0: there is no value to send
		send ct=0 /3/0/9
		! result: send to 0: payload is about another path
		# what is under way when the registration ends has its result first
		send /3/0/9
		< CON POST /dp ct=112 : /3/0/9=100
		stop
		! result: send to 123: not registered with this server
		< CON DELETE /rd/1
		> 2.02
		! Deregistered{Server:123}
		! Stopped{}
		! STATE_INITIAL
	`)
	s = newScript(t, unmuted).registered()
	s.c.Send(s.now, 1, &client.SendRequest{Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/0/0/5"), Value: lwm2m.BytesOf("key"), Time: 1}}})
	s.c.Send(s.now, 1, &client.SendRequest{Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/3/0"), Time: 1}}})
	for range 17 {
		s.c.Send(s.now, 1, &client.SendRequest{Paths: []lwm2m.Path{lwm2m.MustPath("/3/0/9")}})
	}
	s.out = nil
	s.drain("")
	want := []string{"! result: send to 0: what is sent are values of resources, and no keys", "! result: send to 0: what is sent are values of resources, and no keys",
		"< CON POST /dp ct=112 : /3/0/9=100", "! result: send to 0: too many Sends are under way"}
	if len(s.out) != len(want) {
		t.Fatalf("%q", s.out)
	}
	for i := range want {
		if s.out[i] != want[i] {
			t.Errorf("%q, want %q", s.out[i], want[i])
		}
	}
}

// What a server may not read it is not sent, and a composite leaves it out; what it may not write it does not write.
func TestCompositesAndSendObeyAccessControl(t *testing.T) {
	s := aclScript(t, []client.AccessControl{
		{Object: 3, Instance: 0, Owner: 123, Rights: []client.ServerRights{{Server: 0, Rights: client.RightRead}}},
		{Object: 31024, Instance: 10, Owner: 123, Rights: []client.ServerRights{{Server: 2, Rights: client.RightWrite}}},
		{Object: 31024, Instance: 11, Owner: 2},
	})
	for i := range 2 {
		if err := s.c.Set(s.now, 1, lwm2m.NewPath(1, uint16(i), 23), lwm2m.Bool(false)); err != nil {
			t.Fatal(err)
		}
	}
	s.drain("")
	s.run(`
		server 192.0.2.66:5683
		> FETCH / ct=112 : /3/0/0 /31024
		< to 192.0.2.66:5683 ACK 2.05 ct=112 : /3/0/0=Heddle /31024/11/1=21 /31024/11/3=-28.99 /31024/11/5=
		> FETCH / ct=112 : /31024/10 /1/0/1
		< to 192.0.2.66:5683 ACK 4.04 : none of these paths can be read
		> IPATCH / ct=112 : /31024/10/1=5 /3/0/14=+02:00
		< to 192.0.2.66:5683 ACK 4.01 : this server has no right to do so
		> IPATCH / ct=112 : /31024/10/1=5 /31024/11/1=6
		! Written{Server:2 Path:/31024/10/1}
		! Written{Server:2 Path:/31024/11/1}
		< to 192.0.2.66:5683 ACK 2.04
		send server=2 /31024/10 /31024/11/1 /31024/10/1=7@-1s /31024/11/1=7@-1s
		< to 192.0.2.66:5683 CON POST /dp ct=112 : /31024/11/1=7@-1s /31024/11/1=6@0s
		> 2.04
		! result: send to 2: 2.04
		send server=2 /31024/10
		! result: send to 2: there is no value to send
	`)
}
