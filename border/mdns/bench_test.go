package mdns

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/thread/dns"
)

// link is a link with speakers, in virtual time. What is said is heard by all others a millisecond later.
type link struct {
	t     *testing.T
	now   machine.Time
	on    []*station
	log   []string // what was said
	quiet bool
}

type station struct {
	*Speaker
	l    *link
	name string
	from netip.AddrPort
	in   []delivery
	news int
	to   []string // what was sent to one host
}

type delivery struct {
	at machine.Time
	m  Message
}

func newLink(t *testing.T) *link { return &link{t: t, now: machine.Time(time.Hour)} }

func (l *link) add(name string, seed uint64) *station {
	x := &station{l: l, name: name, from: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(len(l.on) + 1)}), Port)}
	x.Speaker = New(machinetest.NewRand(seed), x)
	x.SetUp(l.now, true)
	l.on = append(l.on, x)
	return x
}

func (x *station) Send(now machine.Time, to netip.AddrPort, b []byte) {
	b = slices.Clone(b)
	if to.IsValid() {
		x.to = append(x.to, describe(b))
		return
	}
	x.l.said(x.name, b)
	for _, o := range x.l.on {
		if o == x { // by IPv4 and by IPv6
			o.in = append(o.in, delivery{now.Add(time.Millisecond), Message{x.from, true, b}}, delivery{now.Add(time.Millisecond), Message{x.from, true, b}})
			continue
		}
		o.in = append(o.in, delivery{now.Add(time.Millisecond), Message{x.from, false, b}})
	}
}

func (x *station) Answered(machine.Time) { x.news++ }

func (l *link) said(who string, b []byte) {
	if !l.quiet {
		l.log = append(l.log, fmt.Sprintf("%s: %s", who, describe(b)))
	}
}

// hear gives all a message that a test made.
func (l *link) hear(from string, b []byte) {
	for _, x := range l.on {
		x.Receive(l.now, Message{From: netip.MustParseAddrPort(from), Data: b})
	}
}

func (l *link) run(d time.Duration) {
	for end := l.now.Add(d); ; {
		next := machine.Never
		for _, x := range l.on {
			next = min(next, x.Deadline())
			for _, m := range x.in {
				next = min(next, m.at)
			}
		}
		if next > end {
			l.now = end
			return
		}
		l.now = max(l.now, next)
		for _, x := range l.on {
			for len(x.in) > 0 && x.in[0].at <= l.now {
				m := x.in[0].m
				x.in = x.in[1:]
				x.Receive(l.now, m)
			}
			x.Expire(l.now)
			if x.Deadline() <= l.now {
				l.t.Fatalf("%s wants to be called at the instant that is over", x.name)
			}
		}
	}
}

// heard returns what was said since the last call.
func (l *link) heard() string {
	s := strings.Join(l.log, "\n")
	l.log = nil
	return s
}

var kinds = map[uint16]string{dns.TypeA: "A", dns.TypeAAAA: "AAAA", dns.TypePTR: "PTR", dns.TypeSRV: "SRV", dns.TypeTXT: "TXT", dns.TypeKEY: "KEY", dns.TypeNSEC: "NSEC", dns.TypeANY: "ANY"}

// describe writes a message down: "?" before questions, "!" before answers, "+" before the others; "*" is the bit of the class.
func describe(b []byte) string {
	m, questions, err := dns.ParseMany(b, 100)
	if err != nil {
		return "malformed"
	}
	var list []string
	star := func(c uint16) string { return map[bool]string{true: "*"}[c&flush != 0] }
	for _, q := range questions {
		list = append(list, "?"+q.Name.Text()+" "+kinds[q.Type]+star(q.Class))
	}
	err = m.Each(func(r *dns.Record, section int) bool {
		data, err := m.WholeData(r)
		if err != nil {
			list = append(list, "bad data")
			return true
		}
		text := hex.EncodeToString(data)
		switch r.Type {
		case dns.TypeA, dns.TypeAAAA:
			a, _ := netip.AddrFromSlice(data)
			text = a.String()
		case dns.TypePTR:
			text = dns.Name(data).Text()
		case dns.TypeSRV:
			text = fmt.Sprintf("%s:%d", dns.Name(data[6:]).Text(), int(data[4])<<8|int(data[5]))
		case dns.TypeTXT:
			text = fmt.Sprintf("%q", data)
		case dns.TypeNSEC:
			text = ""
			for k := range uint16(256) {
				if typeIn(data, k) {
					text += kinds[k] + ","
				}
			}
		}
		list = append(list, []string{"!", "=", "+"}[section]+fmt.Sprintf("%s %s%s %d %s", r.Owner.Text(), kinds[r.Type], star(r.Class), r.TTL, text))
		return true
	})
	if err != nil {
		list = append(list, "malformed")
	}
	return strings.Join(list, "; ")
}

// names returns what a station publishes, with the state where it is not announced.
func (x *station) names() string {
	var list []string
	for _, e := range x.Entries() {
		s := strings.TrimSuffix(e.Name, "."+Local)
		if e.State != Announced {
			s += " " + e.State.String()
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}

func lamp(address string) *Advert {
	return &Advert{Host: "lamp", Addresses: []netip.Addr{netip.MustParseAddr(address)},
		Services: []Service{{Instance: "Kitchen", Type: "_coap._udp", Subtypes: []string{"_light"}, Port: 5683, Text: []byte("\x03a=b")}}}
}

func (x *station) set(owner string, a *Advert) {
	x.l.t.Helper()
	if err := x.Set(x.l.now, owner, a); err != nil {
		x.l.t.Fatal(err)
	}
}

// question makes a query; known are its known answers.
func query(more bool, class uint16, known func(w *dns.Writer), questions ...string) []byte {
	var w dns.Writer
	flags := uint16(0)
	if more {
		flags = dns.FlagTruncated
	}
	w.Header(0, flags)
	for _, q := range questions {
		i := strings.LastIndexByte(q, ' ')
		for k, name := range kinds {
			if name == q[i+1:] {
				w.Question(named(q[:i]), k)
				b := w.Bytes()
				b[len(b)-2] |= byte(class >> 8)
			}
		}
	}
	if known != nil {
		w.Section(dns.Answer)
		known(&w)
	}
	return slices.Clone(w.Bytes())
}

// named makes a name of labels that are divided by "/" if there is one, else by dots.
func named(s string) dns.Name {
	if !strings.Contains(s, "/") {
		n, err := dns.ParseName(s)
		if err != nil {
			panic(err)
		}
		return n
	}
	label, rest, _ := strings.Cut(s, "/")
	n, err := dns.Labels(named(rest), label)
	if err != nil {
		panic(err)
	}
	return n
}
