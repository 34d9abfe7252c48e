package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"heddle.example/internal/api"
	"heddle.example/internal/firmware"
	"heddle.example/internal/serve"
	pkg "heddle.example/lwm2m/firmware"
)

func newFirmware() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "firmware",
		Short: "Keep firmware packages, and update devices",
		Long: `Keep firmware packages, and update devices. The commands reach a running server through its data directory; packages
can also be added, listed and removed where none runs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.PersistentFlags().StringVar(&data, "data", defaultData(), "data `DIRECTORY` of the server")
	c.MarkPersistentFlagDirname("data")
	c.AddCommand(newFirmwareAdd(&data), newFirmwareList(&data), newFirmwareRemove(&data), newFirmwareStart(&data), newFirmwareStatus(&data), newFirmwareCancel(&data), newFirmwareRetry(&data), newFirmwarePack())
	return c
}

func newFirmwareAdd(data *string) *cobra.Command {
	var name, version string
	var packIt, asJSON bool
	c := &cobra.Command{
		Use:   "add FILE",
		Short: "Add a package and print its id",
		Long: `Add a package and print its id. A container (see heddle firmware pack) carries its name and version, and devices check
it; --pack makes one of the file. Any other file needs a name, and is taken as it is.`,
		Example: `  heddle firmware add lamp-2.0.hdfw
  heddle firmware add --pack --name lamp --version 2.0 lamp.bin
  heddle firmware add --name vendor-image --version 7 image.bin`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			var body io.Reader = f
			if packIt {
				if name == "" {
					name = strings.TrimSuffix(filepath.Base(args[0]), filepath.Ext(args[0]))
				}
				if body, err = packed(f, name, version); err != nil {
					return err
				}
			}
			var p firmware.Package
			if err := upload(cmd.Context(), *data, url.Values{"name": {name}, "version": {version}}, body, &p); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), p)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), p.ID)
			return err
		},
	}
	c.Flags().StringVar(&name, "name", "", "`NAME` of the package (default: that of the container)")
	c.Flags().StringVar(&version, "version", "", "`VERSION`, as the device's 3/0/3 is to say after the update")
	c.Flags().BoolVar(&packIt, "pack", false, "put the file into a container first")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// packed puts a file into a container.
func packed(f *os.File, name, version string) (io.Reader, error) {
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	h := pkg.Header{Name: name, Version: version, Image: uint64(n), Digest: [32]byte(sum.Sum(nil))}
	b, err := h.Append(nil)
	if err != nil {
		return nil, err
	}
	return io.MultiReader(bytes.NewReader(b), f), nil
}

// upload sends a package to the server.
func upload(ctx context.Context, data string, q url.Values, body io.Reader, out any) error {
	client, end, err := serve.Admin(data)
	if err != nil {
		return err
	}
	defer end()
	client.Timeout = 0 // as long as it takes
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/api/v1/firmware/packages?"+q.Encode(), body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/octet-stream")
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("the running server does not answer: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		var p struct{ Detail string }
		if json.Unmarshal(b, &p) != nil || p.Detail == "" {
			return fmt.Errorf("the server answered %s", resp.Status)
		}
		return errors.New(p.Detail)
	}
	return json.Unmarshal(b, out)
}

func newFirmwarePack() *cobra.Command {
	var name, version, out string
	c := &cobra.Command{
		Use:     "pack FILE",
		Short:   "Put a file into a container: name, version and a digest that the device checks",
		Example: "  heddle firmware pack --name lamp --version 2.0 -o lamp-2.0.hdfw lamp.bin",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			if name == "" {
				name = strings.TrimSuffix(filepath.Base(args[0]), filepath.Ext(args[0]))
			}
			r, err := packed(f, name, version)
			if err != nil {
				return err
			}
			if out == "" {
				out = strings.Trim(name+"-"+version, "-") + ".hdfw"
			}
			w, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if err != nil {
				return err
			}
			if _, err = io.Copy(w, r); err != nil {
				w.Close()
				os.Remove(out)
				return err
			}
			if err = w.Close(); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), out)
			return err
		},
	}
	c.Flags().StringVar(&name, "name", "", "`NAME` of the package (default: the file's)")
	c.Flags().StringVar(&version, "version", "", "`VERSION` of the package")
	c.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write (default: NAME-VERSION.hdfw); one that is there is not replaced")
	return c
}

func newFirmwareList(data *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the packages",
		Example: "  heddle firmware list\n  heddle firmware list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list api.Items[firmware.Package]
			if err := administer(cmd.Context(), *data, "GET", "/firmware/packages", nil, &list); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), list.Items)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tNAME\tVERSION\tSIZE\tFORMAT\tADDED\tUPDATES")
			for _, p := range list.Items {
				fmt.Fprintln(w, strings.Join([]string{p.ID, p.Name, orDash(p.Version), strconv.FormatInt(p.Size, 10), p.Format, day(&p.AddedAt, "-"), strconv.Itoa(p.Updates)}, "\t"))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func newFirmwareRemove(data *string) *cobra.Command {
	return &cobra.Command{
		Use:     "remove PACKAGE",
		Short:   "Remove a package that no running update needs",
		Example: "  heddle firmware remove 9f86d081884c7d659a2feaa0c55ad015",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return administer(cmd.Context(), *data, "DELETE", "/firmware/packages/"+url.PathEscape(args[0]), nil, nil)
		},
	}
}
