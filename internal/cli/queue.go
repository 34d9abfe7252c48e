package cli

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"heddle.example/internal/api"
)

func newQueue() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "queue",
		Short: "Show and cancel what is kept for sleeping devices",
		Long:  "Show and cancel the operations that are kept for devices that sleep. The commands reach a running server through its data directory.",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.PersistentFlags().StringVar(&data, "data", defaultData(), "data `DIRECTORY` of the server")
	c.MarkPersistentFlagDirname("data")
	c.AddCommand(newQueueList(&data), newQueueCancel(&data), newQueueWindow(&data))
	return c
}

func queuePath(endpoint string) string { return "/clients/" + url.PathEscape(endpoint) + "/queue" }

func newQueueList(data *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list ENDPOINT",
		Short:   "List what is kept for a device, in the order in which it will be sent",
		Example: "  heddle queue list door-front\n  heddle queue list door-front --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var q api.QueueView
			if err := administer(cmd.Context(), *data, "GET", queuePath(args[0]), nil, &q); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), q)
			}
			state := "asleep"
			if q.Awake {
				state = "awake"
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s is %s; it listens for %g s after each message.\n", args[0], state, q.Window)
			w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			if len(q.Items) > 0 {
				fmt.Fprintln(w, "ID\tOPERATION\tPATH\tSTATUS\tASKED\tEXPIRES")
			}
			for _, r := range q.Items {
				path := r.Path
				if len(r.Paths) > 0 {
					path = strings.Join(r.Paths, " ")
				}
				asked, expires := time.Unix(0, int64(r.QueuedAt)), time.Unix(0, int64(r.ExpiresAt))
				fmt.Fprintln(w, strings.Join([]string{r.ID, r.Op, path, r.Status, day(&asked, "-"), day(&expires, "-")}, "\t"))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func newQueueCancel(data *string) *cobra.Command {
	var all string
	c := &cobra.Command{
		Use:     "cancel ID... | --all ENDPOINT",
		Short:   "Cancel kept operations",
		Example: "  heddle queue cancel dzr9h0l2m81c\n  heddle queue cancel --all door-front",
		RunE: func(cmd *cobra.Command, ids []string) error {
			switch {
			case all == "" && len(ids) == 0:
				return errors.New("name the operations to cancel, or --all ENDPOINT")
			case all != "" && len(ids) > 0:
				return errors.New("--all cancels all of a device: name no operations beside it")
			case all != "":
				return administer(cmd.Context(), *data, "DELETE", queuePath(all), nil, nil)
			}
			for _, id := range ids {
				if err := administer(cmd.Context(), *data, "DELETE", "/operations/"+url.PathEscape(id), nil, nil); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&all, "all", "", "cancel all that is kept for `ENDPOINT`")
	return c
}

func newQueueWindow(data *string) *cobra.Command {
	return &cobra.Command{
		Use:     "window ENDPOINT DURATION",
		Short:   "Say how long a device listens after each of its messages; 0: as all others",
		Example: "  heddle queue window door-front 20s\n  heddle queue window door-front 0",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := time.ParseDuration(args[1])
			if err != nil {
				return fmt.Errorf("%q is no duration such as 20s", args[1])
			}
			return administer(cmd.Context(), *data, "PUT", queuePath(args[0]), map[string]float64{"window": d.Seconds()}, nil)
		},
	}
}
