package server

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sort"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// rig drives a Server in virtual time and writes down all that happens: what a device sends (>), what the server sends
// (<), commits (=), events (*) and results (#). Sends wait for their commit as with a real driver.
type rig struct {
	t      *testing.T
	s      *Server
	now    machine.Time
	start  machine.Time
	gate   machine.Gate
	asked  machine.Seq
	lines  []string
	disk   map[string][]byte // "table key" -> value
	queue  []machine.Action  // Persist actions not yet on disk
	auto   bool              // commit at once
	out    []coap.Message    // what was sent, newest last
	outTo  []machine.Path
	events []any
	result map[machine.OpID]*Outcome
	names  map[machine.OpID]int
	mid    uint16
	asks   []machine.Action
	// deliver, where set, takes what is for a device with a stack of its own.
	deliver func(machine.Action) bool
}

var (
	serverAddr = netip.MustParseAddrPort("192.0.2.1:5683")
	deviceAddr = netip.MustParseAddrPort("192.0.2.10:40000")
	device     = machine.Path{Local: serverAddr, Remote: deviceAddr}
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

const rigStart = machine.Time(1_790_000_000_000_000_000)

func newRig(t *testing.T, config Config) *rig {
	t.Helper()
	if config.Rand == nil {
		config.Rand = machinetest.NewRand(1)
	}
	r := &rig{t: t, now: rigStart, start: rigStart, disk: map[string][]byte{}, result: map[machine.OpID]*Outcome{}, auto: true}
	r.s = New(config)
	r.drain()
	return r
}

// restart is kill -9 and a new server on the same disk.
func (r *rig) restart(config Config) {
	r.t.Helper()
	if config.Rand == nil {
		config.Rand = machinetest.NewRand(2)
	}
	r.logf("-- restart")
	r.names = nil
	r.s, r.gate, r.asked, r.queue = New(config), machine.Gate{}, 0, nil
	var keys []string
	for k := range r.disk {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		table, key, _ := strings.Cut(k, " ")
		if err := r.s.Restore(r.now, machine.Table(table), []byte(key), r.disk[k]); err != nil {
			r.t.Fatal(err)
		}
	}
	r.s.Started(r.now)
	r.drain()
}

func (r *rig) logf(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// send is a message from a device.
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

// request is a confirmable request with the next message id and no token.
func (r *rig) request(path machine.Path, code coap.Code, uri string, payload string) {
	r.t.Helper()
	r.mid++
	m := coap.Message{Type: coap.CON, Code: code, ID: r.mid, Options: uriOptions(uri), Payload: []byte(payload)}
	if payload != "" {
		m.Options = m.Options.SetFormat(coap.LinkFormat)
	}
	r.send(path, m)
}

func uriOptions(uri string) coap.Options {
	path, query, ok := strings.Cut(uri, "?")
	o := coap.Options{}.AppendPath(path)
	if ok {
		for q := range strings.SplitSeq(query, "&") {
			o = o.AddQuery(q)
		}
	}
	return o
}

// answer replies to the newest request of the server, piggybacked.
func (r *rig) answer(code coap.Code, options coap.Options, payload []byte) {
	r.t.Helper()
	for i := len(r.out) - 1; i >= 0; i-- {
		if q := r.out[i]; q.Code.IsRequest() {
			r.send(r.outTo[i], coap.Message{Type: coap.ACK, Code: code, ID: q.ID, Token: q.Token, Options: options, Payload: payload})
			return
		}
	}
	r.t.Fatalf("the server asked nothing\n%s", strings.Join(r.lines, "\n"))
}

func (r *rig) last() coap.Message { return r.out[len(r.out)-1] }

// lastReply is the newest response of the server.
func (r *rig) lastReply() coap.Message {
	r.t.Helper()
	for i := len(r.out) - 1; i >= 0; i-- {
		if r.out[i].Code.IsResponse() {
			return r.out[i]
		}
	}
	r.t.Fatalf("the server answered nothing\n%s", strings.Join(r.lines, "\n"))
	panic("unreachable")
}

// register registers an endpoint and returns its location.
func (r *rig) register(path machine.Path, ep, params, links string) string {
	r.t.Helper()
	r.request(path, coap.POST, "/rd?ep="+ep+params, links)
	m := r.lastReply()
	if m.Code != coap.Created {
		r.t.Fatalf("Register is answered %s %q", m.Code, m.Payload)
	}
	return m.Options.Location()
}

func (r *rig) do(ep string, op *Operation) machine.OpID {
	id := r.s.Do(r.now, 2, ep, op)
	r.drain()
	return id
}

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

func (r *rig) commit() {
	for len(r.queue) > 0 {
		queue := r.queue
		r.queue = nil
		for _, a := range queue {
			for _, rec := range a.Records {
				if k := string(rec.Table) + " " + string(rec.Key); rec.Value == nil {
					delete(r.disk, k)
				} else {
					r.disk[k] = rec.Value
				}
			}
			var free []machine.Action // what they lead to may come back at once
			r.gate.Persisted(a.Seq, func(a machine.Action) { free = append(free, a) })
			for _, a := range free {
				r.sent(a)
			}
			r.s.Persisted(r.now, a.Seq)
			r.drainOnly()
		}
	}
}

func (r *rig) fail(err error) {
	seq := r.queue[0].Seq
	r.queue = nil
	r.logf("= failed")
	r.gate.PersistFailed(seq)
	r.s.PersistFailed(r.now, seq, err)
	r.drain()
}

func (r *rig) drain() {
	r.drainOnly()
	if r.auto {
		r.commit()
	}
}

func (r *rig) drainOnly() {
	for {
		a, ok := r.s.Next()
		if !ok {
			return
		}
		switch a.Kind {
		case machine.Send:
			if r.gate.Pass(a) {
				r.sent(a)
			}
		case machine.Persist:
			if a.Seq <= r.asked {
				r.t.Fatalf("commit %d after %d", a.Seq, r.asked)
			}
			r.asked = a.Seq
			for i, rec := range a.Records {
				// The store copies: the slices live until the next input.
				a.Records[i].Key, a.Records[i].Value = append([]byte(nil), rec.Key...), cloneValue(rec.Value)
				if rec.Table != sessionTable {
					r.logf("= %s %s%s", rec.Table, r.showKey(rec.Table, rec.Key), map[bool]string{true: " removed"}[rec.Value == nil])
				}
			}
			r.queue = append(r.queue, a)
		case machine.Event:
			r.events = append(r.events, a.Value)
			switch a.Value.(type) {
			case *QueueChanged, *QueueRestored:
				continue // the transcript has the requests themselves
			}
			r.logf("* %s", r.showEvent(a.Value))
		case machine.Ask:
			r.asks = append(r.asks, a)
			f := a.Value.(*Fetch)
			r.logf("? fetch %q %v", f.Endpoint, f.ID != RegistrationID{})
		case machine.Result:
			if r.result[a.Op] != nil {
				r.t.Fatalf("operation %d has a second result", a.Op)
			}
			o := a.Value.(*Outcome)
			r.result[a.Op] = o
			r.logf("# %d %s", r.name(a.Op), showOutcome(o))
		}
	}
}

// name is an operation's number in the transcript. Ids begin at the clock after a restart.
func (r *rig) name(id machine.OpID) int {
	if r.names == nil {
		r.names = map[machine.OpID]int{}
	}
	if id >= 1<<20 && r.names[id] == 0 {
		r.names[id] = 1 + len(r.names)
	} else if id < 1<<20 {
		return int(id)
	}
	return r.names[id]
}

func cloneValue(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func (r *rig) showKey(table machine.Table, key []byte) string {
	id := func(b []byte) int { return r.name(machine.OpID(binary.BigEndian.Uint64(b))) }
	switch table {
	case QueueTable:
		return fmt.Sprintf("%q %d", key[:len(key)-9], id(key[len(key)-8:]))
	case ResultTable:
		return fmt.Sprint(id(key))
	}
	return fmt.Sprintf("%q", key)
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

// show is one line about a message: tokens and message ids are left out of the server's own, since they are random.
func show(m *coap.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", m.Type)
	if m.Code != coap.Empty {
		fmt.Fprintf(&b, " %s", m.Code)
		if m.Code.IsRequest() {
			b.Reset()
			fmt.Fprintf(&b, "%s %s", m.Type, m.Code.Name())
		}
	}
	if m.Code.IsRequest() {
		b.WriteByte(' ')
		b.WriteString(m.Options.Path())
		sep := "?"
		for q := range m.Options.Queries() {
			b.WriteString(sep)
			b.Write(q)
			sep = "&"
		}
	}
	if l := m.Options.Location(); l != "/" {
		b.WriteString(" location " + l)
	}
	if n, ok := m.Options.GetUint(coap.Observe); ok {
		fmt.Fprintf(&b, " observe=%d", n)
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

func (r *rig) showEvent(v any) string {
	switch v := v.(type) {
	case *Registered:
		s := fmt.Sprintf("registered %s %s %v %s", v.Registration.Endpoint, v.Registration.Version, v.Registration.Lifetime, v.Registration.Binding)
		if v.Registration.Queue {
			s += " queue"
		}
		if v.Replaced != nil {
			s += " replaces " + fmt.Sprint(v.Replaced.ID != v.Registration.ID)
		}
		return s
	case *Updated:
		return fmt.Sprintf("updated %s changed=%v %v", v.Registration.Endpoint, v.Changed, v.Registration.Lifetime)
	case *Deregistered:
		return fmt.Sprintf("ended %s: %s", v.Registration.Endpoint, v.Reason)
	case *Moved:
		return fmt.Sprintf("moved %s to %s", v.Registration.Endpoint, v.Registration.Path.Remote)
	case *Refused:
		return fmt.Sprintf("refused %q %q %s: %s", v.Endpoint, v.Identity, v.Code, v.Why)
	case *Notified:
		return fmt.Sprintf("notified %s %s %s %s err=%v", v.Registration.Endpoint, v.Observation.Path, v.Code, showEntries(v.Entries), v.Err)
	case *Sent:
		return fmt.Sprintf("sent %s %s", v.Registration.Endpoint, showEntries(v.Entries))
	case *ObservationChanged:
		return fmt.Sprintf("observation %s %s %s err=%v", v.Endpoint, v.Observation.Path, v.Observation.State, v.Err)
	case *Message:
		return fmt.Sprintf("message %s out=%v %d bytes", v.Endpoint, v.Out, len(v.Raw))
	case *Presence:
		if v.Awake {
			return fmt.Sprintf("awake %s for %v", v.Endpoint, v.Until.Sub(v.At))
		}
		return "asleep " + v.Endpoint
	case *Kept:
		return fmt.Sprintf("kept %d %s %s %s as %d of %d, expires after %v", r.name(v.ID), v.Endpoint, v.Op, v.Path, v.Position, v.Left, v.Expires.Sub(v.QueuedAt))
	case *SessionClosed:
		return fmt.Sprintf("session closed %s: %v", v.Registration.Endpoint, v.Why)
	}
	return fmt.Sprintf("%T", v)
}

func showOutcome(o *Outcome) string {
	s := fmt.Sprintf("%s %s %s", o.Endpoint, o.Op, o.Path)
	if o.Code != 0 {
		s += " " + o.Code.String()
	}
	if len(o.Entries) > 0 {
		s += " " + showEntries(o.Entries)
	}
	for _, l := range o.Links {
		s += " " + l.String()
	}
	if o.Location != lwm2m.Root {
		s += " location " + o.Location.String()
	}
	if o.Err != nil {
		s += " err=" + strings.TrimPrefix(o.Err.Error(), "lwm2m/server: ")
	}
	return s
}

func showEntries(entries []lwm2m.Entry) string {
	var parts []string
	for _, e := range entries {
		s := fmt.Sprintf("%s=%s", e.Path, e.Value)
		if e.Time != 0 {
			s += "@" + machine.Time(e.Time).Sub(rigStart).String()
		}
		parts = append(parts, s)
	}
	return "{" + strings.Join(parts, " ") + "}"
}

// expect compares the transcript since the last call with what should have happened. Random ids of registrations are
// written as ID.
func (r *rig) expect(want string) {
	r.t.Helper()
	var got []string
	for _, l := range r.lines {
		if i := strings.Index(l, "/rd/"); i >= 0 && len(l) >= i+4+idLen {
			if _, ok := ParseRegistrationID([]byte(l[i+4 : i+4+idLen])); ok {
				l = l[:i] + "/rd/ID" + l[i+4+idLen:]
			}
		}
		got = append(got, l)
	}
	r.lines = nil
	var lines []string
	for l := range strings.SplitSeq(strings.TrimSpace(want), "\n") {
		lines = append(lines, strings.TrimSpace(l))
	}
	if g, w := strings.Join(got, "\n"), strings.Join(lines, "\n"); g != w {
		r.t.Fatalf("transcript:\n%s\nwant:\n%s", g, w)
	}
}

func (r *rig) forget() { r.lines = nil }
