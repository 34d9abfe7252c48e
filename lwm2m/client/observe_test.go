package client_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/machine"

	"pgregory.net/rapid"
)

// dial is an object with a number, a switch and a text that a test turns.
type dial struct {
	*client.Simple
	number float64
	on     bool
}

func newDial() *dial {
	d := &dial{Simple: client.NewObject(&client.Definition{ID: 3303, Multiple: true, Resources: []client.Resource{
		{ID: 5500, Kind: lwm2m.Boolean, Operations: lwm2m.Read},
		{ID: 5700, Kind: lwm2m.Float, Operations: lwm2m.Read, Mandatory: true},
		{ID: 5750, Kind: lwm2m.String, Operations: lwm2m.Read | lwm2m.Write},
	}}).AllowCreate().Add(0)}
	d.OnRead(5500, func(machine.Time, uint16) lwm2m.Value { return lwm2m.Bool(d.on) })
	d.OnRead(5700, func(machine.Time, uint16) lwm2m.Value { return lwm2m.Num(d.number) })
	d.Set("/3303/0/5750", lwm2m.Str("kitchen"))
	return d
}

func TestETS_301_ObserveResource(t *testing.T) {
	d := newDial()
	s := newScript(t, nil, d).registered()
	s.run(`
		> PUT /3303/0/5700?pmin=5&pmax=15
		< ACK 2.04
		> GET /3303/0/5700 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
	`)
	d.number = 1.5
	s.run(`
		+1s
		changed /3303/0/5700
		+4s
		< @5s NON 2.05 token=A observe ct=0 : 1.5
		+14s
		+20s
		< @20s NON 2.05 token=A observe ct=0 : 1.5
		< @35s NON 2.05 token=A observe ct=0 : 1.5
	`)
}

func TestETS_302_CancelByReset(t *testing.T) {
	d := newDial()
	s := newScript(t, nil, d).registered()
	s.run(`
		> GET /3303/0/5700 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
	`)
	d.number = 1
	s.run(`
		changed /3303
		< NON 2.05 token=A observe ct=0 : 1.0
		> RST
		! Observed{Server:123 Path:/3303/0/5700 Began:false}
	`)
	d.number = 2
	s.run(`
		changed /3303
	`)
}

func TestETS_303_CancelByObserve(t *testing.T) {
	d := newDial()
	s := newScript(t, nil, d).registered()
	s.run(`
		> GET /3303/0/5700 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
		> GET /3303/0/5700 accept=0 observe=1 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:false}
		< ACK 2.05 ct=0 : 0.0
	`)
	d.number = 2
	s.run(`
		changed /3303
	`)
}

func TestObserveInstanceAndObject(t *testing.T) {
	d := newDial()
	s := newScript(t, nil, d).registered()
	s.run(`
		> GET /3303/0 accept=112 observe=0 token=A
		! Observed{Server:123 Path:/3303/0 Began:true}
		< ACK 2.05 observe ct=112 : /3303/0/5500=false /3303/0/5700=0.0 /3303/0/5750=kitchen
		> GET /3303 accept=112 observe=0 token=B
		! Observed{Server:123 Path:/3303 Began:true}
		< ACK 2.05 observe ct=112 : /3303/0/5500=false /3303/0/5700=0.0 /3303/0/5750=kitchen
		> PUT /3303/0/5750 ct=0 : hall
		! Written{Server:123 Path:/3303/0/5750}
		< ACK 2.04
		< NON 2.05 token=A observe ct=112 : /3303/0/5500=false /3303/0/5700=0.0 /3303/0/5750=hall
		< NON 2.05 token=B observe ct=112 : /3303/0/5500=false /3303/0/5700=0.0 /3303/0/5750=hall
		> POST /3303 ct=112 : /3303/4/5750=cellar
		! InstanceChanged{Server:123 Path:/3303/4 Created:true}
		< ACK 2.01
		< NON 2.05 token=B observe ct=112 : /3303/0/5500=false /3303/0/5700=0.0 /3303/0/5750=hall /3303/4/5500=false /3303/4/5700=0.0 /3303/4/5750=cellar
		< CON POST /rd/1 ct=40 : (links),</3303/0>,</3303/4>
		> 2.04
		! Updated{Server:123}
		> DELETE /3303/0
		! InstanceChanged{Server:123 Path:/3303/0 Created:false}
		< ACK 2.02
		! Observed{Server:123 Path:/3303/0 Began:false}
		< CON 4.04 token=A
		< NON 2.05 token=B observe ct=112 : /3303/4/5500=false /3303/4/5700=0.0 /3303/4/5750=cellar
		> ACK
		< CON POST /rd/1 ct=40 : (links),</3303/4>
		> 2.04
		! Updated{Server:123}
	`)
}

func TestObserveAgainReplaces(t *testing.T) {
	d := newDial()
	s := newScript(t, nil, d).registered()
	s.run(`
		> GET /3303/0/5700 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
		> GET /3303/0/5700 accept=0 observe=0 token=B
		! Observed{Server:123 Path:/3303/0/5700 Began:false}
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
		# the same token again is a repetition
		> GET /3303/0/5700 accept=0 observe=0 token=B
		! Observed{Server:123 Path:/3303/0/5700 Began:false}
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
	`)
	d.number = 3
	s.run(`
		changed /3303/0/5700
		< NON 2.05 token=B observe ct=0 : 3.0
	`)
	if n := len(s.c.Observations()); n != 1 {
		t.Errorf("%d observations", n)
	}
}

func TestObservationsEndWithANewRegistration(t *testing.T) {
	d := newDial()
	s := newScript(t, nil, d).registered()
	s.run(`
		> GET /3303/0/5700 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
		update 123
		< CON POST /rd/1
		> 4.04
		! failed at 123: 4.04 ; again after 0s
		! Observed{Server:123 Path:/3303/0/5700 Began:false}
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : (links),</3303/0>
		! STATE_REGISTERING
		> 2.01 /rd/2
		! registered at 123: /rd/2, version 1.1
		! STATE_READY
	`)
	d.number = 3
	s.run(`
		changed /3303/0/5700
	`)
}

func TestConfirmableNotifications(t *testing.T) {
	d := newDial()
	s := newScript(t, nil, d).registered()
	s.run(`
		> PUT /3303/0/5700?con=1
		< ACK 2.04
		> GET /3303/0/5700 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
	`)
	d.number = 1
	s.run(`
		changed /3303/0/5700
		< CON 2.05 token=A observe ct=0 : 1.0
		> ACK
	`)
	d.number = 2
	s.run(`
		changed /3303/0/5700
		< CON 2.05 token=A observe ct=0 : 2.0
		+90s
		< @2.873s CON 2.05 token=A observe ct=0 : 2.0
		< @8.619s CON 2.05 token=A observe ct=0 : 2.0
		< @20.111s CON 2.05 token=A observe ct=0 : 2.0
		< @43.094s CON 2.05 token=A observe ct=0 : 2.0
		! @1m29.061s Observed{Server:123 Path:/3303/0/5700 Began:false}
	`)
	d.number = 3
	s.run(`
		changed /3303/0/5700
	`)
}

func TestDailyConfirmation(t *testing.T) {
	d := newDial()
	s := newScript(t, func(c *client.Config) { c.Servers[0].Lifetime = -1 }, d).registered()
	s.run(`
		> GET /3303/0/5700 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
	`)
	d.number = 1
	s.run(`
		+23h
		changed /3303/0/5700
		< NON 2.05 token=A observe ct=0 : 1.0
	`)
	d.number = 2
	s.run(`
		+2h
		changed /3303/0/5700
		< CON 2.05 token=A observe ct=0 : 2.0
		> ACK
	`)
	d.number = 3
	s.run(`
		changed /3303/0/5700
		< NON 2.05 token=A observe ct=0 : 3.0
	`)
}

func TestDefaultPeriods(t *testing.T) {
	d := newDial()
	s := newScript(t, nil, d).registered()
	s.run(`
		> POST /1/0 ct=11542 : /1/0/2=10 /1/0/3=30
		! Written{Server:123 Path:/1/0/2}
		! Written{Server:123 Path:/1/0/3}
		< ACK 2.04
		> GET /3303/0/5700 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
	`)
	d.number = 1
	s.run(`
		changed /3303/0/5700
		+41s
		< @10s NON 2.05 token=A observe ct=0 : 1.0
		< @40s NON 2.05 token=A observe ct=0 : 1.0
		> PUT /1/0/3 ct=0 : 0
		! Written{Server:123 Path:/1/0/3}
		< ACK 2.04
		+2m
	`)
}

func TestTooManyObservations(t *testing.T) {
	newScript(t, func(c *client.Config) { c.MaxObservations = 1 }).registered().run(`
		> GET /3/0/0 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/3/0/0 Began:true}
		< ACK 2.05 observe ct=0 : Heddle
		> GET /3/0/1 accept=0 observe=0 token=B
		< ACK 2.05 ct=0 : test device
	`)
}

func TestMovingValuesAreNotified(t *testing.T) {
	s := newScript(t, func(c *client.Config) { c.Servers[0].Lifetime = -1 }, objects.NewTemperature(1, nil), objects.NewTrack(scriptTime, objects.Loop(objects.Everest, 0.01, time.Hour)))
	s.registered().run(`
		> GET /3303/0/5700 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 20.2
		+2m
		< @10s NON 2.05 token=A observe ct=0 : 20.3
		< @20s NON 2.05 token=A observe ct=0 : 20.4
		< @30s NON 2.05 token=A observe ct=0 : 20.5
		< @40s NON 2.05 token=A observe ct=0 : 20.6
		< @50s NON 2.05 token=A observe ct=0 : 20.8
		< @1m0s NON 2.05 token=A observe ct=0 : 20.9
		< @1m10s NON 2.05 token=A observe ct=0 : 21.0
		< @1m20s NON 2.05 token=A observe ct=0 : 21.1
		< @1m40s NON 2.05 token=A observe ct=0 : 21.0
		< @2m0s NON 2.05 token=A observe ct=0 : 20.9
		> GET /3303/0/5700 accept=0 observe=1 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:false}
		< ACK 2.05 ct=0 : 20.9
		> GET /6/0/0 accept=0 observe=0 token=B
		! Observed{Server:123 Path:/6/0/0 Began:true}
		< ACK 2.05 observe ct=0 : 27.987951
		+12s
		< @2m5s NON 2.05 token=B observe ct=0 : 27.988029
		< @2m10s NON 2.05 token=B observe ct=0 : 27.988108
	`)
}

// The notification attributes, one row a case: what is set, how the value goes second by second, and at which seconds a
// notification leaves with which value.
func TestNotificationAttributes(t *testing.T) {
	const resource = "/3303/0/5700"
	for _, c := range []struct {
		name   string
		set    []string // path?attributes
		values string   // one a second, from second 1 on; the observation begins at 0 with value 20
		want   string   // second:value
	}{
		{"every change", nil, "20 21 21 22", "2:21 4:22"},
		{"pmin holds back", []string{resource + "?pmin=3"}, "21 22 23 24 25 25 25", "3:23 6:25"},
		{"pmin, changed and back", []string{resource + "?pmin=3"}, "21 20 20 20", "3:20"},
		{"pmin, nothing", []string{resource + "?pmin=2"}, "20 20 20 20 21", "5:21"},
		{"pmax without change", []string{resource + "?pmax=3"}, "20 20 20 20 20 20 20", "3:20 6:20"},
		{"pmax counts from the last notification", []string{resource + "?pmax=3"}, "20 21 21 21 21 21 21", "2:21 5:21"},
		{"pmax below pmin is ignored", []string{resource + "?pmin=4&pmax=2"}, "20 20 20 20 20 21", "6:21"},
		{"pmax equal to pmin", []string{resource + "?pmin=2&pmax=2"}, "21 22 23 24 25", "2:22 4:24"},
		{"gt upwards and back", []string{resource + "?gt=25"}, "21 25 26 27 25 24 30", "3:26 5:25 7:30"},
		{"lt downwards and back", []string{resource + "?lt=15"}, "16 15 14 13 15 16 10", "3:14 5:15 7:10"},
		{"gt and lt", []string{resource + "?gt=25&lt=15"}, "26 20 14 20", "1:26 2:20 3:14 4:20"},
		{"across both", []string{resource + "?gt=25&lt=15"}, "26 14 26", "1:26 2:14 3:26"},
		{"st", []string{resource + "?st=2"}, "21 21.5 22 23 23.9 24 19", "3:22 6:24 7:19"},
		{"st or gt", []string{resource + "?gt=25&st=3"}, "22 23 25.5 26 28", "2:23 3:25.5"},
		{"gt within pmin", []string{resource + "?pmin=3&gt=25"}, "26 20 20 20 20", "3:20"},
		{"gt and pmax", []string{resource + "?pmax=2&gt=25"}, "21 22 23 24", "2:22 4:24"},
		{"object's pmin", []string{"/3303?pmin=2"}, "21 22 23 24", "2:22 4:24"},
		{"nearest wins", []string{"/3303?pmin=4", "/3303/0?pmin=1", resource + "?pmax=9"}, "21 22", "1:21 2:22"},
		{"each by itself", []string{"/3303?pmin=2", "/3303/0?pmax=3", resource + "?gt=100"}, "21 22 23 24", "3:23"},
		{"epmin", []string{resource + "?epmin=2"}, "21 22 23", "1:21 2:22 3:23"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDial()
			d.number = 20
			s := newScript(t, nil, d).registered()
			for _, a := range c.set {
				s.command("> PUT " + a)
			}
			s.command("> GET " + resource + " accept=0 observe=0 token=A")
			var got []string
			for i, v := range strings.Fields(c.values) {
				s.out = nil
				s.pass(time.Second - 1)
				fmt.Sscan(v, &d.number)
				s.c.Changed(s.now, 1, lwm2m.MustPath(resource))
				s.pass(1)
				got = append(got, notified(s, i+1)...)
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("notified %s, want %s", g, c.want)
			}
		})
	}
}

// notified returns the notifications in a script's output as second:value.
func notified(s *script, second int) (got []string) {
	for _, line := range s.out {
		if strings.HasPrefix(line, "<") && strings.Contains(line, "observe") {
			var v float64
			fmt.Sscan(line[strings.LastIndex(line, " ")+1:], &v)
			got = append(got, fmt.Sprintf("%d:%v", second, v))
		}
	}
	return got
}

func TestEdge(t *testing.T) {
	for _, c := range []struct {
		query, values, want string
	}{
		{"edge=1", "1 0 1 1 0", "1 3"},
		{"edge=0", "1 0 1 1 0", "2 5"},
		{"pmin=0", "1 0 1 1 0", "1 2 3 5"},
	} {
		d := newDial()
		s := newScript(t, nil, d).registered()
		s.command("> PUT /3303/0/5500?" + c.query)
		s.command("> GET /3303/0/5500 accept=0 observe=0 token=A")
		var got []string
		for i, v := range strings.Fields(c.values) {
			s.out = nil
			d.on = v == "1"
			s.pass(time.Second)
			s.command("changed /3303/0/5500")
			for _, n := range notified(s, i+1) {
				got = append(got, n[:strings.IndexByte(n, ':')])
			}
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s: notified in step %s, want %s", c.query, g, c.want)
		}
	}
}

// Whatever attributes hold and however the value moves: two notifications are never closer than pmin, never further apart
// than pmax, what was notified last is never older than pmin where no threshold holds it back, and the order rises.
func TestNotificationProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDial()
		s := newScript(t, nil, d).registered()
		pmin := rapid.IntRange(0, 10).Draw(rt, "pmin")
		pmax := rapid.IntRange(0, 20).Draw(rt, "pmax")
		q := fmt.Sprintf("pmin=%d", pmin)
		if pmax > 0 {
			q += fmt.Sprintf("&pmax=%d", pmax)
		}
		st := rapid.IntRange(0, 3).Draw(rt, "st")
		if st > 0 {
			q += fmt.Sprintf("&st=%d", st)
		}
		s.command("> PUT /3303/0/5700?" + q)
		s.command("> GET /3303/0/5700 accept=0 observe=0 token=A")
		last, known, order := s.now, d.number, uint32(0)
		changedAt := machine.Never
		for range 60 {
			wait := time.Duration(rapid.IntRange(0, 4000).Draw(rt, "wait")) * time.Millisecond
			end := s.now.Add(wait)
			for {
				next := min(s.c.Deadline(), end)
				s.now = max(s.now, next)
				if s.c.Deadline() <= s.now {
					s.c.Expire(s.now)
				} else {
					d.number = float64(rapid.IntRange(0, 5).Draw(rt, "value"))
					s.c.Changed(s.now, 1, lwm2m.MustPath("/3303"))
				}
				for _, m := range s.notifications() {
					gap := s.now.Sub(last)
					if gap < time.Duration(pmin)*time.Second {
						rt.Fatalf("%v after the last notification, pmin is %d", gap, pmin)
					}
					n, _ := m.Options.GetUint(coap.Observe)
					if n <= order {
						rt.Fatalf("order %d after %d", n, order)
					}
					last, order = s.now, n
					fmt.Sscan(string(m.Payload), &known)
				}
				if pmax >= pmin && pmax > 0 && s.now.Sub(last) > time.Duration(pmax)*time.Second {
					rt.Fatalf("%v without a notification, pmax is %d", s.now.Sub(last), pmax)
				}
				if differs := known != d.number && (st == 0 || math.Abs(known-d.number) >= float64(st)); !differs {
					changedAt = machine.Never
				} else if changedAt == machine.Never {
					changedAt = s.now
				}
				if changedAt != machine.Never && s.now > max(changedAt, last.Add(time.Duration(pmin)*time.Second)) {
					rt.Fatalf("the server still believes %v, the value is %v, pmin %d has passed", known, d.number, pmin)
				}
				if s.now >= end {
					break
				}
			}
		}
	})
}

// notifications drains the client and returns the notifications.
func (s *script) notifications() (out []coap.Message) {
	for {
		a, ok := s.c.Next()
		if !ok {
			return out
		}
		if a.Kind == machine.Send {
			var m coap.Message
			if err := m.Decode(append([]byte(nil), a.Data...)); err != nil {
				s.t.Fatal(err)
			}
			switch {
			case m.Options.Has(coap.Observe):
				out = append(out, m)
			case m.Code.IsRequest():
				s.lastID, s.reqTok = m.ID, m.Token
				s.send("2.04")
			}
		}
	}
}

// What a timer does carries the cause of the input that set it: a notification that of the Observe, an Update that of the
// answer to Register.
func TestTimersCarryTheirCause(t *testing.T) {
	s := newScript(t, nil, objects.NewTemperature(1, nil))
	s.c.Start(s.now, 1)
	s.drain("")
	s.send("2.01 /rd/1") // comes with cause 1
	s.drain("")
	m := coap.Message{Type: coap.CON, Code: coap.GET, ID: 9, Token: coap.NewToken([]byte("A")),
		Options: coap.Options(nil).AppendPath("/3303/0/5700").SetUint(coap.Observe, 0)}
	b, _ := m.Append(nil)
	s.c.Receive(s.now, 77, s.server, b)
	seen := map[machine.Cause]int{}
	for range 40 {
		for {
			a, ok := s.c.Next()
			if !ok {
				break
			}
			if a.Kind == machine.Send {
				seen[a.Cause]++
			}
		}
		s.now = s.c.Deadline()
		s.c.Expire(s.now)
	}
	if seen[77] < 10 || seen[1] == 0 || len(seen) != 2 {
		t.Errorf("datagrams by cause: %v", seen)
	}
}
