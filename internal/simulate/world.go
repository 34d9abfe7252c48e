package simulate

import (
	"math"
	"strings"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread/shell"
)

// plan is one node to be.
type plan struct {
	group  *Group
	kind   network.Kind
	at     mesh.Position
	number int // of its network
}

// Made is a scenario's world.
type Made struct {
	Net     *network.Network
	outside *outside // nil: there is only a mesh
}

// Shell is what a node's command line has besides OpenThread's words.
func (m *Made) Shell(n *network.Node) (c shell.Config) {
	if m.outside != nil {
		if f := m.outside.shells[n]; f != nil {
			return f()
		}
	}
	return c
}

// Device returns the endpoint name of the LwM2M device that a node is, and its state, "" for others; and whether it is a
// border router.
func (m *Made) Device(number int) (endpoint, state string, border bool) {
	if m.outside == nil {
		return "", "", false
	}
	return m.outside.device(number)
}

// Build makes the scenario's world. Its nodes are switched on as time passes.
func (s *Scenario) Build() (*Made, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	p := s.propagation()
	c := mesh.Config{AirTime: s.Air.Time, Loss: s.Air.Loss}
	if !s.Air.InRange {
		c.Propagation = &p
	}
	net := network.New(s.Seed, c)
	around := s.outside(net)
	r := net.World.Rand("scenario")
	started := map[int]bool{}
	for _, l := range s.plans(p, r) {
		var n *network.Node
		if l.group.border() || l.group.LwM2M != nil {
			n = around.add(&l)
		} else {
			n = net.Add(network.NodeConfig{Position: l.at, Kind: l.kind, PollPeriod: time.Duration(l.group.Poll), Off: true})
		}
		// The first node of each network is on from the start.
		delay := time.Duration(0)
		if spread := uint64(l.group.Spread); spread > 0 && started[l.number] {
			delay = time.Duration(r.Uint64() % spread)
		}
		started[l.number] = true
		net.World.After(delay, func() { n.Boot(); n.Join(network.Dataset(l.number)) })
	}
	for _, l := range s.Links {
		verb := "link"
		if strings.Contains(l, ">") {
			verb = "way"
		}
		step, err := network.ParseStep("at 0 " + verb + " " + strings.ReplaceAll(l, ">", " "))
		if err != nil {
			return nil, err
		}
		net.Play([]network.Step{step})
	}
	return &Made{Net: net, outside: around}, nil
}

// plans places all nodes. Groups that follow each other with the same layout share one, mixed at random.
func (s *Scenario) plans(p mesh.Propagation, r machine.Rand) (list []plan) {
	for i := 0; i < len(s.Nodes); {
		g := &s.Nodes[i]
		var run []plan
		if i++; len(g.At) > 0 {
			kind, _ := network.ParseKind(g.kind())
			for _, at := range g.At {
				q := mesh.Position{X: at[0], Y: at[1]}
				if len(at) > 2 {
					q.Z = at[2]
				}
				run = append(run, plan{group: g, kind: kind, at: q})
			}
			list = append(list, s.share(run)...)
			continue
		}
		for i--; i < len(s.Nodes) && len(s.Nodes[i].At) == 0 && s.Nodes[i].Layout == g.Layout; i++ {
			kind, _ := network.ParseKind(s.Nodes[i].kind())
			for range s.Nodes[i].Count {
				run = append(run, plan{group: &s.Nodes[i], kind: kind})
			}
		}
		for k := len(run) - 1; k > 0; k-- {
			j := int(r.Uint64() % uint64(k+1))
			run[k], run[j] = run[j], run[k]
		}
		run = s.share(run)
		s.place(run, g.Layout, p, r)
		list = append(list, run...)
	}
	return list
}

// share gives each node its network, and each network a router to begin with.
func (s *Scenario) share(run []plan) []plan {
	networks := max(1, s.Networks)
	for j := range run {
		run[j].number = j * networks / len(run)
	}
	for j := range run {
		if j > 0 && run[j-1].number == run[j].number {
			continue
		}
		for k := j; k < len(run) && run[k].number == run[j].number; k++ {
			if run[k].kind == network.Router {
				run[j].kind, run[k].kind = run[k].kind, run[j].kind
				run[j].group, run[k].group = run[k].group, run[j].group
				break
			}
		}
	}
	return run
}

// place lays out each network of a run. They stand side by side, near enough to disturb each other where they share a
// channel.
func (s *Scenario) place(run []plan, layout string, p mesh.Propagation, r machine.Rand) {
	l, _ := parseLayout(layout) // Check has read it
	side := int(math.Ceil(math.Sqrt(float64(max(1, s.Networks)))))
	for j := 0; j < len(run); {
		k, n := j, run[j].number
		for k < len(run) && run[k].number == n {
			k++
		}
		part := l.places(k-j, p, r)
		width := 0.0
		for _, q := range part {
			width = max(width, q.X, q.Y)
		}
		for i, q := range part {
			q.X += float64(n%side) * width * 0.8
			q.Y += float64(n/side) * width * 0.8
			run[j+i].at = q
		}
		j = k
	}
}

func (s *Scenario) propagation() mesh.Propagation {
	p := mesh.Indoors
	p.TxPower = s.Air.Power
	if s.Air.Exponent > 0 {
		p.Exponent = s.Air.Exponent
	}
	if s.Air.Shadow != 0 {
		p.Shadow = max(0, s.Air.Shadow)
	}
	return p
}
