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
	"unsafe"

	"golang.org/x/sys/unix"
	wg "golang.zx2c4.com/wireguard/tun"

	"heddle.example/host/outside"
)

// Device is a TUN device as an outside.Outside.
type Device struct {
	c     Config
	name  string
	index int
	dev   wg.Device
	raw   syscall.RawConn
	done  chan struct{}

	sent, received, sentBytes, receivedBytes, failed, tooBig atomic.Uint64

	mu      sync.Mutex
	routes  []netip.Prefix // wanted
	there   []netip.Prefix // those of them that the system has taken
	trouble error          // why it has not taken the others
	closed  bool

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
		err = d.takeWhole()
	}
	if err == nil {
		err = d.configure()
	}
	if err != nil {
		dev.Close()
		return nil, err
	}
	go d.watch()
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
	if err := d.setAddress(); err != nil {
		return err
	}
	return d.SetRoutes(d.c.Routes)
}

func (d *Device) setAddress() error {
	if !d.c.Address.IsValid() {
		return nil
	}
	return changeAddress(d.index, d.c.Address)
}

// watch gives the device back what it loses when somebody takes it down and up again: the system forgets its routes and
// its IPv6 address then.
func (d *Device) watch() {
	for e := range d.dev.Events() {
		if e&wg.EventUp == 0 {
			continue
		}
		d.mu.Lock()
		if !d.closed {
			d.there = nil
			d.trouble = errors.Join(d.setAddress(), d.route(d.routes))
		}
		d.mu.Unlock()
	}
}

// Name returns the interface's name.
func (d *Device) Name() string { return d.name }

// SetRoutes says which prefixes lie behind the device. What the system refuses is tried again by the next call, and when
// the device comes up.
func (d *Device) SetRoutes(routes []netip.Prefix) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trouble = d.route(routes)
	return d.trouble
}

// Trouble returns what the system refuses of the device's routes, nil where it has taken all.
func (d *Device) Trouble() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.trouble
}

// route has the system know these routes and no others. Called with the lock.
func (d *Device) route(routes []netip.Prefix) error {
	var all error
	var there []netip.Prefix
	for _, p := range routes {
		if !slices.Contains(d.there, p) {
			if err := changeRoute(d.index, p, true); err != nil {
				all = errors.Join(all, err)
				continue
			}
		}
		there = append(there, p)
	}
	for _, p := range d.there {
		if !slices.Contains(routes, p) {
			all = errors.Join(all, changeRoute(d.index, p, false))
		}
	}
	d.routes, d.there = slices.Clone(routes), there
	return all
}

// takeWhole has the system hand over whole packets with whole checksums, one by one: what it takes from us may still be
// several in one (batches of one flow leave so), but a mesh has no use for segments of 64 KB.
func (d *Device) takeWhole() error {
	raw, err := d.dev.File().SyscallConn()
	if err != nil {
		return err
	}
	d.raw = raw
	var errno error
	if err := raw.Control(func(fd uintptr) { errno = unix.IoctlSetInt(int(fd), unix.TUNSETOFFLOAD, 0) }); err != nil {
		return err
	}
	return errno
}

// header is what stands before each packet (struct virtio_net_hdr); all of it is 0 in what takeWhole lets in.
const header = 10

// read takes in what the system routes here, until the device is closed. Each call of the function empties the queue: the
// poller tells only of what comes afterwards. What is sent meanwhile leaves at the end of a batch.
func (d *Device) read() {
	defer close(d.done)
	bufs := make([]byte, batch*(header+room))
	sizes := make([]int, batch)
	_ = d.raw.Read(func(fd uintptr) bool {
		for {
			n, errno := 0, syscall.Errno(0)
			for n < batch {
				b := bufs[n*(header+room):]
				got, _, e := syscall.Syscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&b[0])), header+room)
				if errno = e; e == syscall.EINTR {
					continue
				} else if e != 0 {
					break
				}
				sizes[n] = int(got)
				n++
			}
			d.batch(bufs, sizes[:n])
			switch errno {
			case 0:
			case syscall.EAGAIN:
				return false
			default:
				return true
			}
		}
	})
}

func (d *Device) batch(bufs []byte, sizes []int) {
	if len(sizes) == 0 {
		return
	}
	d.setBusy(true)
	defer d.setBusy(false)
	for i, size := range sizes {
		if size <= header {
			continue
		}
		d.received.Add(1)
		d.receivedBytes.Add(uint64(size - header))
		at := i * (header + room)
		d.c.Receive(bufs[at+header : at+size])
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
