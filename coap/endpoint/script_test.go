package endpoint

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
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
	t       *testing.T
	e       *Endpoint
	config  Config
	now     machine.Time
	out     strings.Builder
	peers   map[string]machine.Path
	names   []string
	sent    []coap.Message
	x       []Exchange
	s       []Subscription
	held    []Notification
	hold    bool
	cause   machine.Cause
	started bool
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

type fields struct {
	plain   []string
	values  map[string]string
	options coap.Options
	payload []byte
	token   coap.Token
	after   int
	timeout time.Duration
}

func (f *fields) has(word string) bool {
	for _, p := range f.plain {
		if p == word {
			return true
		}
	}
	return false
}

func (s *script) fields(words []string) *fields {
	f := &fields{values: map[string]string{}}
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok {
			f.plain = append(f.plain, w)
			continue
		}
		f.values[k] = v
		switch k {
		case "path":
			f.options = f.options.AppendPath(v)
		case "query":
			f.options = f.options.AddQuery(v)
		case "location":
			f.options = f.options.AppendLocation(v)
		case "format":
			f.options = f.options.SetFormat(coap.ContentFormat(s.number(v)))
		case "accept":
			f.options = f.options.SetAccept(coap.ContentFormat(s.number(v)))
		case "observe":
			f.options = f.options.SetUint(coap.Observe, uint32(s.number(v)))
		case "block1":
			f.options = f.options.SetUint(coap.Block1, s.block(v))
		case "block2":
			f.options = f.options.SetUint(coap.Block2, s.block(v))
		case "size1":
			f.options = f.options.SetUint(coap.Size1, uint32(s.number(v)))
		case "size2":
			f.options = f.options.SetUint(coap.Size2, uint32(s.number(v)))
		case "etag":
			f.options = f.options.Set(coap.ETag, s.hex(v))
		case "option":
			n, value, _ := strings.Cut(v, ":")
			f.options = f.options.Add(coap.OptionNumber(s.number(n)), s.hex(value))
		case "payload":
			f.payload = []byte(v)
		case "fill":
			for i := range s.number(v) {
				f.payload = append(f.payload, "abcdefghijklmnopqrstuvwxyz"[i/16%26])
			}
		case "token":
			f.token = s.tokenOf(v)
		case "re":
			f.token = s.tokenOf(v)
		case "after":
			f.after = s.number(v)
		case "timeout":
			f.timeout, _ = time.ParseDuration(v)
		}
	}
	return f
}

func (s *script) block(v string) uint32 {
	p := strings.Split(v, "/")
	return coap.Block{Num: uint32(s.number(p[0])), More: p[1] == "1", SZX: coap.SZX(s.number(p[2]))}.Uint()
}

func (s *script) tokenOf(v string) coap.Token {
	if v[0] == '#' {
		return s.message(v).Token
	}
	return coap.NewToken(s.hex(v))
}

func (s *script) idOf(v string) uint16 {
	if v[0] == '#' {
		return s.message(v).ID
	}
	return uint16(s.number(v))
}

func (s *script) exchange(f *fields) Exchange {
	n := s.number(f.plain[0][1:])
	if n < 1 || n > len(s.x) {
		s.t.Fatalf("x%d has not come:\n%s", n, s.out.String())
	}
	return s.x[n-1]
}

func (s *script) message(v string) *coap.Message {
	n := s.number(v[1:])
	if n < 1 || n > len(s.sent) {
		s.t.Fatalf("%s was not sent:\n%s", v, s.out.String())
	}
	return &s.sent[n-1]
}

func (s *script) hex(v string) (b []byte) {
	if _, err := fmt.Sscanf(v, "%x", &b); err != nil && v != "" {
		s.t.Fatalf("hex %q: %v", v, err)
	}
	return b
}

func (s *script) number(v string) int {
	n, err := strconv.Atoi(v)
	if err != nil {
		s.t.Fatalf("number %q", v)
	}
	return n
}

func (s *script) path(f *fields) machine.Path {
	for _, k := range []string{"from", "to"} {
		if v, ok := f.values[k]; ok {
			return s.peers[v]
		}
	}
	return s.peers[s.names[0]]
}

func method(v string) coap.Code {
	for c := coap.GET; c <= coap.IPATCH; c++ {
		if c.Name() == v {
			return c
		}
	}
	return code(v)
}

func code(v string) coap.Code {
	if v == "Empty" {
		return 0
	}
	return coap.Code((v[0]-'0')<<5 | (v[2]-'0')*10 + v[3] - '0')
}

func (s *script) datagram(f *fields) []byte {
	if v, ok := f.values["raw"]; ok {
		return s.hex(v)
	}
	m := coap.Message{Code: method(f.plain[1]), Options: f.options, Payload: f.payload, Token: f.token}
	for _, t := range []coap.Type{coap.CON, coap.NON, coap.ACK, coap.RST} {
		if t.String() == f.plain[0] {
			m.Type = t
		}
	}
	for _, k := range []string{"id", "re"} {
		if v, ok := f.values[k]; ok {
			m.ID = s.idOf(v)
		}
	}
	b, err := m.Append(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *script) name(p *machine.Path) string {
	for _, n := range s.names {
		if q := s.peers[n]; q.Remote == p.Remote && (q.Security == nil) == (p.Security == nil) {
			return n
		}
	}
	return p.Remote.String()
}

func (s *script) print(a *machine.Action) {
	fmt.Fprintf(&s.out, "%9.3f ", s.now.Sub(scriptStart).Seconds())
	switch a.Kind {
	case machine.Send:
		var m coap.Message
		if err := m.Decode(a.Data); err != nil {
			s.t.Fatalf("sent %x: %v", a.Data, err)
		}
		s.sent = append(s.sent, coap.Message{ID: m.ID, Token: m.Token})
		fmt.Fprintf(&s.out, "#%d -> %s %s", len(s.sent), s.name(&a.Path), text(&m))
		if a.After != 0 {
			fmt.Fprintf(&s.out, " after=%d", a.After)
		}
	case machine.Result:
		r := a.Value.(*Response)
		fmt.Fprintf(&s.out, "op%d = ", a.Op)
		if r.Err != nil {
			s.out.WriteString(errName(r.Err))
		} else {
			fmt.Fprintf(&s.out, "%s%s%s", r.Code, optionsText(r.Options), payloadText(r.Payload))
		}
		if r.Observing {
			fmt.Fprintf(&s.out, " observing seq=%d", r.Sequence)
		}
	case machine.Event:
		switch v := a.Value.(type) {
		case *Incoming:
			s.x = append(s.x, v.Exchange)
			fmt.Fprintf(&s.out, "x%d <- %s %s%s%s", len(s.x), s.name(&a.Path), v.Code.Name(), optionsText(v.Options), payloadText(v.Payload))
			if v.Observe >= 0 {
				fmt.Fprintf(&s.out, " observe=%d", v.Observe)
			}
		case *Notification:
			fmt.Fprintf(&s.out, "op%d notified", a.Op)
			if v.Err != nil {
				fmt.Fprintf(&s.out, " %s", errName(v.Err))
			} else {
				fmt.Fprintf(&s.out, " %s%s%s", v.Code, optionsText(v.Options), payloadText(v.Payload))
			}
			if v.Ended {
				s.out.WriteString(" ended")
			}
			if s.hold && v.Confirmable && v.Err == nil {
				v.Hold = true
				s.held = append(s.held, *v)
			}
		case *Unsubscribed:
			for i := range s.s {
				if s.s[i] == v.Subscription {
					fmt.Fprintf(&s.out, "s%d unsubscribed: %s", i+1, v.Reason)
				}
			}
		}
	}
	s.out.WriteString("\n")
}

func errName(err error) string {
	for name, e := range map[string]error{"ErrTimeout": ErrTimeout, "ErrReset": ErrReset, "ErrCancelled": ErrCancelled,
		"ErrTooLarge": ErrTooLarge, "ErrBusy": ErrBusy, "ErrClosed": ErrClosed, "ErrOption": ErrOption, "ErrBlock": ErrBlock,
		"ErrChanged": ErrChanged, "ErrRequest": ErrRequest} {
		if errors.Is(err, e) {
			return name
		}
	}
	return err.Error()
}

func text(m *coap.Message) string {
	c := m.Code.String()
	if m.Code.IsRequest() || m.Code == coap.Empty {
		c = m.Code.Name()
	}
	s := fmt.Sprintf("%s %s id=%d", m.Type, c, m.ID)
	if m.Token.Len() > 0 {
		s += " token=" + strings.TrimLeft(m.Token.String(), "0")
	}
	return s + optionsText(m.Options) + payloadText(m.Payload)
}

func optionsText(o coap.Options) (s string) {
	for _, x := range o {
		v, _ := x.Uint()
		switch x.Number {
		case coap.URIPath, coap.URIQuery, coap.LocationPath:
			s += fmt.Sprintf(" %s:%s", x.Number, x.Value)
		case coap.Block1, coap.Block2:
			b, _ := coap.DecodeBlock(x.Value)
			more := 0
			if b.More {
				more = 1
			}
			s += fmt.Sprintf(" %s:%d/%d/%d", x.Number, b.Num, more, b.Size())
		case coap.ETag:
			s += fmt.Sprintf(" ETag:%x", x.Value)
		default:
			s += fmt.Sprintf(" %s:%d", x.Number, v)
		}
	}
	return s
}

func payloadText(b []byte) string {
	switch {
	case len(b) == 0:
		return ""
	case len(b) > 40:
		return fmt.Sprintf(" (%d bytes, sum %08x)", len(b), uint32(sum(b)))
	}
	return fmt.Sprintf(" %q", b)
}
