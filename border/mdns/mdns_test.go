package mdns

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
	}
}

const said = "a: !lamp.local AAAA* 120 2001:db8::1; !lamp.local NSEC* 120 AAAA,; " +
	"!kitchen._coap._udp.local SRV* 120 lamp.local:5683; !kitchen._coap._udp.local TXT* 4500 \"\\x03a=b\"; " +
	"!_coap._udp.local PTR 4500 Kitchen._coap._udp.local; !_light._sub._coap._udp.local PTR 4500 Kitchen._coap._udp.local; " +
	"!_services._dns-sd._udp.local PTR 4500 _coap._udp.local; !kitchen._coap._udp.local NSEC* 120 TXT,SRV,"

// A name is asked for three times before it is said, twice; then it is changed, and taken back (RFC 6762 sections 8 and 10).
func TestPublish(t *testing.T) {
	l := newLink(t)
	a := l.add("a", 1)
	l.run(time.Second)
	a.set("x", lamp("2001:db8::1"))
	l.run(time.Second + probeWait)
	probesOf := func(name, records string) (list []string) {
		for _, line := range strings.Split(strings.Join(l.log, "\n"), "\n") {
			if strings.Contains(line, "?"+name) && strings.Contains(line, records) {
				list = append(list, line)
			}
		}
		return list
	}
	if h, k := probesOf("lamp.local ANY", "=lamp.local AAAA 120 2001:db8::1"), probesOf("kitchen._coap._udp.local ANY", "=kitchen._coap._udp.local SRV 120 lamp.local:5683"); len(h) != 3 || len(k) != 3 {
		t.Errorf("probes:\n%s", strings.Join(l.log, "\n"))
	}
	l.run(3 * time.Second)
	same(t, "published", a.names(), "lamp, Kitchen._coap._udp")
	l.heard()
	l.run(time.Hour)
	same(t, "then nothing", l.heard(), "")

	b := lamp("2001:db8::1")
	a.set("x", b)
	l.run(3 * time.Second)
	same(t, "the same again", l.heard(), "")
	b.Services[0].Text, b.Services[0].Subtypes = []byte("\x03a=c"), nil
	a.set("x", b)
	l.run(500 * time.Millisecond)
	changed := strings.Replace(strings.Replace(said[strings.Index(said, "!kitchen"):], "a=b", "a=c", 1), "!_light._sub._coap._udp.local PTR 4500 Kitchen._coap._udp.local; ", "", 1)
	same(t, "changed", l.heard(), "a: !_light._sub._coap._udp.local PTR 0 Kitchen._coap._udp.local\na: "+changed)
	l.run(time.Second)
	same(t, "changed, again", l.heard(), "a: "+changed)

	b.Services = nil
	a.set("x", b)
	same(t, "without its service", l.heard(), "a: !kitchen._coap._udp.local SRV* 0 lamp.local:5683; !kitchen._coap._udp.local TXT* 0 \"\\x03a=c\"; "+
		"!_coap._udp.local PTR 0 Kitchen._coap._udp.local; !_services._dns-sd._udp.local PTR 0 _coap._udp.local")
	a.set("x", nil)
	same(t, "gone", l.heard(), "a: !lamp.local AAAA* 0 2001:db8::1")
	l.run(time.Hour)
	same(t, "then nothing", l.heard(), "")
	if len(a.index) != 0 || len(a.entries) != 0 {
		t.Error("something is left", a.index)
	}
}

// All is announced in one message when it is due together.
func TestAnnouncement(t *testing.T) {
	l := newLink(t)
	a := l.add("a", 3)
	a.set("x", lamp("2001:db8::1"))
	for _, e := range a.entries {
		e.at = l.now.Add(time.Millisecond)
	}
	a.schedule()
	l.run(10 * time.Second)
	lines := strings.Split(l.heard(), "\n")
	if len(lines) != 5 || lines[3] != said || lines[4] != said {
		t.Errorf("%s", strings.Join(lines, "\n"))
	}
}

// Who comes later takes another name; the services of a host follow it.
func TestConflict(t *testing.T) {
	l := newLink(t)
	a, b := l.add("a", 1), l.add("b", 2)
	a.set("x", lamp("2001:db8::1"))
	l.run(10 * time.Second)
	b.set("y", lamp("2001:db8::2"))
	l.run(10 * time.Second)
	same(t, "a", a.names(), "lamp, Kitchen._coap._udp")
	same(t, "b", b.names(), "lamp-2, Kitchen (2)._coap._udp")
	l.heard()
	l.hear("192.0.2.9:5353", query(false, 0, nil, "Kitchen (2)._coap._udp.local SRV"))
	l.run(0)
	same(t, "the renamed service", l.heard(), "b: !kitchen (2)._coap._udp.local SRV* 120 lamp-2.local:5683; +lamp-2.local AAAA* 120 2001:db8::2")
	// What was taken stays, and there is no quarrel.
	l.run(time.Hour)
	same(t, "then nothing", l.heard(), "")
	// Two of our own do not quarrel either.
	a.set("z", lamp("2001:db8::3"))
	l.run(10 * time.Second)
	if got := a.names(); got != "lamp, Kitchen._coap._udp, lamp-3, Kitchen (3)._coap._udp" {
		t.Error(got)
	}
}

// Two that begin at the same instant do not both get the name (section 8.2).
func TestTie(t *testing.T) {
	for seed := range uint64(50) {
		l := newLink(t)
		a, b := l.add("a", 2*seed+1), l.add("b", 2*seed+2)
		a.set("x", lamp("2001:db8::1"))
		b.set("y", lamp("2001:db8::2"))
		l.run(10 * time.Second)
		got := map[string]bool{}
		for _, x := range l.on {
			for _, e := range x.Entries() {
				if e.State != Announced || got[e.Name] {
					t.Fatalf("seed %d: %s | %s", seed, a.names(), b.names())
				}
				got[e.Name] = true
			}
		}
	}
}

// Two that say the same are no conflict; two with the same key are the same host, though they say different addresses.
func TestTwins(t *testing.T) {
	for _, address := range []string{"2001:db8::1", "2001:db8::2"} {
		l := newLink(t)
		a, b := l.add("a", 1), l.add("b", 2)
		one, other := lamp("2001:db8::1"), lamp(address)
		one.Key, other.Key = []byte("k1234"), []byte("k1234")
		a.set("x", one)
		l.run(5 * time.Second)
		b.set("y", other)
		l.run(5 * time.Second)
		for range 3 {
			l.hear("192.0.2.9:5353", query(false, 0, nil, "lamp.local AAAA"))
			l.run(5 * time.Second)
		}
		if a.names() != "lamp, Kitchen._coap._udp" || b.names() != a.names() || a.Counters.Conflicts+b.Counters.Conflicts > 0 {
			t.Errorf("%s: %s | %s, %d and %d conflicts", address, a.names(), b.names(), a.Counters.Conflicts, b.Counters.Conflicts)
		}
	}
}

// Somebody says what is ours alone: it is proven again, and kept if nobody defends the other.
func TestLateConflict(t *testing.T) {
	l := newLink(t)
	a := l.add("a", 1)
	a.set("x", lamp("2001:db8::1"))
	l.run(10 * time.Second)
	l.hear("192.0.2.9:5353", response(dns.ClassIN|flush, 120, "lamp.local", dns.TypeAAAA, netip.MustParseAddr("2001:db8::9").AsSlice()))
	same(t, "at once", a.names(), "lamp probing, Kitchen._coap._udp")
	l.run(10 * time.Second)
	same(t, "then", a.names(), "lamp, Kitchen._coap._udp")
}

func response(class uint16, ttl uint32, name string, kind uint16, data []byte) []byte {
	var w dns.Writer
	w.Header(0, flagsAnswer)
	w.Section(dns.Answer)
	w.Record(named(name), kind, class, ttl, data)
	return append([]byte(nil), w.Bytes()...)
}

// Who denies us every name does not make us loud: fifteen conflicts in ten seconds, then one each five (section 8.1).
func TestEnemy(t *testing.T) {
	l := newLink(t)
	a := l.add("a", 1)
	a.set("x", &Advert{Host: "lamp", Addresses: []netip.Addr{netip.MustParseAddr("2001:db8::1")}})
	probes := 0
	for end := l.now.Add(10 * time.Minute); l.now < end; l.run(10 * time.Millisecond) {
		for _, line := range l.log {
			probes++
			name := strings.TrimPrefix(strings.SplitN(line, " ANY", 2)[0], "a: ?")
			l.hear("192.0.2.9:5353", response(dns.ClassIN|flush, 120, name, dns.TypeAAAA, netip.MustParseAddr("2001:db8::9").AsSlice()))
		}
		l.log = nil
	}
	if probes > 100 || a.Counters.Conflicts > 100 || a.Counters.Conflicts < 20 {
		t.Errorf("%d probes, %+v", probes, a.Counters)
	}
	l.run(20 * time.Minute)
	if got := a.Entries()[0].State; got != Announced {
		t.Error(got, a.names())
	}
}

// What is asked, and what is answered.
func TestAnswers(t *testing.T) {
	const (
		ptr   = "!_coap._udp.local PTR 4500 Kitchen._coap._udp.local"
		srv   = "kitchen._coap._udp.local SRV* 120 lamp.local:5683"
		txt   = "kitchen._coap._udp.local TXT* 4500 \"\\x03a=b\""
		aaaa  = "lamp.local AAAA* 120 2001:db8::1"
		asker = "192.0.2.9:5353"
	)
	known := func(ttl uint32) func(w *dns.Writer) {
		return func(w *dns.Writer) {
			w.Begin(named("_coap._udp.local"), dns.TypePTR, dns.ClassIN, ttl)
			w.Name(named("KITCHEN/_coap._udp.local"))
			w.End()
		}
	}
	for _, c := range []struct {
		name, from string
		query      []byte
		to         string // what the asker gets alone
		at0, later string
	}{
		{"a service", asker, query(false, 0, nil, "_coap._udp.local PTR"), "", "", "a: " + ptr + "; +" + srv + "; +" + txt + "; +" + aaaa},
		{"a subtype", asker, query(false, 0, nil, "_light._sub._coap._udp.local PTR"), "", "", "a: !_light._sub._coap._udp.local PTR 4500 Kitchen._coap._udp.local; +" + srv + "; +" + txt + "; +" + aaaa},
		{"the types", asker, query(false, 0, nil, "_services._dns-sd._udp.local PTR"), "", "", "a: !_services._dns-sd._udp.local PTR 4500 _coap._udp.local"},
		{"an instance", asker, query(false, 0, nil, "kitchen._COAP._udp.local SRV"), "", "a: !" + srv + "; +" + aaaa, ""},
		{"all of it", asker, query(false, 0, nil, "kitchen._coap._udp.local ANY"), "", "a: !" + srv + "; !" + txt + "; +" + aaaa, ""},
		{"a host", asker, query(false, 0, nil, "LAMP.local AAAA"), "", "a: !" + aaaa, ""},
		{"what a host has not", asker, query(false, 0, nil, "lamp.local A"), "", "a: !lamp.local NSEC* 120 AAAA,", ""},
		{"nobody", asker, query(false, 0, nil, "lamp2.local A", "_x._udp.local PTR", "_coap._udp.local SRV"), "", "", ""},
		{"known", asker, query(false, 0, known(2300), "_coap._udp.local PTR"), "", "", ""},
		{"known, but old", asker, query(false, 0, known(2200), "_coap._udp.local PTR"), "", "", "a: " + ptr + "; +" + srv + "; +" + txt + "; +" + aaaa},
		{"for one", asker, query(false, wantsUnicast, nil, "lamp.local AAAA"), "!" + aaaa, "", ""},
		{"plain DNS", "192.0.2.9:40000", query(false, 0, nil, "lamp.local AAAA"), "?lamp.local AAAA; !lamp.local AAAA 10 2001:db8::1", "", ""},
		{"plain DNS, nobody", "192.0.2.9:40000", query(false, 0, nil, "lamp3.local AAAA"), "", "", ""},
		{"another class", asker, query(false, 0x0300, nil, "lamp.local AAAA"), "", "", ""},
	} {
		l := newLink(t)
		a := l.add("a", 1)
		a.set("x", lamp("2001:db8::1"))
		l.run(20 * time.Second)
		l.heard()
		l.hear(c.from, c.query)
		l.run(shareWait - 1)
		same(t, c.name+", at once", l.heard(), c.at0)
		l.run(shareJitter)
		same(t, c.name+", later", l.heard(), c.later)
		same(t, c.name+", to who asks", strings.Join(a.to, "\n"), c.to)
		l.run(time.Minute)
		same(t, c.name+", then", l.heard(), "")
	}
}

// Known answers that come in a second message are waited for (section 7.2); what others say meanwhile is not said again (7.4);
// nothing is said twice in a second (6).
func TestSuppression(t *testing.T) {
	l := newLink(t)
	a := l.add("a", 1)
	a.set("x", lamp("2001:db8::1"))
	l.run(20 * time.Second)
	l.heard()
	kitchen := func(w *dns.Writer) {
		w.Begin(named("_coap._udp.local"), dns.TypePTR, dns.ClassIN, 4500)
		w.Name(named("Kitchen/_coap._udp.local"))
		w.End()
	}
	l.hear("192.0.2.9:5353", query(true, 0, nil, "_coap._udp.local PTR"))
	l.run(100 * time.Millisecond)
	l.hear("192.0.2.9:5353", query(false, 0, kitchen))
	l.run(time.Second)
	same(t, "known, in a second message", l.heard(), "")
	l.hear("192.0.2.9:5353", query(true, 0, nil, "_coap._udp.local PTR"))
	l.run(time.Second)
	if got := l.heard(); !strings.HasPrefix(got, "a: !_coap._udp.local PTR 4500 Kitchen") {
		t.Error("without a second message:", got)
	}
	l.run(2 * time.Second)
	l.hear("192.0.2.9:5353", query(false, 0, nil, "_coap._udp.local PTR"))
	l.hear("192.0.2.8:5353", response(dns.ClassIN, 4500, "_coap._udp.local", dns.TypePTR, []byte(named("Kitchen/_coap._udp.local"))))
	l.run(time.Second)
	same(t, "another one has said it", l.heard(), "")
	for range 5 {
		l.hear("192.0.2.9:5353", query(false, 0, nil, "lamp.local AAAA"))
		l.run(100 * time.Millisecond)
	}
	same(t, "often", l.heard(), "a: !lamp.local AAAA* 120 2001:db8::1")
	// Somebody says good-bye to what is ours: it is said again (6.6).
	l.run(5 * time.Second)
	l.hear("192.0.2.8:5353", response(dns.ClassIN, 0, "_coap._udp.local", dns.TypePTR, []byte(named("Kitchen/_coap._udp.local"))))
	l.run(time.Second)
	if got := l.heard(); !strings.HasPrefix(got, "a: !_coap._udp.local PTR 4500 Kitchen") {
		t.Error("taken back by another:", got)
	}
}

// A link that goes and comes back may be another one.
func TestLinkComesBack(t *testing.T) {
	l := newLink(t)
	a := l.add("a", 1)
	a.set("x", lamp("2001:db8::1"))
	l.run(10 * time.Second)
	a.SetUp(l.now, false)
	l.heard()
	l.hear("192.0.2.9:5353", query(false, 0, nil, "lamp.local AAAA"))
	a.set("x", lamp("2001:db8::2"))
	l.run(time.Minute)
	same(t, "down", l.heard(), "")
	if a.Deadline() != machine.Never {
		t.Error("it waits for something")
	}
	a.SetUp(l.now, true)
	same(t, "up", a.names(), "lamp probing, Kitchen._coap._udp probing")
	l.run(10 * time.Second)
	same(t, "then", a.names(), "lamp, Kitchen._coap._udp")
	a.Stop(l.now)
	if got := l.log[len(l.log)-1]; !strings.Contains(got, "!lamp.local AAAA* 0 2001:db8::2") || len(a.Entries()) != 0 {
		t.Error(got)
	}
}

func TestSuffixes(t *testing.T) {
	long := strings.Repeat("é", 31) + "x"
	for _, c := range []struct {
		label   string
		attempt int
		service bool
		want    string
	}{
		{"lamp", 0, true, "lamp"}, {"lamp", 1, false, "lamp-2"}, {"lamp", 9, true, "lamp (10)"},
		{long, 1, true, strings.Repeat("é", 29) + " (2)"}, {long, 1, false, strings.Repeat("é", 30) + "-2"},
	} {
		if got := suffixed(c.label, c.attempt, c.service); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}

func TestBadAdverts(t *testing.T) {
	a := newLink(t).add("a", 1)
	for _, change := range []func(x *Advert){
		func(x *Advert) { x.Host = "" }, func(x *Advert) { x.Host = strings.Repeat("x", 64) },
		func(x *Advert) { x.Services[0].Instance = "" }, func(x *Advert) { x.Services[0].Type = "_a..b" },
		func(x *Advert) { x.Services[0].Text = make([]byte, 1100) },
	} {
		x := lamp("2001:db8::1")
		change(x)
		if err := a.Set(1, "x", x); err == nil || len(a.entries) != 0 {
			t.Errorf("%+v", x)
		}
	}
}
