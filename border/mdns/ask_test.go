package mdns

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/thread/dns"
)

func (x *station) lookup(name string, kind uint16) string {
	list, none := x.Lookup(x.l.now, named(name), kind, 5*time.Second)
	var out []string
	for _, f := range list {
		switch kind {
		case dns.TypePTR:
			out = append(out, fmt.Sprintf("%s %d", dns.Name(f.Data).Text(), f.TTL))
		case dns.TypeSRV:
			out = append(out, fmt.Sprintf("%s %d", dns.Name(f.Data[6:]).Text(), f.TTL))
		default:
			a, _ := netip.AddrFromSlice(f.Data)
			out = append(out, fmt.Sprintf("%v %d", a, f.TTL))
		}
	}
	if none {
		out = append(out, "none")
	}
	return strings.Join(out, ", ")
}

// What others publish is asked for once and then known; what they change or take back is noticed.
func TestLookup(t *testing.T) {
	l := newLink(t)
	a, b, c := l.add("a", 1), l.add("b", 2), l.add("c", 3)
	a.set("x", lamp("2001:db8::1"))
	l.run(5 * time.Second)
	b.set("x", lamp("2001:db8::2"))
	l.run(20 * time.Second)
	l.heard()
	same(t, "nothing is known", c.lookup("_coap._udp.local", dns.TypePTR), "")
	l.run(time.Second)
	if got := l.log[0]; got != "c: ?_coap._udp.local PTR" || c.news != 2 {
		t.Error(got, c.news)
	}
	same(t, "then", c.lookup("_coap._udp.local", dns.TypePTR), "Kitchen (2)._coap._udp.local 4500, Kitchen._coap._udp.local 4500")
	l.run(2 * time.Second)
	l.heard()
	same(t, "again", c.lookup("_coap._udp.local", dns.TypePTR), "Kitchen (2)._coap._udp.local 4498, Kitchen._coap._udp.local 4498")
	l.run(20 * time.Second)
	same(t, "and later, which asks whether there are more", c.lookup("_coap._udp.local", dns.TypePTR), "Kitchen (2)._coap._udp.local 4478, Kitchen._coap._udp.local 4478")
	l.run(10 * time.Second)
	if got := strings.Split(l.heard(), "\n"); len(got) > 4 || got[1] != "c: ?_coap._udp.local PTR; !_coap._udp.local PTR 4477 Kitchen (2)._coap._udp.local; !_coap._udp.local PTR 4477 Kitchen._coap._udp.local" {
		t.Error(strings.Join(got, "\n"))
	}
	c.lookup("lamp-2.local", dns.TypeAAAA)
	c.lookup("lamp-2.local", dns.TypeA)
	l.run(100 * time.Millisecond)
	same(t, "an address", c.lookup("LAMP-2.local", dns.TypeAAAA), "2001:db8::2 120")
	same(t, "what it has not", c.lookup("lamp-2.local", dns.TypeA), "none")
	b.set("x", lamp("2001:db8::7"))
	l.run(3 * time.Second)
	same(t, "another address", c.lookup("lamp-2.local", dns.TypeAAAA), "2001:db8::7 119")
	b.set("x", nil)
	l.run(2 * time.Second)
	same(t, "taken back", c.lookup("_coap._udp.local", dns.TypePTR), "Kitchen._coap._udp.local 4463")
	same(t, "our own", a.lookup("lamp.local", dns.TypeAAAA), "2001:db8::1 120")
	l.heard()
	same(t, "of nobody", c.lookup("nobody.local", dns.TypeAAAA), "")
	l.run(time.Minute)
	if got := l.heard(); strings.Count(got, "nobody") != 3 {
		t.Errorf("it is asked for in vain %d times:\n%s", strings.Count(got, "nobody"), got)
	}
}

// There is an end to what others can make us remember, and to what is asked for at once.
func TestLimits(t *testing.T) {
	l := newLink(t)
	l.quiet = true
	a := l.add("a", 1)
	for i := range 3 * maxAsked {
		a.lookup(fmt.Sprintf("h%d.local", i), dns.TypeAAAA)
	}
	if len(a.asked) != maxAsked || a.Counters.NoRoom != 2*maxAsked {
		t.Error(len(a.asked), a.Counters.NoRoom)
	}
	l.run(time.Minute)
	a.lookup("_x._udp.local", dns.TypePTR) // there is room again
	for i := range 3 * maxAnswers {
		l.hear("192.0.2.9:5353", response(dns.ClassIN, 120, "_x._udp.local", dns.TypePTR, []byte(named(fmt.Sprintf("i%d/_x._udp.local", i)))))
	}
	if list, _ := a.Lookup(l.now, named("_x._udp.local"), dns.TypePTR, 0); len(list) != maxAnswers {
		t.Error(len(list))
	}
	for i := range 500 {
		x := lamp("2001:db8::1")
		x.Host, x.Services[0].Instance = fmt.Sprintf("lamp%d", i), fmt.Sprintf("Lamp %d", i)
		a.set(x.Host, x)
	}
	l.run(time.Minute)
	for _, e := range a.Entries() {
		if e.State != Announced {
			t.Fatal(e)
		}
	}
	before := time.Now()
	var all []string
	for range maxQuestions {
		all = append(all, "_coap._udp.local ANY")
	}
	for i := range 100 {
		l.hear(fmt.Sprintf("192.0.2.%d:5353", i), query(i%2 > 0, 0, nil, all...))
	}
	if d := time.Since(before); d > 3*time.Second {
		t.Error("100 large queries take", d)
	}
	if len(a.held) > maxHeld || len(a.reply.list) > maxReply {
		t.Error(len(a.held), len(a.reply.list))
	}
	if l.run(time.Minute); len(a.echoes) > maxEchoes {
		t.Error(len(a.echoes))
	}
}

// Nothing that comes does harm, and the next instant is always later.
func FuzzReceive(f *testing.F) {
	f.Add(query(false, 0, nil, "lamp.local ANY", "_coap._udp.local PTR"), false)
	f.Add(response(dns.ClassIN|flush, 120, "lamp.local", dns.TypeAAAA, make([]byte, 16)), true)
	f.Add(response(dns.ClassIN, 0, "_x._udp.local", dns.TypePTR, []byte(named("a/_x._udp.local"))), true)
	f.Add(response(dns.ClassIN, 9, "h.local", dns.TypeNSEC, []byte("\x01h\x05local\x00\x00\x04\x40\x00\x00\x08")), true)
	f.Add(response(dns.ClassIN|flush, 120, "Kitchen/_coap._udp.local", dns.TypeSRV, []byte("\x00\x00\x00\x00\x16\x33\x01x\x00")), true)
	f.Fuzz(func(t *testing.T, b []byte, settled bool) {
		x := &mute{}
		s := New(machinetest.NewRand(1), x)
		now := machine.Time(time.Hour)
		s.SetUp(now, true)
		_ = s.Set(now, "x", lamp("2001:db8::1"))
		until := func(end machine.Time) {
			for s.Deadline() <= end {
				now = max(now, s.Deadline())
				if s.Expire(now); s.Deadline() <= now {
					t.Fatal("it wants to be called at the instant that is over")
				}
			}
			now = end
		}
		if settled {
			until(now.Add(5 * time.Second))
		}
		s.Lookup(now, named("_x._udp.local"), dns.TypePTR, time.Second)
		s.Lookup(now, named("h.local"), dns.TypeA, time.Second)
		for _, from := range []string{"192.0.2.9:5353", "192.0.2.9:40000"} {
			s.Receive(now, Message{From: netip.MustParseAddrPort(from), Data: b})
			until(now.Add(100 * time.Millisecond))
		}
		until(now.Add(time.Minute))
		if list := s.Entries(); len(list) != 2 {
			t.Fatal(list)
		}
		s.Stop(now)
		if len(s.index) != 0 {
			t.Fatal("something is left")
		}
	})
}

type mute struct{}

func (*mute) Send(_ machine.Time, _ netip.AddrPort, b []byte) {
	if len(b) > maxMessage+600 {
		panic("a long message")
	}
	if _, _, err := dns.ParseMany(b, maxQuestions); err != nil {
		panic(err)
	}
}
func (*mute) Answered(machine.Time) {}
