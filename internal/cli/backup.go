package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"heddle.example/internal/backup"
	"heddle.example/internal/serve"
	"heddle.example/store"
)

func newBackup() *cobra.Command {
	var data string
	var asJSON bool
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write all that a server keeps into one file, while it runs",
		Long: `Write all that a server keeps into one file: credentials, registrations, observations, users and tokens, definitions,
notes, the history, firmware packages. It reaches a running server through its data directory, which goes on as usual, and works on
the directory itself where none runs.

The file holds the keys of all devices: keep it where you would keep them. Live DTLS sessions are never in it, so after a
restore each device makes one new handshake. With - the file goes to the standard output.`,
		Example: "  heddle backup heddle.backup\n  heddle backup --data /srv/heddle - | age -r KEY > heddle.backup.age",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := runBackup(cmd.Context(), data, args[0], cmd.OutOrStdout())
			if err != nil || args[0] == "-" {
				return err
			}
			return printSummary(cmd.OutOrStdout(), asJSON, "in "+args[0], s)
		},
	}
	c.Flags().StringVar(&data, "data", defaultData(), "data `DIRECTORY` of the server")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.MarkFlagDirname("data")
	return c
}

// runBackup fetches a backup, reads it as it comes, and keeps it only when it is whole.
func runBackup(ctx context.Context, data, name string, stdout io.Writer) (s backup.Summary, err error) {
	if data == "" || data == "none" {
		return s, errors.New("--data: a server without a data directory keeps nothing")
	}
	client, end, err := serve.Admin(data)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, end()) }()
	unhurried := *client
	unhurried.Timeout = 0
	r, err := http.NewRequestWithContext(ctx, "GET", "http://localhost/api/v1/backup", nil)
	if err != nil {
		return s, err
	}
	resp, err := unhurried.Do(r)
	if err != nil {
		return s, fmt.Errorf("the running server does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var p struct{ Detail string }
		if b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20)); err == nil && json.Unmarshal(b, &p) == nil && p.Detail != "" {
			return s, errors.New(p.Detail)
		}
		return s, fmt.Errorf("the server answered %s", resp.Status)
	}
	if name == "-" {
		return check(resp.Body, stdout)
	}
	out, err := os.CreateTemp(filepath.Dir(name), ".heddle-backup-*.tmp") // mode 0600
	if err != nil {
		return s, err
	}
	defer os.Remove(out.Name())
	if s, err = check(resp.Body, out); err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return s, err
	}
	return s, os.Rename(out.Name(), name)
}

// check copies a backup and reads it.
func check(from io.Reader, to io.Writer) (backup.Summary, error) {
	s, err := backup.Verify(io.TeeReader(from, to))
	if err != nil {
		return s, fmt.Errorf("the server did not send all of it: %w", err)
	}
	return s, nil
}

func newRestore() *cobra.Command {
	var data string
	var force, verify, asJSON bool
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a data directory of a backup",
		Long: `Make a data directory of a file of heddle backup. The whole file is checked before anything is touched; the directory
must be empty, or be given with --force: then all that a server kept in it is replaced, in one moment, whenever the
power fails. No server may run on it.

Users, passwords and API tokens come back; sessions of the web page, one-time links and DTLS sessions do not.`,
		Example: "  heddle restore heddle.backup --data /srv/heddle\n  heddle restore heddle.backup --verify",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			if verify {
				s, err := backup.Verify(f)
				if err != nil {
					return err
				}
				return printSummary(cmd.OutOrStdout(), asJSON, "in "+args[0], s)
			}
			s, err := backup.Restore(f, data, force)
			if errors.Is(err, store.ErrNotEmpty) {
				return fmt.Errorf("%s is not empty: nothing was changed; name an empty directory, or replace what is in it with --force", data)
			} else if err != nil {
				return err
			}
			return printSummary(cmd.OutOrStdout(), asJSON, "restored into "+data, s)
		},
	}
	f := c.Flags()
	f.StringVar(&data, "data", "", "data `DIRECTORY` to make")
	f.BoolVar(&force, "force", false, "replace what is in the directory")
	f.BoolVar(&verify, "verify", false, "only check the file and say what is in it")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	c.MarkFlagDirname("data")
	c.MarkFlagsOneRequired("data", "verify")
	return c
}

func printSummary(w io.Writer, asJSON bool, where string, s backup.Summary) error {
	if asJSON {
		return printJSON(w, s)
	}
	_, err := fmt.Fprintf(w, "%d records, %d values and %d files %s, of %s\n", s.Records, s.Points, s.Files, where, s.Created.Local().Format(time.DateTime))
	return err
}
