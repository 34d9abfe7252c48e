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
	asked   []question
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
	m, err := parse(b)
	if err != nil {
		z.t.Fatal(err)
	}
	z.asked, z.queries = append(z.asked, m.question), append(z.queries, server)
	if z.dead[server] {
		return
	}
	q := m.question
	code := uint16(codeNoName)
	var found []rr
	for at := q.name; ; {
		next := name("")
		for _, r := range z.records {
			if toName(r.owner) != at {
				continue
			}
			code = codeOK
			if r.kind == q.kind || r.kind == typeCNAME {
				found = append(found, r)
			}
			if r.kind == typeCNAME {
				next = name(r.data)
			}
		}
		if next == "" {
			break
		}
		at = next
	}
	if z.broken[server] {
		code, found = codeServFail, nil
	}
	out := appendHeader(nil, m.id, flagResponse|flagDesired|code, &q, len(found))
	for _, r := range found {
		out = appendRecord(out, &q, toName(r.owner), r.kind, r.ttl, r.data)
	}
	if len(found) == 0 {
		out = appendRecord(out, &q, toName("example"), typeSOA, 120, append(append([]byte{0}, 0), make([]byte, 20)...))
		binary.BigEndian.PutUint16(out[8:], 1)
	}
	z.f.Reply(now, server, out)
}

// ask returns the answer's code and addresses or names, after as long as it takes.
func (z *zone) ask(s string, kind uint16) (int, []string, []uint32) {
	z.t.Helper()
	z.answers = nil
	q := question{name: toName(s), asked: []byte(toName(s)), kind: kind, class: classIN}
	z.f.Ask(z.now, client, appendHeader(nil, 0x1234, flagDesired, &q, 0))
	for len(z.answers) == 0 && z.f.Deadline() != machine.Never {
		z.now = z.f.Deadline()
		z.f.Expire(z.now)
	}
	if len(z.answers) != 1 {
		z.t.Fatalf("%s: %d answers", s, len(z.answers))
	}
	m, err := parse(z.answers[0])
	if err != nil || m.id != 0x1234 || m.flags&flagResponse == 0 || !bytes.Equal(m.question.asked, q.asked) || m.question.kind != kind {
		z.t.Fatalf("%s: %v %+v", s, err, m)
	}
	var got []string
	var ttls []uint32
	if err := m.each(func(r *record, authority bool) bool {
		if authority {
			return true
		}
		ttls = append(ttls, r.ttl)
		switch r.kind {
		case typeA:
			got = append(got, netip.AddrFrom4([4]byte(r.data)).String())
		case typeAAAA:
			got = append(got, r.owner.text()+" "+ip6.Address(r.data).Netip().String())
		default:
			n, _, _, err := readName(m.b, r.at)
			if err != nil {
				z.t.Fatal(err)
			}
			got = append(got, r.owner.text()+" is "+n.text())
		}
		return true
	}); err != nil {
		z.t.Fatal(err)
	}
	return m.code(), got, ttls
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
		rr{"six.example", typeAAAA, 300, v6("2001:db8::6")},
		rr{"six.example", typeA, 300, []byte{198, 51, 100, 6}},
		rr{"four.example", typeA, 300, []byte{198, 51, 100, 4}},
		rr{"four.example", typeA, 50, []byte{198, 51, 100, 5}},
		rr{"alias.example", typeCNAME, 77, []byte(toName("four.example"))},
		rr{"mapped.example", typeAAAA, 300, mapped},
		rr{"mapped.example", typeA, 300, []byte{198, 51, 100, 8}},
		rr{"mail.example", 15, 300, []byte{0, 1, 0}},
		rr{"4.100.51.198.in-addr.arpa", typePTR, 300, []byte(toName("four.example"))},
	)
}

func TestSynthesis(t *testing.T) {
	z := testZone(t)
	z.want("six.example", typeAAAA, codeOK, "six.example 2001:db8::6")
	z.want("six.example", typeA, codeOK, "198.51.100.6")
	z.want("four.example", typeAAAA, codeOK, "four.example 64:ff9b::c633:6404", "four.example 64:ff9b::c633:6405")
	z.want("FOUR.example", typeAAAA, codeOK, "four.example 64:ff9b::c633:6404", "four.example 64:ff9b::c633:6405")
	z.want("alias.example", typeAAAA, codeOK, "alias.example is four.example", "four.example 64:ff9b::c633:6404", "four.example 64:ff9b::c633:6405")
	z.want("mapped.example", typeAAAA, codeOK, "mapped.example 64:ff9b::c633:6408")
	z.want("mail.example", typeAAAA, codeOK)
	z.want("nothing.example", typeAAAA, codeNoName)
	z.want("ipv4only.arpa", typeAAAA, codeOK, "ipv4only.arpa 64:ff9b::c000:aa", "ipv4only.arpa 64:ff9b::c000:ab")
	if _, _, ttls := z.ask("four.example", typeAAAA); !slices.Equal(ttls, []uint32{120, 50}) {
		t.Errorf("TTLs %v: that of the SOA is the most", ttls)
	}
	z.f.SetPrefix(ip6.Prefix{})
	z.want("four.example", typeAAAA, codeOK)
	z.want("ipv4only.arpa", typeAAAA, codeNoName)
	if z.f.Counters.Synthesized != 3 || z.f.Pending() != 0 {
		t.Errorf("%+v", z.f.Counters)
	}
}

func TestReverse(t *testing.T) {
	z := testZone(t)
	made := "4.0.4.6.3.3.6.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa"
	z.want(made, typePTR, codeOK, made+" is 4.100.51.198.in-addr.arpa", "4.100.51.198.in-addr.arpa is four.example")
	z.want("5"+made[1:], typePTR, codeNoName, "5"+made[1:]+" is 5.100.51.198.in-addr.arpa")
	z.want("4.0.ip6.arpa", typePTR, codeNoName)
}

// Answers are kept for as long as they say, and get older.
func TestCache(t *testing.T) {
	z := testZone(t)
	z.want("four.example", typeAAAA, codeOK, "four.example 64:ff9b::c633:6404", "four.example 64:ff9b::c633:6405")
	asked := len(z.asked)
	z.now = z.now.Add(20 * time.Second)
	if _, got, ttls := z.ask("Four.Example", typeAAAA); len(got) != 2 || !slices.Equal(ttls, []uint32{100, 30}) || len(z.asked) != asked {
		t.Errorf("%q %v", got, ttls)
	}
	z.now = z.now.Add(31 * time.Second)
	z.ask("four.example", typeAAAA)
	if len(z.asked) != asked+2 {
		t.Errorf("%d queries", len(z.asked))
	}
	for i := range 1000 {
		z.ask(string(rune('a'+i%26))+string(rune('a'+i/26))+".example", typeAAAA)
	}
	if z.f.Cached() > 256 || len(z.f.cache.byKey) != z.f.Cached() {
		t.Errorf("%d cached", z.f.Cached())
	}
}

// A server that is dead or broken is passed over; if all are, the client is told.
func TestServers(t *testing.T) {
	z := testZone(t)
	z.dead[server1] = true
	z.want("six.example", typeAAAA, codeOK, "six.example 2001:db8::6")
	if !slices.Equal(z.queries, []netip.AddrPort{server1, server2}) {
		t.Error(z.queries)
	}
	z.dead[server1] = false
	z.broken[server1] = true
	z.want("four.example", typeAAAA, codeOK, "four.example 64:ff9b::c633:6404", "four.example 64:ff9b::c633:6405")
	z.broken[server2] = true
	z.want("other.example", typeAAAA, codeServFail)
	z.dead[server1], z.dead[server2] = true, true
	z.want("another.example", typeAAAA, codeServFail)
	if z.f.Counters.Timeouts == 0 || z.f.Counters.ServerFailures == 0 || z.f.Pending() != 0 {
		t.Errorf("%+v", z.f.Counters)
	}
	z.f.SetServers(nil)
	z.want("six.example", typeAAAA, codeRefused)
}

// A flood of queries is refused beyond the limits; forged answers do not get in.
func TestLimits(t *testing.T) {
	z := testZone(t)
	z.dead[server1], z.dead[server2] = true, true
	q := question{name: toName("four.example"), asked: []byte(toName("four.example")), kind: typeAAAA, class: classIN}
	for i := range 1000 {
		z.f.Ask(z.now, client, appendHeader(nil, uint16(i), flagDesired, &q, 0))
	}
	if z.f.Pending() != 32 || z.f.Counters.Refused != 968 {
		t.Errorf("%d pending, %+v", z.f.Pending(), z.f.Counters)
	}
	for range 32 {
		z.f.Ask(z.now, client, appendHeader(nil, 5, flagDesired, &q, 0)) // asked again
	}
	if z.f.Pending() != 32 {
		t.Error(z.f.Pending())
	}
	for id := range 65536 {
		forged := appendHeader(nil, uint16(id), flagResponse, &q, 0)
		z.f.Reply(z.now, netip.MustParseAddrPort("203.0.113.9:53"), forged)
		if id%256 == 0 {
			q2 := question{name: toName("evil.example"), asked: []byte(toName("evil.example")), kind: typeAAAA, class: classIN}
			z.f.Reply(z.now, server1, appendHeader(nil, uint16(id), flagResponse, &q2, 0))
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
		if _, _, _, err := readName(bad, 0); err == nil {
			t.Errorf("%x is a name", bad)
		}
	}
	if _, _, _, err := readName(b, 12); err == nil {
		t.Error("a pointer ahead")
	}
	n, raw, end, err := readName([]byte{2, 'D', 'e', 0, 3, 'W', 'w', 'w', 0xc0, 0}, 4)
	if err != nil || n != toName("www.de") || string(raw) != "\x03Www\x02De\x00" || end != 10 || n.text() != "www.de" {
		t.Errorf("%q %q %d %v", n, raw, end, err)
	}
}

func FuzzForwarder(f *testing.F) {
	z := newZone(nil)
	q := question{name: toName("four.example"), asked: []byte(toName("four.example")), kind: typeAAAA, class: classIN}
	f.Add(true, appendHeader(nil, 7, flagDesired, &q, 0))
	f.Add(false, appendRecord(appendHeader(nil, 7, flagResponse, &q, 1), &q, q.name, typeA, 5, []byte{1, 2, 3, 4}))
	_ = z
	f.Fuzz(func(t *testing.T, ask bool, b []byte) {
		z := testZone(t)
		if ask {
			z.f.Ask(start, client, b)
		} else {
			// As the answer to what is asked, whatever its id.
			z.dead[server1], z.dead[server2] = true, true
			for _, kind := range []uint16{typeAAAA, typePTR} {
				m, err := parse(b)
				if err != nil {
					return
				}
				m.question.kind = kind
				z.f.Ask(start, client, appendHeader(nil, 1, flagDesired, &m.question, 0))
				for range 3 {
					if z.f.Pending() == 0 {
						break
					}
					j := z.f.jobs[0]
					r := bytes.Clone(b)
					copy(r, j.query[:2])
					r[2] |= 0x80
					at := headerSize + len(m.question.asked)
					binary.BigEndian.PutUint16(r[at:], j.asked.kind)
					binary.BigEndian.PutUint16(r[at+2:], classIN)
					z.f.Reply(start, server1, r)
				}
			}
		}
		for z.f.Deadline() != machine.Never {
			z.f.Expire(z.f.Deadline())
		}
		for _, a := range z.answers {
			if _, err := parse(a); err != nil {
				t.Fatalf("%x: %v", a, err)
			}
		}
	})
}
