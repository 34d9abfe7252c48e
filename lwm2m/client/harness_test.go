package client_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// A script is a conversation with a client in virtual time. Lines that begin with a letter or + are commands, lines with >
// are what the test's server sends; both are carried out. Lines with < (datagrams), ! (events) and ? (asks) are what the
// client does; they are compared. # begins a comment.
//
//	start | stop | update SSID | changed PATH | resolved ADDR...|none | persisted | notpersisted
//	send [ct=N] [server=SSID] PATH... PATH=VALUE@-30s...
//	server ADDR:PORT                      what follows with > comes from there
//	+10s                                  let time pass, timer by timer
//	> GET /3/0/9 accept=0 observe=0       a confirmable request, a new token each, unless token=TT
//	> PUT /3/0/14 ct=0 : +02:00           with a payload: text, hex:..., or values as /3/0/14=...
//	> FETCH / ct=112 : /3/0/9 /1          with a list of paths
//	> 2.01 /rd/1                          the answer to the client's latest request; with a location
//	> 2.05 block2=1/true/64 etag=7 size2=99 : part:64:64   ... or to a GET of its, with bytes 64 to 127 of script.pkg
//	> ACK, > RST                          for the client's latest confirmable message, or latest message
type script struct {
	t        *testing.T
	c        *client.Client
	now      machine.Time
	begin    machine.Time
	server   machine.Path // as the client sees it
	out      []string
	id       uint16
	tokens   map[string]coap.Token
	paths    map[coap.Token]lwm2m.Path // of requests
	last     coap.Message              // the client's latest datagram
	lastID   uint16                    // of its latest confirmable request
	firstID  uint16                    // of its first one
	lastCON  uint16                    // of its latest confirmable message
	reqTok   coap.Token
	firstTok coap.Token
	ask      machine.OpID
	seqs     []machine.Seq
	afters   []machine.Seq // of the datagrams
	disk     []machine.Record
	hello    []byte // the latest handshake record
	pkg      []byte // what payloads of part: are cut out of
}

var (
	serverAddr = netip.MustParseAddrPort("192.0.2.1:5683")
	otherAddr  = netip.MustParseAddrPort("192.0.2.66:5683")
	deviceAddr = netip.MustParseAddrPort("198.51.100.7:56830")
	scriptTime = machine.Time(1_767_225_600_000_000_000) // 2026-01-01
)

// testDevice is the device of the scripts: nothing on it moves unless a script says so.
var testDevice = objects.DeviceConfig{
	Manufacturer: "Heddle", Model: "test device", Serial: "0001", Firmware: "1.0", UTCOffset: "+01:00", Timezone: "Europe/Berlin",
}

// newScript makes a client of the device and of the objects given, and its script.
func newScript(t *testing.T, change func(*client.Config), objs ...client.Object) *script {
	t.Helper()
	cfg := client.Config{
		Rand: machinetest.NewRand(1), Endpoint: "demo", Local: deviceAddr,
		Servers: []client.Account{{ShortID: 123, URI: "coap://192.0.2.1", Lifetime: 300 * time.Second}},
		Objects: append([]client.Object{objects.NewDevice(&testDevice)}, objs...),
	}
	if change != nil {
		change(&cfg)
	}
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, c: c, now: scriptTime, begin: scriptTime, tokens: map[string]coap.Token{}, paths: map[coap.Token]lwm2m.Path{}}
	s.server = machine.Path{Local: cfg.Local, Remote: serverAddr}
	return s
}

// run carries out scripts, one after the other, and compares.
func (s *script) run(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		s.runOne(text)
	}
}

func (s *script) runOne(text string) {
	s.t.Helper()
	var want []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		want = append(want, line)
	}
	s.out = nil
	for _, line := range want {
		if strings.IndexByte("<!?", line[0]) >= 0 {
			continue
		}
		if s.out = append(s.out, line); line[0] != '#' {
			s.command(line)
		}
	}
	if got, want := strings.Join(s.out, "\n"), strings.Join(want, "\n"); got != want {
		s.t.Fatalf("the client did:\n%s\n\nwant:\n%s\n\n%s", indent(got), indent(want), firstDifference(s.out, strings.Split(want, "\n")))
	}
}

func indent(s string) string { return "\t" + strings.ReplaceAll(s, "\n", "\n\t") }

func firstDifference(got, want []string) string {
	for i := range got {
		if i == len(want) || got[i] != want[i] {
			w := "(end)"
			if i < len(want) {
				w = want[i]
			}
			return fmt.Sprintf("first difference in line %d:\n\tgot  %s\n\twant %s", i+1, got[i], w)
		}
	}
	return "the script goes on where the client did not"
}

// quickly is a registration that a script does not want to talk about.
func (s *script) registered() *script {
	s.t.Helper()
	s.out = nil
	s.command("start")
	s.command("> 2.01 /rd/1")
	if s.c.State() != client.StateReady {
		s.t.Fatalf("the client is not registered:\n%s", strings.Join(s.out, "\n"))
	}
	return s
}

func (s *script) command(line string) {
	s.t.Helper()
	words := strings.Fields(line)
	switch {
	case words[0] == "start":
		s.c.Start(s.now, 1)
	case words[0] == "stop":
		s.c.Stop(s.now, 1)
	case words[0] == "update":
		n, _ := strconv.Atoi(words[1])
		if err := s.c.Update(s.now, 1, uint16(n)); err != nil {
			s.out = append(s.out, "! "+err.Error())
		}
	case words[0] == "send":
		r := &client.SendRequest{}
		for _, w := range words[1:] {
			if v, ok := strings.CutPrefix(w, "ct="); ok {
				n, _ := strconv.Atoi(v)
				r.Format, r.HasFormat = coap.ContentFormat(n), true
			} else if v, ok := strings.CutPrefix(w, "server="); ok {
				n, _ := strconv.Atoi(v)
				r.Server = uint16(n)
			} else if path, v, ok := strings.Cut(w, "="); ok { // /3303/0/5700=20.5@-30s
				v, at, _ := strings.Cut(v, "@")
				d, err := time.ParseDuration(at)
				val, err2 := lwm2m.ParseText(s.c.ResourceAt(lwm2m.MustPath(path)).Kind, v)
				if err != nil || err2 != nil {
					s.t.Fatal(err, err2)
				}
				r.Entries = append(r.Entries, lwm2m.Entry{Path: lwm2m.MustPath(path), Value: val, Time: int64(s.now.Add(d))})
			} else {
				r.Paths = append(r.Paths, lwm2m.MustPath(w))
			}
		}
		s.c.Send(s.now, 1, r)
	case words[0] == "changed":
		s.c.Changed(s.now, 1, lwm2m.MustPath(words[1]))
	case words[0] == "resolved":
		if words[1] == "none" {
			s.c.Resolved(s.now, 1, s.ask, nil, fmt.Errorf("no such host"))
		} else {
			var addrs []netip.Addr
			for _, w := range words[1:] {
				addrs = append(addrs, netip.MustParseAddr(w))
			}
			s.c.Resolved(s.now, 1, s.ask, addrs, nil)
		}
	case words[0] == "server":
		s.server.Remote = netip.MustParseAddrPort(words[1])
		return
	case words[0] == "persisted":
		s.c.Persisted(s.now, s.seqs[len(s.seqs)-1])
	case words[0] == "notpersisted":
		s.c.PersistFailed(s.now, s.seqs[len(s.seqs)-1], fmt.Errorf("disk full"))
	case line[0] == '+':
		d, err := time.ParseDuration(line[1:])
		if err != nil {
			s.t.Fatal(err)
		}
		s.pass(d)
		return
	case line[0] == '>':
		s.send(line[2:])
	default:
		s.t.Fatalf("unknown command %q", line)
	}
	s.drain("")
}

// pass lets time pass.
func (s *script) pass(d time.Duration) {
	s.drain("")
	end := s.now.Add(d)
	for s.c.Deadline() <= end {
		s.now = max(s.now, s.c.Deadline())
		s.c.Expire(s.now)
		if s.c.Deadline() <= s.now {
			s.t.Fatal("the deadline is not after Expire's now")
		}
		s.drain("@" + s.now.Sub(s.begin).Round(time.Millisecond).String() + " ")
	}
	s.now = end
}

// drain takes out what the client does and writes it down.
func (s *script) drain(prefix string) {
	for {
		a, ok := s.c.Next()
		if !ok {
			return
		}
		switch a.Kind {
		case machine.Send:
			s.server.Local = a.Path.Local
			s.afters = append(s.afters, a.After)
			if len(a.Data) > 0 && a.Data[0] == 22 {
				s.hello = slices.Clone(a.Data)
			}
			to := ""
			if a.Path.Remote != serverAddr {
				to = "to " + a.Path.Remote.String() + " "
			}
			s.out = append(s.out, "< "+prefix+to+s.describe(a.Data))
		case machine.Persist:
			s.seqs = append(s.seqs, a.Seq)
			s.write(a.Records)
			s.out = append(s.out, fmt.Sprintf("! %spersist %d records", prefix, len(a.Records)))
		case machine.Ask:
			s.ask = a.Op
			s.out = append(s.out, fmt.Sprintf("? %s%s", prefix, event(a.Value)))
		case machine.Result:
			s.out = append(s.out, fmt.Sprintf("! %sresult: %s", prefix, event(a.Value)))
		default:
			s.out = append(s.out, "! "+prefix+event(a.Value))
		}
	}
}

// write takes records onto the script's disk.
func (s *script) write(records []machine.Record) {
	for _, r := range records {
		s.disk = slices.DeleteFunc(s.disk, func(o machine.Record) bool { return o.Table == r.Table && string(o.Key) == string(r.Key) })
		if r.Value != nil {
			s.disk = append(s.disk, machine.Record{Table: r.Table, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value)})
		}
	}
}

// restore hands the client what is on the disk, as a start does.
func (s *script) restore() {
	s.t.Helper()
	slices.SortFunc(s.disk, func(a, b machine.Record) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), bytes.Compare(a.Key, b.Key))
	})
	for _, r := range s.disk {
		if err := s.c.Restore(s.now, r.Table, r.Key, r.Value); err != nil {
			s.t.Fatal(err)
		}
	}
}

// event writes an event down.
func event(v any) string {
	switch e := v.(type) {
	case *client.StateChanged:
		return e.State.String()
	case *client.RegistrationFailed:
		if e.Err != nil {
			return fmt.Sprintf("failed at %d: %s; again after %v", e.Server, shortError(e.Err), e.Retry)
		}
		return fmt.Sprintf("failed at %d: %v %s; again after %v", e.Server, e.Code, e.Reason, e.Retry)
	case *client.SendOutcome:
		if e.Err != nil {
			return "send to " + strconv.Itoa(int(e.Server)) + ": " + shortError(e.Err)
		}
		return strings.TrimSpace(fmt.Sprintf("send to %d: %v %s", e.Server, e.Code, e.Reason))
	case *client.Registered:
		return fmt.Sprintf("registered at %d: %s, version %s", e.Server, e.Location, e.Version)
	}
	return strings.Replace(strings.TrimPrefix(strings.TrimPrefix(fmt.Sprintf("%T%+v", v, v), "*client."), "*objects."), "&{", "{", 1)
}

// shortError cuts the layer in front of an error and the advice behind it.
func shortError(err error) string {
	parts := strings.SplitN(err.Error(), ": ", 3)
	return parts[min(1, len(parts)-1)]
}

// describe writes a datagram down, without what is random in it.
func (s *script) describe(b []byte) string {
	var m coap.Message
	if err := m.Decode(append([]byte(nil), b...)); err != nil {
		return "malformed: " + err.Error()
	}
	if s.last = m; m.Type == coap.CON {
		s.lastCON = m.ID
	}
	var w strings.Builder
	w.WriteString(m.Type.String())
	if m.Code == coap.Empty {
		return w.String()
	}
	if m.Code.IsRequest() {
		if s.lastID, s.reqTok = m.ID, m.Token; s.firstTok == (coap.Token{}) {
			s.firstID, s.firstTok = m.ID, m.Token
		}
		fmt.Fprintf(&w, " %s %s", m.Code.Name(), m.Options.Path())
		sep := "?"
		for q := range m.Options.Queries() {
			w.WriteString(sep + string(q))
			sep = "&"
		}
	} else {
		fmt.Fprintf(&w, " %s", m.Code)
		if m.Type == coap.NON || m.Type == coap.CON {
			for name, tok := range s.tokens {
				if tok == m.Token {
					w.WriteString(" token=" + name)
				}
			}
		}
	}
	if m.Options.Has(coap.Observe) {
		w.WriteString(" observe")
	}
	if p := m.Options.Location(); p != "/" {
		w.WriteString(" " + p)
	}
	for _, n := range []coap.OptionNumber{coap.Block1, coap.Block2} {
		if v, ok := m.Options.Block(n); ok {
			fmt.Fprintf(&w, " %s=%d/%t/%d", n, v.Num, v.More, 16<<v.SZX)
		}
	}
	f, has := m.Options.Format()
	if has {
		fmt.Fprintf(&w, " ct=%d", f)
	}
	if len(m.Payload) > 0 || has {
		w.WriteString(strings.TrimRight(" : "+s.payload(&m, f, m.Payload), " "))
	}
	return w.String()
}

// deviceLinks is the inventory of the scripts' device without further objects.
const deviceLinks = `</>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</3>;ver=1.1,</3/0>`

func (s *script) payload(m *coap.Message, f coap.ContentFormat, b []byte) string {
	switch f {
	case coap.LinkFormat:
		return strings.Replace(string(b), deviceLinks, "(links)", 1)
	case coap.Text:
		return string(b)
	case coap.Opaque:
		return hex.EncodeToString(b)
	}
	// Structured values: /3/0/9=100 /3/0/10=5.
	list, err := format.Decode(nil, f, s.paths[m.Token], b, s, format.Options{})
	if err != nil {
		return fmt.Sprintf("%v: %x", err, b)
	}
	var w []string
	for _, e := range list {
		x := e.Path.String() + "=" + e.Value.String()
		if e.Time != 0 {
			x += "@" + machine.Time(e.Time).Sub(s.begin).String()
		}
		w = append(w, x)
	}
	return strings.Join(w, " ")
}

// send sends what a > line says.
func (s *script) send(line string) {
	s.t.Helper()
	line, payload, hasPayload := strings.Cut(line, " : ")
	words := strings.Fields(line)
	m := coap.Message{Type: coap.CON}
	switch {
	case words[0] == "ACK" || words[0] == "RST":
		m.Type, m.ID = coap.ACK, s.lastCON
		if words[0] == "RST" {
			m.Type, m.ID = coap.RST, s.last.ID
		}
	case words[0][1] == '.':
		n, _ := strconv.Atoi(words[0][:1] + words[0][2:])
		m.Type, m.Code, m.ID, m.Token = coap.ACK, coap.Code(n/100<<5|n%100), s.lastID, s.reqTok
		for _, w := range words[1:] {
			if w[0] == '/' {
				m.Options = m.Options.AppendLocation(w)
			} else {
				s.option(&m, w)
			}
		}
	default:
		s.request(&m, words)
	}
	if hasPayload {
		switch {
		case strings.HasPrefix(payload, "hex:"):
			m.Payload, _ = hex.DecodeString(payload[4:])
		case strings.HasPrefix(payload, "big:"):
			n, _ := strconv.Atoi(payload[4:])
			m.Payload = []byte(strings.Repeat("x", n))
		case strings.HasPrefix(payload, "part:"):
			var from, n int
			fmt.Sscanf(payload, "part:%d:%d", &from, &n)
			m.Payload = s.pkg[from:min(from+n, len(s.pkg))]
		case strings.HasPrefix(payload, "/"):
			m.Payload = s.structured(&m, payload)
		default:
			m.Payload = []byte(payload)
		}
	}
	b, err := m.Append(nil)
	if err != nil {
		s.t.Fatalf("%s: %v", line, err)
	}
	s.c.Receive(s.now, 1, s.server, b)
	clear(b)
}

// structured makes a payload of /3/0/14=+02:00 pairs in the message's format, with the types of the client's objects.
func (s *script) structured(m *coap.Message, text string) []byte {
	if f, _ := m.Options.Format(); m.Code == coap.FETCH {
		var paths []lwm2m.Path
		for p := range strings.FieldsSeq(text) {
			paths = append(paths, lwm2m.MustPath(p))
		}
		b, err := format.AppendPaths(nil, f, paths)
		if err != nil {
			s.t.Fatal(err)
		}
		return b
	}
	var list []lwm2m.Entry
	for pair := range strings.FieldsSeq(text) {
		path, v, _ := strings.Cut(pair, "=")
		p := lwm2m.MustPath(path)
		e := lwm2m.Entry{Path: p}
		if p.Depth() > 2 {
			kind := lwm2m.String
			if r := s.c.ResourceAt(p); r != nil {
				kind = r.Kind
			}
			val, err := lwm2m.ParseText(kind, v)
			if err != nil {
				s.t.Fatal(err)
			}
			e.Value = val
		}
		list = append(list, e)
	}
	f, _ := m.Options.Format()
	base, _ := lwm2m.ParsePath(m.Options.Path())
	b, err := format.Append(nil, f, base, list)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *script) request(m *coap.Message, words []string) {
	methods := map[string]coap.Code{"GET": coap.GET, "PUT": coap.PUT, "POST": coap.POST, "DELETE": coap.DELETE, "FETCH": coap.FETCH, "IPATCH": coap.IPATCH, "PATCH": coap.PATCH}
	m.Code = methods[words[0]]
	if m.Code == 0 {
		s.t.Fatalf("unknown method %q", words[0])
	}
	s.id++
	m.ID = s.id
	path, query, hasQuery := strings.Cut(words[1], "?")
	m.Options = m.Options.AppendPath(path)
	if hasQuery {
		for q := range strings.SplitSeq(query, "&") {
			m.Options = m.Options.AddQuery(q)
		}
	}
	name := "t" + strconv.Itoa(int(s.id))
	for _, w := range words[2:] {
		switch key, v, _ := strings.Cut(w, "="); key {
		case "token":
			name = v
		case "non":
			m.Type = coap.NON
		default:
			s.option(m, w)
		}
	}
	tok, ok := s.tokens[name]
	if !ok {
		tok = coap.NewToken([]byte(name))
		s.tokens[name] = tok
	}
	m.Token = tok
	s.paths[tok], _ = lwm2m.ParsePath(m.Options.Path())
}

// option adds an option that a word says.
func (s *script) option(m *coap.Message, word string) {
	key, v, _ := strings.Cut(word, "=")
	n, _ := strconv.Atoi(v)
	switch key {
	case "accept":
		m.Options = m.Options.SetAccept(coap.ContentFormat(n))
	case "ct":
		m.Options = m.Options.SetFormat(coap.ContentFormat(n))
	case "observe":
		m.Options = m.Options.SetUint(coap.Observe, uint32(n))
	case "etag":
		m.Options = m.Options.AddString(coap.ETag, v)
	case "size1":
		m.Options = m.Options.SetUint(coap.Size1, uint32(n))
	case "size2":
		m.Options = m.Options.SetUint(coap.Size2, uint32(n))
	case "block1", "block2":
		num, rest, _ := strings.Cut(v, "/")
		number := coap.Block1
		if key == "block2" {
			number = coap.Block2
		}
		k, _ := strconv.Atoi(num)
		more, size, _ := strings.Cut(rest, "/")
		z, _ := strconv.Atoi(size)
		m.Options = m.Options.SetUint(number, coap.Block{Num: uint32(k), More: more == "true", SZX: coap.SZX(z)}.Uint())
	default:
		s.t.Fatalf("unknown option %q", key)
	}
}

// TypeOf implements format.Typer with the client's own definitions.
func (s *script) TypeOf(p lwm2m.Path) (lwm2m.Kind, bool, bool) {
	if r := s.c.ResourceAt(p); r != nil {
		return r.Kind, r.Multiple, true
	}
	return 0, false, false
}

// lines returns the lines of a script that are not empty.
func lines(text string) (out []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
