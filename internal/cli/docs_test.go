package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// docs/cli.md names every command, and every flag of the commands that it describes itself.
func TestDocsNameEveryCommandAndFlag(t *testing.T) {
	b, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	elsewhere := map[string]bool{"client": true, "load": true}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" || c.Parent() != nil && c.Parent().Name() == "completion" {
			return
		}
		if !strings.Contains(text, c.CommandPath()) {
			t.Errorf("docs/cli.md does not name %s", c.CommandPath())
		}
		if !c.HasExample() && c.Runnable() && !c.HasSubCommands() && c.Name() != "completion" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		if !elsewhere[c.Name()] {
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if f.Name != "help" && !strings.Contains(text, "--"+f.Name) {
					t.Errorf("docs/cli.md does not name --%s of %s", f.Name, c.CommandPath())
				}
			})
		}
		for _, s := range c.Commands() {
			walk(s)
		}
	}
	walk(newRoot())
}
