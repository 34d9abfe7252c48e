package meshdevice

import (
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/client/words"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// patience is how long an attached device waits for a way to its server before it tries all the same: the network data
// comes some time after the attach.
const patience = 5 * time.Second

// flightMTU is the largest datagram of a handshake flight into the mesh.
const flightMTU = 1024

// batteryEvery is how often -c changes the level.
const batteryEvery = 10 * time.Second

// Start starts LwM2M, and has the device do it again by itself after each boot. It begins once the node is attached.
func (d *Device) Start(now machine.Time, cause machine.Cause, o StartOptions) error {
	d.begin(now)
	if err := d.start(cause, o); err != nil {
		return err
	}
	d.noteStart(cause, &o)
	l := d.lw
	if l.attached != machine.Never && d.reachable() {
		d.enter(cause)
	}
	d.pump()
	return nil
}

// start makes the client.
func (d *Device) start(cause machine.Cause, o StartOptions) error {
	if d.lw != nil {
		return words.ErrStarted
	}
	servers := o.Servers
	if servers == nil {
		a, err := o.Account()
		if err != nil {
			return err
		}
		servers = []client.Account{a}
	}
	l := &lwm2mState{options: o, beginAt: machine.Never, retryAt: machine.Never, moveAt: machine.Never, attached: machine.Never}
	for _, a := range servers {
		if u, err := url.Parse(a.URI); err == nil {
			l.hosts = append(l.hosts, u.Hostname())
		}
	}
	id, err := d.node.OpenUDP()
	if err == nil {
		err = d.node.BindUDP(id, ip6.Unspecified, o.Local)
	}
	if err != nil {
		return fmt.Errorf("no UDP socket for LwM2M: %w", err)
	}
	l.socket = id
	_, l.port, _, _, _ = d.node.UDPAddress(id)
	l.servers = servers
	if err := d.makeClient(l); err != nil {
		_ = d.node.CloseUDP(id)
		return err
	}
	d.lw = l
	d.networkChanged()
	return nil
}

// makeClient makes the client, with what an earlier one has left.
func (d *Device) makeClient(l *lwm2mState) error {
	o := &l.options
	list, err := d.objects(o)
	if err != nil {
		return err
	}
	cfg := client.Config{Nest: d.out.Nest(), Rand: d.cfg.Thread.Rand, Endpoint: o.Name, Servers: l.servers, Objects: list,
		AccessControl: true, Access: o.Access, Version: o.Version, Local: netip.AddrPortFrom(netip.IPv6Unspecified(), l.port),
		Queue: d.queue(o), Awake: o.Awake, Durable: d.durable(), DTLS: dtls.Config{MTU: flightMTU}}
	if d.cfg.Tap != nil {
		cfg.Tap = func(dir stack.Direction, cause machine.Cause, path machine.Path, b []byte) machine.Cause {
			return d.cfg.Tap(d.now, cause, dir == stack.Out, path, b)
		}
	}
	if l.client, err = client.New(cfg); err != nil {
		return err
	}
	return d.restore(l.client)
}

// queue reports whether the client is to be in queue mode.
func (d *Device) queue(o *StartOptions) bool {
	return o.Queue == QueueOn || o.Queue == QueueAuto && !d.node.Mode().RxOnWhenIdle
}

// objects makes the device's objects.
func (d *Device) objects(o *StartOptions) ([]client.Object, error) {
	p := d.cfg.Profile
	if p.Device.Serial == "" {
		p.Device.Serial = fmt.Sprintf("%x", d.node.EUI64())
	}
	if o.Battery {
		p.Device.BatteryEvery = batteryEvery
	}
	p.Firmware.HTTP = false // there is no TCP on the mesh
	p.Monitoring = d.monitoring
	p.Statistics = d.statistics
	kinds := d.cfg.Kinds
	if kinds == nil {
		kinds = objects.DefaultKinds
	}
	list, err := p.Make(d.now, kinds)
	if err == nil && d.cfg.Objects != nil {
		list = append(list, d.cfg.Objects(d.now)...)
	}
	return list, err
}

// expireStart begins, or tries again, when the time has come.
func (d *Device) expireStart() {
	l := d.lw
	if l.beginAt <= d.now {
		l.beginAt = machine.Never
		if l.attached != machine.Never {
			d.enter(0)
		}
	}
	if l.retryAt <= d.now {
		l.retryAt = machine.Never
		l.client.Retry(d.now, 0)
	}
	if l.moveAt <= d.now {
		l.moveAt = machine.Never
		for _, s := range l.client.Servers() {
			if s.Location != "" {
				_ = l.client.Update(d.now, 0, s.ShortID) // it is registered
			}
		}
	}
}

// enter lets the client begin. Only now one can tell whether the node sleeps: its mode may have been set since.
func (d *Device) enter(cause machine.Cause) {
	l := d.lw
	if l.begun {
		return
	}
	l.begun, l.beginAt = true, machine.Never
	if l.client.Queue() != d.queue(&l.options) {
		if old := l.client; d.makeClient(l) != nil {
			l.client = old // it was made of the same a moment ago
		}
	}
	l.client.Start(d.now, cause)
}

// Stop deregisters and stops LwM2M for good: it does not start by itself after a boot. The Event *client.Stopped comes when
// it is done.
func (d *Device) Stop(now machine.Time, cause machine.Cause) error {
	d.begin(now)
	l := d.lw
	if l == nil {
		return words.ErrNotStarted
	}
	d.noteStart(cause, nil)
	if l.beginAt, l.retryAt, l.moveAt = machine.Never, machine.Never, machine.Never; l.begun {
		l.client.Stop(now, cause)
	} else {
		l.stopped = true // it has told nobody of itself
		d.ended()
	}
	d.pump()
	return nil
}

// ended closes what Stop has left, once all that the client wanted to keep or to forget is on disk: a new client reads it.
func (d *Device) ended() {
	l := d.lw
	if l == nil || !l.stopped || d.durable() && d.out.Nest().LastSeq() > d.store.settled {
		return
	}
	_ = d.node.CloseUDP(l.socket)
	d.restorePoll()
	d.lw = nil
	d.out.Push(machine.Action{Kind: machine.Event, Value: &client.Stopped{}})
}

// Do runs f with the client, as an input of the device.
func (d *Device) Do(now machine.Time, cause machine.Cause, f func(c *client.Client)) error {
	if d.lw == nil {
		return words.ErrNotStarted
	}
	d.begin(now)
	f(d.lw.client)
	d.pump()
	return nil
}
