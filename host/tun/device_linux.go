package tun

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	wg "golang.zx2c4.com/wireguard/tun"

	"heddle.example/host/outside"
)

// Device is a TUN device as an outside.Outside.
type Device struct {
	c     Config
	name  string
	index int
	dev   wg.Device
	done  chan struct{}

	sent, received, sentBytes, receivedBytes, failed, tooBig atomic.Uint64

	mu     sync.Mutex
	routes []netip.Prefix
	closed bool

	out     sync.Mutex
	slabs   [batch][]byte
	pending [][]byte // of slabs, to leave together
	busy    bool     // the reader is in the middle of a batch, and sends what gathers meanwhile
}

const (
	batch = 128
	room  = 2048
	// offset is where a packet begins in its buffer: before it the system's offload header has room.
	offset = 16
)

// Open makes the device, brings it up and routes to it.
func Open(c Config) (*Device, error) {
	if c.Receive == nil {
		return nil, errors.New("tun: Config.Receive must be set: where do packets for the mesh go?")
	}
	if c.MTU == 0 {
		c.MTU = defaultMTU
	}
	name := c.Name
	if name == "" {
		name = "heddle%d"
	}
	dev, err := wg.CreateTUN(name, c.MTU)
	if err != nil {
		return nil, explain(err)
	}
	d := &Device{c: c, dev: dev, done: make(chan struct{})}
	for i := range d.slabs {
		d.slabs[i] = make([]byte, 0, offset+room)
	}
	if d.name, err = dev.Name(); err == nil {
		err = d.configure()
	}
	if err != nil {
		dev.Close()
		return nil, err
	}
	go func() {
		for range dev.Events() { // the library's listener waits for somebody to hear it
		}
	}()
	go d.read()
	return d, nil
}

// explain says what to do about an error of the system's.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return fmt.Errorf("tun: no right to make a network device (%w): run as root or with CAP_NET_ADMIN, or leave --tun out", err)
	case errors.Is(err, os.ErrNotExist), strings.Contains(err.Error(), "does not exist"):
		return fmt.Errorf("tun: this system has no /dev/net/tun (%w): load the module tun, or leave --tun out", err)
	case errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("tun: the device is in use by another program (%w): choose another name", err)
	}
	return fmt.Errorf("tun: %w", err)
}

func (d *Device) configure() error {
	var err error
	if d.index, err = linkUp(d.name); err != nil {
		return err
	}
	// The system is no host of the mesh: it neither asks for routers there nor makes itself addresses.
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+d.name+"/accept_ra", []byte("0"), 0)
	_ = os.WriteFile("/proc/sys/net/ipv4/conf/"+d.name+"/rp_filter", []byte("0"), 0)
	if d.c.Address.IsValid() {
		if err := changeAddress(d.index, d.c.Address); err != nil {
			return err
		}
	}
	return d.SetRoutes(d.c.Routes)
}

// Name returns the interface's name.
func (d *Device) Name() string { return d.name }

// SetRoutes says which prefixes lie behind the device.
func (d *Device) SetRoutes(routes []netip.Prefix) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all error
	for _, p := range routes {
		if !slices.Contains(d.routes, p) {
			all = errors.Join(all, changeRoute(d.index, p, true))
		}
	}
	for _, p := range d.routes {
		if !slices.Contains(routes, p) {
			all = errors.Join(all, changeRoute(d.index, p, false))
		}
	}
	d.routes = slices.Clone(routes)
	return all
}

// read takes in what the system routes here, until the device is closed.
func (d *Device) read() {
	defer close(d.done)
	n := d.dev.BatchSize()
	bufs, sizes := make([][]byte, n), make([]int, n)
	for i := range bufs {
		bufs[i] = make([]byte, offset+room)
	}
	for {
		got, err := d.dev.Read(bufs, sizes, offset)
		switch {
		case errors.Is(err, wg.ErrTooManySegments):
			d.tooBig.Add(1) // what did get its place is there
		case err != nil:
			return
		}
		d.setBusy(true)
		for i := range got {
			if sizes[i] == 0 {
				continue
			}
			d.received.Add(1)
			d.receivedBytes.Add(uint64(sizes[i]))
			d.c.Receive(bufs[i][offset : offset+sizes[i]])
		}
		d.setBusy(false)
	}
}

func (d *Device) setBusy(on bool) {
	d.out.Lock()
	if d.busy = on; !on {
		d.flush()
	}
	d.out.Unlock()
}

// Send implements outside.Outside. What is sent while a batch is received leaves together after it.
func (d *Device) Send(b []byte) {
	if len(b) > room {
		d.tooBig.Add(1)
		return
	}
	d.out.Lock()
	defer d.out.Unlock()
	slab := append(d.slabs[len(d.pending)][:offset], b...)
	d.pending = append(d.pending, slab)
	if !d.busy || len(d.pending) == batch {
		d.flush()
	}
}

func (d *Device) flush() {
	if len(d.pending) == 0 {
		return
	}
	n, bytes := uint64(len(d.pending)), uint64(0)
	for _, b := range d.pending {
		bytes += uint64(len(b) - offset)
	}
	d.sent.Add(n)
	d.sentBytes.Add(bytes)
	if _, err := d.dev.Write(d.pending, offset); err != nil {
		d.failed.Add(1) // of a batch with a bad packet the others have left
	}
	d.pending = d.pending[:0]
}

// Status implements outside.Outside. Flows are the translator's.
func (d *Device) Status() outside.Status {
	return outside.Status{Mode: outside.TUN, Device: d.name, Echo: "device", EchoOK: true, Counters: outside.Counters{
		Sent: d.sent.Load(), SentBytes: d.sentBytes.Load(), Received: d.received.Load(), ReceivedBytes: d.receivedBytes.Load(),
		Failed: d.failed.Load(), TooBig: d.tooBig.Load()}}
}

// Close implements outside.Outside. The system forgets the device and its routes.
func (d *Device) Close() error {
	d.mu.Lock()
	was := d.closed
	d.closed = true
	d.mu.Unlock()
	if was {
		return nil
	}
	err := d.dev.Close()
	<-d.done
	return err
}
