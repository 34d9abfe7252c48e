package simulate

import (
	"fmt"
	"io"
	"slices"
	"time"

	"heddle.example/sim"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread/neighbor"
)

// Report is what came of a run.
type Report struct {
	Virtual, Real time.Duration
	Roles         map[string]int
	Partitions    map[uint32]int
	Detached      int
	Radio         mesh.Stats
	Counts        mesh.Counts // of all radios together
	Kinds         []KindReport
	History       []Moment
	Failures      []string
	Captured      uint64
	LwM2M         *LwM2MReport // nil: no devices
	Transcript    []string
}

// KindReport is what nodes of one kind spent.
type KindReport struct {
	Kind   string
	Nodes  int
	Energy mesh.Energy // the mean
}

// Moment is when the partitions changed.
type Moment struct {
	At         time.Duration
	Partitions int
	Routers    int
	Attached   int
	Detached   int
}

// history notes when the partitions or the number of the attached changed.
type history struct {
	start time.Duration
	list  []Moment
}

func watch(net *network.Network) *history { return &history{} }

func (h *history) look(net *network.Network) {
	sizes, detached := net.Partitions()
	m := Moment{Partitions: len(sizes), Detached: detached, At: net.World.Now().Sub(sim.Start)}
	for _, n := range sizes {
		m.Attached += n
	}
	m.Routers, _ = net.Routers()
	if n := len(h.list); n > 0 {
		l := h.list[n-1]
		if l.Partitions == m.Partitions && l.Detached == m.Detached && l.Attached == m.Attached {
			return
		}
	}
	h.list = append(h.list, m)
}

// historyShown is how many moments a report prints.
const historyShown = 20

func report(net *network.Network, h *history, virtual, real time.Duration) *Report {
	r := &Report{Virtual: virtual, Real: real, Roles: map[string]int{}, Radio: net.Stats(), History: h.list, Transcript: net.World.Transcript()}
	r.Partitions, r.Detached = net.Partitions()
	kinds := map[network.Kind]*KindReport{}
	for _, n := range net.Members() {
		r.Roles[n.Role().String()]++
		c := n.Counts()
		r.Counts.Sent += c.Sent
		r.Counts.Acked += c.Acked
		r.Counts.NoAck += c.NoAck
		r.Counts.Busy += c.Busy
		r.Counts.Retries += c.Retries
		r.Counts.Received += c.Received
		r.Counts.Missed += c.Missed
		k := kinds[n.Kind()]
		if k == nil {
			k = &KindReport{Kind: n.Kind().String()}
			kinds[n.Kind()] = k
		}
		k.Nodes++
		e := n.Energy()
		k.Energy.Off += e.Off
		k.Energy.Sleep += e.Sleep
		k.Energy.Receive += e.Receive
		k.Energy.Transmit += e.Transmit
	}
	for _, kind := range []network.Kind{network.Router, network.FED, network.MED, network.SED} {
		if k := kinds[kind]; k != nil {
			d := time.Duration(k.Nodes)
			k.Energy = mesh.Energy{Off: k.Energy.Off / d, Sleep: k.Energy.Sleep / d, Receive: k.Energy.Receive / d, Transmit: k.Energy.Transmit / d}
			r.Kinds = append(r.Kinds, *k)
		}
	}
	return r
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	speed := 0.0
	if r.Real > 0 {
		speed = float64(r.Virtual) / float64(r.Real)
	}
	p := printer{w: w}
	p.f("%v of virtual time in %v (x%.0f)\n", r.Virtual.Round(time.Millisecond), r.Real.Round(time.Millisecond), speed)
	p.f("nodes        ")
	for i, role := range []neighbor.Role{neighbor.RoleLeader, neighbor.RoleRouter, neighbor.RoleChild, neighbor.RoleDetached, neighbor.RoleDisabled} {
		if i > 0 {
			p.f(", ")
		}
		p.f("%d %s", r.Roles[role.String()], role)
	}
	p.f("\npartitions   %d", len(r.Partitions))
	var sizes []int
	for _, n := range r.Partitions {
		sizes = append(sizes, n)
	}
	slices.SortFunc(sizes, func(a, b int) int { return b - a })
	if len(sizes) > 1 {
		p.f(" of %v nodes", sizes[:min(len(sizes), 20)])
	}
	c := r.Counts
	p.f("\nframes       %d sent (%d bytes), %d retries, %d not acknowledged, %d channel busy\n", r.Radio.Frames, r.Radio.Bytes, c.Retries, c.NoAck, c.Busy)
	p.f("receptions   %d, %d missed, %d spoiled by another frame\n", c.Received, c.Missed, r.Radio.Collisions)
	for _, k := range r.Kinds {
		e := k.Energy
		on := e.Sleep + e.Receive + e.Transmit
		p.f("%-12s %d, on average %v on: %s asleep, %s listening, %s sending; %.2f mAh\n", k.Kind, k.Nodes, on.Round(time.Second),
			percent(e.Sleep, on), percent(e.Receive, on), percent(e.Transmit, on), e.Charge())
	}
	if r.LwM2M != nil {
		r.LwM2M.write(&p)
	}
	if len(r.History) > 1 {
		p.f("history\n")
		skip := max(0, len(r.History)-historyShown)
		if skip > 0 {
			p.f("  ... %d earlier changes\n", skip)
		}
		for _, m := range r.History[skip:] {
			p.f("  %10.1f s  %d partitions, %d routers, %d attached, %d detached\n", m.At.Seconds(), m.Partitions, m.Routers, m.Attached, m.Detached)
		}
	}
	for _, t := range r.Transcript {
		p.f("%s\n", t)
	}
	if r.Captured > 0 {
		p.f("captured     %d frames\n", r.Captured)
	}
	return p.err
}

func percent(part, of time.Duration) string {
	if of <= 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.3g %%", 100*float64(part)/float64(of))
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) f(format string, a ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, a...)
	}
}
