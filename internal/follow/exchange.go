package follow

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/internal/trace"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// exchange is an operation that is followed.
type exchange struct {
	t       trace.Trace
	id      string
	server  machine.Cause
	mesh    machine.Cause
	began   machine.Time
	end     machine.Time // 0: it goes on
	node    int          // the device's
	border  int
	asked   machine.Time // when the server spoke last
	skew    machine.Time // what the mesh's clock is behind the server's, at least
	turned  machine.Time // when who was asked had the request; 0: it has not
	spans   []seen
	packets []packet
	said    sizes // by the device
	own     *own  // of what the device began; nil: the server did
	// observes says that notifications follow.
	observes bool
	// received and replied are when the REST interface had the request and the answer; 0: it had none, or not yet.
	received, replied machine.Time
	page              *trace.Page // what the page measured; nil: nobody clicked
}

// sizes are those of a message at each layer.
type sizes struct{ value, coap, datagram, outside, inside int }

// seen is a span with its lane by name: lanes are numbered when the trace is built.
type seen struct {
	trace.Span
	kind     string // of the lane
	from, to int    // of a hop
	begin    machine.Time
	end      machine.Time
}

// packet is one of a capture.
type packet struct {
	at      machine.Time
	where   string
	channel uint8 // 0: an IP packet
	rssi    int8
	ext     ieee802154.ExtAddr // of a frame's sender
	b       []byte
}

func (f *Follower) newExchange(now machine.Time, id, op, path string) *exchange {
	f.causes++
	x := &exchange{id: id, mesh: ours | f.causes, began: now}
	x.t = trace.Trace{ID: id, Title: strings.TrimSpace(title(op) + " " + path), Op: op, Path: path, At: time.Unix(0, int64(now)).UTC(), State: "running"}
	return x
}

func title(op string) string { return strings.ToUpper(op[:1]) + op[1:] }

// down is the kind of what goes to the device, and up of what comes from it.
func (x *exchange) down() string {
	if x.own != nil {
		return "answer"
	}
	return "request"
}

func (x *exchange) up() string {
	if x.own != nil {
		return "request"
	}
	return "answer"
}

// late is how long after its result an exchange still has frames: the last acknowledgement. What comes later has its cause,
// too, but is another exchange: a notification of what was observed.
const late = machine.Time(200 * time.Millisecond)

// over reports whether something is too late to be part of the exchange.
func (x *exchange) over(at machine.Time) bool { return x.end != 0 && at > x.end+late }

// maxSpans bounds what one exchange holds, whatever its radio does.
const maxSpans = 600

// add notes a span and returns its index, or -1.
func (x *exchange) add(s seen) int {
	if len(x.spans) == maxSpans {
		return -1
	}
	s.end = max(s.end, s.begin)
	x.spans = append(x.spans, s)
	return len(x.spans) - 1
}

// close ends a span.
func (x *exchange) close(i int, now machine.Time) {
	if i >= 0 && i < len(x.spans) {
		x.spans[i].end = max(x.spans[i].begin, now)
	}
}

func (x *exchange) keep(p packet) {
	if len(x.packets) < maxPackets {
		p.b = slices.Clone(p.b)
		x.packets = append(x.packets, p)
	}
}

// side is the kind of a transmission: one of the request, or of the answer, that began at an instant. The end of a frame is
// told of after its receiver has worked on it.
func (x *exchange) side(began machine.Time) string {
	if x.turned != 0 && began >= x.turned {
		return "answer"
	}
	return "request"
}

func message(b []byte) string {
	var m coap.Message
	if err := m.Decode(b); err != nil {
		return fmt.Sprintf("%d B", len(b))
	}
	text := fmt.Sprintf("%v 0x%04x", m.Type, m.ID)
	switch {
	case m.Code == coap.Empty:
	case m.Code.Class() == 0:
		text += " " + m.Code.Name()
	default:
		text += " " + m.Code.String() + " " + m.Code.Name()
	}
	return fmt.Sprintf("%s, %d B", text, len(b))
}

// asks notes what the server says, and returns the span of its way to the border router.
func (f *Follower) asks(x *exchange, now machine.Time, p plain, b []byte) int {
	path := p.path
	now = max(now, p.at)
	x.asked = now
	if x.own == nil {
		x.turned = 0 // the next block, or the same once more
	}
	if x.observes {
		f.observe(x.t.Path, p.b)
	}
	down := x.down()
	x.add(seen{Span: trace.Span{Kind: down, Label: message(p.b), Bytes: len(p.b), Raw: hex.EncodeToString(p.b)}, kind: "coap", begin: p.at, end: now})
	if path.Security != nil {
		x.add(seen{Span: trace.Span{Kind: down, Label: fmt.Sprintf("seal, %s, %d B", record(b), len(b)), Bytes: len(b)}, kind: "dtls", begin: p.at, end: now})
	}
	x.keep(packet{at: p.at, where: openedName, b: opened(path, true, p.b)})
	return x.add(seen{Span: trace.Span{Kind: down, Label: fmt.Sprintf("UDP to %v, %d B", path.Remote, len(b)+udpHeader), Bytes: len(b) + udpHeader}, kind: "ipv4", begin: now, end: now})
}

// answered notes what the server has read.
func (x *exchange) answered(now machine.Time, p plain, b []byte) {
	up := x.up()
	if p.path.Security != nil {
		x.add(seen{Span: trace.Span{Kind: up, Label: fmt.Sprintf("open, %d B", p.size), Bytes: p.size}, kind: "dtls", begin: p.at, end: now})
	}
	x.add(seen{Span: trace.Span{Kind: up, Label: message(b), Bytes: len(b), Raw: hex.EncodeToString(b)}, kind: "coap", begin: p.at, end: now})
	x.keep(packet{at: now, where: openedName, b: opened(p.path, false, b)})
	x.said.coap, x.said.datagram = len(b), p.size
	var m coap.Message
	if m.Decode(b) == nil {
		x.said.value = len(m.Payload)
	}
	if x.own != nil {
		x.read(now)
	}
}

// record says what a DTLS record is.
func record(b []byte) string {
	if len(b) > 0 && b[0] == recordCID {
		return "CID"
	}
	return "record"
}

const (
	recordCID = 25 // RFC 9146 section 4
	udpHeader = 8
)

// enters notes a packet at the border router, on its way in.
func (x *exchange) enters(now machine.Time, node int, u *udp, b []byte, way int) {
	// A mesh that keeps step with the clock is a little behind it.
	x.behind(x.asked - now)
	now += x.skew
	x.close(way, now)
	if x.border = node; way >= 0 && !u.four {
		x.spans[way].kind = "ipv6"
	}
	x.keep(packet{at: now, where: "outside of the border router", b: b})
	down := x.down()
	if u.four {
		x.add(seen{Span: trace.Span{Kind: down, Label: fmt.Sprintf("%v to the mesh, %d B", u.to, len(b)+wider), Bytes: len(b)}, kind: "nat64", begin: now, end: now})
	}
	x.add(seen{Span: trace.Span{Kind: down, Label: fmt.Sprintf("into the mesh, %d B", x.inside(u, b)), Bytes: x.inside(u, b)}, kind: "ipv6", begin: now, end: now})
}

// wider is what an IPv6 header has more than an IPv4 header.
const wider = 20

// inside returns the size of a packet in the mesh.
func (x *exchange) inside(u *udp, b []byte) int {
	if u.four {
		return len(b) + wider
	}
	return len(b)
}

// leaves notes a packet at the border router, on its way out, and returns the span of its way to the server.
func (x *exchange) leaves(now machine.Time, node int, u *udp, b []byte) int {
	now += x.skew
	if x.border = node; x.own == nil && x.turned == 0 {
		x.turned = now // the device shows nothing of itself
	}
	up := x.up()
	x.said.inside = x.inside(u, b)
	x.said.outside = len(b)
	x.add(seen{Span: trace.Span{Kind: up, Label: fmt.Sprintf("%d B", x.said.inside), Bytes: x.said.inside}, kind: "ipv6", begin: now, end: now})
	kind := "ipv6"
	if u.four {
		kind = "ipv4"
		x.add(seen{Span: trace.Span{Kind: up, Label: fmt.Sprintf("%d to %d B", x.said.inside, len(b)), Bytes: len(b)}, kind: "nat64", begin: now, end: now})
	}
	x.keep(packet{at: now, where: "outside of the border router", b: b})
	return x.add(seen{Span: trace.Span{Kind: up, Label: fmt.Sprintf("UDP from %v, %d B", u.from, len(b)), Bytes: len(b)}, kind: kind, begin: now, end: now})
}

// hop notes a transmission.
func (x *exchange) hop(h *mesh.Hop) {
	if h.To == nil || h.Err == radio.ChannelBusy && h.Start == 0 {
		return // address queries and the like
	}
	if x.over(h.Start + x.skew) {
		return
	}
	s := seen{kind: "hop", from: h.From.Number(), to: h.To.Number(), begin: h.Start + x.skew, end: h.End + x.skew}
	s.Span = trace.Span{Kind: x.side(s.begin), Bytes: len(h.Frame.PSDU), Try: h.Try, Lost: h.Err == radio.NoAck, RSSI: h.RSSI, Channel: h.Frame.Channel}
	describe(&s.Span, h.Frame)
	x.add(s)
	x.keep(packet{at: s.begin, where: h.From.Name(), channel: h.Frame.Channel, rssi: h.RSSI, ext: h.Ext, b: h.Frame.PSDU})
}

// device notes what the device reads or says.
func (x *exchange) device(now machine.Time, node int, out bool, b []byte) {
	if now += x.skew; x.over(now) {
		return
	}
	if x.node = node; x.turned == 0 {
		x.turned = now
	}
	if out {
		for i := range slices.Backward(x.spans) {
			if s := &x.spans[i]; s.kind == "device" {
				s.end, s.Label = max(s.begin, now), "open, carry out, seal"
				return
			}
		}
	}
	x.add(seen{Span: trace.Span{Kind: "work", Label: "open " + message(b)}, kind: "device", begin: now, end: now})
}

func (x *exchange) ended(now machine.Time, out *server.Outcome) {
	code := ""
	if out.Code != 0 {
		code = out.Code.String() + " " + out.Code.Name()
	} else if out.Err != nil {
		code = strings.TrimPrefix(out.Err.Error(), "lwm2m/server: ")
	}
	x.finish(now, out.Err == nil && out.Code.IsSuccess(), code)
}

func (x *exchange) finish(now machine.Time, ok bool, code string) {
	x.end, x.t.Code, x.t.State = now, code, "done"
	if !ok {
		x.t.State = "failed"
	}
}
