package serve

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"heddle.example/host"
	"heddle.example/internal/api"
	"heddle.example/internal/bootstrap"
	"heddle.example/internal/credentials"
	lwbootstrap "heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
)

// bootstrapRole is the bootstrap server's part of a program; it is empty where there is none.
type bootstrapRole struct {
	service       *bootstrap.Service
	plain, secure []*host.Socket
	securePorts   map[uint16]bool
}

// listenBootstrap binds the ports of the bootstrap server.
func (p *Program) listenBootstrap() (err error) {
	c := &p.config
	if !c.Bootstrap {
		return nil
	}
	if p.boot.plain, err = p.listen(c.BootstrapCoAP, c.bootstrapFlag("coap")); err == nil {
		p.boot.secure, err = p.listen(c.BootstrapCoAPS, c.bootstrapFlag("coaps"))
	}
	return err
}

// bootstrapFlag is the flag that chooses another port.
func (c *Config) bootstrapFlag(name string) string {
	if c.NoServer {
		return "--" + name
	}
	return "--bootstrap-" + name
}

// startBootstrap runs the bootstrap server. The LwM2M server of the same program, where there is one, shares its store.
func (p *Program) startBootstrap() error {
	if !p.config.Bootstrap {
		return nil
	}
	o := bootstrap.Options{Store: p.store, Registry: p.defs.Registry, Now: time.Now}
	if !p.config.NoServer {
		o.Local = localServer{p.Credentials, p}
	}
	configurations, err := bootstrap.Open(o)
	if err != nil {
		return err
	}
	sessions, err := bootstrap.OpenSessions(bootstrap.SessionsOptions{Hub: p.hub, Registry: p.defs.Registry, Store: p.store,
		Epoch: strconv.FormatInt(time.Now().UnixMilli(), 36), Refused: p.bootstrapRefused})
	if err != nil {
		return err
	}
	p.boot.securePorts = map[uint16]bool{}
	for _, s := range p.boot.secure {
		p.boot.securePorts[s.Local().Port()] = true
	}
	owner, err := bootstrap.Start(bootstrap.OwnerConfig{Host: p.host, Plain: p.boot.plain, Secure: p.boot.secure, Configurations: configurations, Sessions: sessions,
		Registry: p.defs.Registry()})
	if err != nil {
		return err
	}
	p.boot.plain, p.boot.secure = nil, nil // the owner closes them
	p.boot.service = &bootstrap.Service{Configurations: configurations, Sessions: sessions, Owner: owner}
	return nil
}

// registryChanged tells everybody who reads values.
func (p *Program) bootstrapRegistry(r *registry.Registry) {
	if p.boot.service != nil {
		p.boot.service.Owner.SetRegistry(r)
	}
}

// bootstrapRefused notes who was turned away, beside those that the LwM2M server turned away.
func (p *Program) bootstrapRefused(e *lwbootstrap.Refused) {
	p.config.Log.Info("bootstrap refused", "endpoint", e.Endpoint, "identity", e.Identity, "from", e.Path.Remote, "why", e.Why)
	p.Fleet.Take(&server.Refused{Endpoint: e.Endpoint, Identity: e.Identity, Path: e.Path, Code: e.Code, Why: "bootstrap: " + e.Why, At: e.At})
}

func (p *Program) stopBootstrap(ctx context.Context) error {
	for _, s := range append(p.boot.plain, p.boot.secure...) {
		s.Close()
	}
	if p.boot.service == nil {
		return nil
	}
	return p.boot.service.Owner.Stop(ctx)
}

// bootstrapInfo adds the bootstrap server to what the program says of itself.
func (p *Program) bootstrapInfo(i *api.Info) {
	i.Roles = []string{}
	if !p.config.NoServer {
		i.Roles = append(i.Roles, "server")
	}
	for j := range i.Addresses {
		i.Addresses[j].Role = "server"
	}
	if p.boot.service == nil {
		return
	}
	i.Roles = append(i.Roles, "bootstrap")
	st := p.boot.service.Owner.Stats()
	for _, s := range st.Owner.Sockets {
		scheme := "coap"
		if p.boot.securePorts[s.Local.Port()] {
			scheme = "coaps"
		}
		i.Addresses = append(i.Addresses, api.Address{URI: scheme + "://" + s.Local.String(), Protocol: scheme, Role: "bootstrap", Received: s.Received, Sent: s.Sent,
			KernelDrops: s.KernelDrops, ReceiveBuffer: s.ReceiveBuffer, LastError: s.LastError})
	}
	b := st.Server
	for name, n := range map[string]uint64{"bootstrapRequests": b.Requests, "bootstrapRefused": b.Refused, "bootstrapBegun": b.Begun, "bootstrapDone": b.Done, "bootstrapFailed": b.Failed,
		"bootstrapHandshakes": b.DTLS.HandshakesDone, "bootstrapHandshakeFailures": b.DTLS.HandshakesFailed} {
		i.Counters[name] = n
	}
}

// Bootstrap is the bootstrap server's part of the program; nil where there is none.
func (p *Program) Bootstrap() *bootstrap.Service { return p.boot.service }

// BootstrapAddress is an address on which devices of this computer reach the bootstrap server.
func (p *Program) BootstrapAddress(secure bool) netip.AddrPort {
	if p.boot.service == nil {
		return netip.AddrPort{}
	}
	for _, s := range p.boot.service.Owner.Stats().Owner.Sockets {
		if p.boot.securePorts[s.Local.Port()] != secure {
			continue
		}
		if a := s.Local; a.Addr().IsUnspecified() {
			return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), a.Port())
		}
		return s.Local
	}
	return netip.AddrPort{}
}

// localServer is the LwM2M server of this program, as the bootstrap server sees it.
type localServer struct {
	*credentials.Credentials
	p *Program
}

// IsLocal reports whether a Server URI leads to this program's LwM2M server: one of its ports, at an address or name of
// this computer.
func (l localServer) IsLocal(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil {
		return false
	}
	port := map[string]string{"coap": "5683", "coaps": "5684"}[u.Scheme]
	if u.Port() != "" {
		port = u.Port()
	}
	st, err := l.p.Shards.Stats()
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	addr, err := netip.ParseAddr(host)
	names := append(l.p.hosts(), "localhost", "127.0.0.1", "::1")
	for _, s := range st.Owner.Sockets {
		local := s.Local.Addr().Unmap()
		if strconv.Itoa(int(s.Local.Port())) != port || l.p.securePorts[s.Local.Port()] != (u.Scheme == "coaps") {
			continue
		}
		switch {
		case err == nil && addr.Unmap().WithZone("") == local.WithZone(""):
			return true
		case err == nil && local.IsUnspecified() && isOurs(addr.Unmap().WithZone("")):
			return true
		case err != nil && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, host) }):
			return true
		}
	}
	return false
}
