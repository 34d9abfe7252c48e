package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"syscall"

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

// listenLoopback listens for the live page. Whoever reaches it after the link was used sees keys and plays with the nodes,
// so that it is for this computer only.
func listenLoopback(addr string) (list []net.Listener, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("--web: %q is not an address with a port, such as localhost:8080", addr)
	}
	addrs := []string{addr}
	if strings.EqualFold(host, "localhost") {
		addrs = []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}
	} else if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("--web: %s is not of the loopback; the page of a simulation is for this computer only", addr)
	}
	for i, x := range addrs {
		l, err := net.Listen("tcp", x)
		switch {
		case err != nil && i > 0: // localhost without IPv6
			continue
		case errors.Is(err, syscall.EADDRINUSE):
			return nil, fmt.Errorf("--web: %s is in use by another program: choose another, or localhost:0", x)
		case err != nil:
			return nil, fmt.Errorf("--web: %w", err)
		}
		if i == 0 && len(addrs) > 1 {
			_, chosen, _ := net.SplitHostPort(l.Addr().String())
			addrs[1] = net.JoinHostPort("::1", chosen)
		}
		list = append(list, l)
	}
	return list, nil
}
