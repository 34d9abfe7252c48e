package cli

import (
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"heddle.example/internal/api"
)

func newToken() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke API tokens",
		Long:  "Make, list and revoke API tokens. The commands reach a running server through its data directory, and work on the directory itself where none runs.",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.PersistentFlags().StringVar(&data, "data", defaultData(), "data `DIRECTORY` of the server")
	c.MarkPersistentFlagDirname("data")
	c.AddCommand(newTokenCreate(&data), newTokenList(&data), newTokenRevoke(&data))
	return c
}

func newTokenCreate(data *string) *cobra.Command {
	var name, scope string
	var expires time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use:   "create",
		Short: "Make a token and print it; it is shown this once",
		Example: `  heddle token create --scope read --name dashboard
  heddle token create --scope operate --name ci --expires 720h
  curl -H "Authorization: Bearer $(heddle token create --scope read --name curl)" http://localhost:8080/api/v1/clients`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := struct {
				Name    string     `json:"name"`
				Scope   string     `json:"scope"`
				Expires *time.Time `json:"expires,omitempty"`
			}{Name: name, Scope: scope}
			if expires != 0 {
				t := time.Now().Add(expires).UTC()
				in.Expires = &t
			}
			var t api.Token
			if err := administer(cmd.Context(), *data, "POST", "/tokens", in, &t); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), t)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), t.Token)
			return err
		},
	}
	c.Flags().StringVar(&name, "name", "command line", "what the token is for")
	c.Flags().StringVar(&scope, "scope", "", "read, operate or admin")
	c.Flags().DurationVar(&expires, "expires", 0, "how long it works, such as 720h; 0: for ever")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.MarkFlagRequired("scope")
	fixed(c, "scope", "read", "operate", "admin")
	return c
}

func newTokenList(data *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the tokens, without their secrets",
		Example: "  heddle token list\n  heddle token list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list api.Items[api.Token]
			if err := administer(cmd.Context(), *data, "GET", "/tokens", nil, &list); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), list.Items)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tNAME\tSCOPE\tCREATED\tEXPIRES\tLAST USED")
			for _, t := range list.Items {
				fmt.Fprintln(w, strings.Join([]string{t.ID, t.Name, t.Scope, day(&t.CreatedAt, "-"), day(t.Expires, "never"), day(t.LastUsed, "never")}, "\t"))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func day(t *time.Time, none string) string {
	if t == nil || t.IsZero() {
		return none
	}
	return t.Local().Format("2006-01-02 15:04")
}

func newTokenRevoke(data *string) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke ID",
		Short:   "Revoke a token; it stops working at once",
		Example: "  heddle token revoke 3f9a12bc04de",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return administer(cmd.Context(), *data, "DELETE", "/tokens/"+url.PathEscape(args[0]), nil, nil)
		},
	}
}
