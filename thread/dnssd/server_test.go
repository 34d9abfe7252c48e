package dnssd

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// lamp is a host with services, and the client that asks for them.
type lamp struct {
	t        *testing.T
	server   *Server
	c        *Client
	services []light
	got      *Response
	sent     int
	only1    bool // the server answers one question at a time
	mute     bool
	answers  [][]byte // on their way
}

type light struct {
	label, name string
	text        []byte
}

func newLamp(t *testing.T) *lamp {
	l := &lamp{t: t, services: []light{{"kitchen. lamp", "_ipps._tcp", []byte("\x03a=b")}, {"b", "_coap._udp", nil}, {"c", "_coap._udp", nil}}}
	l.server = NewServer(l)
	l.c = NewClient(l, testRand{rand.New(rand.NewPCG(1, 2))})
	return l
}

func (l *lamp) SendDNS(now machine.Time, dst ip6.Address, port uint16, b []byte) error {
	l.sent++
	if l.mute || l.only1 && b[5] == 2 {
		return nil
	}
	l.answers = append(l.answers, l.server.Answer(now, b))
	return nil
}
func (l *lamp) Synthesize([4]byte) (ip6.Address, error)              { return ip6.Address{}, status.InvalidState }
func (l *lamp) Answered(_ machine.Time, _ machine.OpID, r *Response) { l.got = r }

func (l *lamp) EachHost(_ machine.Time, f func(h Host) bool) { f(l) }
func (l *lamp) Own() (string, []ip6.Address)                 { return "me", []ip6.Address{ip6.MustParse("fd00::1")} }

func (l *lamp) Is(n dns.Name) bool      { return n == l.FullName().Lower() }
func (l *lamp) FullName() dns.Name      { n, _ := dns.ParseName("Lamp.default.service.arpa"); return n }
func (l *lamp) TTL(machine.Time) uint32 { return 77 }
func (l *lamp) Addresses() []ip6.Address {
	return []ip6.Address{ip6.MustParse("fd00::5"), ip6.MustParse("fd11::5")}
}
func (l *lamp) Key() []byte { return []byte{2, 1, 3, 13, 9} }
func (l *lamp) EachService(f func(s Registered) bool) {
	for _, s := range l.services {
		if !f(s) {
			return
		}
	}
}

func (s light) of() dns.Name                           { return dns.MustName(s.name + "." + Domain) }
func (s light) Is(n dns.Name) bool                     { return n == s.Instance().Lower() }
func (s light) Offers(n dns.Name) bool                 { return n == s.of() }
func (s light) Instance() dns.Name                     { n, _ := dns.Labels(s.of(), s.label); return n }
func (s light) TTL(machine.Time) uint32                { return 55 }
func (s light) Where() (port, priority, weight uint16) { return 631, 1, 2 }
func (s light) Text() []byte                           { return s.text }

// ask begins a query and returns its end in words.
func (l *lamp) ask(err error) string {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
	for l.got == nil {
		if len(l.answers) == 0 {
			l.c.Expire(l.c.Deadline())
		} else {
			a := l.answers[0]
			l.answers = l.answers[1:]
			l.c.Receive(0, Default.Server, 53, a)
		}
	}
	r := l.got
	l.got = nil
	s := fmt.Sprintf("%v", r.Err)
	for _, a := range r.Addresses {
		s += " " + a.IP.String()
	}
	for _, i := range r.Instances {
		s += fmt.Sprintf(" %s:%t:%d:%s:%s:%q", i.Label, i.Known, i.Port, i.Host, i.Address, i.Text)
	}
	return s
}

func TestDiscovery(t *testing.T) {
	const (
		kitchen = "_ipps._tcp." + Domain
		all     = "<nil> kitchen. lamp:true:631:Lamp.default.service.arpa.:fd00:0:0:0:0:0:0:5:\"\\x03a=b\""
	)
	l := newLamp(t)
	want := func(got, want string, sent int) {
		t.Helper()
		if got != want || l.sent != sent {
			t.Errorf("%s with %d messages, not %s with %d", got, l.sent, want, sent)
		}
		l.sent = 0
	}
	want(l.ask(l.c.Browse(0, 1, kitchen, Settings{})), all, 1)
	want(l.ask(l.c.Browse(0, 1, "_COAP._udp."+Domain, Settings{})), "<nil> b:false:0::0:0:0:0:0:0:0:0:\"\" c:false:0::0:0:0:0:0:0:0:0:\"\"", 1)
	want(l.ask(l.c.Browse(0, 1, "_no._udp."+Domain, Settings{})), status.NotFound.Error(), 1)
	for mode, messages := range map[ServiceMode]int{SRV: 1, SRVAndTXT: 1, Separate: 2, Optimized: 1} {
		want(l.ask(l.c.Service(0, 1, "kitchen. lamp", kitchen, true, Settings{ServiceMode: mode})), all, messages)
	}
	want(l.ask(l.c.Service(0, 1, "kitchen. lamp", kitchen, false, Settings{ServiceMode: TXT})), all, 1)
	want(l.ask(l.c.Resolve(0, 1, "LAMP."+Domain, false, Settings{})), "<nil> fd00:0:0:0:0:0:0:5 fd11:0:0:0:0:0:0:5", 1)
	want(l.ask(l.c.Resolve(0, 1, "me."+Domain, false, Settings{})), "<nil> fd00:0:0:0:0:0:0:1", 1)
	want(l.ask(l.c.Resolve(0, 1, "example.com", false, Settings{})), status.NotFound.Error(), 1)
	if l.c.Service(0, 1, "x", kitchen, true, Settings{ServiceMode: TXT}) != status.InvalidArgs || l.c.Service(0, 1, "", kitchen, true, Settings{}) != status.InvalidArgs {
		t.Error("nonsense is taken")
	}
	// A server that answers one question at a time is asked twice, and from then on so.
	l.only1 = true
	want(l.ask(l.c.Service(0, 1, "kitchen. lamp", kitchen, false, Settings{})), all, 3)
	want(l.ask(l.c.Service(0, 1, "kitchen. lamp", kitchen, false, Settings{})), all, 2)
	l.mute = true
	want(l.ask(l.c.Service(0, 1, "kitchen. lamp", kitchen, false, Settings{})), status.ResponseTimeout.Error(), 6)
}

func TestServerAnswers(t *testing.T) {
	l := newLamp(t)
	ask := func(name string, types ...uint16) string {
		var w dns.Writer
		w.Header(7, dns.FlagRecursion)
		n, err := dns.ParseName(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range types {
			w.Question(n, k)
		}
		m, _, err := dns.ParseAll(l.server.Answer(0, w.Bytes()))
		if err != nil || m.ID != 7 || m.Flags&dns.FlagRecursion == 0 {
			t.Fatal(err)
		}
		s := fmt.Sprint(m.Code())
		if err := m.Each(func(r *dns.Record, section int) bool {
			s += fmt.Sprintf(" %d:%d", section, r.Type)
			return true
		}); err != nil {
			t.Error(err)
		}
		return s
	}
	for _, c := range []struct {
		name  string
		types []uint16
		want  string
	}{
		{"lamp." + Domain, []uint16{dns.TypeAAAA}, "0 0:28 0:28"},
		{"lamp." + Domain, []uint16{dns.TypeA}, "0 2:28 2:28"},
		{"lamp." + Domain, []uint16{dns.TypeKEY}, "0 0:25"},
		{"lamp." + Domain, []uint16{dns.TypeANY}, "0 0:28 0:28 0:25"},
		{"b._coap._udp." + Domain, []uint16{dns.TypeSRV}, "0 0:33 2:16 2:28 2:28"},
		{"b._coap._udp." + Domain, []uint16{dns.TypeTXT}, "0 0:16 2:33 2:28 2:28"},
		{"b._coap._udp." + Domain, []uint16{dns.TypeSRV, dns.TypeTXT}, "0 0:33 0:16 2:28 2:28"},
		{"b._coap._udp." + Domain, []uint16{dns.TypeSRV, dns.TypeAAAA}, "1"},
		{"b._coap._udp." + Domain, []uint16{1, 2, 3}, "1"},
		{"b._coap._udp." + Domain, nil, "1"},
		{"_coap._udp." + Domain, []uint16{dns.TypePTR}, "0 0:12 0:12"},
		{"_ipps._tcp." + Domain, []uint16{dns.TypePTR}, "0 0:12 2:33 2:16 2:28 2:28"},
		{Domain, []uint16{dns.TypeSOA}, "0 0:6"},
		{Domain, []uint16{dns.TypeNS}, "0 0:2"},
		{"x." + Domain, []uint16{dns.TypeSOA}, "0 1:6"},
		{"x." + Domain, []uint16{dns.TypeAAAA}, "3"},
		{"example.com", []uint16{dns.TypeAAAA}, "3"},
	} {
		if got := ask(c.name, c.types...); got != c.want {
			t.Errorf("%s %v: %s, not %s", c.name, c.types, got, c.want)
		}
	}
	if l.server.Answer(0, []byte{0, 7, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0}) != nil {
		t.Error("an answer is answered")
	}
	if a := l.server.Answer(0, []byte{0, 7, 5 << 3, 0, 0, 0, 0, 0, 0, 0, 0, 0}); a[3]&15 != dns.CodeNotImplemented {
		t.Error("an update is answered")
	}
	// More than fits is left out.
	for i := range 200 {
		l.services = append(l.services, light{fmt.Sprintf("%d%s", i, strings.Repeat("x", 50)), "_many._udp", nil})
	}
	var w dns.Writer
	w.Header(7, 0)
	w.Question(dns.MustName("_many._udp."+Domain), dns.TypePTR)
	a := l.server.Answer(0, w.Bytes())
	m, _, err := dns.ParseAll(a)
	if err != nil || len(a) > longest || m.Counts[1] < 20 || m.Each(func(*dns.Record, int) bool { return true }) != nil {
		t.Errorf("%d bytes, %+v, %v", len(a), m.Counts, err)
	}
	q, _ := dns.NewQuestion("example.com", dns.TypeA)
	home, _ := dns.NewQuestion("a."+Domain, dns.TypeA)
	if !Abroad(dns.AppendHeader(nil, 1, dns.FlagRecursion, &q, 0)) || Abroad(dns.AppendHeader(nil, 1, 0, &q, 0)) || Abroad(dns.AppendHeader(nil, 1, dns.FlagRecursion, &home, 0)) {
		t.Error("wrong ones go upstream")
	}
}

func FuzzAnswer(f *testing.F) {
	var w dns.Writer
	w.Header(7, dns.FlagRecursion)
	w.Question(dns.MustName("b._coap._udp."+Domain), dns.TypeSRV)
	w.Question(dns.MustName("b._coap._udp."+Domain), dns.TypeTXT)
	f.Add(w.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		l := newLamp(t)
		if a := l.server.Answer(0, b); a != nil {
			m, _, err := dns.ParseAll(a)
			if err != nil || m.Each(func(*dns.Record, int) bool { return true }) != nil {
				t.Fatalf("%x", a)
			}
		}
		if len(b) > 2 {
			_ = l.c.Service(0, 1, "b", "_coap._udp."+Domain, true, Settings{Timeout: time.Second})
			l.c.Receive(0, Default.Server, 53, b)
		}
	})
}
