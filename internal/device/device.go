// Package device runs an LwM2M client machine on this computer: sockets, names, reboots and what survives them. It is
// what `heddle client` and `heddle demo` have in common.
package device

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"heddle.example/host"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
	"heddle.example/store"
)

// Options say what a device is.
type Options struct {
	Config  client.Config                   // Rand, Local, Objects and Durable are filled in
	Port    uint16                          // local UDP port; 0: any
	Objects func() ([]client.Object, error) // makes the objects, anew at each boot
	Store   store.Store                     // what survives the end of the program; nil: nothing
	// Bound, where set, is called once the socket is bound and before the client begins.
	Bound func()
	// OnEvent gets the machine's Events and Asks, on the device's own goroutine: it must not wait, and not call Do.
	OnEvent func(now machine.Time, v any)
}

// Device is a running client.
type Device struct {
	host    *host.Host
	options Options
	owner   *host.Owner
	socket  *host.Socket
	machine *rebootable
	stopped chan struct{} // closed by the event Stopped
	ended   context.Context
	end     context.CancelFunc
	sends   map[machine.OpID]chan *client.SendOutcome // that wait; used by the owner alone

	downloads map[machine.OpID]context.CancelFunc // used by the owner alone
}

// resolveTimeout bounds the look-up of a server's name.
const resolveTimeout = 10 * time.Second

// Start binds the port and begins to register.
func Start(h *host.Host, o Options) (*Device, error) {
	d := &Device{host: h, options: o, stopped: make(chan struct{}), downloads: map[machine.OpID]context.CancelFunc{}}
	d.ended, d.end = context.WithCancel(context.Background())
	var err error
	if d.socket, err = listen(h, o); err != nil {
		return nil, err
	}
	d.options.Config.Rand = h.Rand()
	d.options.Config.Local, d.options.Config.Link = d.socket.Local(), d.socket.Link()
	d.options.Config.Durable = o.Store != nil
	d.machine = newRebootable(d.options.Config)
	c, err := d.boot(h.Now())
	if err != nil {
		d.socket.Close()
		return nil, err
	}
	run := host.RunOptions{Sockets: []*host.Socket{d.socket}, OnAction: d.action}
	if o.Store != nil {
		run.Committer = o.Store
	}
	d.machine.client = c
	if d.owner, err = h.Run(d.machine, run); err != nil {
		d.socket.Close()
		return nil, err
	}
	if o.Bound != nil {
		o.Bound()
	}
	return d, d.owner.Do(func(now machine.Time) { d.machine.start(now, h.NextCause()) })
}

// listen binds the device's socket: to one port of all addresses, or to any.
func listen(h *host.Host, o Options) (*host.Socket, error) {
	if o.Port == 0 {
		return h.Ephemeral(o.Config.Link, "")
	}
	sockets, err := h.Listen(o.Config.Link, fmt.Sprintf(":%d", o.Port))
	if err != nil {
		return nil, err
	}
	return sockets[0], nil
}

// boot makes a client with what is stored.
func (d *Device) boot(now machine.Time) (*client.Client, error) {
	cfg := d.options.Config
	cfg.Nest = d.machine.out.Nest()
	if d.options.Objects != nil {
		var err error
		if cfg.Objects, err = d.options.Objects(); err != nil {
			return nil, err
		}
	}
	c, err := client.New(cfg)
	if err != nil || d.options.Store == nil {
		return c, err
	}
	d.options.Store.Flush()
	tables, err := d.options.Store.Tables()
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		err := d.options.Store.Load(t, func(key, value []byte) error {
			if err := c.Restore(now, t, key, value); err != nil && d.options.OnEvent != nil {
				d.options.OnEvent(now, &NotRestored{err}) // the device goes on without it
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// NotRestored is an event: a stored record could not be used.
type NotRestored struct{ Err error }

// Rebooted is an event: the device has started again because a server wanted it.
type Rebooted struct {
	Factory bool
	Err     error // it could not
}

// action takes in what the machine tells and asks.
func (d *Device) action(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *client.Resolve:
		go d.resolve(a.Op, a.Cause, v.Host)
		return
	case *client.SendOutcome:
		d.sent(a.Op, v)
		return
	case *client.Download:
		d.beginDownload(a.Op, a.Cause, *v)
		return
	case *client.CancelDownload:
		d.endDownload(v.Op)
		return
	case *client.Reboot:
		factory := v.Factory
		d.owner.Post(func(now machine.Time) { d.reboot(now, factory) })
	case *client.Stopped:
		select {
		case <-d.stopped:
		default:
			close(d.stopped)
		}
	}
	if d.options.OnEvent != nil {
		d.options.OnEvent(now, a.Value)
	}
}

func (d *Device) resolve(op machine.OpID, cause machine.Cause, name string) {
	ctx, cancel := context.WithTimeout(d.ended, resolveTimeout)
	defer cancel()
	addrs, err := d.host.Resolve(ctx, name)
	if err == nil && len(addrs) == 0 {
		err = errors.New("the name has no address")
	}
	addrs = append([]netip.Addr(nil), addrs...)
	// A full inbox loses the answer; it is far larger than the questions that one device can have.
	d.owner.Post(func(now machine.Time) { d.machine.client.Resolved(now, cause, op, addrs, err) })
}

// reboot puts a new client in the place of the old one, which is gone without a word as after a power cut.
func (d *Device) reboot(now machine.Time, factory bool) {
	if factory && d.options.Store != nil {
		if err := forget(d.options.Store); err != nil && d.options.OnEvent != nil {
			d.options.OnEvent(now, &NotRestored{err})
		}
	}
	for op := range d.downloads {
		d.endDownload(op)
	}
	c, err := d.boot(now)
	if err == nil && d.options.Store == nil {
		// What a real device has in its flash.
		for _, r := range d.machine.client.Kept() {
			c.Restore(now, r.Table, r.Key, r.Value)
		}
	}
	if err == nil {
		d.dropSends()
		d.machine.client = c
		d.machine.start(now, d.host.NextCause())
	}
	if d.options.OnEvent != nil {
		d.options.OnEvent(now, &Rebooted{factory, err})
	}
}

// Do runs f with the client, on the device's own goroutine.
func (d *Device) Do(f func(now machine.Time, c *client.Client)) error {
	return d.owner.Do(func(now machine.Time) { f(now, d.machine.client) })
}

// Cause returns a new cause, for an input that a person made.
func (d *Device) Cause() machine.Cause { return d.host.NextCause() }

// Port returns the local UDP port.
func (d *Device) Port() uint16 { return d.socket.Bound().Port() }

// Socket returns the device's socket.
func (d *Device) Socket() *host.Socket { return d.socket }

// Stop deregisters, waits for the server's answer until ctx ends, and closes the socket.
func (d *Device) Stop(ctx context.Context) error {
	defer d.end()
	if err := d.Do(func(now machine.Time, c *client.Client) { c.Stop(now, d.host.NextCause()) }); err != nil {
		return err
	}
	select {
	case <-d.stopped:
	case <-ctx.Done():
	}
	return d.owner.Stop(ctx)
}

// Kill ends the device without a word, as a power cut does.
func (d *Device) Kill(ctx context.Context) error {
	d.end()
	return d.owner.Stop(ctx)
}
