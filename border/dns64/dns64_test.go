package dns64

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"heddle.example/border/nat64"
	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

const start = machine.Time(1e18)

var (
	server1 = netip.MustParseAddrPort("192.0.2.53:53")
	server2 = netip.MustParseAddrPort("192.0.2.54:53")
	client  = netip.MustParseAddrPort("[fd00::1]:40000")
)

type rr struct {
	owner string
	kind  uint16
	ttl   uint32
	data  []byte
}

// zone is a server that knows some names. Names that it does not know do not exist.
type zone struct {
	t       *testing.T
	f       *Forwarder
	now     machine.Time
	records []rr
	dead    map[netip.AddrPort]bool
	broken  map[netip.AddrPort]bool
	answers [][]byte
	asked   []dns.Question
	queries []netip.AddrPort
}

func newZone(t *testing.T, records ...rr) *zone {
	z := &zone{t: t, now: start, records: records, dead: map[netip.AddrPort]bool{}, broken: map[netip.AddrPort]bool{}}
	z.f = New(Config{Prefix: nat64.WellKnown, Servers: []netip.AddrPort{server1, server2}, Rand: testRand{rand.New(rand.NewPCG(1, 2))}}, z)
	return z
}

func (z *zone) Answer(now machine.Time, c netip.AddrPort, b []byte) {
	if c != client {
		z.t.Errorf("an answer to %v", c)
	}
	z.answers = append(z.answers, bytes.Clone(b))
}

func (z *zone) Query(now machine.Time, server netip.AddrPort, b []byte) {
	m, err := dns.Parse(b)
	if err != nil {
		z.t.Fatal(err)
	}
	z.asked, z.queries = append(z.asked, m.Question), append(z.queries, server)
	if z.dead[server] {
		return
	}
	q := m.Question
	code := uint16(dns.CodeNoName)
	var found []rr
	for at := q.Name; ; {
		next := dns.Name("")
		for _, r := range z.records {
			if dns.MustName(r.owner) != at {
				continue
			}
			code = dns.CodeOK
			if r.kind == q.Type || r.kind == dns.TypeCNAME {
				found = append(found, r)
			}
			if r.kind == dns.TypeCNAME {
				next = dns.Name(r.data)
			}
		}
		if next == "" {
			break
		}
		at = next
	}
	if z.broken[server] {
		code, found = dns.CodeServFail, nil
	}
	out := dns.AppendHeader(nil, m.ID, dns.FlagResponse|dns.FlagRecursion|code, &q, len(found))
	for _, r := range found {
		out = dns.AppendRecord(out, &q, dns.MustName(r.owner), r.kind, r.ttl, r.data)
	}
	if len(found) == 0 {
		out = dns.AppendRecord(out, &q, dns.MustName("example"), dns.TypeSOA, 120, append(append([]byte{0}, 0), make([]byte, 20)...))
		binary.BigEndian.PutUint16(out[8:], 1)
	}
	z.f.Reply(now, server, out)
}

// ask returns the answer's code and addresses or names, after as long as it takes.
func (z *zone) ask(s string, kind uint16) (int, []string, []uint32) {
	z.t.Helper()
	z.answers = nil
	q := dns.Question{Name: dns.MustName(s), Asked: []byte(dns.MustName(s)), Type: kind, Class: dns.ClassIN}
	z.f.Ask(z.now, client, dns.AppendHeader(nil, 0x1234, dns.FlagRecursion, &q, 0))
	for len(z.answers) == 0 && z.f.Deadline() != machine.Never {
		z.now = z.f.Deadline()
		z.f.Expire(z.now)
	}
	if len(z.answers) != 1 {
		z.t.Fatalf("%s: %d answers", s, len(z.answers))
	}
	m, err := dns.Parse(z.answers[0])
	if err != nil || m.ID != 0x1234 || m.Flags&dns.FlagResponse == 0 || !bytes.Equal(m.Question.Asked, q.Asked) || m.Question.Type != kind {
		z.t.Fatalf("%s: %v %+v", s, err, m)
	}
	var got []string
	var ttls []uint32
	if err := m.Each(func(r *dns.Record, section int) bool {
		if section > dns.Answer {
			return true
		}
		ttls = append(ttls, r.TTL)
		switch r.Type {
		case dns.TypeA:
			got = append(got, netip.AddrFrom4([4]byte(r.Data)).String())
		case dns.TypeAAAA:
			got = append(got, r.Owner.Text()+" "+ip6.Address(r.Data).Netip().String())
		default:
			n, _, _, err := dns.ReadName(m.Bytes, r.At)
			if err != nil {
				z.t.Fatal(err)
			}
			got = append(got, r.Owner.Text()+" is "+n.Text())
		}
		return true
	}); err != nil {
		z.t.Fatal(err)
	}
	return m.Code(), got, ttls
}

func (z *zone) want(s string, kind uint16, code int, want ...string) {
	z.t.Helper()
	if c, got, _ := z.ask(s, kind); c != code || !slices.Equal(got, want) {
		z.t.Errorf("%s %d: code %d %q, want %d %q", s, kind, c, got, code, want)
	}
}

func v6(s string) []byte { a := ip6.MustParse(s); return a[:] }

func testZone(t *testing.T) *zone {
	mapped := v6("::ffff:1.2.3.4")
	return newZone(t,
		rr{"six.example", dns.TypeAAAA, 300, v6("2001:db8::6")},
		rr{"six.example", dns.TypeA, 300, []byte{198, 51, 100, 6}},
		rr{"four.example", dns.TypeA, 300, []byte{198, 51, 100, 4}},
		rr{"four.example", dns.TypeA, 50, []byte{198, 51, 100, 5}},
		rr{"alias.example", dns.TypeCNAME, 77, []byte(dns.MustName("four.example"))},
		rr{"mapped.example", dns.TypeAAAA, 300, mapped},
		rr{"mapped.example", dns.TypeA, 300, []byte{198, 51, 100, 8}},
		rr{"mail.example", 15, 300, []byte{0, 1, 0}},
		rr{"4.100.51.198.in-addr.arpa", dns.TypePTR, 300, []byte(dns.MustName("four.example"))},
	)
}

func TestSynthesis(t *testing.T) {
	z := testZone(t)
	z.want("six.example", dns.TypeAAAA, dns.CodeOK, "six.example 2001:db8::6")
	z.want("six.example", dns.TypeA, dns.CodeOK, "198.51.100.6")
	z.want("four.example", dns.TypeAAAA, dns.CodeOK, "four.example 64:ff9b::c633:6404", "four.example 64:ff9b::c633:6405")
	z.want("FOUR.example", dns.TypeAAAA, dns.CodeOK, "four.example 64:ff9b::c633:6404", "four.example 64:ff9b::c633:6405")
	z.want("alias.example", dns.TypeAAAA, dns.CodeOK, "alias.example is four.example", "four.example 64:ff9b::c633:6404", "four.example 64:ff9b::c633:6405")
	z.want("mapped.example", dns.TypeAAAA, dns.CodeOK, "mapped.example 64:ff9b::c633:6408")
	z.want("mail.example", dns.TypeAAAA, dns.CodeOK)
	z.want("nothing.example", dns.TypeAAAA, dns.CodeNoName)
	z.want("ipv4only.arpa", dns.TypeAAAA, dns.CodeOK, "ipv4only.arpa 64:ff9b::c000:aa", "ipv4only.arpa 64:ff9b::c000:ab")
	if _, _, ttls := z.ask("four.example", dns.TypeAAAA); !slices.Equal(ttls, []uint32{120, 50}) {
		t.Errorf("TTLs %v: that of the SOA is the most", ttls)
	}
	z.f.SetPrefix(ip6.Prefix{})
	z.want("four.example", dns.TypeAAAA, dns.CodeOK)
	z.want("ipv4only.arpa", dns.TypeAAAA, dns.CodeNoName)
	if z.f.Counters.Synthesized != 3 || z.f.Pending() != 0 {
		t.Errorf("%+v", z.f.Counters)
	}
}

func TestReverse(t *testing.T) {
	z := testZone(t)
	made := "4.0.4.6.3.3.6.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa"
	z.want(made, dns.TypePTR, dns.CodeOK, made+" is 4.100.51.198.in-addr.arpa", "4.100.51.198.in-addr.arpa is four.example")
	z.want("5"+made[1:], dns.TypePTR, dns.CodeNoName, "5"+made[1:]+" is 5.100.51.198.in-addr.arpa")
	z.want("4.0.ip6.arpa", dns.TypePTR, dns.CodeNoName)
}

// Answers are kept for as long as they say, and get older.
func TestCache(t *testing.T) {
	z := testZone(t)
	z.want("four.example", dns.TypeAAAA, dns.CodeOK, "four.example 64:ff9b::c633:6404", "four.example 64:ff9b::c633:6405")
	asked := len(z.asked)
	z.now = z.now.Add(20 * time.Second)
	if _, got, ttls := z.ask("Four.Example", dns.TypeAAAA); len(got) != 2 || !slices.Equal(ttls, []uint32{100, 30}) || len(z.asked) != asked {
		t.Errorf("%q %v", got, ttls)
	}
	z.now = z.now.Add(31 * time.Second)
	z.ask("four.example", dns.TypeAAAA)
	if len(z.asked) != asked+2 {
		t.Errorf("%d queries", len(z.asked))
	}
	for i := range 1000 {
		z.ask(string(rune('a'+i%26))+string(rune('a'+i/26))+".example", dns.TypeAAAA)
	}
	if z.f.Cached() > 256 || len(z.f.cache.byKey) != z.f.Cached() {
		t.Errorf("%d cached", z.f.Cached())
	}
}

// A server that is dead or broken is passed over; if all are, the client is told.
func TestServers(t *testing.T) {
	z := testZone(t)
	z.dead[server1] = true
	z.want("six.example", dns.TypeAAAA, dns.CodeOK, "six.example 2001:db8::6")
	if !slices.Equal(z.queries, []netip.AddrPort{server1, server2}) {
		t.Error(z.queries)
	}
	z.dead[server1] = false
	z.broken[server1] = true
	z.want("four.example", dns.TypeAAAA, dns.CodeOK, "four.example 64:ff9b::c633:6404", "four.example 64:ff9b::c633:6405")
	z.broken[server2] = true
	z.want("other.example", dns.TypeAAAA, dns.CodeServFail)
	z.dead[server1], z.dead[server2] = true, true
	z.want("another.example", dns.TypeAAAA, dns.CodeServFail)
	if z.f.Counters.Timeouts == 0 || z.f.Counters.ServerFailures == 0 || z.f.Pending() != 0 {
		t.Errorf("%+v", z.f.Counters)
	}
	z.f.SetServers(nil)
	z.want("six.example", dns.TypeAAAA, dns.CodeRefused)
}

// A flood of queries is refused beyond the limits; forged answers do not get in.
func TestLimits(t *testing.T) {
	z := testZone(t)
	z.dead[server1], z.dead[server2] = true, true
	q := dns.Question{Name: dns.MustName("four.example"), Asked: []byte(dns.MustName("four.example")), Type: dns.TypeAAAA, Class: dns.ClassIN}
	for i := range 1000 {
		z.f.Ask(z.now, client, dns.AppendHeader(nil, uint16(i), dns.FlagRecursion, &q, 0))
	}
	if z.f.Pending() != 32 || z.f.Counters.Refused != 968 {
		t.Errorf("%d pending, %+v", z.f.Pending(), z.f.Counters)
	}
	for range 32 {
		z.f.Ask(z.now, client, dns.AppendHeader(nil, 5, dns.FlagRecursion, &q, 0)) // asked again
	}
	if z.f.Pending() != 32 {
		t.Error(z.f.Pending())
	}
	for id := range 65536 {
		forged := dns.AppendHeader(nil, uint16(id), dns.FlagResponse, &q, 0)
		z.f.Reply(z.now, netip.MustParseAddrPort("203.0.113.9:53"), forged)
		if id%256 == 0 {
			q2 := dns.Question{Name: dns.MustName("evil.example"), Asked: []byte(dns.MustName("evil.example")), Type: dns.TypeAAAA, Class: dns.ClassIN}
			z.f.Reply(z.now, server1, dns.AppendHeader(nil, uint16(id), dns.FlagResponse, &q2, 0))
		}
	}
	if z.f.Pending() != 32 || z.f.Counters.Stray < 65536 {
		t.Errorf("%d pending, %+v", z.f.Pending(), z.f.Counters)
	}
	for z.f.Deadline() != machine.Never {
		z.f.Expire(z.f.Deadline())
	}
	if z.f.Pending() != 0 {
		t.Error(z.f.Pending())
	}
}

func TestNames(t *testing.T) {
	b := append(make([]byte, 12), 3, 'W', 'w', 'w', 0xc0, 20, 0, 0, 2, 'd', 'e', 0)
	for _, bad := range [][]byte{{0xc0, 0}, {63}, {0x80, 1}, {1, 'a', 0xc0, 0}, {1, 'a'}} {
		if _, _, _, err := dns.ReadName(bad, 0); err == nil {
			t.Errorf("%x is a name", bad)
		}
	}
	if _, _, _, err := dns.ReadName(b, 12); err == nil {
		t.Error("a pointer ahead")
	}
	n, raw, end, err := dns.ReadName([]byte{2, 'D', 'e', 0, 3, 'W', 'w', 'w', 0xc0, 0}, 4)
	if err != nil || n != dns.MustName("www.de") || string(raw) != "\x03Www\x02De\x00" || end != 10 || n.Text() != "www.de" {
		t.Errorf("%q %q %d %v", n, raw, end, err)
	}
}

func FuzzForwarder(f *testing.F) {
	z := newZone(nil)
	q := dns.Question{Name: dns.MustName("four.example"), Asked: []byte(dns.MustName("four.example")), Type: dns.TypeAAAA, Class: dns.ClassIN}
	f.Add(true, dns.AppendHeader(nil, 7, dns.FlagRecursion, &q, 0))
	f.Add(false, dns.AppendRecord(dns.AppendHeader(nil, 7, dns.FlagResponse, &q, 1), &q, q.Name, dns.TypeA, 5, []byte{1, 2, 3, 4}))
	_ = z
	f.Fuzz(func(t *testing.T, ask bool, b []byte) {
		z := testZone(t)
		if ask {
			z.f.Ask(start, client, b)
		} else {
			// As the answer to what is asked, whatever its id.
			z.dead[server1], z.dead[server2] = true, true
			for _, kind := range []uint16{dns.TypeAAAA, dns.TypePTR} {
				m, err := dns.Parse(b)
				if err != nil {
					return
				}
				m.Question.Type = kind
				z.f.Ask(start, client, dns.AppendHeader(nil, 1, dns.FlagRecursion, &m.Question, 0))
				for range 3 {
					if z.f.Pending() == 0 {
						break
					}
					j := z.f.jobs[0]
					r := bytes.Clone(b)
					copy(r, j.query[:2])
					r[2] |= 0x80
					at := dns.HeaderSize + len(m.Question.Asked)
					binary.BigEndian.PutUint16(r[at:], j.asked.Type)
					binary.BigEndian.PutUint16(r[at+2:], dns.ClassIN)
					z.f.Reply(start, server1, r)
				}
			}
		}
		for z.f.Deadline() != machine.Never {
			z.f.Expire(z.f.Deadline())
		}
		for _, a := range z.answers {
			if _, err := dns.Parse(a); err != nil {
				t.Fatalf("%x: %v", a, err)
			}
		}
	})
}
