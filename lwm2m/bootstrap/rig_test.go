package bootstrap

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// rig drives a Server in virtual time and writes down all that happens: what a device sends (>), what the server sends
// (<), questions (?) and events (*).
type rig struct {
	t     *testing.T
	s     *Server
	now   machine.Time
	lines []string
	out   []coap.Message
	outTo []machine.Path
	asks  []machine.Action
	ended []*Ended
	mid   uint16
	// answer, where set, answers each question at once.
	answer func(q *Question) (string, *Provision, *Refusal)
	// deliver, where set, takes what is for a device with a stack of its own.
	deliver func(machine.Action) bool
}

const rigStart = machine.Time(1_790_000_000_000_000_000)

var (
	plainAddr  = netip.MustParseAddrPort("192.0.2.1:5783")
	secureAddr = netip.MustParseAddrPort("192.0.2.1:5784")
	device     = machine.Path{Local: plainAddr, Remote: netip.MustParseAddrPort("192.0.2.10:40000")}
)

func newRig(t *testing.T, config Config) *rig {
	t.Helper()
	if config.Rand == nil {
		config.Rand = machinetest.NewRand(1)
	}
	r := &rig{t: t, now: rigStart, s: New(config)}
	r.drain()
	return r
}

// give answers every question with one provision.
func (r *rig) give(p *Provision) {
	r.answer = func(q *Question) (string, *Provision, *Refusal) { return q.Endpoint, p, nil }
}

func (r *rig) logf(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// send is a message from the device.
func (r *rig) send(path machine.Path, m coap.Message) {
	r.t.Helper()
	b, err := m.Append(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.logf("> %s", show(&m))
	r.s.Receive(r.now, 1, path, b)
	for i := range b {
		b[i] = 0xa5
	}
	r.drain()
}

// request is a Bootstrap-Request, or another confirmable request.
func (r *rig) request(code coap.Code, uri string) {
	r.t.Helper()
	r.mid++
	path, query, ok := strings.Cut(uri, "?")
	o := coap.Options{}.AppendPath(path)
	if ok {
		for q := range strings.SplitSeq(query, "&") {
			o = o.AddQuery(q)
		}
	}
	r.send(device, coap.Message{Type: coap.CON, Code: code, ID: r.mid, Options: o})
}

// reply answers the newest request of the server, piggybacked.
func (r *rig) reply(code coap.Code, format int, payload string) {
	r.t.Helper()
	for i := len(r.out) - 1; i >= 0; i-- {
		if q := r.out[i]; q.Code.IsRequest() {
			m := coap.Message{Type: coap.ACK, Code: code, ID: q.ID, Token: q.Token, Payload: []byte(payload)}
			if format >= 0 {
				m.Options = m.Options.SetFormat(coap.ContentFormat(format))
			}
			r.send(r.outTo[i], m)
			return
		}
	}
	r.t.Fatalf("the server asked nothing\n%s", strings.Join(r.lines, "\n"))
}

// links answers a Discover, ok a Delete and changed a Write or a Finish.
func (r *rig) links(payload string) {
	r.t.Helper()
	r.reply(coap.Content, int(coap.LinkFormat), payload)
}
func (r *rig) deleted() { r.t.Helper(); r.reply(coap.Deleted, -1, "") }
func (r *rig) changed() { r.t.Helper(); r.reply(coap.Changed, -1, "") }

func (r *rig) wait(d time.Duration) {
	end := r.now.Add(d)
	for {
		at := r.s.Deadline()
		if at > end {
			break
		}
		r.now = max(r.now, at)
		r.s.Expire(r.now)
		r.drain()
	}
	r.now = end
}

func (r *rig) drain() {
	for {
		a, ok := r.s.Next()
		if !ok {
			return
		}
		switch a.Kind {
		case machine.Send:
			r.sent(a)
		case machine.Ask:
			q := a.Value.(*Question)
			r.logf("? %q from %s", q.Endpoint, who(a.Path))
			r.asks = append(r.asks, a)
			if r.answer != nil {
				name, p, no := r.answer(q)
				r.s.Answer(r.now, a.Cause, a.Op, name, p, no)
			}
		case machine.Event:
			r.logf("* %s", showEvent(a.Value))
			if e, ok := a.Value.(*Ended); ok {
				r.ended = append(r.ended, e)
			}
		}
	}
}

func who(p machine.Path) string {
	if p.Security == nil {
		return "plain"
	}
	return p.Security.Kind.String() + " " + p.Security.Name
}

func (r *rig) sent(a machine.Action) {
	if r.deliver != nil && r.deliver(a) {
		return
	}
	var m coap.Message
	if err := m.Decode(append([]byte(nil), a.Data...)); err != nil {
		r.t.Fatalf("the server sent what cannot be read: %v", err)
	}
	r.logf("< %s", show(&m))
	m.Options = m.Options.Clone()
	r.out, r.outTo = append(r.out, m), append(r.outTo, a.Path)
}

func show(m *coap.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", m.Type)
	switch {
	case m.Code.IsRequest():
		fmt.Fprintf(&b, " %s %s", m.Code.Name(), m.Options.Path())
		sep := "?"
		for q := range m.Options.Queries() {
			b.WriteString(sep)
			b.Write(q)
			sep = "&"
		}
	case m.Code != coap.Empty:
		fmt.Fprintf(&b, " %s", m.Code)
	}
	if f, ok := m.Options.Accepts(); ok {
		fmt.Fprintf(&b, " accept=%d", f)
	}
	if f, ok := m.Options.Format(); ok {
		fmt.Fprintf(&b, " ct=%d", f)
	}
	if len(m.Payload) > 0 {
		if lwm2m.Printable(m.Payload) {
			fmt.Fprintf(&b, " %q", m.Payload)
		} else {
			fmt.Fprintf(&b, " %x", m.Payload)
		}
	}
	return b.String()
}

func showEvent(v any) string {
	switch v := v.(type) {
	case *Began:
		s := fmt.Sprintf("%d began %s by %s in %d", v.Session, v.Endpoint, v.Configuration, v.Format)
		if v.Note != "" {
			s += ", " + v.Note
		}
		return s
	case *Sent:
		return fmt.Sprintf("%d sent %s", v.Session, showStep(&v.Step))
	case *Answered:
		if v.Step.Op == WriteOp {
			v.Step.Entries = nil
		}
		return fmt.Sprintf("%d answered %s", v.Session, showStep(&v.Step))
	case *Ended:
		if v.Err != nil {
			return fmt.Sprintf("%d failed %s: %v", v.Session, v.Endpoint, v.Err)
		}
		return fmt.Sprintf("%d done %s", v.Session, v.Endpoint)
	case *Refused:
		return fmt.Sprintf("refused %q %q %s: %s", v.Endpoint, v.Identity, v.Code, v.Why)
	}
	return fmt.Sprintf("%T", v)
}

func showStep(s *Step) string {
	b := fmt.Sprintf("%d %s %s %s", s.Number, s.Op, s.Method.Name(), s.URI)
	if len(s.Entries) > 0 {
		var parts []string
		for _, e := range s.Entries {
			v := e.Value.String()
			if e.Value.IsNone() {
				v = "*"
			}
			parts = append(parts, fmt.Sprintf("%s=%s", e.Path, v))
		}
		b += " {" + strings.Join(parts, " ") + "}"
	}
	if s.Skipped {
		b += " skipped"
	}
	if s.Code != 0 {
		b += " " + s.Code.String()
	}
	if s.Ignored {
		b += " ignored"
	}
	if s.Why != "" {
		b += fmt.Sprintf(" %q", s.Why)
	}
	if s.Err != nil {
		b += " err=" + strings.TrimPrefix(s.Err.Error(), "lwm2m/bootstrap: ")
	}
	if s.Note != "" {
		b += " (" + s.Note + ")"
	}
	return b
}

// expect compares the transcript since the last call with what should have happened.
func (r *rig) expect(want string) {
	r.t.Helper()
	var lines []string
	for l := range strings.SplitSeq(strings.TrimSpace(want), "\n") {
		lines = append(lines, strings.TrimSpace(l))
	}
	g, w := strings.Join(r.lines, "\n"), strings.Join(lines, "\n")
	r.lines = nil
	if g != w {
		r.t.Fatalf("transcript:\n%s\nwant:\n%s", g, w)
	}
}

func (r *rig) forget() { r.lines = nil }

// account is a server with a key, as a configuration gives it.
func account(short uint16, security, server uint16) Account {
	return Account{ShortID: short, SecurityInstance: security, ServerInstance: server,
		Security: []Resource{{ID: SecurityURI, Value: lwm2m.Str("coaps://[2001:db8::1]:5684")}, {ID: SecurityIsBootstrap, Value: lwm2m.Bool(false)},
			{ID: SecurityMode, Value: lwm2m.Int(0)}, {ID: SecurityPublic, Value: lwm2m.Bytes([]byte("id"))},
			{ID: SecuritySecret, Value: lwm2m.Bytes([]byte("0123456789abcdef"))}, {ID: SecurityShortID, Value: lwm2m.Int(int64(short))}},
		Server: []Resource{{ID: ServerShortID, Value: lwm2m.Int(int64(short))}, {ID: 1, Value: lwm2m.Int(300)}, {ID: 7, Value: lwm2m.Str("U")}}}
}
