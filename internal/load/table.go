package load

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Write prints a report as a table.
func (r *Report) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d devices on %d sockets, %d at a time\n\n", r.Server, r.Clients, r.Sockets, r.Concurrency)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "phase\tdone\terrors\tseconds\tper second\tp50 ms\tp90 ms\tp99 ms\tmax ms\tCPU us\tMB\t")
	for _, p := range r.Phases {
		cells := []string{p.Name, fmt.Sprint(p.Operations), fmt.Sprint(p.Errors), fmt.Sprintf("%.2f", p.Seconds), fmt.Sprintf("%.0f", p.Rate)}
		for _, ms := range []float64{p.P50, p.P90, p.P99, p.Max} {
			cells = append(cells, orDash(p.hasLatency, "%.2f", ms))
		}
		cells = append(cells, orDash(p.ServerMB > 0, "%.1f", p.ServerCPU), orDash(p.ServerMB > 0, "%.1f", p.ServerMB))
		fmt.Fprintln(t, strings.Join(cells, "\t")+"\t")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, p := range r.Phases {
		if p.Seen > 0 || strings.HasPrefix(p.Name, "notify") {
			fmt.Fprintf(w, "%s: a listener to the server's events saw %d of %d (%+.2f %%)", p.Name, p.Seen, p.Operations, percent(p.Seen, p.Operations))
			if p.Counted != nil {
				fmt.Fprintf(w, "; the server received %d", *p.Counted)
			}
			fmt.Fprintln(w)
		}
		if p.Retransmissions > 0 || p.Timeouts > 0 {
			fmt.Fprintf(w, "%s: %d retransmissions, %d time-outs\n", p.Name, p.Retransmissions, p.Timeouts)
		}
		if p.FirstError != "" {
			fmt.Fprintf(w, "%s: first error: %s\n", p.Name, p.FirstError)
		}
	}
	if r.LoadedMB > 0 {
		fmt.Fprintf(w, "server memory: %.1f MB before, %.1f MB with %d devices: %.0f bytes a device\n", r.IdleMB, r.LoadedMB, r.Clients, r.BytesClient)
	}
	if r.KernelDrops > 0 {
		fmt.Fprintf(w, "the generator's own sockets lost %d datagrams: lower --concurrency or --rate\n", r.KernelDrops)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	return nil
}

func orDash(ok bool, format string, v float64) string {
	if !ok {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

func percent(seen, of uint64) float64 {
	if of == 0 {
		return 0
	}
	return (float64(seen)/float64(of) - 1) * 100
}
