package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"heddle.example/host"
	"heddle.example/internal/access"
	"heddle.example/internal/credentials"
	"heddle.example/internal/serve"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Demo is a running server with its devices.
type Demo struct {
	Program *serve.Program
	Link    string // logs in at once, once

	kept    bool         // what devices tell the server outlives the program
	began   machine.Time // what is registered before was so when the program ended last
	host    *host.Host
	devices []running
	sleeper running
	home    *home // the mesh, if there is one
	stop    context.CancelFunc
	plain   netip.AddrPort
	secure  netip.AddrPort
	plain6  netip.AddrPort // on IPv6; not valid where this computer has none
	secure6 netip.AddrPort

	bootstrap netip.AddrPort // of the bootstrap server, with DTLS
}

// Options say what there is besides the server.
type Options struct {
	// MayMove reports whether the port of a flag, if it is in use, may be replaced by a free one: the user has not asked for
	// it.
	MayMove func(flag string) bool
	// Direct puts the devices on sockets of this computer, instead of on a mesh.
	Direct bool
	// Empty has a mesh without devices, for Walk.
	Empty bool
}

// Start starts the server, the mesh and all devices.
func Start(c serve.Config, o Options) (*Demo, error) {
	c.Demo, c.Bootstrap = true, true
	if len(c.BootstrapCoAPS) == 0 {
		c.BootstrapCoAPS = []string{"localhost:0"}
	}
	if o.MayMove == nil {
		o.MayMove = func(string) bool { return false }
	}
	d := &Demo{kept: c.Data != "" && c.Data != "none", host: host.New(host.Options{Log: c.Log, ReceiveBuffer: 64 << 10, SendBuffer: 64 << 10})}
	var err error
	if !o.Direct {
		if d.home, err = newHome(homeOptions{host: d.host, seed: 1, server4: netip.MustParseAddr("127.0.0.1"), server6: netip.IPv6Loopback()}); err != nil {
			return nil, err
		}
		c.Mesh, c.Seat, c.Border, c.Firmware.Host = d.home.shown, d.home.seat(), d.home.page(), ServerName
		c.Traces, c.Follower = d.home.follow, d.home.follow
	}
	p, err := startServer(c, o.MayMove)
	if err != nil {
		d.endHome()
		return nil, err
	}
	d.Program = p
	d.plain, d.secure, d.bootstrap = p.DeviceAddress(false), p.DeviceAddress(true), p.BootstrapAddress(true)
	if d.home != nil {
		d.home.reach(d.secure.Port())
	}
	d.plain6, d.secure6 = ofIPv6(p.DeviceAddresses(false)), ofIPv6(p.DeviceAddresses(true))
	if d.Link, err = p.Enter(access.Admin); err == nil {
		err = d.stockFirmware()
	}
	if d.home != nil {
		d.home.run()
	}
	if err == nil && !o.Empty {
		err = d.startDevices()
	}
	if err != nil {
		d.Stop(context.Background())
		return nil, err
	}
	return d, nil
}

// ofIPv6 returns the first IPv6 address of a list, if there is one.
func ofIPv6(list []netip.AddrPort) netip.AddrPort {
	for _, a := range list {
		if a.Addr().Is6() {
			return a
		}
	}
	return netip.AddrPort{}
}

// loopbacks spells localhost out: whether it means the loopback of IPv6, too, depends on a file of the computer.
func loopbacks(addrs []string) (list []string) {
	for _, a := range addrs {
		port, local := strings.CutPrefix(a, "localhost:")
		if !local {
			list = append(list, a)
			continue
		}
		list = append(list, "127.0.0.1:"+port)
		if c, err := net.ListenPacket("udp6", "[::1]:0"); err == nil {
			c.Close()
			list = append(list, "[::1]:"+port)
		}
	}
	return list
}

func startServer(c serve.Config, mayMove func(flag string) bool) (*serve.Program, error) {
	for range 6 {
		spelled := c
		for _, list := range []*[]string{&spelled.CoAP, &spelled.CoAPS, &spelled.BootstrapCoAP, &spelled.BootstrapCoAPS} {
			*list = loopbacks(*list)
		}
		p, err := serve.Start(spelled)
		flag, busy := serve.InUse(err)
		if !busy || !mayMove(flag) {
			return p, err
		}
		switch flag {
		case "--coap":
			c.CoAP = []string{"localhost:0"}
		case "--coaps":
			c.CoAPS = []string{"localhost:0"}
		case "--bootstrap-coap":
			c.BootstrapCoAP = []string{"localhost:0"}
		case "--bootstrap-coaps":
			c.BootstrapCoAPS = []string{"localhost:0"}
		case "--web":
			c.Web = []string{"localhost:0"}
		default:
			return nil, err
		}
	}
	return nil, errors.New("no free ports")
}

func (d *Demo) startDevices() error {
	d.began = d.Program.Fleet.Now()
	list := specs()
	var creds []server.Credential
	for i := range list {
		if list[i].key != nil && !list[i].family.bootstrap {
			creds = append(creds, list[i].credential())
		}
	}
	// The devices of a demo with a data directory get new keys at each start.
	res, err := d.Program.Credentials.PutAll(creds, credentials.Replace)
	if err != nil {
		return err
	}
	if len(res.Errors) > 0 {
		return fmt.Errorf("credentials of %s: %w", creds[res.Errors[0].Index].Endpoint, res.Errors[0].Err)
	}
	if err := d.configure(list); err != nil {
		return err
	}
	if d.home != nil {
		if err := d.home.do(context.Background(), func(machine.Time) { d.home.found() }); err != nil {
			return err
		}
	}
	for i := range list {
		dev, err := d.start(&list[i])
		if err != nil {
			return fmt.Errorf("device %s: %w", list[i].name, err)
		}
		d.devices = append(d.devices, dev)
		if list[i].name == sleeper {
			d.sleeper = dev
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	go d.keep(ctx)
	return d.Program.Shards.SetAwakeWindow(sleeper, sleeperAwake)
}

// running is a device of the demo.
type running interface {
	// Stop deregisters it and ends it; Kill cuts its power.
	Stop(ctx context.Context) error
	Kill(ctx context.Context) error
	// Update has it tell its server that it is there, which wakes one that sleeps.
	Update() error
}

// start starts a device: on the mesh, or on a socket of this computer.
func (d *Demo) start(s *spec) (running, error) {
	if d.home != nil {
		return d.home.start(context.Background(), s, d.account(s))
	}
	to, _ := d.server(s)
	return s.start(d.host, to.Addr().String(), to.Port())
}

// server is where a device's server really listens, and where on IPv6; not valid where it does not.
func (d *Demo) server(s *spec) (to, to6 netip.AddrPort) {
	switch {
	case s.family.bootstrap:
		return d.bootstrap, netip.AddrPort{}
	case s.key != nil:
		return d.secure, d.secure6
	}
	return d.plain, d.plain6
}

// Network says which network the mesh is.
func (d *Demo) Network() string {
	if d.home == nil {
		return "none"
	}
	i := &d.home.dataset
	return fmt.Sprintf("network %q, channel %d, PAN id 0x%04x", i.NetworkName, i.Channel, i.PANID)
}

// endHome ends the mesh.
func (d *Demo) endHome() {
	if d.home != nil {
		d.home.close()
	}
}

// Stop ends the devices, which deregister, and the server.
func (d *Demo) Stop(ctx context.Context) error {
	if d.stop != nil {
		d.stop()
	}
	if d.home == nil || d.kept { // else nobody remembers them
		var wg sync.WaitGroup
		for _, dev := range d.devices {
			wg.Go(func() { dev.Stop(ctx) })
		}
		wg.Wait()
	}
	err := d.Program.Stop(ctx)
	d.endHome()
	return err
}
