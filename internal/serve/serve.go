// Package serve assembles the server program: store, credentials, shards, the fleet, the API and its listeners.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"heddle.example/dtls"
	"heddle.example/host"
	"heddle.example/internal/access"
	"heddle.example/internal/api"
	"heddle.example/internal/credentials"
	"heddle.example/internal/definitions"
	"heddle.example/internal/firmware"
	"heddle.example/internal/fleet"
	"heddle.example/internal/leshan"
	"heddle.example/internal/notes"
	"heddle.example/internal/seat"
	"heddle.example/internal/shards"
	"heddle.example/internal/stream"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/store"
)

// Config of the program; internal/cli fills it from flags.
type Config struct {
	CoAP, CoAPS   []string // addresses for devices
	Web           []string // addresses of the web page and API
	Data          string   // data directory; empty or "none": nothing is kept
	DTLSCBC       bool     // also the suite with CBC
	Proof         Proof    // raw public keys and certificates
	Unknown       string   // accept, refuse; empty: accept where all of CoAP is on the loopback
	LeshanAPI     string   // off, token, open
	WebHosts      []string // more names that the web port answers to
	TLSCert       string
	TLSKey        string
	TLSSelfSigned bool
	InsecureWeb   bool
	AwakeWindow   time.Duration // how long a device in queue mode listens after each message; 0: 93 s
	Shards        int           // how many server machines share the devices; 0: as many as suit the computer
	History       History
	Firmware      Firmware
	Demo          bool
	Follower      shards.Follower // sees what becomes of operations; nil: nobody
	Version       string
	Log           *slog.Logger

	Bootstrap                     bool     // run the bootstrap server
	BootstrapCoAP, BootstrapCoAPS []string // its addresses
	NoServer                      bool     // and no LwM2M server: CoAP and CoAPS are empty

	// A mesh of this program, with its pages; nil: none.
	Mesh   api.Mesh
	Seat   seat.Seat
	Border api.Border
	Traces api.Traces
}

// Program is a running server.
type Program struct {
	Access      *access.Manager
	Credentials *credentials.Credentials
	Shards      *shards.Shards
	Fleet       *fleet.Fleet
	Firmware    *firmware.Manager
	API         *api.API

	config      Config
	host        *host.Host
	store       store.Store
	hub         *stream.Hub
	defs        *definitions.Definitions
	notes       *notes.Notes
	plain       []*host.Socket
	secure      []*host.Socket
	web         []net.Listener
	admin       net.Listener
	http        []*http.Server
	started     machine.Time
	tls         bool
	accepts     bool // unknown endpoints
	securePorts map[uint16]bool
	boot        bootstrapRole
	proof       *dtls.Certificate // nil: pre-shared keys only
	leshan      atomic.Pointer[leshan.Leshan]
	results     atomic.Pointer[api.API] // takes the results of kept operations
	cancel      context.CancelFunc
	running     sync.WaitGroup

	// Fingerprint is the SHA-256 of a self-signed certificate.
	Fingerprint string
}

// Start brings everything up, or nothing.
func Start(c Config) (p *Program, err error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Data == "none" {
		c.Data = ""
	}
	p = &Program{config: c, host: host.New(host.Options{Log: c.Log})}
	defer func() {
		if err != nil {
			p.abandon()
			p = nil
		}
	}()
	p.started = p.host.Now()
	// Ports first: a second server on the same ports says so before it touches anything.
	if p.plain, err = p.listen(c.CoAP, "--coap"); err != nil {
		return p, err
	}
	if p.secure, err = p.listen(c.CoAPS, "--coaps"); err != nil {
		return p, err
	}
	if err = p.listenBootstrap(); err != nil {
		return p, err
	}
	if p.web, err = p.listenWeb(); err != nil {
		return p, err
	}
	if p.store, err = OpenStore(c.Data, c.History, c.Log); err != nil {
		return p, err
	}
	if p.Access, err = access.Open(p.store, access.Options{}); err != nil {
		return p, err
	}
	if p.Credentials, err = credentials.Open(p.store, time.Now); err != nil {
		return p, err
	}
	if p.defs, err = definitions.Open(p.store); err != nil {
		return p, err
	}
	if p.notes, err = notes.Open(p.store); err != nil {
		return p, err
	}
	p.hub = stream.NewHub(stream.Options{Epoch: uint64(time.Now().UnixMilli())})
	p.Fleet = fleet.New(fleet.Options{Hub: p.hub, Registry: p.defs.Registry, Now: p.host.Now, Notes: p.notes.Of, Watch: func(ep string, on bool) { p.Shards.Watch(ep, on) }})
	if err = p.openFirmware(); err != nil {
		return p, err
	}
	if err = p.startShards(); err != nil {
		return p, err
	}
	if err = p.startBootstrap(); err != nil {
		return p, err
	}
	return p, p.startAPI()
}

func (p *Program) listen(addrs []string, flag string) ([]*host.Socket, error) {
	return p.host.ListenWith(host.ListenOptions{Addrs: addrs, Flag: flag})
}

// OpenStore opens a data directory, or memory where dir is empty. Its errors say what to do.
func OpenStore(dir string, h History, log *slog.Logger) (store.Store, error) {
	points, err := h.points()
	if err != nil {
		return nil, err
	}
	if dir == "" {
		return store.MemoryWith(points), nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w; choose another with --data", err)
	}
	s, err := store.Open(dir, store.Options{Log: log, Points: points})
	switch {
	case errors.Is(err, store.ErrInUse):
		return nil, fmt.Errorf("data directory %s is in use by another heddle; stop that one, or choose another with --data: %w", dir, err)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("data directory %s cannot be written: %w; choose another with --data", dir, err)
	case err != nil:
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	return s, nil
}

// sessionIdleMax is when a silent device's session is dropped, with its record on disk. Devices that sleep for weeks keep
// theirs; those that rebooted without a connection ID leave one behind each time.
const sessionIdleMax = 60 * 24 * time.Hour

func (p *Program) startShards() error {
	unknown := server.RefuseUnknown
	if p.accepts = p.acceptUnknown(); p.accepts {
		unknown = server.AcceptUnknown
	}
	p.securePorts = map[uint16]bool{}
	for _, s := range p.secure {
		p.securePorts[s.Local().Port()] = true
	}
	sc := server.Config{AwakeWindow: p.config.AwakeWindow, Registry: p.defs.Registry(), Credentials: p.Credentials, Unknown: unknown, Files: firmware.Prefix, History: !p.config.History.Off}
	if len(p.secure) > 0 {
		sc.DTLS = &dtls.Config{CIDLen: 8, Durable: true, SessionIdleMax: sessionIdleMax, AllowCBC: p.config.DTLSCBC}
	}
	var err error
	if p.proof, err = p.config.Proof.open(&sc); err != nil {
		return err
	}
	s, err := shards.Start(shards.Config{Host: p.host, Shards: p.config.Shards, Server: sc, Plain: p.plain, Secure: p.secure, Store: p.store, Tables: server.Tables(), OnEvent: p.event, Follower: p.config.Follower, OnFile: p.Firmware.TakeFile,
		OnRestored: p.Fleet.Restored})
	if err != nil {
		return err
	}
	p.plain, p.secure, p.Shards = nil, nil, s // the shards close them
	p.Credentials.OnChange(s.CredentialChanged)
	p.defs.OnChange(func(r *registry.Registry) {
		s.SetRegistry(r)
		p.bootstrapRegistry(r)
		p.Fleet.RegistryChanged()
	})
	return nil
}

// acceptUnknown says what becomes of endpoints without credentials on plain CoAP.
func (p *Program) acceptUnknown() bool {
	switch p.config.Unknown {
	case "accept":
		return true
	case "refuse":
		return false
	}
	for _, s := range p.plain {
		if !s.Local().Addr().IsLoopback() {
			return p.config.Demo
		}
	}
	return true
}

func (p *Program) event(v any) {
	switch e := v.(type) {
	case *server.Registered:
		if p.config.Log.Enabled(context.Background(), slog.LevelDebug) { // else the arguments alone would cost memory
			p.config.Log.Debug("registered", "endpoint", e.Registration.Endpoint, "from", e.Registration.Path.Remote)
		}
	case *server.Refused:
		p.config.Log.Info("refused", "endpoint", e.Endpoint, "identity", e.Identity, "from", e.Path.Remote, "why", e.Why)
	}
	if e, ok := v.(*shards.Ended); ok {
		p.Fleet.QueueLeft(e.Outcome.Endpoint, e.Outcome.Left)
		if a := p.results.Load(); a != nil {
			a.KeptEnded(e)
		}
		return
	}
	p.Fleet.Take(v)
	p.Firmware.Take(v)
	if l := p.leshan.Load(); l != nil {
		l.Take(v)
	}
}

// URL is where the web page is.
func (p *Program) URL() string {
	scheme := "http"
	if p.tls {
		scheme = "https"
	}
	return scheme + "://" + pageHost(p.web[0].Addr().String())
}

// Stop ends everything in order: what waits, the web port, the shards, the store.
func (p *Program) Stop(ctx context.Context) error {
	p.cancel()
	p.API.Close()
	p.hub.Close()
	if l := p.leshan.Load(); l != nil {
		l.Close()
	}
	p.Firmware.Close()
	p.Shards.Release()
	var errs []error
	for _, s := range p.http {
		if err := s.Shutdown(ctx); err != nil {
			s.Close()
		}
	}
	errs = append(errs, p.Shards.Stop(ctx), p.stopBootstrap(ctx))
	p.running.Wait()
	errs = append(errs, p.store.Close())
	if p.config.Data != "" {
		os.Remove(filepath.Join(p.config.Data, adminSocket))
	}
	return errors.Join(errs...)
}

// abandon gives back what a failed start had taken.
func (p *Program) abandon() {
	for _, s := range append(p.plain, p.secure...) {
		s.Close()
	}
	for _, l := range p.web {
		l.Close()
	}
	if p.Firmware != nil {
		p.Firmware.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	p.stopBootstrap(ctx)
	if p.Shards != nil {
		p.Shards.Stop(ctx)
	}
	if p.store != nil {
		p.store.Close()
	}
}

// DeviceAddress is an address on which devices of this computer reach the server.
func (p *Program) DeviceAddress(secure bool) netip.AddrPort {
	if list := p.DeviceAddresses(secure); len(list) > 0 {
		return list[0]
	}
	return netip.AddrPort{}
}

// DeviceAddresses are all addresses on which devices of this computer reach the server.
func (p *Program) DeviceAddresses(secure bool) (list []netip.AddrPort) {
	st, _ := p.Shards.Stats()
	for _, s := range st.Owner.Sockets {
		if p.securePorts[s.Local.Port()] != secure {
			continue
		}
		if a := s.Local; a.Addr().IsUnspecified() {
			list = append(list, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), a.Port()))
		} else {
			list = append(list, a)
		}
	}
	return list
}
