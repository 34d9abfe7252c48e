package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"heddle.example/internal/access"
	"heddle.example/internal/api"
	"heddle.example/internal/fleet"
	"heddle.example/internal/serve"
	"heddle.example/internal/simulate"
	"heddle.example/internal/topology"
	"heddle.example/internal/web"
)

// runSimWeb runs a scenario with its live page until ctx ends.
func runSimWeb(ctx context.Context, s *simulate.Scenario, addr string, speed float64, log *slog.Logger, out io.Writer) error {
	listeners, err := listenLoopback(addr)
	if err != nil {
		return err
	}
	defer func() {
		for _, l := range listeners {
			l.Close()
		}
	}()
	world, err := topology.New(topology.Options{Scenario: s, Speed: speed})
	if err != nil {
		return err
	}
	store, err := serve.OpenStore("", serve.History{}, log)
	if err != nil {
		return err
	}
	defer store.Close()
	manager, err := access.Open(store, access.Options{})
	if err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(listeners[0].Addr().String())
	if host == "127.0.0.1" {
		host = "localhost"
	}
	url := "http://" + net.JoinHostPort(host, port)
	started := fleet.Time(time.Now().UnixNano())
	number := listeners[0].Addr().(*net.TCPAddr).Port
	a := api.New(api.Config{Mesh: world, Access: manager, Web: web.Handler(), Port: number, Demo: true, Version: Version,
		WebBuild: web.Build(), Log: log, Failed: func() error { return nil },
		Info: func() api.Info {
			return api.Info{Version: Version, Roles: []string{"simulation"}, StartedAt: started, Addresses: []api.Address{}, Web: url,
				Counters: map[string]uint64{}, Demo: true, Unknown: "refuse", Formats: []string{}, Versions: []string{}}
		}})
	server := api.Server(a.Handler(), log)
	for _, l := range listeners {
		go server.Serve(l)
	}
	link, err := manager.EnterLink(access.Admin)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Heddle %s: a simulation of %d nodes, seed %d\n  web       %s\n", Version, s.Total(), s.Seed, url)
	if !web.Built() {
		fmt.Fprintln(out, "  the web app is not built in: make web, then build anew")
	}
	fmt.Fprintf(out, "\nThis link logs in, once, within 15 minutes:\n  %s/#/enter/%s\n\nCtrl-C ends.\n", url, link)
	world.Run(ctx)
	a.Close()
	stop, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(stop); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
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
