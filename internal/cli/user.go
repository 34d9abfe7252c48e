package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"heddle.example/internal/api"
)

func newUser() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "user",
		Short: "Add, list and remove users, and set their passwords",
		Long:  "Add, list and remove users of the web page, and set their passwords, also where the last administrator's is lost. The commands reach a running server through its data directory, and work on the directory itself where none runs.",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.PersistentFlags().StringVar(&data, "data", defaultData(), "data `DIRECTORY` of the server")
	c.MarkPersistentFlagDirname("data")
	c.AddCommand(newUserAdd(&data), newUserPasswd(&data), newUserList(&data), newUserRemove(&data))
	return c
}

func newUserAdd(data *string) *cobra.Command {
	var role string
	c := &cobra.Command{
		Use:     "add NAME",
		Short:   "Add a user; the password is asked for, or read from the standard input",
		Example: "  heddle user add ada --role admin\n  pwgen 20 1 | heddle user add grafana --role read",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := readPassword(cmd, args[0])
			if err != nil {
				return err
			}
			return administer(cmd.Context(), *data, "POST", "/users", map[string]string{"name": args[0], "role": role, "password": password}, nil)
		},
	}
	c.Flags().StringVar(&role, "role", "operate", "read, operate or admin")
	fixed(c, "role", "read", "operate", "admin")
	return c
}

func newUserPasswd(data *string) *cobra.Command {
	return &cobra.Command{
		Use:     "passwd NAME",
		Short:   "Set a user's password and end the user's sessions",
		Example: "  heddle user passwd ada",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := readPassword(cmd, args[0])
			if err != nil {
				return err
			}
			return administer(cmd.Context(), *data, "PUT", "/users/"+url.PathEscape(args[0])+"/password", map[string]string{"password": password}, nil)
		},
	}
}

func newUserList(data *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the users",
		Example: "  heddle user list\n  heddle user list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list api.Items[api.User]
			if err := administer(cmd.Context(), *data, "GET", "/users", nil, &list); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), list.Items)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tROLE\tCREATED")
			for _, u := range list.Items {
				fmt.Fprintln(w, strings.Join([]string{u.Name, u.Role, day(&u.CreatedAt, "-")}, "\t"))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func newUserRemove(data *string) *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove a user",
		Example: "  heddle user remove ada",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return administer(cmd.Context(), *data, "DELETE", "/users/"+url.PathEscape(args[0]), nil, nil)
		},
	}
}

// readPassword asks twice on a terminal, and else takes the first line of the standard input: never an argument, which
// other users of the computer could see.
func readPassword(cmd *cobra.Command, name string) (string, error) {
	f, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 4096)).ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			return "", errors.Join(errors.New("no password on the standard input"), ignoreEOF(err))
		}
		return line, nil
	}
	ask := func(what string) (string, error) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s for %s: ", what, name)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return string(b), err
	}
	first, err := ask("New password")
	if err != nil {
		return "", err
	}
	again, err := ask("Again")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", errors.New("the two passwords differ")
	}
	return first, nil
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
