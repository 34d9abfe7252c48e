package network

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Step is one line of a script: what happens when.
type Step struct {
	At    time.Duration // since the start
	Every time.Duration // and again and again, where not 0
	Verb  string
	Args  []string
	Line  int
}

func (s Step) String() string { return strings.Join(append([]string{s.Verb}, s.Args...), " ") }

// verb says how many arguments a verb takes, and how its line looks.
type verb struct {
	min, max int
	usage    string
}

// Verbs of a script. Nodes are numbers from 1; a list of nodes is like 1-4,9.
var verbs = map[string]verb{
	"kill":         {1, 1, "kill NODES"},
	"boot":         {1, 1, "boot NODES"},
	"reset":        {1, 1, "reset NODES"},
	"factoryreset": {1, 1, "factoryreset NODES"},
	"move":         {3, 4, "move NODE X Y [Z]"},
	"split":        {1, 99, "split NODES / NODES ..."},
	"heal":         {0, 0, "heal"},
	"link":         {3, 4, "link A B off|on|rssi DBM|loss SHARE"},
	"way":          {3, 4, "way FROM TO off|on|rssi DBM|loss SHARE"},
	"loss":         {1, 1, "loss SHARE"},
	"ping":         {2, 7, "ping A -> B [size BYTES] [count N]"},
	"node":         {2, 99, "node N COMMAND ..."},
	"expect":       {1, 9, "expect one partition|expect NODE ROLE|expect pings|expect registered"},
	"say":          {1, 99, "say TEXT"},
}

// ParseScript reads a script: a line a step, "at 12s kill 5" or "every 1m ping 1 -> 2"; # begins a comment.
func ParseScript(text string) ([]Step, error) {
	var steps []Step
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		s, err := ParseStep(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		s.Line = i + 1
		steps = append(steps, s)
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	return steps, nil
}

// ParseStep reads one line of a script.
func ParseStep(line string) (s Step, err error) {
	w := strings.Fields(line)
	if len(w) < 3 || w[0] != "at" && w[0] != "every" {
		return s, fmt.Errorf("%q: a step is \"at TIME VERB ...\" or \"every TIME VERB ...\"", strings.TrimSpace(line))
	}
	d, err := ParseTime(w[1])
	if err != nil {
		return s, err
	}
	if s.At = d; w[0] == "every" {
		if s.Every = d; d <= 0 {
			return s, fmt.Errorf("every %s: the time must not be 0", w[1])
		}
	}
	s.Verb = w[2]
	if s.Verb == "partition" {
		s.Verb = "split"
	}
	for _, a := range w[3:] {
		if a != "->" && a != "router" && a != "to" || s.Verb == "node" || s.Verb == "say" || s.Verb == "expect" {
			s.Args = append(s.Args, a)
		}
	}
	v, ok := verbs[s.Verb]
	switch {
	case !ok:
		return s, fmt.Errorf("there is no verb %q; there are %s", s.Verb, strings.Join(verbNames(), ", "))
	case len(s.Args) < v.min || len(s.Args) > v.max:
		return s, fmt.Errorf("%q: it is written %q", strings.TrimSpace(line), v.usage)
	}
	return s, nil
}

func verbNames() []string {
	var list []string
	for v := range verbs {
		list = append(list, v)
	}
	slices.Sort(list)
	return list
}

// ParseTime reads 12s, 1m30s, or 12 in seconds.
func ParseTime(s string) (time.Duration, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 && f < 1e9 {
		return time.Duration(f * float64(time.Second)), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no time: 12s, 1m30s or 500ms are", s)
	}
	return d, nil
}

// ParseNodes reads a list of nodes like 1-4,9 for a network of n nodes.
func ParseNodes(s string, n int) ([]int, error) {
	if s == "all" {
		s = fmt.Sprint("1-", n)
	}
	var list []int
	for _, part := range strings.Split(s, ",") {
		if part == "" {
			continue
		}
		a, b, both := strings.Cut(part, "-")
		from, err := strconv.Atoi(a)
		to := from
		if both && err == nil {
			to, err = strconv.Atoi(b)
		}
		if err != nil || from < 1 || to < from {
			return nil, fmt.Errorf("%q are no nodes: 3, 1-4 or 1-4,9 are", s)
		}
		if to > n {
			return nil, fmt.Errorf("%q: there is no node %d, the last one is %d", s, to, n)
		}
		for i := from; i <= to; i++ {
			list = append(list, i)
		}
	}
	return list, nil
}
