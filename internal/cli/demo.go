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
	var check, verbose bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a server and 25 devices to look at",
		Long: `Run a server, its bootstrap server and 25 devices of several kinds on this computer, and print a link that logs in.
Ports that are in use are replaced by free ones. Nothing is kept unless --data says where.

With --check it does the main job by itself through the web port (log in, read, write, observe, execute, add a device
of one's own, ...), prints each step, and exits 0 if all works, else 1.`,
		Example: `  heddle demo
  heddle demo --check`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level := slog.LevelError
			if verbose {
				level = slog.LevelDebug
			}
			c.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
			mayMove := func(flag string) bool { return !cmd.Flags().Changed(flag[2:]) }
			return runDemo(cmd.Context(), c, mayMove, check, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&check, "check", false, "do the main job by itself and exit")
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

func runDemo(ctx context.Context, c serve.Config, mayMove func(string) bool, check bool, out io.Writer) error {
	if err := normalize(&c); err != nil {
		return err
	}
	if len(c.CoAP) == 0 || len(c.CoAPS) == 0 {
		return fmt.Errorf("the demo has plain and secure devices, so it needs --coap and --coaps")
	}
	d, err := demo.Start(c, demo.Options{MayMove: mayMove})
	if err != nil {
		return err
	}
	if check {
		err = d.Check(ctx, out)
	} else {
		fmt.Fprintf(out, "Heddle %s: a server and %d devices\n", c.Version, demo.Count())
		for _, a := range d.Program.Info().Addresses {
			fmt.Fprintf(out, "  %-9s %s\n", map[string]string{"server": "devices", "bootstrap": "bootstrap"}[a.Role], a.URI)
		}
		fmt.Fprintf(out, "  web       %s\n", d.Program.URL())
		if !web.Built() {
			fmt.Fprintln(out, "  the web app is not built in: make web, then build anew")
		}
		fmt.Fprintf(out, "\nThis link logs in, once, within 15 minutes:\n  %s\n\nCtrl-C ends.\n", d.Link)
		if e := d.Live(ctx); e != nil && ctx.Err() == nil {
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
