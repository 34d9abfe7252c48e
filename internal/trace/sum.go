package trace

import (
	"cmp"
	"slices"
)

// Sum fills Took, Retries, Frames, OnAir and Parts from the spans. Each instant belongs to one part: to waiting where the
// exchange waited, else to the lowest lane that was at work then.
func (t *Trace) Sum() {
	t.Retries, t.Frames, t.OnAir = 0, 0, 0
	var edges []int64
	for i := range t.Spans {
		s := &t.Spans[i]
		edges = append(edges, s.Begin, s.End)
		if s.Lane < 0 || s.Lane >= len(t.Lanes) || t.Lanes[s.Lane].Kind != "hop" || s.Kind != "request" && s.Kind != "answer" {
			continue
		}
		t.Frames++
		t.OnAir += s.Bytes
		if s.Try > 1 {
			t.Retries++
		}
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	if len(edges) > 0 && t.State != "running" {
		t.Took = edges[len(edges)-1]
	}
	took := map[string]int64{}
	for i := 1; i < len(edges); i++ {
		took[t.busy(edges[i-1], edges[i])] += edges[i] - edges[i-1]
	}
	t.Parts = t.Parts[:0]
	for kind, us := range took {
		if kind != "" {
			t.Parts = append(t.Parts, Part{Kind: kind, Name: partNames[kind], Took: us})
		}
	}
	slices.SortFunc(t.Parts, func(a, b Part) int { return cmp.Or(cmp.Compare(b.Took, a.Took), cmp.Compare(a.Kind, b.Kind)) })
}

var partNames = map[string]string{"wait": "waiting for the sleepy child", "radio": "radio", "device": "device", "page": "page",
	"server": "server", "network": "IPv4 and NAT64"}

var partOf = map[string]string{"page": "page", "rest": "server", "lwm2m": "server", "coap": "server", "dtls": "server",
	"ipv4": "network", "nat64": "network", "ipv6": "network", "6lowpan": "radio", "hop": "radio", "device": "device"}

// atWork is what a lane that is known to work weighs more than one that is only under way.
const atWork = 1000

// busy returns the part that the time between two edges belongs to.
func (t *Trace) busy(begin, end int64) string {
	best, rank, waits := "", -1, false
	for i := range t.Spans {
		s := &t.Spans[i]
		if s.Begin > begin || s.End < end || s.Lane < 0 || s.Lane >= len(t.Lanes) {
			continue
		}
		r := s.Lane
		switch s.Kind {
		case "wait":
			waits = true
			continue
		case "poll":
			continue
		case "whole": // only where nothing else is known
		default:
			r += atWork
		}
		if r > rank {
			best, rank = partOf[t.Lanes[s.Lane].Kind], r
		}
	}
	if waits && rank < atWork {
		return "wait"
	}
	return best
}
