package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"heddle.example/internal/api"
	"heddle.example/internal/simulate"
	"heddle.example/internal/topology"
)

// runSimWeb runs a scenario with its live page until ctx ends.
func runSimWeb(ctx context.Context, s *simulate.Scenario, addr string, speed float64, log *slog.Logger, out io.Writer) error {
	world, err := topology.New(topology.Options{Scenario: s, Speed: speed})
	if err != nil {
		return err
	}
	stop, err := meshWeb{addr: addr, title: fmt.Sprintf("a simulation of %d nodes, seed %d", s.Total(), s.Seed), role: "simulation",
		c: api.Config{Mesh: world, Seat: world.Seat(1)}, log: log, out: out}.start()
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Ctrl-C ends.")
	world.Run(ctx)
	return stop()
}
