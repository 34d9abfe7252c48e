package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"heddle.example/internal/node"
	"heddle.example/internal/pemfile"
	"heddle.example/thread"
	"heddle.example/thread/shell"
)

func newNode() *cobra.Command {
	o := node.Options{Local: "127.0.0.1"}
	var speed int
	var profile, logFile, device, page string
	var certificate, key, authorities string
	cmd := &cobra.Command{
		Use:   "node ID",
		Short: "A Thread node on OpenThread's simulated radio",
		Long: `A Thread 1.4 node with OpenThread's command line on standard input and output, on the simulated radio of OpenThread's
ot-cli-ftd: nodes of both makers with different ID form networks on one computer. PORT_OFFSET in the environment keeps
networks apart, VIRTUAL_TIME=1 makes a simulator the clock, and VIRTUAL_SEED=N then the node's randomness a seed's. Settings
are kept in tmp/OFFSET_ID.flash.

On a terminal Tab completes commands and the arrow keys recall them. With standard input from a pipe nothing is added to
what OpenThread prints, so that its scripts drive the node. A link to this program named ot-cli-ftd or ot-cli-mtd is such a
node.

--web shows the node's network on a page, as its routers tell it by network diagnostics, whoever made them: nodes and links,
frames that this node sends and receives, a prompt, its datasets, and a commissioner that lets devices in.`,
		Example: `  heddle node 1
  heddle node --web=localhost:9090 1
  PORT_OFFSET=3 heddle node --time-speed 10 2
  heddle node --coaps-cert node.pem --coaps-key node.key --coaps-ca ca.pem 1
  heddle node --radio spinel+hdlc+uart:///dev/ttyACM0?baud=460800 1
  heddle node --radio spinel+hdlc+forkpty://ot-rcp?1 1`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 0, 32)
			if err != nil || id < 1 || id > node.MaxID {
				return fmt.Errorf("invalid argument %q: a node's ID is a number from 1 to %d", args[0], node.MaxID)
			}
			o.ID, o.Speed, o.Input, o.Output, o.Virtual = int(id), speed, int(os.Stdin.Fd()), os.Stdout, os.Getenv("VIRTUAL_TIME") == "1"
			o.Shell = shell.Config{Echo: true}
			if err := coapsFiles(&o.Shell, certificate, key, authorities); err != nil {
				return err
			}
			if speed < 1 {
				return fmt.Errorf("invalid argument %d for --time-speed: it is a number from 1 on", speed)
			}
			if profile == "" && cmd.Flags().Changed("time-speed") {
				profile = "test"
			}
			switch profile {
			case "", "default":
				o.Profile = &thread.DefaultProfile
			case "test":
				o.Profile = &thread.TestProfile
			default:
				return fmt.Errorf("invalid argument %q for --profile: default and test are", profile)
			}
			switch device {
			case "ftd":
			case "mtd":
				o.MTD = true
			default:
				return fmt.Errorf("invalid argument %q for --device: ftd and mtd are", device)
			}
			if logFile != "" {
				log, err := os.Create(logFile)
				if err != nil {
					return err
				}
				defer log.Close()
				o.Log = log
			}
			if page != "" {
				stop, err := startNodeWeb(&o, page, fmt.Sprintf("Thread node %d", o.ID), pageLog(cmd.ErrOrStderr()), cmd.ErrOrStderr(), nil)
				if err != nil {
					return err
				}
				defer stop()
			}
			if restore := editLines(&o); restore != nil {
				defer restore()
			}
			status, err := node.Run(o)
			if err == nil && status != 0 {
				err = exitError{status}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.Local, "local-interface", "L", o.Local, "address or name of the interface that carries the simulated radio")
	f.BoolVarP(&o.EnergyScan, "enable-energy-scan", "E", false, "the radio scans for energy by itself")
	f.BoolVarP(&o.SleepToTx, "sleep-to-tx", "t", false, "the radio sends from sleep")
	f.IntVarP(&speed, "time-speed", "s", 1, "how much faster than the clock time passes")
	f.StringVarP(&logFile, "log-file", "l", "", "write the log to this `FILE`")
	f.StringVar(&profile, "profile", os.Getenv("HEDDLE_NODE_PROFILE"), "parameters that scripts assume: test or default; default, but test with --time-speed")
	f.StringVar(&o.Radio, "radio", "", "`URL` of a real radio co-processor instead of the simulated radio")
	f.StringVar(&certificate, "coaps-cert", "", "certificate `FILE` (PEM) that the command coaps x509 sets, instead of the one that all nodes have for tests")
	f.StringVar(&key, "coaps-key", "", "`FILE` (PEM) with its private key")
	f.StringVar(&authorities, "coaps-ca", "", "`FILE` (PEM) with the authorities whose certificates coaps believes")
	addWeb(f, &page)
	f.StringVar(&device, "device", "ftd", "kind of device: ftd, which may become a router, or mtd")
	return cmd
}

// coapsFiles reads what coaps x509 sets.
func coapsFiles(c *shell.Config, certificate, key, authorities string) (err error) {
	if certificate == "" && key == "" && authorities == "" {
		return nil
	}
	if certificate == "" || key == "" {
		return errors.New("--coaps-cert and --coaps-key go together: give both")
	}
	if c.Certificate, err = pemfile.Certificate(certificate, key); err != nil {
		return fmt.Errorf("--coaps-cert: %w", err)
	}
	if authorities != "" {
		if c.Roots, err = pemfile.Roots(authorities); err != nil {
			return fmt.Errorf("--coaps-ca: %w", err)
		}
	}
	return nil
}

// asOpenThread returns the arguments of the node that is meant when the program is called by the name of one of
// OpenThread's nodes, through a link.
func asOpenThread(called string, args []string) []string {
	switch filepath.Base(called) {
	case "ot-cli-ftd":
		return append([]string{"node"}, args...)
	case "ot-cli-mtd":
		return append([]string{"node", "--device", "mtd"}, args...)
	}
	return args
}

// editLines puts an editor between a terminal and the node's shell. It returns what gives the terminal back, or nil where
// standard input is none.
func editLines(o *node.Options) func() {
	if !term.IsTerminal(o.Input) {
		return nil
	}
	state, err := term.MakeRaw(o.Input)
	if err != nil {
		return nil
	}
	var sh *shell.Shell
	e := &lineEditor{complete: func(line string) []string { return sh.Complete(line) }}
	out := o.Output
	o.Booted = func(s *shell.Shell) { sh = s }
	o.Shell.Echo = false
	o.Output = writer(func(b []byte) (int, error) {
		_, err := out.Write(e.around(b))
		return len(b), err
	})
	o.Typed = func(b []byte) []byte {
		lines, echo := e.take(b)
		_, _ = out.Write(echo) // a terminal that is gone ends the node by a signal
		return lines
	}
	return func() { _ = term.Restore(o.Input, state) }
}

type writer func(b []byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }
