package cli

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"heddle.example/internal/simulate"
)

// simFlags are what both forms of the command share.
type simFlags struct {
	nodes, networks int
	seed            uint64
	layout, kinds   string
	spread, poll    time.Duration
	loss            float64
	inRange, noAir  bool
	lwm2m           bool
	read            time.Duration
	file, script    string
}

func newSim() *cobra.Command {
	var o simFlags
	var length time.Duration
	var pcap string
	var pace float64
	var page string
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Simulate Thread networks of thousands of nodes",
		Long: `Simulate Thread networks in virtual time: every node is the whole Thread stack of heddle node, and the radio between them
has range, loss, air time and collisions. One seed decides everything: the same seed gives the same bytes.

A scenario comes from flags, or from a YAML file (--file) with seed, for, air, networks, nodes, links and script. A script
(--script) has a step a line: "at 12s kill 5", "at 20s move 7 30 0", "at 30s split 1-10 / 11-20", "at 60s heal",
"every 10s ping 3 -> 9", "at 70s node 3 state", "at 90s expect one partition". If an expectation is not met, the exit code is 1.

--lwm2m adds a border router (NAT64, DNS) and an LwM2M server on an IPv4 internet beyond a home router's NAT, and makes all nodes that
are no routers LwM2M devices, which register there with DTLS and are read once a minute (--read). In a file: nodes of kind border,
"lwm2m: {}" with nodes, and "server: {read: 1m}". "at 5m expect registered" is met when all are.

--web shows the network while it runs: a page with all nodes and links, where time is paused, stepped and sped up, nodes are
dragged, switched off and spoken to. Say --web=localhost:9090 for another port.

--pcap writes every frame with its sender, channel and strength; Wireshark finds the keys in the file's comment.`,
		Example: `  heddle sim --nodes 200 --for 10m --seed 1
  heddle sim --nodes 1000 --layout "disc 60" --spread 2m --for 10m
  heddle sim --nodes 60 --kinds router=3,sed=1 --layout "floors 3 40x20" --pcap mesh.pcapng
  heddle sim --nodes 200 --for 10m --web
  heddle sim --nodes 60 --kinds router=1,sed=2 --lwm2m --for 15m
  heddle sim --file office.yaml --script night.txt`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := o.scenario(cmd)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("for") || s.For == 0 {
				s.For = simulate.Time(length)
			}
			if page != "" {
				if !cmd.Flags().Changed("speed") {
					pace = 1
				}
				log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelError}))
				return runSimWeb(cmd.Context(), s, page, pace, log, cmd.OutOrStdout())
			}
			run := simulate.Options{Scenario: s, Pace: pace}
			if pcap != "" {
				f, err := os.Create(pcap)
				if err != nil {
					return err
				}
				defer f.Close()
				w := bufio.NewWriterSize(f, 1<<20)
				defer w.Flush()
				run.Pcap = w
			}
			bar := simulate.NewBar(cmd.ErrOrStderr())
			if f, ok := cmd.ErrOrStderr().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
				run.Progress = bar.Show
			}
			report, err := simulate.Run(cmd.Context(), run)
			bar.Clear()
			if report == nil {
				return err
			}
			if err := report.Write(cmd.OutOrStdout()); err != nil {
				return err
			}
			if err != nil {
				return fmt.Errorf("stopped early: %w", err)
			}
			if n := len(report.Failures); n > 0 {
				return fmt.Errorf("%d of the script's expectations were not met", n)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.add(cmd)
	f.DurationVar(&length, "for", 10*time.Minute, "how much virtual time passes")
	f.StringVar(&pcap, "pcap", "", "write all frames to this pcapng `FILE`")
	f.Float64Var(&pace, "speed", 0, "how much faster than the clock; 0: as fast as it can (with --web: 1 unless given)")
	f.StringVar(&page, "web", "", "show it while it runs on a page at this `ADDRESS` of the loopback")
	f.Lookup("web").NoOptDefVal = "localhost:8080"
	cmd.AddCommand(newSimShell())
	return cmd
}

func (o *simFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVarP(&o.nodes, "nodes", "n", 50, "nodes")
	f.Uint64Var(&o.seed, "seed", 1, "what chance begins with")
	f.StringVar(&o.layout, "layout", "disc 60", "where they are: "+strings.Join(simulate.Layouts(), "; "))
	f.StringVar(&o.kinds, "kinds", "router", "kinds of nodes with their shares: router=3,fed=1,med=1,sed=2")
	f.DurationVar(&o.spread, "spread", 10*time.Second, "the time over which they are switched on")
	f.DurationVar(&o.poll, "poll", time.Second, "how often sleepy nodes poll")
	f.IntVar(&o.networks, "networks", 1, "networks that the nodes are shared out to")
	f.Float64Var(&o.loss, "loss", 0, "share of frames that a receiver loses")
	f.BoolVar(&o.inRange, "in-range", false, "all hear all, wherever they are")
	f.BoolVar(&o.noAir, "no-air-time", false, "frames take no time and do not collide")
	f.BoolVar(&o.lwm2m, "lwm2m", false, "the nodes that are no routers are LwM2M devices, with a border router and a server")
	f.DurationVar(&o.read, "read", time.Minute, "how often the LwM2M server reads each device; 0: never")
	f.StringVar(&o.file, "file", "", "scenario in a YAML `FILE`")
	f.StringVar(&o.script, "script", "", "what happens, in a `FILE`")
}

// scenario makes the scenario of the flags, or of the file with the flags that were given over it.
func (o *simFlags) scenario(cmd *cobra.Command) (*simulate.Scenario, error) {
	s := &simulate.Scenario{}
	given := func(name string) bool { return o.file == "" || cmd.Flags().Changed(name) }
	if o.file != "" {
		f, err := os.Open(o.file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if s, err = simulate.Read(f); err != nil {
			return nil, fmt.Errorf("%s: %w", o.file, err)
		}
	}
	if given("seed") {
		s.Seed = o.seed
	}
	if given("no-air-time") {
		s.Air.Time = !o.noAir
	}
	if given("in-range") {
		s.Air.InRange = o.inRange
	}
	if given("loss") {
		s.Air.Loss = o.loss
	}
	if given("networks") {
		s.Networks = o.networks
	}
	if o.file == "" || cmd.Flags().Changed("nodes") {
		groups, err := simulate.Groups(o.nodes, o.kinds, o.layout, o.spread, o.poll)
		if err != nil {
			return nil, err
		}
		s.Nodes = groups
		if o.lwm2m {
			s.Equip()
		}
	}
	if given("read") && o.read > 0 {
		s.Server.Read = simulate.Time(o.read)
	}
	if o.script != "" {
		b, err := os.ReadFile(o.script)
		if err != nil {
			return nil, err
		}
		s.Script = string(b)
	}
	if err := s.Check(); err != nil {
		if o.file != "" {
			return nil, fmt.Errorf("%s: %w", o.file, err)
		}
		return nil, err
	}
	return s, nil
}
