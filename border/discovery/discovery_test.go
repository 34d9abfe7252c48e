package discovery

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// world is a link that says what a test has it say, and a client that notes its answers.
type world struct {
	p       *Proxy
	says    map[string][]Found // by name and type
	none    map[string]bool
	asked   []string
	answers []string
}

func newWorld() *world {
	w := &world{says: map[string][]Found{}, none: map[string]bool{}}
	w.p = New(w)
	return w
}

func key(name string, kind uint16) string { return fmt.Sprintf("%s %d", strings.ToLower(name), kind) }

func (w *world) Lookup(_ machine.Time, name dns.Name, kind uint16, _ time.Duration) ([]Found, bool) {
	k := key(name.Text(), kind)
	w.asked = append(w.asked, k)
	return w.says[k], w.none[k]
}

func (w *world) Answer(_ machine.Time, client netip.AddrPort, b []byte) {
	m, questions, err := dns.ParseAll(b)
	if err != nil {
		w.answers = append(w.answers, err.Error())
		return
	}
	s := fmt.Sprintf("%v #%d code %d, %d questions:", client.Port(), m.ID, m.Code(), len(questions))
	_ = m.Each(func(r *dns.Record, _ int) bool {
		data, _ := m.WholeData(r)
		text := fmt.Sprintf("%x", data)
		switch r.Type {
		case dns.TypePTR:
			text = dns.Name(data).Text()
		case dns.TypeSRV:
			text = dns.Name(data[6:]).Text()
		}
		s += fmt.Sprintf(" %s %d %d %s;", dns.Name(r.Name).Text(), r.Type, r.TTL, text)
		return true
	})
	w.answers = append(w.answers, s)
}

func (w *world) heard() string {
	s := strings.Join(w.answers, "\n")
	w.answers = nil
	return s
}

func ask(id uint16, name string, kinds ...uint16) []byte {
	var w dns.Writer
	w.Header(id, dns.FlagRecursion)
	n, err := dns.ParseName(name)
	if err != nil {
		panic(err)
	}
	for _, k := range kinds {
		w.Question(n, k)
	}
	return slices.Clone(w.Bytes())
}

var client = netip.MustParseAddrPort("[fd00::1]:1000")

func (w *world) want(t *testing.T, what, want string) {
	t.Helper()
	if got := w.heard(); got != want {
		t.Errorf("%s: %q, not %q", what, got, want)
	}
}

func name(s string) []byte {
	n, err := dns.ParseName(s)
	if err != nil {
		panic(err)
	}
	return []byte(n)
}

// What the link says under local. is said to the mesh under its own domain, for ten seconds at most.
func TestNamesAreTranslated(t *testing.T) {
	w := newWorld()
	w.says[key("_ipp._tcp.local", dns.TypePTR)] = []Found{{name("Printer._ipp._tcp.local"), 4500}, {name("other.example"), 9}}
	w.says[key("printer._ipp._tcp.local", dns.TypeSRV)] = []Found{{append(make([]byte, 6), name("pc.local")...), 120}}
	w.says[key("printer._ipp._tcp.local", dns.TypeTXT)] = []Found{{[]byte("\x01a"), 7}}
	link, global := netip.MustParseAddr("fe80::1").As16(), netip.MustParseAddr("fd11::7").As16()
	w.says[key("pc.local", dns.TypeAAAA)] = []Found{{link[:], 120}, {global[:], 120}}
	for _, c := range []struct {
		query []byte
		want  string
	}{
		{ask(1, "_ipp._tcp.default.service.arpa", dns.TypePTR), "1000 #1 code 0, 1 questions: _ipp._tcp.default.service.arpa 12 10 Printer._ipp._tcp.default.service.arpa;"},
		{ask(2, "Printer._ipp._tcp.Default.Service.Arpa", dns.TypeSRV, dns.TypeTXT), "1000 #2 code 0, 2 questions: Printer._ipp._tcp.Default.Service.Arpa 33 10 pc.default.service.arpa; Printer._ipp._tcp.Default.Service.Arpa 16 7 0161;"},
		{ask(3, "pc.default.service.arpa", dns.TypeAAAA), "1000 #3 code 0, 1 questions: pc.default.service.arpa 28 10 fd110000000000000000000000000007;"},
	} {
		if !w.p.Ask(0, client, c.query) {
			t.Error("refused:", c.want)
		}
		w.want(t, "at once", c.want)
	}
	for _, q := range [][]byte{
		ask(4, "default.service.arpa", dns.TypePTR), ask(5, "pc.local", dns.TypeAAAA), ask(6, "pc.default.service.arpa", dns.TypeANY), ask(7, "pc.default.service.arpa"), {1, 2},
	} {
		if w.p.Ask(0, client, q) || w.heard() != "" || w.p.Pending() > 0 {
			t.Errorf("taken: %x", q)
		}
	}
}

// The link has some seconds. What it says is passed on when it is of use; an end without an answer does not say that there is
// nothing.
func TestTheLinkHasTime(t *testing.T) {
	w := newWorld()
	if !w.p.Ask(0, client, ask(1, "pc.default.service.arpa", dns.TypeAAAA)) || w.p.Deadline() != machine.Time(wait) {
		t.Fatal(w.p.Deadline())
	}
	w.want(t, "nothing yet", "")
	link, global := netip.MustParseAddr("fe80::1").As16(), netip.MustParseAddr("fd11::7").As16()
	w.says[key("pc.local", dns.TypeAAAA)] = []Found{{link[:], 120}}
	w.p.Answered(1e9)
	w.want(t, "an address of the link alone", "")
	w.says[key("pc.local", dns.TypeAAAA)] = []Found{{link[:], 120}, {global[:], 120}}
	w.p.Answered(2e9)
	w.want(t, "one of use", "1000 #1 code 0, 1 questions: pc.default.service.arpa 28 10 fd110000000000000000000000000007;")
	w.none[key("pc.local", dns.TypeA)] = true
	w.p.Ask(2e9, client, ask(2, "pc.default.service.arpa", dns.TypeA))
	w.want(t, "it has none", "1000 #2 code 0, 1 questions:")
	w.p.Ask(3e9, client, ask(3, "nobody.default.service.arpa", dns.TypeAAAA))
	w.p.Expire(3e9 + machine.Time(wait) - 1)
	w.want(t, "before the end", "")
	w.p.Expire(w.p.Deadline())
	w.want(t, "at the end", "1000 #3 code 0, 1 questions:")
	if w.p.Deadline() != machine.Never || w.p.Counters != (Counters{Queries: 3, Answered: 3, Empty: 2}) {
		t.Errorf("%d %+v", w.p.Deadline(), w.p.Counters)
	}
}

// So many wait; the others have no answer from here. An answer fits into one packet of the mesh.
func TestLimits(t *testing.T) {
	w := newWorld()
	for i := range 2 * maxJobs {
		if w.p.Ask(0, client, ask(uint16(i), fmt.Sprintf("x%d.default.service.arpa", i), dns.TypeAAAA)) != (i < maxJobs) {
			t.Error(i)
		}
	}
	w.p.Expire(machine.Time(wait))
	if strings.Count(w.heard(), "\n") != maxJobs-1 || w.p.Counters.NoRoom != maxJobs {
		t.Errorf("%+v", w.p.Counters)
	}
	for i := range 100 {
		k := key("_x._udp.local", dns.TypePTR)
		w.says[k] = append(w.says[k], Found{name(fmt.Sprintf("%s%d._x._udp.local", strings.Repeat("a", 50), i)), 9})
	}
	w.p.Ask(0, client, ask(1, "_x._udp.default.service.arpa", dns.TypePTR))
	if n := strings.Count(w.heard(), ";"); n < 10 || n > 25 {
		t.Error(n)
	}
}

func FuzzAsk(f *testing.F) {
	f.Add(ask(1, "_x._udp.default.service.arpa", dns.TypePTR))
	f.Add(ask(1, "a._x._udp.default.service.arpa", dns.TypeSRV, dns.TypeTXT))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld()
		taken := w.p.Ask(0, client, b)
		w.p.Expire(machine.Time(wait))
		if taken != (len(w.answers) == 1) {
			t.Fatal(taken, w.answers)
		}
	})
}
