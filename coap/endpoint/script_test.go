package endpoint

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
)

var update = flag.Bool("update", false, "write what the scripts give as what they expect; then read the difference")

// TestScripts runs the scripts in testdata: a line that begins with "> " is a command, the lines below it are everything
// that the endpoint does then. Time passes only by wait and until; both stop at each deadline on the way.
//
//	config name=value ...                      before anything else
//	peer NAME [session=N] addr:port            a peer; the first one is meant where none is named
//	recv [from=NAME] TYPE CODE [field ...]     a datagram comes; raw=HEX for bytes
//	request|observe [to=NAME] METHOD [field ...]
//	respond xN CODE [field ...] [remember] [after=N]      accept xN      acknow xN
//	notify sN CODE [con] [field ...]           unsubscribe sN
//	ping | cancel opN | forget opN | hold | ack [after=N] | drop NAME | rebind NAME addr:port
//	wait DURATION
//
// Fields: id=7, id=#3 (that of the third datagram sent), token=aa, token=#3, re=#3 (both), path=/a/b, query=k=v, format=N,
// accept=N, observe=N, block1=num/more/size, block2=..., size1=N, etag=HEX, option=N:HEX, payload=TEXT, fill=N (a payload
// of N bytes), timeout=5s, non.
//
// Randomness is replaced: retransmission timeouts are ACK_TIMEOUT itself, message ids and tokens count from 0 and 1.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.script")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".script"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(text))
			if *update {
				if err := os.WriteFile(f, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("%s differs (run with -update and read the difference):\n%s", f, firstDifference(string(text), got))
			}
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "(end)", "(end)"
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, a, b)
		}
	}
	return "no difference"
}

// counting is a predictable source.
type counting struct{ n byte }

func (c *counting) Uint64() uint64 { return 0 }
func (c *counting) Fill(b []byte) {
	c.n++
	clear(b)
	b[len(b)-1] = c.n
}

const scriptStart = machine.Time(1_790_000_000_000_000_000)

type script struct {
	t      *testing.T
	e      *Endpoint
	config Config
	now    machine.Time
	out    strings.Builder
	peers  map[string]machine.Path
	names  []string
	sent   []coap.Message
	x      []Exchange
	s      []Subscription
	held   []Notification
	hold   bool
	cause  machine.Cause
}

func runScript(t *testing.T, text string) string {
	s := &script{t: t, now: scriptStart, peers: map[string]machine.Path{}}
	s.config.Rand = &counting{}
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if !strings.HasPrefix(line, "> ") {
			if strings.HasPrefix(line, "# ") || line == "" {
				s.out.WriteString(line + "\n")
			}
			continue
		}
		s.out.WriteString(line + "\n")
		s.run(strings.Fields(line[2:]))
	}
	return s.out.String()
}

func (s *script) machine() *Endpoint {
	if s.e == nil {
		s.e = New(s.config)
	}
	return s.e
}

func (s *script) run(words []string) {
	s.cause++
	f := s.fields(words[1:])
	switch words[0] {
	case "config":
		s.configure(words[1:])
	case "peer":
		p := machine.Path{Local: netip.MustParseAddrPort("192.0.2.1:5683"), Remote: netip.MustParseAddrPort(words[len(words)-1])}
		if v, ok := f.values["session"]; ok {
			p.Security = &machine.Identity{Session: uint64(s.number(v))}
		}
		s.peers[words[1]] = p
		s.names = append(s.names, words[1])
	case "recv":
		s.machine().Receive(s.now, s.cause, s.path(f), s.datagram(f))
	case "request", "observe":
		r := &Request{Code: method(f.plain[0]), Options: f.options, Payload: f.payload, Non: f.has("non"), Token: f.token,
			Observe: words[0] == "observe", After: machine.Seq(f.after), Timeout: f.timeout}
		s.machine().Request(s.now, s.cause, s.path(f), r)
	case "restore":
		s.machine().RestoreObservation(s.now, s.path(f), f.token, uint32(s.number(f.values["last"])), s.now,
			&Request{Code: coap.GET, Options: f.options})
	case "respond":
		s.e.Respond(s.now, s.cause, s.exchange(f), &Reply{Code: code(f.plain[1]), Options: f.options,
			Payload: f.payload, Remember: f.has("remember")}, machine.Seq(f.after))
	case "accept":
		s.s = append(s.s, s.e.Accept(s.now, s.exchange(f)))
		fmt.Fprintf(&s.out, "s%d %v\n", len(s.s), s.s[len(s.s)-1].Valid())
	case "acknow":
		s.e.AckNow(s.now, s.exchange(f))
	case "notify":
		s.e.NotifyAfter(s.now, s.cause, s.s[s.number(f.plain[0][1:])-1], &Reply{Code: code(f.plain[1]), Options: f.options,
			Payload: f.payload}, f.has("con"), machine.Seq(f.after))
	case "unsubscribe":
		s.e.Unsubscribe(s.now, s.s[s.number(f.plain[0][1:])-1])
	case "ping":
		s.machine().Ping(s.now, s.cause, s.path(f))
	case "cancel":
		s.e.Cancel(s.now, machine.OpID(s.number(f.plain[0][2:])))
	case "forget":
		s.e.Forget(s.now, machine.OpID(s.number(f.plain[0][2:])))
	case "hold":
		s.hold = true
	case "ack":
		n := s.held[0]
		s.held = s.held[1:]
		s.e.Ack(s.now, &n, machine.Seq(f.after))
	case "drop":
		s.e.Drop(s.now, s.peers[words[1]])
	case "rebind":
		old := s.peers[words[1]]
		p := old
		p.Remote = netip.MustParseAddrPort(words[2])
		s.peers[words[1]] = p
		s.e.Rebind(s.now, old, p)
	case "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.wait(s.now.Add(d))
	case "stats":
		s.stats(words[1:])
	default:
		s.t.Fatalf("no command %q", words[0])
	}
	s.drain()
}

func (s *script) stats(names []string) {
	text := fmt.Sprintf("%+v", s.e.Stats())
	for _, n := range names {
		i := strings.Index(strings.ReplaceAll(text, "{", " "), " "+n+":")
		if i < 0 {
			s.t.Fatalf("no counter %q", n)
		}
		fmt.Fprintf(&s.out, "%s\n", strings.Trim(strings.Fields(text[i+1:])[0], "{}"))
	}
}

func (s *script) wait(until machine.Time) {
	for {
		d := s.machine().Deadline()
		if d > until {
			break
		}
		s.now = max(s.now, d)
		s.e.Expire(s.now)
		if s.e.Deadline() <= s.now {
			s.t.Fatalf("Deadline is not after Expire")
		}
		s.drain()
	}
	s.now = until
}

func (s *script) drain() {
	if s.e == nil {
		return
	}
	for {
		a, ok := s.e.Next()
		if !ok {
			return
		}
		s.print(&a)
	}
}

func (s *script) configure(words []string) {
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		n := s.number(v)
		switch k {
		case "BlockSize":
			s.config.BlockSize = n
		case "MaxBody":
			s.config.MaxBody = n
		case "NStart":
			s.config.NStart = n
		case "MaxPeers":
			s.config.MaxPeers = n
		case "MaxPeerExchanges":
			s.config.MaxPeerExchanges = n
		case "MaxPeerSubs":
			s.config.MaxPeerSubs = n
		case "MaxQueue":
			s.config.MaxQueue = n
		case "MaxStored":
			s.config.MaxStored = n
		default:
			s.t.Fatalf("no setting %q", k)
		}
	}
}
