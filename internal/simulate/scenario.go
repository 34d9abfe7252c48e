// Package simulate runs scenarios of Thread networks in virtual time: what `heddle sim` does.
package simulate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

// Scenario says which nodes there are, where, and what happens to them. It is also the form of a scenario's YAML file.
type Scenario struct {
	Seed     uint64  `yaml:"seed"`
	For      Time    `yaml:"for"`
	Air      Air     `yaml:"air"`
	Networks int     `yaml:"networks"` // that the nodes are shared out to, each with a channel and key of its own
	Nodes    []Group `yaml:"nodes"`
	// Links override the air: "1 2 off", "1 2 rssi -70", "1 > 2 loss 0.1" (one way).
	Links  []string `yaml:"links"`
	Script string   `yaml:"script"`
	// Server is the LwM2M server of a scenario with devices or border routers. It has the name server.example and an IPv4
	// address only.
	Server Service `yaml:"server"`
}

// Air is the radio medium.
type Air struct {
	// Time makes frames take time and collide.
	Time bool    `yaml:"time"`
	Loss float64 `yaml:"loss"`
	// InRange makes everyone hear everyone, wherever they are.
	InRange  bool    `yaml:"inrange"`
	Power    float64 `yaml:"power"`    // dBm
	Exponent float64 `yaml:"exponent"` // of path loss; 0: 3.5
	Shadow   float64 `yaml:"shadow"`   // dB; 0: 3, negative: none
}

// Group is some nodes of one kind.
type Group struct {
	Count  int     `yaml:"count"`
	Kind   string  `yaml:"kind"` // router, fed, med, sed, border
	Layout string  `yaml:"layout"`
	At     []Place `yaml:"at"` // instead of Count and Layout
	// Spread is the time over which they are switched on.
	Spread Time `yaml:"spread"`
	Poll   Time `yaml:"poll"` // of sleepy ones
	// LwM2M makes LwM2M devices of them, which register with the scenario's server through a border router.
	LwM2M *LwM2M `yaml:"lwm2m"`
}

// Place is x, y and z in metres.
type Place []float64

// Time is a duration in the words of scripts.
type Time time.Duration

// UnmarshalYAML reads 10m, or 600 in seconds.
func (t *Time) UnmarshalYAML(n *yaml.Node) error {
	d, err := network.ParseTime(n.Value)
	*t = Time(d)
	return err
}

// Limits of a scenario.
const (
	MaxNodes    = 100_000
	MaxNetworks = 250
)

// Read reads a scenario's file.
func Read(r io.Reader) (*Scenario, error) {
	b, err := io.ReadAll(io.LimitReader(r, 16<<20))
	if err != nil {
		return nil, err
	}
	s := &Scenario{Seed: 1, Air: Air{Time: true}}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(s); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return s, nil
}

// Total returns how many nodes there are.
func (s *Scenario) Total() int {
	n := 0
	for _, g := range s.Nodes {
		n += g.size()
	}
	return n
}

func (g *Group) size() int {
	if len(g.At) > 0 {
		return len(g.At)
	}
	return g.Count
}

// Check says what is wrong with a scenario.
func (s *Scenario) Check() error {
	n := s.Total()
	switch {
	case n == 0:
		return errors.New("a scenario needs nodes")
	case n > MaxNodes:
		return fmt.Errorf("%d nodes are too many, %d is the limit", n, MaxNodes)
	case s.Networks < 0 || s.Networks > MaxNetworks:
		return fmt.Errorf("%d networks: from 1 to %d are possible", s.Networks, MaxNetworks)
	case !(s.Air.Loss >= 0 && s.Air.Loss < 1):
		return fmt.Errorf("air.loss is %v, it must be a share from 0 to less than 1", s.Air.Loss)
	}
	for i, g := range s.Nodes {
		if _, ok := network.ParseKind(g.kind()); !ok {
			return fmt.Errorf("nodes %d: there is no kind %q; router, fed, med, sed and border are", i+1, g.Kind)
		}
		if g.border() && g.LwM2M != nil {
			return fmt.Errorf("nodes %d: a border router of a simulation is no LwM2M device", i+1)
		}
		if g.Count < 0 {
			return fmt.Errorf("nodes %d: count is %d", i+1, g.Count)
		}
		for _, p := range g.At {
			if len(p) < 2 || len(p) > 3 || slices.ContainsFunc(p, func(f float64) bool { return math.IsNaN(f) || math.Abs(f) > 1e6 }) {
				return fmt.Errorf("nodes %d: a place is [x, y] or [x, y, z] in metres", i+1)
			}
		}
		if _, err := parseLayout(g.Layout); err != nil {
			return fmt.Errorf("nodes %d: %w", i+1, err)
		}
	}
	if _, err := network.ParseScript(s.Script); err != nil {
		return fmt.Errorf("script: %w", err)
	}
	return nil
}

// border reports whether they are border routers.
func (g *Group) border() bool { return g.Kind == "border" }

// kind is what the nodes' stack is.
func (g *Group) kind() string {
	if g.Kind == "" || g.border() {
		return "router"
	}
	return g.Kind
}

// layout is a way to place nodes.
type layout struct {
	name string
	n    [3]float64
}

// layouts by name, with the meaning of their numbers and what they are by default.
var layouts = map[string]struct {
	usage    string
	defaults [3]float64
}{
	"disc":   {"disc NEIGHBOURS: at random in a circle in which each hears about so many", [3]float64{40}},
	"grid":   {"grid METRES", [3]float64{15}},
	"line":   {"line METRES", [3]float64{25}},
	"floors": {"floors FLOORS WIDTH DEPTH: at random in a building", [3]float64{3, 50, 25}},
}

// Layouts returns how the layouts are written.
func Layouts() []string {
	var list []string
	for _, l := range layouts {
		list = append(list, l.usage)
	}
	slices.Sort(list)
	return list
}

func parseLayout(s string) (l layout, err error) {
	w := strings.Fields(strings.ReplaceAll(s, "x", " "))
	if len(w) == 0 {
		w = []string{"disc"}
	}
	def, ok := layouts[w[0]]
	if !ok {
		return l, fmt.Errorf("there is no layout %q; there are %s", w[0], strings.Join(Layouts(), "; "))
	}
	l.name, l.n = w[0], def.defaults
	if len(w) > 4 {
		return l, fmt.Errorf("layout %q: it is written %q", s, def.usage)
	}
	for i, t := range w[1:] {
		if l.n[i], err = strconv.ParseFloat(t, 64); err != nil || !(l.n[i] > 0 && l.n[i] <= 1e5) {
			return l, fmt.Errorf("layout %q: it is written %q", s, def.usage)
		}
	}
	return l, nil
}

func (l layout) places(n int, p mesh.Propagation, r interface {
	Uint64() uint64
	Fill([]byte)
}) []mesh.Position {
	switch l.name {
	case "grid":
		return mesh.Grid(n, l.n[0])
	case "line":
		return mesh.Line(n, l.n[0])
	case "floors":
		return mesh.Floors(n, max(1, int(l.n[0])), l.n[1], l.n[2], p.FloorHeight, r)
	}
	return mesh.Disc(n, mesh.DiscFor(n, l.n[0], p.Reach(mesh.Sensitivity)), r)
}

// Groups shares n nodes out to kinds, as "router=3,sed=1" says.
func Groups(n int, kinds, layout string, spread, poll time.Duration) ([]Group, error) {
	type share struct {
		kind string
		part float64
	}
	var list []share
	sum := 0.0
	for _, k := range strings.Split(kinds, ",") {
		name, value, has := strings.Cut(strings.TrimSpace(k), "=")
		part := 1.0
		if has {
			var err error
			if part, err = strconv.ParseFloat(value, 64); err != nil || !(part >= 0 && part < 1e9) {
				return nil, fmt.Errorf("kinds %q: %q is no share", kinds, value)
			}
		}
		list = append(list, share{name, part})
		sum += part
	}
	if sum <= 0 {
		return nil, fmt.Errorf("kinds %q: there is nothing to share out", kinds)
	}
	var groups []Group
	before, done := 0.0, 0
	for _, s := range list {
		before += s.part
		upTo := int(math.Round(float64(n) * before / sum))
		if upTo > done {
			groups = append(groups, Group{Count: upTo - done, Kind: s.kind, Layout: layout, Spread: Time(spread), Poll: Time(poll)})
		}
		done = upTo
	}
	return groups, nil
}
