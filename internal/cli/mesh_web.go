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

	"github.com/spf13/pflag"

	"heddle.example/internal/access"
	"heddle.example/internal/api"
	"heddle.example/internal/fleet"
	"heddle.example/internal/node"
	"heddle.example/internal/serve"
	"heddle.example/internal/topology"
	"heddle.example/internal/web"
	"heddle.example/machine"
	"heddle.example/thread"
)

// meshWeb is the web page of one program that is no server: a simulation, a node, a border router.
type meshWeb struct {
	addr  string // of the loopback
	title string
	role  string // "": none but what c says
	c     api.Config
	log   *slog.Logger
	out   io.Writer
}

// start serves the page. What it returns ends it.
func (m meshWeb) start() (stop func() error, err error) {
	listeners, err := listenLoopback(m.addr)
	if err != nil {
		return nil, err
	}
	drop := func() {
		for _, l := range listeners {
			l.Close()
		}
	}
	store, err := serve.OpenStore("", serve.History{}, m.log)
	if err != nil {
		drop()
		return nil, err
	}
	manager, err := access.Open(store, access.Options{})
	if err != nil {
		drop()
		store.Close()
		return nil, err
	}
	host, port, _ := net.SplitHostPort(listeners[0].Addr().String())
	if host == "127.0.0.1" {
		host = "localhost"
	}
	url := "http://" + net.JoinHostPort(host, port)
	started := fleet.Time(time.Now().UnixNano())
	c := m.c
	c.Access, c.Web, c.Port, c.Demo, c.Version, c.WebBuild, c.Log = manager, web.Handler(), listeners[0].Addr().(*net.TCPAddr).Port, true, Version, web.Build(), m.log
	c.Failed = func() error { return nil }
	roles := []string{}
	if m.role != "" {
		roles = append(roles, m.role)
	}
	c.Info = func() api.Info {
		return api.Info{Version: Version, Roles: roles, StartedAt: started, Addresses: []api.Address{}, Web: url,
			Counters: map[string]uint64{}, Demo: true, Unknown: "refuse", Formats: []string{}, Versions: []string{}}
	}
	a := api.New(c)
	server := api.Server(a.Handler(), m.log)
	for _, l := range listeners {
		go server.Serve(l)
	}
	link, err := manager.EnterLink(access.Admin)
	if err != nil {
		drop()
		store.Close()
		return nil, err
	}
	fmt.Fprintf(m.out, "Heddle %s: %s\n  web       %s\n", Version, m.title, url)
	if !web.Built() {
		fmt.Fprintln(m.out, "  the web app is not built in: make web, then build anew")
	}
	fmt.Fprintf(m.out, "\nThis link logs in, once, within 15 minutes:\n  %s/#/enter/%s\n\n", url, link)
	return func() error {
		defer store.Close()
		a.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, nil
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
		return nil, fmt.Errorf("--web: %s is not of the loopback; the page is for this computer only", addr)
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

// addWeb adds the flag of a program with a live page.
func addWeb(f *pflag.FlagSet, page *string) {
	f.StringVar(page, "web", "", "show it and its network on a page at this `ADDRESS` of the loopback")
	f.Lookup("web").NoOptDefVal = "localhost:8080"
}

// pageLog is where the page's server complains.
func pageLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelError}))
}

// startNodeWeb serves the page of a node that is about to run, and gives the node its seat. more, which may be nil, adds to
// what is served.
func startNodeWeb(o *node.Options, addr, title string, log *slog.Logger, out io.Writer, more func(c *api.Config)) (stop func() error, err error) {
	seat := node.NewSeat(nil)
	live := topology.NewLive(topology.LiveOptions{Seat: seat, Name: fmt.Sprintf("node %d", o.ID), Device: func() (d topology.Device) {
		if x := seat.Device(); x != nil {
			if s := x.Status(); s.Started {
				d.Client, d.LwM2M = s.Endpoint, strings.TrimPrefix(fmt.Sprint(s.State), "STATE_")
			}
		}
		return d
	}})
	seat.SetTap(func(now machine.Time, n *thread.Node, own bool, channel uint8, rssi int8, psdu []byte) {
		live.Heard(now, n, own, channel, rssi, psdu)
	})
	o.Seat = seat
	c := api.Config{Mesh: live, Seat: seat}
	if more != nil {
		more(&c)
	}
	end, err := meshWeb{addr: addr, title: title, c: c, log: log, out: out}.start()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go live.Run(ctx)
	return func() error { cancel(); return end() }, nil
}
