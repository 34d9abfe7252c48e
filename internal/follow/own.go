package follow

import (
	"strconv"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/internal/trace"
	"heddle.example/machine"
)

// own is what an exchange has that a device began by itself: a registration, an Update, a notification, a Send.
type own struct {
	typ   coap.Type
	id    uint16
	token coap.Token
}

// abandoned is after how long a device has given up to send a message again: MAX_TRANSMIT_WAIT, RFC 7252 section 4.8.2. It
// says so to nobody.
const abandoned = machine.Time(93 * time.Second)

// maxObserved bounds what is known of which token observes which path.
const maxObserved = 1024

// ofDevice takes in a message that a device says or hears, and returns the exchange that it is part of, if the device began
// that itself.
func (f *Follower) ofDevice(now machine.Time, cause machine.Cause, node int, out bool, b []byte) *exchange {
	var m coap.Message
	if m.Decode(b) != nil {
		return nil
	}
	if !out {
		x := f.awaits(now, node, &m)
		if x != nil {
			x.hears(now, &m, b)
		}
		return x
	}
	op, path := f.begins(cause, &m)
	if op == "" {
		return nil
	}
	x := f.goesOn(now, node, op, &m)
	if x == nil {
		x = f.beginsOwn(now, node, op, path, &m)
	}
	x.own = &own{m.Type, m.ID, m.Token}
	x.says(now, b)
	return x
}

// begins says what a message of a device is, if it is one that begins something.
func (f *Follower) begins(cause machine.Cause, m *coap.Message) (op, path string) {
	if m.Code.Class() != 0 { // RFC 7641 section 4.2; what is acknowledged and answered in one is an answer
		if x := f.byMesh[cause]; !m.Options.Has(coap.Observe) || m.Type == coap.ACK || x != nil && x.own == nil && x.end == 0 {
			return "", ""
		}
		return "notify", f.observed[m.Token]
	}
	path = m.Options.Path()
	place, registered := strings.CutPrefix(path, "/rd/") // LwM2M 1.1 Core, tables 6.2.1 to 6.2.3; 6.4.5
	switch {
	case m.Code == coap.POST && path == "/rd":
		return "register", path
	case m.Code == coap.POST && path == "/dp":
		return "send", path
	case registered && m.Code == coap.POST && place != "":
		return "update", path
	case registered && m.Code == coap.DELETE && place != "":
		return "deregister", path
	}
	return "", ""
}

// goesOn returns the exchange that a message belongs to since it is the same once more, or a later block.
func (f *Follower) goesOn(now machine.Time, node int, op string, m *coap.Message) *exchange {
	block, _ := m.Options.Block(coap.Block1)
	return f.running(now, node, func(x *exchange) bool {
		return x.t.Op == op && (x.own.id == m.ID || block.Num > 0)
	})
}

// awaits returns the exchange that a message to a device answers.
func (f *Follower) awaits(now machine.Time, node int, m *coap.Message) *exchange {
	return f.running(now, node, func(x *exchange) bool {
		switch {
		case m.Code == coap.Empty:
			return x.own.id == m.ID && (m.Type == coap.RST || m.Type == coap.ACK)
		case m.Code.Class() == 0:
			return false
		}
		return x.own.token == m.Token
	})
}

// running returns the latest exchange that a device began and that is not over.
func (f *Follower) running(now machine.Time, node int, is func(*exchange) bool) *exchange {
	for i := len(f.list) - 1; i >= 0; i-- {
		if x := f.list[i]; x.own != nil && x.node == node && x.end == 0 && now-x.began < abandoned && is(x) {
			return x
		}
	}
	return nil
}

func (f *Follower) beginsOwn(now machine.Time, node int, op, path string, m *coap.Message) *exchange {
	f.begun++
	x := f.newExchange(now, "d"+strconv.Itoa(f.begun), op, path)
	x.t.Kind, x.node = trace.Notification, node
	if op != "notify" {
		x.t.Kind, x.t.Title = trace.ByDevice, title(op) // its path says no more
	}
	for q := range m.Options.Queries() {
		if name, ok := strings.CutPrefix(string(q), "ep="); ok && op == "register" {
			f.endpoints[node] = name
		}
	}
	x.t.Endpoint = f.endpoints[node]
	x.own = &own{}
	f.remember(x)
	return x
}

// says notes a message that the device has for the server.
func (x *exchange) says(now machine.Time, b []byte) {
	x.turned = 0 // the next block, or the same once more
	now += x.skew
	x.add(seen{Span: trace.Span{Kind: "work", Label: "seal " + message(b)}, kind: "device", begin: now, end: now})
}

// hears notes what the device has in answer.
func (x *exchange) hears(now machine.Time, m *coap.Message, b []byte) {
	now += x.skew
	x.add(seen{Span: trace.Span{Kind: "work", Label: "open " + message(b)}, kind: "device", begin: now, end: now})
	switch {
	case m.Type == coap.RST:
		x.finish(now, false, "rejected")
	case m.Code == coap.Empty: // of a request: the response comes apart
		if x.t.Op == "notify" {
			x.finish(now, true, "acknowledged")
		}
	case m.Code != coap.Continue:
		x.finish(now, m.Code.IsSuccess(), m.Code.String()+" "+m.Code.Name())
	}
}

// read notes a message of the device that the server has read.
func (x *exchange) read(now machine.Time) {
	if x.turned == 0 {
		x.turned = now
	}
	if x.own.typ == coap.NON && x.t.Op == "notify" {
		x.finish(now, true, "arrived")
	}
}

// observe remembers the path that a token stands for in notifications.
func (f *Follower) observe(path string, request []byte) {
	var m coap.Message
	if m.Decode(request) != nil || m.Code.Class() != 0 {
		return
	}
	if len(f.observed) >= maxObserved {
		clear(f.observed) // their notifications have no path in the title
	}
	f.observed[m.Token] = path
}

// behind notes that the mesh's clock is behind the server's, by so much at least.
func (x *exchange) behind(by machine.Time) {
	if by > x.skew {
		x.catchUp(by - x.skew)
		x.skew = by
	}
}

// catchUp moves what was seen in the mesh until now, but no further than to when the server had it.
func (x *exchange) catchUp(by machine.Time) {
	if x.own == nil {
		return // nothing was seen there before the server asked
	}
	atServer := func(s *seen) bool { return s.kind == "coap" || s.kind == "dtls" || s.Kind == x.down() }
	isWay := func(s *seen) bool {
		return s.Kind == x.up() && s.end > s.begin && (s.kind == "ipv4" || s.kind == "ipv6")
	}
	for i := range x.spans {
		if s := &x.spans[i]; isWay(s) {
			by = min(by, s.end-s.begin)
		}
	}
	for i := range x.spans {
		switch s := &x.spans[i]; {
		case isWay(s):
			s.begin += by
		case !atServer(s):
			s.begin, s.end = s.begin+by, s.end+by
		}
	}
	for i := range x.packets {
		if p := &x.packets[i]; p.where != openedName {
			p.at += by
		}
	}
	x.began += by
}
