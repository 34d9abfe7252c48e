package network

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"heddle.example/sim/mesh"
	"heddle.example/thread"
)

// Run is a script under way. What happens is written to the world's transcript.
type Run struct {
	net   *Network
	pings []*scriptPing
	fails []string
	// Shell, where set, types a line at a node's prompt.
	Shell func(n *Node, line string)
	// Expect, where set, is asked first what an expectation is worth. It says whether it knows it.
	Expect func(what string) (known bool, err error)
}

type scriptPing struct {
	*Ping
	from, to int
}

// Play schedules the steps of a script, from now on.
func (net *Network) Play(steps []Step) *Run {
	r := &Run{net: net}
	for _, s := range steps {
		r.schedule(s)
	}
	return r
}

func (r *Run) schedule(s Step) {
	r.net.World.After(s.At, func() {
		r.Do(s)
		if s.Every > 0 {
			s.At = s.Every
			r.schedule(s)
		}
	})
}

// Idle reports whether no ping is under way.
func (r *Run) Idle() bool {
	return !slices.ContainsFunc(r.pings, func(p *scriptPing) bool { return !p.Done })
}

// Failures returns the expectations that were not met.
func (r *Run) Failures() []string { return r.fails }

func (r *Run) fail(format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	r.fails = append(r.fails, text)
	r.net.World.Log("FAILED: %s", text)
}

// Do carries a step out now.
func (r *Run) Do(s Step) {
	r.net.World.Log("> %v", s)
	if err := r.do(s); err != nil {
		r.fail("%v: %v", s, err)
	}
}

func (r *Run) do(s Step) error {
	switch s.Verb {
	case "kill", "boot", "reset", "factoryreset":
		return r.power(s)
	case "move":
		return r.move(s)
	case "split":
		return r.split(s)
	case "heal":
		r.net.Heal()
	case "link", "way":
		return r.link(s)
	case "loss":
		share, err := strconv.ParseFloat(s.Args[0], 64)
		if err != nil || !(share >= 0 && share <= 1) {
			return fmt.Errorf("%q is no share from 0 to 1", s.Args[0])
		}
		r.net.SetLoss(share)
	case "ping":
		return r.ping(s)
	case "node":
		return r.shell(s)
	case "expect":
		return r.expect(s)
	case "say":
	}
	return nil
}

func (r *Run) node(arg string) (*Node, error) {
	list, err := ParseNodes(arg, len(r.net.nodes))
	if err != nil {
		return nil, err
	}
	return r.net.Member(list[0]), nil
}

func (r *Run) power(s Step) error {
	list, err := ParseNodes(s.Args[0], len(r.net.nodes))
	for _, i := range list {
		n := r.net.Member(i)
		switch {
		case s.Verb == "kill":
			n.Kill()
		case s.Verb == "factoryreset":
			n.FactoryReset()
		case s.Verb == "reset" || n.Thread() == nil:
			n.Reset()
		}
	}
	return err
}

func (r *Run) move(s Step) error {
	n, err := r.node(s.Args[0])
	if err != nil {
		return err
	}
	p := n.Position()
	for i, f := range []*float64{&p.X, &p.Y, &p.Z} {
		if i+1 < len(s.Args) {
			if *f, err = strconv.ParseFloat(s.Args[i+1], 64); err != nil || math.IsNaN(*f) || math.Abs(*f) > 1e6 {
				return fmt.Errorf("%q are no metres", s.Args[i+1])
			}
		}
	}
	n.Move(p)
	return nil
}

func (r *Run) split(s Step) error {
	var groups [][]int
	for _, g := range strings.Split(strings.Join(s.Args, " "), "/") {
		list, err := ParseNodes(strings.ReplaceAll(strings.TrimSpace(g), " ", ","), len(r.net.nodes))
		if err != nil {
			return err
		}
		groups = append(groups, list)
	}
	r.net.Split(groups...)
	return nil
}

func (r *Run) link(s Step) error {
	a, err := r.node(s.Args[0])
	if err != nil {
		return err
	}
	b, err := r.node(s.Args[1])
	if err != nil {
		return err
	}
	l, err := parseLink(s.Args[2:])
	if err != nil {
		return err
	}
	if s.Verb == "way" {
		r.net.SetOneWay(a.Number(), b.Number(), l)
	} else {
		r.net.SetLink(a.Number(), b.Number(), l)
	}
	return nil
}

func parseLink(args []string) (l mesh.Link, err error) {
	value := 0.0
	if len(args) == 2 {
		if value, err = strconv.ParseFloat(args[1], 64); err != nil {
			return l, fmt.Errorf("%q is no number", args[1])
		}
	}
	switch {
	case args[0] == "off" && len(args) == 1:
		l.Off = true
	case args[0] == "on" && len(args) == 1:
	case args[0] == "rssi" && len(args) == 2 && value < 0 && value >= -120:
		l.RSSI = int8(value)
	case args[0] == "loss" && len(args) == 2 && value > 0 && value <= 1:
		l.Loss = value
	default:
		return l, fmt.Errorf("%q: a link is off, on, rssi -70 or loss 0.1", strings.Join(args, " "))
	}
	return l, nil
}

func (r *Run) ping(s Step) error {
	from, err := r.node(s.Args[0])
	if err != nil {
		return err
	}
	to, err := r.node(s.Args[1])
	if err != nil {
		return err
	}
	if to.Thread() == nil {
		return fmt.Errorf("node %d is off", to.Number())
	}
	c := thread.PingConfig{Dst: to.EID()}
	for i := 2; i+1 < len(s.Args); i += 2 {
		n, err := strconv.ParseUint(s.Args[i+1], 10, 16)
		switch {
		case err != nil:
			return fmt.Errorf("%q is no number", s.Args[i+1])
		case s.Args[i] == "size":
			c.Size = int(n)
		case s.Args[i] == "count":
			c.Count = int(n)
		default:
			return fmt.Errorf("%q: size and count are known", s.Args[i])
		}
	}
	p := &scriptPing{Ping: from.StartPing(c), from: from.Number(), to: to.Number()}
	if p.Err != nil {
		return p.Err
	}
	r.pings = append(r.pings, p)
	p.OnDone = func() {
		r.net.World.Log("ping %d -> %d: %d of %d answered, %v", p.from, p.to, p.Received, p.Sent, p.Times())
	}
	return nil
}

func (r *Run) shell(s Step) error {
	n, err := r.node(s.Args[0])
	if err != nil {
		return err
	}
	if r.Shell == nil {
		return fmt.Errorf("no command line here")
	}
	if n.Thread() == nil {
		return fmt.Errorf("node %d is off", n.Number())
	}
	r.Shell(n, strings.Join(s.Args[1:], " "))
	return nil
}

func (r *Run) expect(s Step) error {
	what := strings.Join(s.Args, " ")
	if r.Expect != nil {
		if known, err := r.Expect(what); known {
			return err
		}
	}
	switch {
	case what == "one partition":
		if !r.net.Whole() {
			sizes, detached := r.net.Partitions()
			return fmt.Errorf("there are %d partitions, %d nodes are detached", len(sizes), detached)
		}
	case what == "pings":
		for _, p := range r.pings {
			if p.Done && p.Received < p.Sent {
				return fmt.Errorf("ping %d -> %d: %d of %d answered", p.from, p.to, p.Received, p.Sent)
			}
		}
	case len(s.Args) == 2:
		n, err := r.node(s.Args[0])
		if err != nil {
			return err
		}
		if got := n.Role().String(); got != s.Args[1] {
			return fmt.Errorf("node %d is %s", n.Number(), got)
		}
	default:
		return fmt.Errorf("it is written %q", verbs["expect"].usage)
	}
	return nil
}

// Times returns the round trips, sorted.
func (p *Ping) Times() []time.Duration {
	var list []time.Duration
	for _, r := range p.Replies {
		list = append(list, r.Exact)
	}
	slices.Sort(list)
	return list
}
