package simulate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"heddle.example/machine"
	"heddle.example/sim"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread/shell"
)

// Prompt is a person's way into a simulation: time passes when it is told to, and any node's command line is a word away.
type Prompt struct {
	net   *network.Network
	made  *Made
	run   *network.Run
	out   io.Writer
	node  *network.Node // whose prompt it is; nil: the simulation's
	seats map[*network.Node]*Seat
	told  int // lines of the transcript that were printed
}

// NewPrompt makes a scenario's world.
func NewPrompt(s *Scenario, out io.Writer) (*Prompt, error) {
	made, err := s.Build()
	if err != nil {
		return nil, err
	}
	net := made.Net
	net.World.Quiet = true
	steps, err := network.ParseScript(s.Script)
	if err != nil {
		return nil, err
	}
	p := &Prompt{net: net, made: made, out: out, seats: map[*network.Node]*Seat{}}
	p.run = net.Play(steps)
	p.run.Shell = Lines(net, made.Shell)
	p.run.Expect = made.expect
	return p, nil
}

const promptHelp = `go TIME          let time pass: go 30s, go 5m
node N           sit at a node's command line; "exit" leaves it
node N COMMAND   one command of a node
nodes            all nodes
report           what happened so far
kill 5 - boot 5 - reset 5 - move 7 30 0 - split 1-10 / 11-20 - heal - link 1 2 off - loss 0.1 - ping 3 -> 9 - expect one partition
exit
`

// Run reads commands until exit or the end.
func (p *Prompt) Run(in io.Reader) error {
	lines := bufio.NewScanner(in)
	p.ask()
	for lines.Scan() {
		if err := p.Do(strings.TrimSpace(lines.Text())); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			fmt.Fprintln(p.out, err)
		}
		p.tell()
		p.ask()
	}
	return lines.Err()
}

func (p *Prompt) now() time.Duration { return p.net.World.Now().Sub(machine.Time(sim.Start)) }

func (p *Prompt) ask() {
	if p.node != nil {
		fmt.Fprintf(p.out, "%s, %.3f s> ", p.node.Name(), p.now().Seconds())
	} else {
		fmt.Fprintf(p.out, "%.3f s> ", p.now().Seconds())
	}
}

// tell prints what is new in the transcript, but for the echo of commands.
func (p *Prompt) tell() {
	all := p.net.World.Transcript()
	for _, l := range all[p.told:] {
		if !strings.Contains(l, " > ") {
			fmt.Fprintln(p.out, strings.TrimSpace(l))
		}
	}
	p.told = len(all)
}

// Do carries out one line. io.EOF is the wish to leave.
func (p *Prompt) Do(line string) error {
	w := strings.Fields(line)
	if p.node != nil {
		if line == "exit" {
			p.node = nil
			return nil
		}
		return p.typeAt(p.node, line)
	}
	if len(w) == 0 {
		return nil
	}
	switch w[0] {
	case "exit", "quit":
		return io.EOF
	case "help":
		_, err := io.WriteString(p.out, promptHelp)
		return err
	case "go":
		if len(w) != 2 {
			return errors.New("it is written \"go TIME\": go 30s, go 5m")
		}
		d, err := network.ParseTime(w[1])
		if err == nil {
			p.net.Run(d)
		}
		return err
	case "nodes":
		p.nodes()
		return nil
	case "report":
		r := report(p.net, &history{}, p.now(), 0)
		r.LwM2M = p.made.outside.report()
		return r.Write(p.out)
	case "node":
		if len(w) == 1 {
			return errors.New("it is written \"node N\" or \"node N COMMAND\"")
		}
		list, err := network.ParseNodes(w[1], len(p.net.Members()))
		if err != nil {
			return err
		}
		n := p.net.Member(list[0])
		if len(w) == 2 {
			p.node = n
			return nil
		}
		return p.typeAt(n, strings.Join(w[2:], " "))
	}
	s, err := network.ParseStep("at 0 " + line)
	if err != nil {
		return err
	}
	before := len(p.run.Failures())
	p.run.Do(s)
	if s.Verb == "ping" && len(p.run.Failures()) == before {
		p.net.RunUntil(p.run.Idle, time.Minute)
	}
	return nil
}

// commandLimit is how much virtual time a command may take before the prompt comes back; it goes on with "go".
const commandLimit = 30 * time.Second

func (p *Prompt) typeAt(n *network.Node, line string) error {
	if !n.On() {
		return fmt.Errorf("%s is off; \"boot %d\" switches it on", n.Name(), n.Number())
	}
	s := p.seats[n]
	if s == nil {
		s = Sit(p.net, n, func() shell.Config { return p.made.Shell(n) }, func(text string) { fmt.Fprint(p.out, text) })
		p.seats[n] = s
	}
	s.Type(line)
	if !s.Wait(commandLimit) {
		return fmt.Errorf("it goes on: \"go TIME\" lets more time pass")
	}
	return nil
}

func (p *Prompt) nodes() {
	fmt.Fprintf(p.out, "%5s  %-8s  %-8s  %-6s  %-10s  %s\n", "node", "kind", "role", "RLOC16", "partition", "place")
	for _, n := range p.net.Members() {
		role, rloc, partition := "off", "", ""
		if t := n.Thread(); t != nil {
			role = n.Role().String()
			if n.Attached() {
				rloc, partition = fmt.Sprintf("0x%04x", t.MLE().RLOC16()), fmt.Sprint(t.MLE().LeaderData().PartitionID)
			}
		}
		at := n.Position()
		fmt.Fprintf(p.out, "%5d  %-8v  %-8s  %-6s  %-10s  %.0f %.0f %.0f\n", n.Number(), n.Kind(), role, rloc, partition, at.X, at.Y, at.Z)
	}
}
