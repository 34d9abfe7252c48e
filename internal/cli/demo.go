package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"heddle.example/internal/demo"
	"heddle.example/internal/serve"
	"heddle.example/internal/web"
)

func newDemo() *cobra.Command {
	c := serve.Config{CoAP: []string{"localhost:5683"}, CoAPS: []string{"localhost:5684"}, Web: []string{"localhost:8080"}, Data: "none", BootstrapCoAP: []string{"localhost:5783"}, BootstrapCoAPS: []string{"localhost:5784"}, Unknown: "accept", LeshanAPI: "token", Version: Version}
	var check, verbose, walk, noMesh bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a mesh with 25 devices, a border router and the servers, to look at",
		Long: `Run an LwM2M server, its bootstrap server, and a Thread mesh with a border router and 25 devices of several kinds, all in this
process, and print a link that logs in. Radios and the air between them are simulated, in step with the clock; every node is
the whole Thread stack of heddle node, with the LwM2M client of heddle client on it. Most devices reach the server by its name
through DNS and NAT64, some natively by IPv6; some sleep; two know their bootstrap server only; one has no keys of the network
and is let in with its password while one looks on.

Ports that are in use are replaced by free ones. Nothing is kept unless --data says where.

With --walk it walks through the whole system instead, at the prompts of three nodes and on the pages of the server: form a
network, add a border router, commission a device, ping, give it credentials, start LwM2M, read and write, bootstrap, reset.

With --check it does the main job by itself through the web port (log in, read, write, observe, execute, add a device
of one's own, ...), or with --walk the walk without pauses, prints each step, and exits 0 if all works, else 1.`,
		Example: `  heddle demo
  heddle demo --check
  heddle demo --walk
  heddle demo --walk --check`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level := slog.LevelError
			if verbose {
				level = slog.LevelDebug
			}
			c.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
			mayMove := func(flag string) bool { return !cmd.Flags().Changed(flag[2:]) }
			o := demo.Options{MayMove: mayMove, Direct: noMesh, Empty: walk}
			if walk && noMesh {
				return fmt.Errorf("--walk is a walk through a mesh, so it cannot go with --no-mesh")
			}
			return runDemo(cmd.Context(), c, o, check, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&check, "check", false, "do the main job by itself and exit")
	f.BoolVar(&walk, "walk", false, "walk through the whole system, step by step")
	f.BoolVar(&noMesh, "no-mesh", false, "devices on sockets of this computer instead of on a mesh")
	f.StringSliceVar(&c.CoAP, "coap", c.CoAP, "`ADDRESS` for plain CoAP, may repeat")
	f.StringSliceVar(&c.CoAPS, "coaps", c.CoAPS, "`ADDRESS` for CoAP over DTLS, may repeat")
	f.StringSliceVar(&c.Web, "web", c.Web, "`ADDRESS` of the web page and REST interface, may repeat")
	f.StringVar(&c.Data, "data", c.Data, "data `DIRECTORY`; none: nothing is kept")
	f.StringVar(&c.LeshanAPI, "leshan-api", c.LeshanAPI, "REST interface in Leshan's shapes: off, token or open")
	f.BoolVarP(&verbose, "verbose", "v", false, "log more")
	fixed(cmd, "leshan-api", "off", "token", "open")
	cmd.MarkFlagDirname("data")
	return cmd
}

// walkCalm is the pause between two steps of a walk that somebody looks at.
const walkCalm = 1500 * time.Millisecond

func runDemo(ctx context.Context, c serve.Config, o demo.Options, check bool, out io.Writer) error {
	if err := normalize(&c); err != nil {
		return err
	}
	if len(c.CoAP) == 0 || len(c.CoAPS) == 0 {
		return fmt.Errorf("the demo has plain and secure devices, so it needs --coap and --coaps")
	}
	began := time.Now()
	d, err := demo.Start(c, o)
	if err != nil {
		return err
	}
	switch {
	case check && o.Empty:
		err = d.Walk(ctx, out, 0)
	case check:
		err = d.Check(ctx, out)
	default:
		what := fmt.Sprintf("a server and a mesh of %d devices", demo.Count())
		switch {
		case o.Empty:
			what = "a walk through the system"
		case o.Direct:
			what = fmt.Sprintf("a server and %d devices", demo.Count())
		}
		fmt.Fprintf(out, "Heddle %s: %s\n", c.Version, what)
		for _, a := range d.Program.Info().Addresses {
			fmt.Fprintf(out, "  %-9s %s\n", map[string]string{"server": "devices", "bootstrap": "bootstrap"}[a.Role], a.URI)
		}
		fmt.Fprintf(out, "  web       %s\n", d.Program.URL())
		if !o.Direct && !o.Empty {
			fmt.Fprintf(out, "  mesh      %s; devices find the servers at %s (%v) and at %v\n", d.Network(), demo.ServerName, demo.Server4, demo.Server6)
		}
		if !web.Built() {
			fmt.Fprintln(out, "  the web app is not built in: make web, then build anew")
		}
		fmt.Fprintf(out, "\nThis link logs in, once, within 15 minutes:\n  %s\n\nCtrl-C ends.\n", d.Link)
		var e error
		if o.Empty {
			if e = d.Walk(ctx, out, walkCalm); e == nil {
				fmt.Fprintln(out, "The mesh goes on, and so do the pages. Ctrl-C ends.")
			}
		} else if e = d.Live(ctx); e == nil {
			fmt.Fprintf(out, "All %d devices are registered and observed, %.0f s after the start.\n", demo.Count(), time.Since(began).Seconds())
		}
		if e != nil && ctx.Err() == nil {
			c.Log.Error(e.Error())
		}
		<-ctx.Done()
	}
	stop, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if e := d.Stop(stop); err == nil && e != nil {
		err = e
	}
	if err != nil && check {
		return exitError{1}
	}
	return err
}
