package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"heddle.example/host"
	"heddle.example/internal/access"
	"heddle.example/internal/api"
	"heddle.example/internal/history"
	"heddle.example/internal/leshan"
	"heddle.example/internal/web"
)

// adminSocket is the file in the data directory through which `heddle token` and `heddle user` reach a running server.
const adminSocket = "admin.sock"

// listenWeb binds the web addresses. On anything but the loopback it wants TLS, or to be told that it does not matter.
func (p *Program) listenWeb() (list []net.Listener, err error) {
	c := p.config
	defer func() {
		if err != nil {
			for _, l := range list {
				l.Close()
			}
			list = nil
		}
	}()
	p.tls = c.TLSCert != "" || c.TLSKey != "" || c.TLSSelfSigned
	for _, a := range c.Web {
		addrs, loopback, err := webAddrs(a)
		if err != nil {
			return list, err
		}
		if !loopback && !p.tls && !c.InsecureWeb {
			return list, fmt.Errorf("--web %s can be reached from other computers, so passwords and keys need TLS: add --tls-cert FILE and --tls-key FILE, or --tls-self-signed; where a proxy in front does TLS, --insecure-web", a)
		}
		for i, addr := range addrs {
			l, err := net.Listen("tcp", addr)
			switch {
			case errors.Is(err, syscall.EADDRINUSE):
				return list, &inUseError{addr}
			case err != nil && i > 0 && len(addrs) > 1: // localhost without IPv6
				continue
			case err != nil:
				return list, fmt.Errorf("--web: cannot listen on tcp %s: %w", addr, err)
			}
			if i == 0 && len(addrs) > 1 { // a port that the system chose is the same on both
				_, port, _ := net.SplitHostPort(l.Addr().String())
				addrs[1] = net.JoinHostPort("::1", port)
			}
			list = append(list, l)
		}
	}
	if len(list) == 0 {
		return list, errors.New("--web: no address")
	}
	return list, nil
}

// inUseError says that another program has the web port.
type inUseError struct{ addr string }

func (e *inUseError) Error() string {
	return "tcp " + e.addr + " is in use by another program: choose another with --web"
}

// InUse reports whether an error of Start means that a port is in use, and which flag chooses another.
func InUse(err error) (flag string, ok bool) {
	var udp *host.InUseError
	var tcp *inUseError
	switch {
	case errors.As(err, &udp):
		return udp.Flag, true
	case errors.As(err, &tcp):
		return "--web", true
	}
	return "", false
}

// webAddrs expands an address: localhost is both loopback addresses.
func webAddrs(a string) (addrs []string, loopback bool, err error) {
	h, port, err := net.SplitHostPort(a)
	if err != nil {
		return nil, false, fmt.Errorf("--web: %q is not an address with a port, such as \"localhost:8080\", \":8080\" or \"[::1]:8080\"", a)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 65535 {
		return nil, false, fmt.Errorf("--web: %q has no valid port", a)
	}
	if strings.EqualFold(h, "localhost") {
		return []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}, true, nil
	}
	ip, err := netip.ParseAddr(h)
	return []string{net.JoinHostPort(h, port)}, err == nil && ip.IsLoopback(), nil
}

// pageHost is what to put into a link to an address that we listen on.
func pageHost(addr string) string {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return addr
	}
	switch ip := a.Addr().Unmap(); {
	case ip.IsUnspecified() && ip.Is4(), ip.IsUnspecified():
		name, err := os.Hostname()
		if err != nil {
			name = "localhost"
		}
		return net.JoinHostPort(name, strconv.Itoa(int(a.Port())))
	case ip == netip.MustParseAddr("127.0.0.1"):
		return net.JoinHostPort("localhost", strconv.Itoa(int(a.Port())))
	}
	return a.String()
}

// hosts are the names that the web port answers to: what it listens on, this computer's names and addresses where it
// listens on all of them, and those of --web-host.
func (p *Program) hosts() []string {
	names := append([]string(nil), p.config.WebHosts...)
	if h := p.config.Firmware.Host; h != "" {
		names = append(names, strings.Trim(h, "[]")) // devices ask for packages under this name
	}
	for _, l := range p.web {
		a, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil {
			continue
		}
		names = append(names, a.Addr().Unmap().WithZone("").String())
		if !a.Addr().IsUnspecified() {
			continue
		}
		if name, err := os.Hostname(); err == nil {
			names = append(names, name)
		}
		ifaces, _ := net.InterfaceAddrs()
		for _, i := range ifaces {
			if n, ok := i.(*net.IPNet); ok {
				names = append(names, n.IP.String())
			}
		}
	}
	for _, a := range p.config.Web {
		if h, _, err := net.SplitHostPort(a); err == nil && h != "" {
			names = append(names, h)
		}
	}
	return names
}

func (p *Program) startAPI() error {
	port := 0
	if a, err := netip.ParseAddrPort(p.web[0].Addr().String()); err == nil {
		port = int(a.Port())
	}
	ac := api.Config{Fleet: p.Fleet, Hub: p.hub, Access: p.Access, Credentials: p.Credentials, Notes: p.notes, History: history.New(p.store), Backup: backupTo(p.store, p.config.Data, p.config.Version), Firmware: p.Firmware, Devices: p.Shards, Definitions: p.defs, Info: p.Info, Failed: p.store.Failed,
		Metrics: p.metrics(), Web: web.Handler(), Hosts: p.hosts(), Port: port, Secure: p.tls, Demo: p.config.Demo, Version: p.config.Version, WebBuild: web.Build(), Log: p.config.Log}
	switch p.config.LeshanAPI {
	case "open":
		for _, l := range p.web {
			if a, err := netip.ParseAddrPort(l.Addr().String()); err != nil || !a.Addr().Unmap().IsLoopback() {
				return fmt.Errorf("--leshan-api open gives everybody who reaches the web port the devices, so it works on the loopback only; use --leshan-api token, or --web localhost:%d", port)
			}
		}
		p.startLeshan(&ac, true)
	case "token", "":
		p.startLeshan(&ac, false)
	case "off":
	default:
		return fmt.Errorf("--leshan-api is %q; use off, token or open", p.config.LeshanAPI)
	}
	ac.Bootstrap = p.boot.service
	ac.Mesh, ac.Seat, ac.Border, ac.Traces = p.config.Mesh, p.config.Seat, p.config.Border, p.config.Traces
	p.API = api.New(ac)
	p.results.Store(p.API)
	p.Firmware.Start()
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	h := p.API.Handler()
	var tc *tls.Config
	if p.tls {
		var err error
		if tc, err = p.certificate(); err != nil {
			return err
		}
	}
	for _, l := range p.web {
		s := api.Server(h, p.config.Log)
		s.TLSConfig = tc
		p.serve(s, l)
	}
	if p.config.Data != "" {
		p.serveAdmin(h)
	}
	p.running.Go(func() { p.API.PublishStats(ctx, p.messages) })
	p.running.Go(func() { giveBack(ctx) })
	return nil
}

func (p *Program) startLeshan(ac *api.Config, open bool) {
	l := leshan.New(leshan.Config{Fleet: p.Fleet, Credentials: p.Credentials, Definitions: p.defs, Bootstrap: p.boot.service, Open: open})
	ac.Leshan = l.Routes
	p.leshan.Store(l)
}

func (p *Program) serve(s *http.Server, l net.Listener) {
	p.http = append(p.http, s)
	p.running.Add(1)
	go func() {
		defer p.running.Done()
		run := s.Serve
		if s.TLSConfig != nil {
			run = func(l net.Listener) error { return s.ServeTLS(l, "", "") }
		}
		if err := run(l); !errors.Is(err, http.ErrServerClosed) {
			p.config.Log.Error("the web port failed", "address", l.Addr(), "error", err)
		}
	}()
}

// serveAdmin opens the administration socket. We hold the lock of the directory, so a file that is there is a dead one's.
func (p *Program) serveAdmin(h http.Handler) {
	name := filepath.Join(p.config.Data, adminSocket)
	os.Remove(name)
	old := syscallUmask(0o177)
	l, err := net.Listen("unix", name)
	syscallUmask(old)
	if err != nil {
		p.config.Log.Warn("no administration socket: heddle token and heddle user cannot reach this server", "error", err)
		return
	}
	// Profiles of the running program are for whoever administers it: curl --unix-socket admin.sock http://localhost/debug/pprof/heap
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	s := api.Server(mux, p.config.Log)
	s.BaseContext = func(net.Listener) context.Context { return api.Local(context.Background()) }
	p.serve(s, l)
}

// FirstRun returns the link that makes the first administrator, or nothing where there is one.
func (p *Program) FirstRun() (string, error) {
	if p.Access.HasAdmin() {
		return "", nil
	}
	token, err := p.Access.FirstRunLink()
	return p.URL() + "/#/first-run/" + token, err
}

// Enter returns a link that logs in at once.
func (p *Program) Enter(role access.Role) (string, error) {
	token, err := p.Access.EnterLink(role)
	return p.URL() + "/#/enter/" + token, err
}
