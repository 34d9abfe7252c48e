package radio

import (
	"time"

	"heddle.example/border/nd"
	"heddle.example/machine"
	phy "heddle.example/thread/radio"
)

// Device is a machine with a radio: a Thread node.
type Device interface {
	machine.Durable
	RadioReceived(now machine.Time, cause machine.Cause, f *phy.Frame)
	RadioSent(now machine.Time, cause machine.Cause, s phy.Sent)
	RadioEnergy(now machine.Time, cause machine.Cause, rssi int8)
}

// Program is a device and what stands around it: a command line, as a rule. All calls come from one goroutine.
type Program interface {
	// Boot returns the device with the settings of its flash: at the start, and again after each Restart.
	Boot(now machine.Time, flash *Flash) (Device, error)
	// Action is called with every action of the device that the driver does not carry out itself: events, results, what it
	// asks for, and what it sends by other ways than the radio.
	Action(now machine.Time, a machine.Action)
	// Typed takes in what was read from standard input; nothing is the end of it.
	Typed(now machine.Time, b []byte)
	// Settle is called when the device has nothing more to say: what there is to print is printed.
	Settle(now machine.Time)
	// Deadline and Expire are the timers of the program itself, beside the device's.
	Deadline() machine.Time
	Expire(now machine.Time)
}

// Control is what a program can ask of its driver, in any of its methods.
type Control struct {
	restart, wipe, stop bool
	status              int
	filter              *NodeFilter
	air                 medium
	posts               posts
}

// Restart makes the device anew after the present input, with its settings or, as a factory reset, without.
func (c *Control) Restart(wipe bool) { c.restart, c.wipe = true, c.wipe || wipe }

// Stop ends the driver with a status for the shell.
func (c *Control) Stop(status int) { c.stop, c.status = true, status }

// Nodes returns the filter of the nodes that are heard, which is nil in virtual time.
func (c *Control) Nodes() *NodeFilter { return c.filter }

// Caps is what both radios do by themselves. The options -E and -t of the simulated node add CapEnergyScan and
// CapSleepToTx.
const Caps = phy.CapAckTimeout

// ackTimeout is how long a transmission waits for its acknowledgement (OpenThread, src/core/mac/sub_mac.hpp).
const ackTimeout = 16 * time.Millisecond

// medium is one of the two radios.
type medium interface {
	configure(now machine.Time, c *phy.Config)
	setState(now machine.Time, s phy.State)
	transmit(now machine.Time, cause machine.Cause, t *phy.Transmit)
	scan(now machine.Time, cause machine.Cause, s *phy.EnergyScan)
}

// runner feeds one device and drains it after each input.
type runner struct {
	Control
	ownInfra bool
	program  Program
	device   Device
	flash    *Flash
	gate     machine.Gate
}

func (r *runner) boot(now machine.Time) error {
	d, err := r.program.Boot(now, r.flash)
	if err != nil {
		return err
	}
	r.device, r.gate = d, machine.Gate{}
	d.Expire(now)
	return nil
}

// settle drains the device until it has nothing to do at this instant, and lets the program print. A restart that was
// asked for happens here.
func (r *runner) settle(now machine.Time) error {
	for {
		r.drain(now)
		if r.restart && !r.stop {
			wipe := r.wipe
			r.restart, r.wipe = false, false
			if wipe {
				if err := r.flash.Wipe(); err != nil {
					return err
				}
			}
			r.air.setState(now, phy.State{Mode: phy.Off})
			if err := r.boot(now); err != nil {
				return err
			}
			continue
		}
		r.program.Settle(now)
		if r.restart && !r.stop {
			continue
		}
		// What was printed may have been a command's end that another one waited for.
		if a, ok := r.device.Next(); ok {
			r.act(now, a)
			continue
		}
		return nil
	}
}

// drain takes out all actions. A device that is to be made anew still writes its settings, but sends nothing more.
func (r *runner) drain(now machine.Time) {
	for {
		a, ok := r.device.Next()
		if !ok {
			return
		}
		if !r.restart || a.Kind == machine.Persist {
			r.act(now, a)
		}
	}
}

func (r *runner) act(now machine.Time, a machine.Action) {
	switch a.Kind {
	case machine.Send:
		t, ok := a.Value.(*phy.Transmit)
		if !ok { // not for the radio: a border router's way out
			r.sendOther(now, a)
			return
		}
		if a.After > 0 { // the gate may hold it for longer than the device leaves it alone
			c := *t
			c.PSDU = append([]byte(nil), t.PSDU...)
			a.Value = &c
		}
		if r.gate.Pass(a) {
			r.send(now, a)
		}
	case machine.Persist:
		write := func() error { return r.flash.Write(a.Records) }
		if b, ok := r.air.(interface{ write(func() error) error }); ok {
			disk := write
			write = func() error { return b.write(disk) }
		}
		if err := write(); err != nil {
			r.gate.PersistFailed(a.Seq)
			r.device.PersistFailed(now, a.Seq, err)
			return
		}
		r.gate.Persisted(a.Seq, func(held machine.Action) { r.send(now, held) })
		r.device.Persisted(now, a.Seq)
	case machine.Ask:
		switch v := a.Value.(type) {
		case *phy.Config:
			r.air.configure(now, v)
		case *phy.State:
			r.air.setState(now, *v)
		case *phy.EnergyScan:
			r.air.scan(now, a.Cause, v)
		default:
			r.program.Action(now, a)
		}
	default:
		r.program.Action(now, a)
	}
}

// sendOther carries what does not go over the radio: messages of the simulated infrastructure link; the rest is the
// program's.
func (r *runner) sendOther(now machine.Time, a machine.Action) {
	p, ok := a.Value.(*nd.Packet)
	if l, simulated := r.air.(interface{ sendInfra(p *nd.Packet) }); ok && simulated && !r.ownInfra {
		l.sendInfra(p)
		return
	}
	r.program.Action(now, a)
}

func (r *runner) send(now machine.Time, a machine.Action) {
	r.air.transmit(now, a.Cause, a.Value.(*phy.Transmit))
}

// expire fires what is due, and reports whether anything was.
func (r *runner) expire(now machine.Time) bool {
	due := false
	if r.device.Deadline() <= now {
		r.device.Expire(now)
		due = true
	}
	if r.program.Deadline() <= now {
		r.program.Expire(now)
		due = true
	}
	return due
}

func (r *runner) deadline() machine.Time { return min(r.device.Deadline(), r.program.Deadline()) }

// sampleEnergy is what OpenThread's simulated radio measures: noise that is the more frequent, the higher the channel
// (examples/platforms/simulation/radio.c), a sample each millisecond.
func sampleEnergy(r machine.Rand, s *phy.EnergyScan) int8 {
	const high, low, each = -30, -98, 5 // percent a channel
	for n := max(1, s.Duration/time.Millisecond); n > 0; n-- {
		if r.Uint64()%100 < uint64(max(0, int(s.Channel)-11)*each) {
			return high
		}
	}
	return low
}
