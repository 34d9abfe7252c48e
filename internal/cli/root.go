// Package cli is the command line of heddle, one file a subcommand.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"heddle.example/internal/config"
)

// newRoot makes the command with all its subcommands. A new subcommand is added here and nowhere else.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "heddle",
		Short: "LwM2M over Thread in one program",
		Long: `Heddle is a whole LwM2M-over-Thread system in one program: server and bootstrap server with
web pages and REST, firmware updates, devices, load generator; Thread nodes, border router, simulator.

Every flag can also be set in the environment (--tls-cert is HEDDLE_TLS_CERT) and in a TOML file
(--config FILE, or ` + config.DefaultFile() + `), under a table with the command's name.`,
		Example: `  heddle demo                    a server and 25 devices, and a link to look at them
  heddle server --data ./data    a server that keeps what it learns
  heddle client -n lamp -h ::1   a device that registers with it`,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() }, // no Args: so cobra suggests the nearest command
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.PersistentFlags().String("config", "", "TOML `FILE` with settings")
	subcommands := []*cobra.Command{newDemo(), newServer(), newBootstrapServer(), newClient(), newNode(), newBorderRouter(), newSim(), newLoad(), newCredential(), newToken(), newUser(), newQueue(), newFirmware(), newBackup(), newRestore(), newVersion(), newMan()}
	var sections []string
	for _, c := range subcommands {
		sections = append(sections, c.Name())
	}
	for _, c := range subcommands {
		configure(c, c.Name(), sections)
		root.AddCommand(c)
	}
	return root
}

// configure makes a command, and those under it, read their settings from the environment and the file before they run.
func configure(c *cobra.Command, section string, sections []string) {
	if run := c.RunE; run != nil {
		c.RunE = func(cmd *cobra.Command, args []string) error {
			file, _ := cmd.Flags().GetString("config")
			if err := config.Apply(cmd.Flags(), config.Options{File: file, Section: section, Sections: sections}); err != nil {
				return err
			}
			return run(cmd, args)
		}
	}
	for _, sub := range c.Commands() {
		configure(sub, section, sections)
	}
}

// exitError carries an exit code for an outcome that has been told already.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// Main runs the command line and returns the exit code: 0 done, 1 failed, 2 used wrongly.
func Main(args []string) int {
	// The first signal asks for an orderly end, the second ends at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := newRoot()
	root.SetArgs(asOpenThread(os.Args[0], args))
	cmd, err := root.ExecuteContextC(ctx)
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	}
	fmt.Fprintf(os.Stderr, "heddle: %v\n", err)
	if isUsage(err) {
		fmt.Fprintf(os.Stderr, "Try `%s --help`.\n", cmd.CommandPath())
		return 2
	}
	return 1
}

// isUsage tells cobra's errors about how a command was written from those of a command that ran. cobra has no type for them.
func isUsage(err error) bool {
	for _, prefix := range []string{"unknown ", "flag needs", "invalid argument", "accepts ", "requires ", "required flag", "bad flag", "if any flags", "at least one of"} {
		if strings.HasPrefix(err.Error(), prefix) {
			return true
		}
	}
	return false
}
