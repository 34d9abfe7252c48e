// Package node runs one Thread node with its command line as a process: over a simulated radio, with its settings in a
// file, reset in place.
package node

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"

	"heddle.example/host"
	"heddle.example/host/radio"
	"heddle.example/host/spinel"
	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/sim"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	phy "heddle.example/thread/radio"
	"heddle.example/thread/shell"
)

// MaxID is the largest number that a node of the simulated radio can have: the next one is another network's port.
const MaxID = 33

// Options say which node to run.
type Options struct {
	ID         int
	Local      string // address or interface of the simulated radio
	Speed      int
	EnergyScan bool
	SleepToTx  bool
	Radio      string // URL of a real radio co-processor; "": the simulated radio
	Virtual    bool   // the virtual-time protocol
	MTD        bool
	Profile    *thread.Profile
	PortBase   int    // 0: environment PORT_BASE, or 9000
	PortOffset string // "": environment PORT_OFFSET, or 0
	Input      int    // a file descriptor; negative: none
	Output     io.Writer
	Shell      shell.Config
	Log        io.Writer // nil: no log, but that of a reference device's joining between the shell's lines
	// Typed, where set, stands between Input and the shell: an editor of lines on a terminal.
	Typed func(b []byte) []byte
	// Booted, where set, is called with every new shell.
	Booted func(s *shell.Shell)
	// Stay: the end of the input does not end the node, which serves others.
	Stay bool
	// Seat, where set, is where web pages sit at the node.
	Seat *Seat
	// OwnInfra: Around carries messages of the infrastructure link itself.
	OwnInfra bool
	// Around, where set, makes more of the node than a node.
	Around Around
}

// Around is what stands around a node: a border router. All calls but Started's come from the node's goroutine.
type Around interface {
	// Started is called once, with what can be asked of the driver.
	Started(c *radio.Control)
	// Boot is called with every new device, its node and what its shell is made of, before the device has had an input. What
	// it returns is driven in place of the device.
	Boot(now machine.Time, d radio.Device, n *thread.Node, c *shell.Config) (radio.Device, error)
	// Act gets the actions that the driver does not carry out, and reports whether one was its own.
	Act(now machine.Time, a machine.Action) bool
}

// Run runs a node until it ends, and returns the status for the shell.
func Run(o Options) (int, error) {
	if o.PortOffset == "" {
		o.PortOffset = os.Getenv("PORT_OFFSET")
	}
	offset, err := number("PORT_OFFSET", o.PortOffset, 0)
	if err != nil {
		return 1, err
	}
	if o.PortBase == 0 {
		if o.PortBase, err = number("PORT_BASE", os.Getenv("PORT_BASE"), 9000); err != nil {
			return 1, err
		}
	}
	flash, err := radio.OpenFlash(radio.FlashPath(o.PortOffset, o.ID), radio.FlashOptions{})
	if err != nil {
		return 1, err
	}
	random, err := o.random()
	if err != nil {
		return 1, err
	}
	p := &program{options: o, keys: keys.NewCache(), rand: random}
	ro := radio.Options{ID: o.ID, PortBase: o.PortBase, PortOffset: offset, Local: o.Local, Speed: o.Speed, Input: o.Input,
		Flash: flash, Rand: random, OwnInfra: o.OwnInfra, Program: p, Started: p.started}
	if o.Seat != nil {
		defer close(o.Seat.ended)
	}
	if o.Radio != "" {
		d, err := radio.OpenSpinel(o.Radio)
		if err != nil {
			return 1, err
		}
		defer d.Close()
		i := d.Info()
		p.real = &i
		return d.Run(ro)
	}
	if o.Virtual {
		return radio.RunVirtualTime(ro)
	}
	return radio.RunRealTime(ro)
}

// random returns where the node's randomness comes from: in virtual time from a simulator's seed, where it gives one, so
// that what it plays can be played again.
func (o *Options) random() (machine.Rand, error) {
	seed := os.Getenv("VIRTUAL_SEED")
	if !o.Virtual || seed == "" {
		return host.New(host.Options{}).Rand(), nil
	}
	n, err := strconv.ParseUint(seed, 0, 64)
	if err != nil {
		return nil, fmt.Errorf("VIRTUAL_SEED is %q, which is no number", seed)
	}
	return sim.New(n).Rand(fmt.Sprintf("node %d", o.ID)), nil
}

func number(name, s string, otherwise int) (int, error) {
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(s, 0, 16)
	if err != nil {
		return 0, fmt.Errorf("%s is %q, which is no number up to 65535", name, s)
	}
	return int(n), nil
}

// program is a Thread node with its command line, as a host/radio.Program.
type program struct {
	options Options
	control *radio.Control
	keys    *keys.Cache
	real    *spinel.Info // of a radio co-processor
	rand    machine.Rand
	cause   machine.Cause
	thread  *thread.Node
	shell   *shell.Shell
	rest    []byte // typed before a reset, for the node after it
	ended   bool   // the end of the input was read: the node stops when what came before is done
}

// EUI64 returns the factory-assigned address of the simulated node with a number.
func EUI64(id int) (e ieee802154.ExtAddr) {
	e = ieee802154.ExtAddr{0x18, 0xb4, 0x30, 0}
	binary.BigEndian.PutUint32(e[4:], uint32(id))
	return e
}

func (p *program) started(c *radio.Control) {
	p.control = c
	if p.options.Seat != nil {
		p.options.Seat.started(c)
	}
	if p.options.Around != nil {
		p.options.Around.Started(c)
	}
}

// Boot implements radio.Program.
func (p *program) Boot(now machine.Time, flash *radio.Flash) (radio.Device, error) {
	caps := radio.Caps
	if p.options.EnergyScan {
		caps |= phy.CapEnergyScan
	}
	if p.options.SleepToTx {
		caps |= phy.CapSleepToTx
	}
	eui64 := EUI64(p.options.ID)
	if p.real != nil {
		caps, eui64 = p.real.Caps, p.real.EUI64
	}
	d, err := meshdevice.New(meshdevice.Config{
		Thread: thread.Config{Rand: p.rand, EUI64: eui64, Profile: p.options.Profile, MTD: p.options.MTD,
			Caps: caps, History: true, Keys: p.keys, Settings: flash, Now: now},
		Profile: lwm2mProfile(p.options.ID),
	})
	if err != nil {
		return nil, err
	}
	t := d.Node()
	c := p.options.Shell
	c.Extra = append(c.Extra[:len(c.Extra):len(c.Extra)],
		shell.Command{Name: "exit", Run: func(s *shell.Shell, _ []string) error { s.Quit(); return nil }},
		shell.Command{Name: "nodeidfilter", Run: p.nodeIDFilter})
	d.AddTo(&c)
	var driven radio.Device
	if p.options.Around != nil {
		driven, err = p.options.Around.Boot(now, d, t, &c)
	} else {
		driven, err = p.border(t, d, &c)
	}
	if err != nil {
		return nil, err
	}
	c.Certify = p.options.Log == nil
	p.thread, p.shell = t, shell.New(t, c)
	if p.options.Booted != nil {
		p.options.Booted(p.shell)
	}
	if s := p.options.Seat; s != nil {
		return s.boot(t, d, c, driven), nil
	}
	return driven, nil
}

// Action implements radio.Program.
func (p *program) Action(now machine.Time, a machine.Action) {
	if r, ok := a.Value.(*thread.ResetRequest); ok {
		p.control.Restart(r.Factory)
		return
	}
	if p.options.Log != nil {
		p.log(now, a)
	}
	if p.options.Seat != nil {
		p.options.Seat.observe(now, a)
	}
	if p.options.Around != nil && p.options.Around.Act(now, a) {
		return
	}
	p.shell.Observe(now, a)
}

// Typed implements radio.Program.
func (p *program) Typed(now machine.Time, b []byte) {
	if len(b) == 0 {
		p.ended = !p.options.Stay
		return
	}
	if p.options.Typed == nil {
		p.rest = append(p.rest, b...)
		p.feed(now)
		return
	}
	for stays := true; len(b) > 0; { // a line is answered before the next is echoed
		n := bytes.IndexAny(b, "\r\n") + 1
		if n == 0 {
			n = len(b)
		}
		p.rest = append(p.rest, p.options.Typed(b[:n])...)
		b = b[n:]
		if stays {
			stays = p.feed(now)
			p.print()
		}
	}
}

// feed gives the shell what was typed, and reports whether all was taken; else it asked for something.
func (p *program) feed(now machine.Time) bool {
	for len(p.rest) > 0 {
		p.cause++
		n := p.shell.Input(now, p.cause, p.rest)
		p.rest = p.rest[n:]
		if p.asked() {
			return false
		}
	}
	p.rest = nil
	return true
}

// asked carries out what the shell asks of its driver, and reports whether it did.
func (p *program) asked() bool {
	switch p.shell.Exit() {
	case shell.Quit:
		p.print()
		p.control.Stop(0)
	case shell.Interrupt:
		p.print()
		p.control.Stop(130)
	case shell.Reset:
		p.print()
		p.control.Restart(false)
	case shell.FactoryReset:
		p.print()
		p.control.Restart(true)
	default:
		return false
	}
	return true
}

// Settle implements radio.Program.
func (p *program) Settle(now machine.Time) {
	p.print()
	if !p.asked() && len(p.rest) > 0 {
		p.feed(now)
		p.print()
	}
	if p.ended && len(p.rest) == 0 && !p.shell.Pending() {
		p.control.Stop(0)
	}
}

func (p *program) print() {
	if b := p.shell.Output(); len(b) > 0 {
		if _, err := p.options.Output.Write(b); err != nil {
			p.control.Stop(1)
		}
	}
}

// Deadline implements radio.Program.
func (p *program) Deadline() machine.Time {
	if p.options.Seat != nil {
		return min(p.shell.Deadline(), p.options.Seat.deadline())
	}
	return p.shell.Deadline()
}

// Expire implements radio.Program.
func (p *program) Expire(now machine.Time) {
	p.shell.Expire(now)
	if p.options.Seat != nil {
		p.options.Seat.expire(now)
	}
}
