package client_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"heddle.example/lwm2m/client"
)

func storing(cfg *client.Config) {
	cfg.Servers[0].Storing = true
	cfg.Servers[0].DisableTimeout = time.Minute
}

// turn sets the dial and lets the observers know.
func (d *dial) turn(s *script, number float64) {
	d.number = number
	s.command("changed /3303/0/5700")
}

// While the server is in trouble, notifications are kept with their times; the next Update that it takes brings them.
func TestNotificationsAreStoredUntilTheUpdate(t *testing.T) {
	d := newDial()
	s := newScript(t, storing, d).registered()
	s.run(`
		> GET /3303/0/5700 accept=110 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=110 : /3303/0/5700=0.0
		> FETCH / ct=112 observe=0 token=B : /3303/0/5700 /3/0/9
		! Observed{Server:123 Path:/ Began:true}
		< ACK 2.05 observe ct=112 : /3/0/9=100 /3303/0/5700=0.0
		> GET /3303/0/5700 accept=0 observe=0 token=C
		! Observed{Server:123 Path:/3303/0/5700 Began:false}
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
		> GET /3303/0 accept=11542 observe=0 token=D
		! Observed{Server:123 Path:/3303/0 Began:true}
		< ACK 2.05 observe ct=11542 : /3303/0/5500=false /3303/0/5700=0.0 /3303/0/5750=kitchen
		update 123
		< CON POST /rd/1
		> 5.03
		! failed at 123: 5.03 ; again after 1m0s
		+10s
	`)
	d.turn(s, 1)
	s.pass(10 * time.Second)
	d.turn(s, 2)
	s.run(`
		+40s
		< @1m0s CON POST /rd/1
		> 2.04
		! Updated{Server:123}
		< CON 2.05 token=B observe ct=112 : /3/0/9=100@10s /3/0/9=100@20s /3/0/9=100@1m0s /3303/0/5700=1.0@10s /3303/0/5700=2.0@20s /3303/0/5700=2.0@1m0s
		< NON 2.05 token=C observe ct=0 : 2.0
		< NON 2.05 token=D observe ct=11542 : /3303/0/5500=false /3303/0/5700=2.0 /3303/0/5750=kitchen
		# the formats without times have the newest value only
		> ACK
	`)
	d.number = 3
	s.run(`
		changed /3303/0/5700
		< NON 2.05 token=B observe ct=112 : /3/0/9=100 /3303/0/5700=3.0
		< NON 2.05 token=C observe ct=0 : 3.0
		< NON 2.05 token=D observe ct=11542 : /3303/0/5500=false /3303/0/5700=3.0 /3303/0/5750=kitchen
	`)
}

// Without resource 6 they are dropped: the server hears of the present value.
func TestNotificationsAreDropped(t *testing.T) {
	d := newDial()
	s := newScript(t, nil, d).registered()
	s.run(`
		> GET /3303/0/5700 accept=110 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=110 : /3303/0/5700=0.0
		> PUT /3303/0/5700?pmax=5
		< ACK 2.04
		update 123
		< CON POST /rd/1
		> 5.03
		! failed at 123: 5.03 ; again after 1m0s
	`)
	d.number = 1
	s.run(`
		changed /3303/0/5700
		+50s
	`)
	d.number = 2
	s.run(`
		changed /3303/0/5700
		+10s
		< @1m0s CON POST /rd/1
		> 2.04
		! Updated{Server:123}
		< NON 2.05 token=A observe ct=110 : /3303/0/5700=2.0
	`)
}

// A disabled device has no registration and no observations. What it stored is told when it has registered again and the
// server asks again.
func TestNotificationsAreStoredWhileDisabled(t *testing.T) {
	d := newDial()
	s := newScript(t, storing, d).registered()
	s.run(`
		> GET /3303/0/5700 accept=110 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=110 : /3303/0/5700=0.0
		> PUT /3303/0/5700?pmin=10
		< ACK 2.04
		> POST /1/0/4
		! Executed{Server:123 Path:/1/0/4}
		< ACK 2.04
		< CON DELETE /rd/1
		> 2.02
		! Deregistered{Server:123}
		! Observed{Server:123 Path:/3303/0/5700 Began:false}
		! STATE_REGISTER_REQUIRED
	`)
	if len(s.c.Observations()) != 0 {
		t.Errorf("it says that it is observed: %v", s.c.Observations())
	}
	for i := range 20 { // pmin lets every fourth one through
		d.turn(s, float64(i+1))
		s.pass(5 * time.Second / 2)
	}
	s.run(`
		+10s
		< @1m0s CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links),</3303/0>
		! @1m0s STATE_REGISTERING
		> 2.01 /rd/2
		! registered at 123: /rd/2, version 1.1
		! STATE_READY
		> GET /3303/0/5700 accept=112 observe=0 token=B
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=112 : /3303/0/5700=20.0
		< CON 2.05 token=B observe ct=112 : /3303/0/5700=4.0@10s /3303/0/5700=8.0@20s /3303/0/5700=12.0@30s /3303/0/5700=16.0@40s /3303/0/5700=20.0@50s
		> ACK
	`)
}

// A confirmable notification that is never acknowledged is not lost: the device registers anew, and the server's next
// Observe gets it.
func TestNotificationThatNobodyAcknowledged(t *testing.T) {
	d := newDial()
	s := newScript(t, storing, d).registered()
	s.run(`
		> PUT /3303/0/5700?con=1
		< ACK 2.04
		> GET /3303/0/5700 accept=110 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=110 : /3303/0/5700=0.0
		+1s
	`)
	s.out = nil
	d.turn(s, 1)
	s.pass(100 * time.Second)
	got := strings.Join(s.out, "\n")
	if n := strings.Count(got, "CON 2.05 token=A observe ct=110 : /3303/0/5700=1.0"); n != 5 || !strings.Contains(got, "CON POST /rd?lwm2m=1.1") {
		t.Fatalf("%d transmissions, then:\n%s", n, got)
	}
	d.turn(s, 2)
	s.run(`
		> 2.01 /rd/2
		! registered at 123: /rd/2, version 1.1
		! STATE_READY
		> GET /3303/0/5700 accept=110 observe=0 token=B
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=110 : /3303/0/5700=2.0
		< CON 2.05 token=B observe ct=110 : /3303/0/5700=1.0@1s /3303/0/5700=2.0@1m41s
	`)
}

// What is stored is bounded, by hqmax and by the device; what a server does not ask for any more is given up.
func TestStoredNotificationsAreBounded(t *testing.T) {
	for _, c := range []struct{ attributes, want string }{
		{"hqmax=2", "/3303/0/5700=99.0 /3303/0/5700=100.0"},
		{"hqmax=0", ""},
		{"", fmt.Sprint(64)},
	} {
		d := newDial()
		s := newScript(t, storing, d).registered()
		if c.attributes != "" {
			s.command("> PUT /3303/0/5700?" + c.attributes)
		}
		s.command("> GET /3303/0/5700 accept=112 observe=0 token=A")
		s.command("> PUT /1/0/5 ct=0 : 110")
		s.command("> POST /1/0/4")
		s.command("> 2.02")
		for i := range 100 {
			d.turn(s, float64(i+1))
			s.pass(time.Second)
		}
		s.pass(10 * time.Second)
		s.command("> 2.01 /rd/2")
		s.out = nil
		s.command("> GET /3303/0/5700 accept=112 observe=0 token=B")
		var got []string
		for _, line := range s.out {
			if strings.HasPrefix(line, "< CON 2.05") {
				for _, w := range strings.Fields(line[strings.Index(line, " : ")+3:]) {
					v, _, _ := strings.Cut(w, "@")
					got = append(got, v)
				}
			}
		}
		if text := strings.Join(got, " "); text != c.want && fmt.Sprint(len(got)) != c.want {
			t.Errorf("%s: %d: %s", c.attributes, len(got), text)
		}
	}
	d := newDial()
	s := newScript(t, storing, d).registered()
	s.command("> GET /3303/0/5700 accept=110 observe=0 token=A")
	for i := range 3 {
		s.command("> POST /1/0/4")
		s.command("> 2.02")
		d.turn(s, float64(i+1))
		s.pass(time.Minute)
		s.command(fmt.Sprintf("> 2.01 /rd/%d", i+2))
	}
	s.out = nil
	s.command("> GET /3303/0/5700 accept=110 observe=0 token=B")
	if got := strings.Join(s.out, "\n"); strings.Contains(got, "@") {
		t.Errorf("two registrations later it still has:\n%s", got)
	}
}
