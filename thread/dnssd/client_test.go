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

type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// world is a client and a server that answers as it is told.
type world struct {
	c       *Client
	sent    []dns.Message
	to      []string
	answers []string
	nat64   bool
}

func newWorld() *world {
	w := &world{nat64: true}
	w.c = NewClient(w, testRand{rand.New(rand.NewPCG(1, 2))})
	return w
}

func (w *world) SendDNS(now machine.Time, dst ip6.Address, port uint16, b []byte) error {
	m, err := dns.Parse(b)
	if err != nil {
		return err
	}
	w.sent, w.to = append(w.sent, m), append(w.to, fmt.Sprintf("[%s]:%d", dst, port))
	return nil
}

func (w *world) Synthesize(v4 [4]byte) (ip6.Address, error) {
	if !w.nat64 {
		return ip6.Address{}, status.InvalidState
	}
	a := ip6.MustParse("64:ff9b::")
	copy(a[12:], v4[:])
	return a, nil
}

func (w *world) Answered(now machine.Time, op machine.OpID, r *Response) {
	s := fmt.Sprintf("%d %s %v", op, r.Name, r.Err)
	for _, a := range r.Addresses {
		s += fmt.Sprintf(" %s %d", a.IP, a.TTL)
	}
	w.answers = append(w.answers, s)
}

// reply answers the last question with records of alternating owner, type and data.
func (w *world) reply(code uint16, records ...any) {
	m := w.sent[len(w.sent)-1]
	b := dns.AppendHeader(nil, m.ID, dns.FlagResponse|code, &m.Question, len(records)/3)
	for i := 0; i < len(records); i += 3 {
		b = dns.AppendRecord(b, &m.Question, dns.MustName(records[i].(string)), uint16(records[i+1].(int)), 60, records[i+2].([]byte))
	}
	w.c.Receive(0, Default.Server, 53, b)
}

func (w *world) want(t *testing.T, want string) {
	t.Helper()
	if len(w.answers) != 1 || w.answers[0] != want {
		t.Errorf("%q, want %q", w.answers, want)
	}
	w.answers = nil
}

func TestClient(t *testing.T) {
	w := newWorld()
	a6 := ip6.MustParse("2001:db8::1")
	resolve := func(name string, ip4 bool) {
		t.Helper()
		if err := w.c.Resolve(0, 7, name, ip4, Settings{}); err != nil {
			t.Fatal(err)
		}
	}
	resolve("Example.com", false)
	if m := w.sent[0]; m.Flags != dns.FlagRecursion || m.Question.Type != dns.TypeAAAA || string(m.Question.Asked) != "\x07Example\x03com\x00" || w.to[0] != "[2001:4860:4860:0:0:0:0:8888]:53" {
		t.Errorf("%+v", m)
	}
	w.reply(0, "example.com", dns.TypeAAAA, a6[:])
	w.want(t, "7 Example.com. <nil> 2001:db8:0:0:0:0:0:1 60")
	resolve("www.example.com", false)
	w.reply(0, "www.example.com", dns.TypeCNAME, []byte(dns.MustName("example.com")), "example.com", dns.TypeAAAA, a6[:], "evil.com", dns.TypeAAAA, a6[:])
	w.want(t, "7 www.example.com. <nil> 2001:db8:0:0:0:0:0:1 60")
	// No IPv6 address: IPv4 by NAT64.
	resolve("four.example", false)
	w.reply(0)
	if w.sent[len(w.sent)-1].Question.Type != dns.TypeA {
		t.Fatal("IPv4 is not asked for")
	}
	w.reply(0, "four.example", dns.TypeA, []byte{1, 1, 1, 1})
	w.want(t, "7 four.example. <nil> 64:ff9b:0:0:0:0:101:101 60")
	resolve("four.example", true)
	w.reply(0, "four.example", dns.TypeA, []byte{1, 1, 1, 1})
	w.want(t, "7 four.example. <nil> 64:ff9b:0:0:0:0:101:101 60")
	resolve("none.example", false)
	w.reply(dns.CodeNoName)
	w.want(t, "7 none.example. "+status.NotFound.Error())
	w.nat64 = false
	resolve("four.example", false)
	w.reply(0)
	w.want(t, "7 four.example. <nil>")
	if err := w.c.Resolve(0, 7, "four.example", true, Settings{}); err != status.InvalidState {
		t.Error(err)
	}
	for _, bad := range []string{"a..b", strings.Repeat("a", 70)} {
		if err := w.c.Resolve(0, 7, bad, false, Settings{}); err != status.InvalidArgs {
			t.Error(err)
		}
	}
	if w.c.Deadline() != machine.Never {
		t.Error("something is left")
	}
}

func TestClientGivesUp(t *testing.T) {
	w := newWorld()
	if err := w.c.Resolve(0, 1, "x.y", false, Settings{Timeout: time.Second, Attempts: 2, Recursion: No, Port: 99}); err != nil {
		t.Fatal(err)
	}
	// Answers from elsewhere, to others, and truncated ones.
	m := w.sent[0]
	b := dns.AppendHeader(nil, m.ID, dns.FlagResponse, &m.Question, 0)
	w.c.Receive(0, ip6.MustParse("fd00::9"), 99, b)
	w.c.Receive(0, Default.Server, 53, b)
	w.c.Receive(0, Default.Server, 99, dns.AppendHeader(nil, m.ID+1, dns.FlagResponse, &m.Question, 0))
	w.c.Receive(0, Default.Server, 99, dns.AppendHeader(nil, m.ID, dns.FlagResponse|dns.FlagTruncated, &m.Question, 0))
	w.c.Receive(0, Default.Server, 99, b[:9])
	w.c.Expire(1e9)
	if len(w.sent) != 2 || len(w.answers) != 0 || w.sent[1].Flags != 0 {
		t.Errorf("%d sent, %q", len(w.sent), w.answers)
	}
	w.c.Expire(2e9)
	w.want(t, "1 x.y. "+status.ResponseTimeout.Error())
	for range maxQueries {
		_ = w.c.Resolve(0, 1, "x.y", false, Settings{})
	}
	if err := w.c.Query(0, 1, 25, "first.label", "x.y", Settings{}); err != status.NoBufs {
		t.Error(err)
	}
	w.c.Stop(3e9)
	if len(w.answers) != maxQueries || w.c.Deadline() != machine.Never {
		t.Errorf("%d answers", len(w.answers))
	}
	if err := w.c.Query(0, 1, 25, "first.label", "x.y", Settings{}); err != nil || string(w.sent[len(w.sent)-1].Question.Asked) != "\x0bfirst.label\x01x\x01y\x00" {
		t.Error(err)
	}
}

func FuzzReceive(f *testing.F) {
	q, _ := dns.NewQuestion("a.example", dns.TypeAAAA)
	f.Add(dns.AppendRecord(dns.AppendHeader(nil, 7, dns.FlagResponse, &q, 1), &q, q.Name, dns.TypeCNAME, 5, []byte("\x01b\xc0\x0e")))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := dns.Parse(b)
		if err != nil {
			return
		}
		w := newWorld()
		if w.c.Resolve(0, 1, m.Question.Name.Text(), false, Settings{}) == nil {
			r := append([]byte(nil), b...)
			r[0], r[1] = byte(w.sent[0].ID>>8), byte(w.sent[0].ID)
			w.c.Receive(0, Default.Server, 53, r)
		}
	})
}
