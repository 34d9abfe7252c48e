package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"heddle.example/internal/simulate"
)

func newSimShell() *cobra.Command {
	var o simFlags
	var after time.Duration
	cmd := &cobra.Command{
		Use:   "shell",
		Short: "Walk about in a simulated network",
		Long: `Walk about in a simulated network: time passes only when it is told to ("go 30s"), "node 5" sits down at a node's command
line, and every verb of scripts works at once: kill, boot, move, split, heal, link, ping. "help" lists them.`,
		Example: `  heddle sim shell --nodes 20
  echo "go 2m
  node 3 router table" | heddle sim shell --nodes 20`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := o.scenario(cmd)
			if err != nil {
				return err
			}
			p, err := simulate.NewPrompt(s, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			if after > 0 {
				if err := p.Do(fmt.Sprint("go ", after)); err != nil {
					return err
				}
			}
			return p.Run(cmd.InOrStdin())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.add(cmd)
	f.DurationVar(&after, "after", time.Minute, "how much virtual time passes before the first prompt")
	return cmd
}
