package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"heddle.example/internal/api"
	"heddle.example/internal/firmware"
)

func newFirmwareStart(data *string) *cobra.Command {
	retries := 1
	in := api.FirmwareInput{Method: firmware.Auto, Concurrency: 10, Retries: &retries}
	var watch, asJSON bool
	c := &cobra.Command{
		Use:   "start PACKAGE",
		Short: "Update devices, and print the id of the update",
		Example: `  heddle firmware start lamp@2.0 --endpoint lamp-1 --watch
  heddle firmware start lamp@2.0 --tag kitchen --method push --concurrency 5 --stop-after 3
  heddle firmware start lamp@2.0 --query '*'            every device that has object 5`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Package = args[0]
			var u firmware.Update
			if err := administer(cmd.Context(), *data, "POST", "/firmware/updates", in, &u); err != nil {
				return err
			}
			return showUpdate(cmd.Context(), cmd.OutOrStdout(), *data, u.ID, watch, asJSON, true)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringSliceVar(&in.Endpoints, "endpoint", nil, "`ENDPOINT` to update, may repeat; one that is away is waited for")
	f.StringVar(&in.Query, "query", "", "the registered devices that a search for `TEXT` finds; *: all")
	f.StringVar(&in.Tag, "tag", "", "the registered devices with this `TAG`")
	f.StringVar(&in.Method, "method", in.Method, "push, pull, or auto: by what each device can")
	f.IntVar(&in.Concurrency, "concurrency", in.Concurrency, "devices at once")
	f.IntVar(&in.StopAfter, "stop-after", 0, "begin with no other device after so many failed; 0: never")
	f.IntVar(&retries, "retries", retries, "of a device whose transfer fails")
	f.BoolVar(&in.Force, "force", false, "devices that have the version already, too")
	watchFlags(c, &watch, &asJSON)
	c.MarkFlagsOneRequired("endpoint", "query", "tag")
	fixed(c, "method", "auto", "push", "pull")
	return c
}

func watchFlags(c *cobra.Command, watch, asJSON *bool) {
	c.Flags().BoolVarP(watch, "watch", "w", false, "follow it to its end")
	c.Flags().BoolVar(asJSON, "json", false, "print JSON")
}

func newFirmwareStatus(data *string) *cobra.Command {
	var watch, asJSON bool
	c := &cobra.Command{
		Use:   "status [UPDATE]",
		Short: "List the updates, or show one with its devices",
		Example: `  heddle firmware status
  heddle firmware status --watch 4b227777d4dd1fc61c6f884f48641d02`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return showUpdate(cmd.Context(), cmd.OutOrStdout(), *data, args[0], watch, asJSON, false)
			}
			if watch {
				return errors.New("--watch: name the update to follow")
			}
			var list api.Items[firmware.Update]
			if err := administer(cmd.Context(), *data, "GET", "/firmware/updates", nil, &list); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), list.Items)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tPACKAGE\tMETHOD\tSTARTED\tSTATE\tDEVICES")
			for _, u := range list.Items {
				fmt.Fprintln(w, strings.Join([]string{u.ID, strings.TrimSpace(u.PackageName + " " + u.Version), u.Method, day(&u.StartedAt, "-"), string(u.State), countsText(u.Counts)}, "\t"))
			}
			return w.Flush()
		},
	}
	watchFlags(c, &watch, &asJSON)
	return c
}

// countsText says how many devices are in each state, in the order in which they go through them.
func countsText(counts map[firmware.State]int) string {
	var parts []string
	for _, s := range []firmware.State{firmware.Waiting, firmware.Downloading, firmware.Downloaded, firmware.Updating, firmware.Done, firmware.Failed, firmware.Cancelled} {
		if n := counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(parts, ", ")
}

// fetchUpdate reads an update with all its devices.
func fetchUpdate(ctx context.Context, data, id string) (u firmware.Update, err error) {
	for after := ""; ; {
		var page firmware.Update
		path := "/firmware/updates/" + url.PathEscape(id) + "?limit=1000&after=" + url.QueryEscape(after)
		if err := administer(ctx, data, "GET", path, nil, &page); err != nil {
			return u, err
		}
		devices := append(u.Devices, page.Devices...)
		u = page
		u.Devices, after = devices, page.Next
		if after == "" {
			return u, nil
		}
	}
}

// showUpdate prints an update; with watch what happens to its devices, until all have ended. An update with devices that
// failed is a failure of the command that follows it.
func showUpdate(ctx context.Context, out io.Writer, data, id string, watch, asJSON, justID bool) error {
	told := map[string]string{}
	for {
		u, err := fetchUpdate(ctx, data, id)
		if err != nil {
			return err
		}
		open := u.Counts[firmware.Waiting] + u.Counts[firmware.Downloading] + u.Counts[firmware.Downloaded] + u.Counts[firmware.Updating]
		switch {
		case watch && !asJSON:
			for _, d := range u.Devices {
				if line := deviceLine(&d); told[d.Endpoint] != line {
					told[d.Endpoint] = line
					fmt.Fprintf(out, "%s\t%s\n", d.Endpoint, line)
				}
			}
		case asJSON && !watch:
			return printJSON(out, u)
		case !watch && justID:
			fmt.Fprintln(out, u.ID)
			return nil
		case !watch:
			return printUpdate(out, &u)
		}
		if open == 0 {
			if asJSON {
				if err := printJSON(out, u); err != nil {
					return err
				}
			} else {
				fmt.Fprintf(out, "%s: %s\n", u.State, countsText(u.Counts))
			}
			if u.Counts[firmware.Failed] > 0 {
				return exitError{1}
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// deviceLine says how a device stands.
func deviceLine(d *firmware.DeviceInfo) string {
	s := string(d.State)
	switch {
	case d.State == firmware.Downloading:
		s += fmt.Sprintf(" %d %% (%d of %d bytes, %s)", d.Percent, d.Sent, d.Size, d.Method)
	case d.State == firmware.Done && d.Version != "":
		s += ": " + d.Version
	}
	if d.Detail != "" {
		s += ": " + d.Detail
	}
	return s
}

func printUpdate(out io.Writer, u *firmware.Update) error {
	fmt.Fprintf(out, "%s: %s %s, %s, %s: %s\n", u.ID, u.PackageName, u.Version, u.Method, u.State, countsText(u.Counts))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ENDPOINT\tBEFORE\tATTEMPTS\tSTATE")
	for _, d := range u.Devices {
		fmt.Fprintln(w, strings.Join([]string{d.Endpoint, orDash(d.Before), strconv.Itoa(d.Attempts), deviceLine(&d)}, "\t"))
	}
	return w.Flush()
}

func newFirmwareCancel(data *string) *cobra.Command {
	return &cobra.Command{
		Use:     "cancel UPDATE",
		Short:   "Cancel a running update, or remove the record of one that has ended",
		Example: "  heddle firmware cancel 4b227777d4dd1fc61c6f884f48641d02",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return administer(cmd.Context(), *data, "DELETE", "/firmware/updates/"+url.PathEscape(args[0]), nil, nil)
		},
	}
}

func newFirmwareRetry(data *string) *cobra.Command {
	var watch, asJSON bool
	c := &cobra.Command{
		Use:     "retry UPDATE",
		Short:   "Begin again with the devices that failed or were cancelled",
		Example: "  heddle firmware retry --watch 4b227777d4dd1fc61c6f884f48641d02",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var u firmware.Update
			if err := administer(cmd.Context(), *data, "POST", "/firmware/updates/"+url.PathEscape(args[0])+"/retry", struct{}{}, &u); err != nil {
				return err
			}
			return showUpdate(cmd.Context(), cmd.OutOrStdout(), *data, u.ID, watch, asJSON, true)
		},
	}
	watchFlags(c, &watch, &asJSON)
	return c
}
