package cli

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"heddle.example/internal/load"
)

func newLoad() *cobra.Command {
	o := load.Options{
		Server: "coap://127.0.0.1:5683", API: "auto", Phases: load.Phases, Clients: 1000, Sockets: 64, Concurrency: 64,
		Duration: 5 * time.Second, Observed: 1000, Rate: 10_000, Prefix: "load-", Lifetime: time.Hour,
	}
	var key string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Measure an LwM2M server with simulated devices",
		Long: `Measure an LwM2M server, Heddle or Leshan, with many simulated devices: registrations, updates, reads through REST and
notifications per second, their latency, and what they cost the server in CPU and memory (--pid).

Devices register once each; updates, reads and notifications go on for --duration, with --concurrency operations under
way at any time. On IPv4 loopback each device has an address of its own, 127.x.y.z, and --sockets sockets carry them all.
With coaps:// each device gets a key, added to the server through REST and removed at the end.`,
		Example: `  heddle load --pid "$(pgrep -f 'heddle server')"                     plain, without REST: register and update
  heddle load --rest http://127.0.0.1:8080 --token T --clients 10000  everything
  heddle load --server coaps://127.0.0.1:5684 --rest http://127.0.0.1:8080 --token T
  heddle load --server coaps://127.0.0.1:5684 --key 00112233445566778899aabbccddeeff --phases register,update`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if key != "" {
				var err error
				if o.Key, err = hex.DecodeString(key); err != nil {
					return errors.New("--key must be hexadecimal digits, two a byte")
				}
			}
			bar := load.NewBar(cmd.ErrOrStderr())
			if f, ok := cmd.ErrOrStderr().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
				o.Progress = bar.Show
			}
			report, err := load.Run(cmd.Context(), o)
			bar.Clear()
			if report == nil || len(report.Phases) == 0 && err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				if err := e.Encode(report); err != nil {
					return err
				}
			} else if err := report.Write(cmd.OutOrStdout()); err != nil {
				return err
			}
			if err != nil {
				return fmt.Errorf("stopped early: %w", err)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.Server, "server", o.Server, "`URI` of the server's CoAP port, coap:// or coaps://")
	f.StringVar(&o.REST, "rest", "", "`URL` of the server's web port, for keys, reads and notifications")
	f.StringVar(&o.API, "api", o.API, "shape of the REST interface: heddle, leshan, or auto")
	f.StringVar(&o.Token, "token", "", "API `TOKEN` (heddle token create --scope admin)")
	f.StringSliceVar(&o.Phases, "phases", o.Phases, "what to measure")
	f.IntVarP(&o.Clients, "clients", "n", o.Clients, "simulated devices")
	f.IntVar(&o.Sockets, "sockets", o.Sockets, "UDP sockets that they share")
	f.IntVarP(&o.Concurrency, "concurrency", "c", o.Concurrency, "operations under way at a time")
	f.DurationVarP(&o.Duration, "duration", "d", o.Duration, "how long to update, read and notify")
	f.IntVar(&o.Observed, "observed", o.Observed, "devices that notify")
	f.IntVar(&o.Rate, "rate", o.Rate, "non-confirmable notifications per second; 0: none")
	f.StringVar(&o.Prefix, "prefix", o.Prefix, "how endpoint names begin")
	f.StringVar(&key, "key", "", "one pre-shared key (`HEX`) of all devices, known to the server; the identity is the endpoint name")
	f.DurationVar(&o.Lifetime, "lifetime", o.Lifetime, "lifetime of a registration")
	f.IntVar(&o.PID, "pid", 0, "`PID` of the server, to measure its CPU and memory")
	f.BoolVar(&o.AllowRemote, "allow-remote", false, "a server that is not on this computer. Only yours!")
	f.BoolVar(&o.Keep, "keep", false, "leave registrations and keys behind")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	fixed(cmd, "api", "auto", "heddle", "leshan")
	fixed(cmd, "phases", load.Phases...)
	return cmd
}
