package follow

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"heddle.example/internal/trace"
	"heddle.example/machine"
)

// laneKey names a lane before it has a number.
type laneKey struct {
	kind string
	a, b int // of a hop: its nodes, the smaller number first
}

func keyOf(s *seen) laneKey {
	if s.kind != "hop" {
		return laneKey{kind: s.kind}
	}
	return laneKey{s.kind, min(s.from, s.to), max(s.from, s.to)}
}

// atServer is where the server's lanes are.
const atServer = "heddle server"

// build makes the trace of what a snapshot has.
func (f *Follower) build(x *exchange) *trace.Trace {
	t := x.t
	t.Endpoint = f.endpoint(x)
	at := map[laneKey]int{}
	lane := func(k laneKey, name, where string, from, to int) {
		at[k] = len(t.Lanes)
		t.Lanes = append(t.Lanes, trace.Lane{Name: name, Where: where, Kind: k.kind, From: from, To: to})
	}
	border := "border router"
	if x.border != 0 {
		border = f.name(x.border)
	}
	t.At = time.Unix(0, int64(x.origin())).UTC()
	if x.own == nil {
		if x.click() != nil {
			lane(laneKey{kind: "page"}, "Page", "browser", 0, 0)
		}
		lane(laneKey{kind: "rest"}, "REST", atServer, 0, 0)
	}
	lane(laneKey{kind: "lwm2m"}, "LwM2M", atServer, 0, 0)
	for _, l := range []struct{ kind, name, where string }{{"coap", "CoAP", atServer}, {"dtls", "DTLS 1.2", atServer},
		{"ipv4", "IPv4", "between server and border router"}, {"nat64", "NAT64", border}, {"ipv6", "IPv6", border}} {
		if slices.ContainsFunc(x.spans, func(s seen) bool { return s.kind == l.kind }) {
			lane(laneKey{kind: l.kind}, l.name, l.where, 0, 0)
		}
	}
	hops := x.route()
	if len(hops) > 0 {
		lane(laneKey{kind: "6lowpan"}, "6LoWPAN", border, 0, 0)
		t.Route = append(t.Route, hops[0].from)
	}
	for i, h := range hops {
		lane(keyOf(&h), "Hop "+strconv.Itoa(i+1), f.name(h.from)+", "+f.name(h.to), h.from, h.to)
		t.Route = append(t.Route, h.to)
	}
	t.Node = x.node
	if x.node != 0 {
		lane(laneKey{kind: "device"}, "Device", f.name(x.node), 0, 0)
	}
	list := slices.Clone(x.spans)
	list = append(list, f.derived(x, hops)...)
	slices.SortStableFunc(list, func(a, b seen) int { return cmp.Compare(a.begin, b.begin) })
	last, origin := 0, x.origin()
	for i := range list {
		s := &list[i]
		n, ok := at[keyOf(s)]
		if !ok {
			continue
		}
		s.ID, s.Lane, s.Begin, s.End = len(t.Spans)+1, n, since(origin, s.begin), since(origin, s.end)
		if s.Kind != "whole" {
			s.Cause = last
			if s.Kind == "request" || s.Kind == "answer" || s.Kind == "work" {
				last = s.ID
			}
		}
		t.Spans = append(t.Spans, s.Span)
	}
	t.Layers = x.layers(hops)
	t.Sum()
	return &t
}

// since returns microseconds since the beginning. The clocks of a simulated mesh and of the server may differ a little.
func since(origin, at machine.Time) int64 { return max(0, int64(at-origin)/1000) }

func (f *Follower) name(node int) string {
	if f.o.Node != nil {
		if n := f.o.Node(node); n.Name != "" {
			return n.Name
		}
	}
	return "node " + strconv.Itoa(node)
}

// route returns the hops from the border router to the device, each with its first frame.
func (x *exchange) route() []seen {
	var hops []seen
	known := map[laneKey]bool{}
	for _, kind := range []string{x.down(), x.up()} {
		var more []seen
		for _, s := range x.spans {
			if s.kind == "hop" && s.Kind == kind && !known[keyOf(&s)] {
				known[keyOf(&s)] = true
				more = append(more, s)
			}
		}
		if kind == x.up() { // it comes the other way
			slices.Reverse(more)
			for i := range more {
				more[i].from, more[i].to = more[i].to, more[i].from
			}
		}
		hops = append(hops, more...)
	}
	return hops
}

// whole is what a lane had to do with an exchange, from begin to end.
func whole(kind, label string, begin, end machine.Time) seen {
	return seen{Span: trace.Span{Kind: "whole", Label: label}, kind: kind, begin: begin, end: max(begin, end)}
}

// derived are spans that follow from others: what lasts from the question to the answer, how datagrams were cut into
// frames, and what waited for a sleeping child.
func (f *Follower) derived(x *exchange, hops []seen) []seen {
	end := x.end
	for _, s := range x.spans {
		if x.end == 0 {
			end = max(end, s.end)
		}
	}
	var list, coap []seen
	for _, s := range x.spans {
		if s.kind == "coap" {
			coap = append(coap, s)
		}
	}
	if n := len(coap); n > 1 {
		list = append(list, whole("coap", "", coap[0].begin, coap[n-1].end))
	}
	switch n := len(coap); {
	case x.own == nil:
		list = append(append(list, x.above(end)...), whole("lwm2m", x.t.Title, x.began, end))
	case n > 0:
		list = append(list, whole("lwm2m", x.t.Title, coap[0].begin, coap[n-1].end))
	}
	list = append(list, x.onAir(hops)...)
	for i, h := range hops {
		var down, up []seen
		for _, s := range x.spans {
			if s.kind != "hop" || keyOf(&s) != keyOf(&h) {
				continue
			}
			if s.Kind == x.down() {
				down = append(down, s)
			} else {
				up = append(up, s)
			}
		}
		if len(down) > 0 && f.o.Node != nil && f.o.Node(h.to).Sleepy {
			if since := x.before(hops, i, down[0].begin); since != 0 && since < down[0].begin {
				list = append(list, seen{Span: trace.Span{Kind: "wait", Label: "held until the child polls"}, kind: "hop", from: h.from, to: h.to, begin: since, end: down[0].begin},
					seen{Span: trace.Span{Kind: "poll", Label: "the child polls"}, kind: "hop", from: h.to, to: h.from, begin: down[0].begin, end: down[0].begin})
			}
		}
		if i == 0 {
			if n := frames(down); n > 0 {
				list = append(list, seen{Span: trace.Span{Kind: x.down(), Label: fragments(n), Bytes: bytes(down)}, kind: "6lowpan", begin: down[0].begin, end: down[0].begin})
			}
			if n := frames(up); n > 0 {
				last := up[len(up)-1].end
				list = append(list, seen{Span: trace.Span{Kind: x.up(), Label: fragments(n) + " joined", Bytes: bytes(up)}, kind: "6lowpan", begin: last, end: last})
			}
		}
	}
	return list
}

// onAir is how long the mesh had to do with an exchange: from what it was given to the last frame. What a device begins
// leaves the mesh in between, for the server.
func (x *exchange) onAir(hops []seen) (list []seen) {
	parts := []string{""}
	if x.own != nil {
		parts = []string{x.up(), x.down()}
	}
	for _, part := range parts {
		var hop []seen
		for _, s := range x.spans {
			if s.kind == "hop" && (part == "" || s.Kind == part) {
				hop = append(hop, s)
			}
		}
		if len(hop) > 0 {
			last := slices.MaxFunc(hop, func(a, b seen) int { return cmp.Compare(a.end, b.end) })
			first := slices.MinFunc(hop, func(a, b seen) int { return cmp.Compare(a.begin, b.begin) })
			list = append(list, whole("6lowpan", "", cmp.Or(x.given(part, hops, first.begin), first.begin), last.end))
		}
	}
	return list
}

// given returns when the mesh had what its first frame carries; 0: unknown.
func (x *exchange) given(part string, hops []seen, limit machine.Time) (at machine.Time) {
	if x.own == nil || part == x.down() {
		return x.before(hops, 0, limit)
	}
	for _, s := range x.spans {
		if s.kind == "device" && s.end <= limit {
			at = max(at, s.end)
		}
	}
	return at
}

// before returns when what goes to the device was ready for a hop: when the hop before it was over, or when it came into the mesh.
func (x *exchange) before(hops []seen, i int, limit machine.Time) (at machine.Time) {
	for _, s := range x.spans {
		match := i == 0 && s.kind == "ipv6" || i > 0 && s.kind == "hop" && keyOf(&s) == keyOf(&hops[i-1])
		if match && s.Kind == x.down() && s.end <= limit {
			at = max(at, s.end)
		}
	}
	return at
}
