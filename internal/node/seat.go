package node

import (
	"context"
	"strings"
	"sync"
	"time"

	"heddle.example/border/nd"
	"heddle.example/host/radio"
	"heddle.example/internal/seat"
	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/thread"
	phy "heddle.example/thread/radio"
	"heddle.example/thread/shell"
)

// Seat is the seat at a node that Run runs, for web pages. It may be used before Run and after it: then the node is busy, or
// has ended.
type Seat struct {
	mu      sync.Mutex
	control *radio.Control // nil: the node does not run yet
	ended   chan struct{}
	next    int
	ears    map[int]func(now machine.Time, a machine.Action)
	typing  sync.Mutex

	// In the node's goroutine:
	node   *thread.Node
	device *meshdevice.Device
	shell  *shell.Shell
	config shell.Config
	cause  machine.Cause
	tap    Tap
}

// Tap is called in the node's goroutine with every frame that the node sends (own) or receives.
type Tap func(now machine.Time, n *thread.Node, own bool, channel uint8, rssi int8, psdu []byte)

// NewSeat returns the seat for Options.Seat. tap may be nil.
func NewSeat(tap Tap) *Seat {
	return &Seat{ended: make(chan struct{}), ears: map[int]func(machine.Time, machine.Action){}, tap: tap}
}

// SetTap is for who needs the seat to make the tap; before Run.
func (s *Seat) SetTap(tap Tap) { s.tap = tap }

const (
	typeMost = 10 * time.Second
	typeStep = 15 * time.Millisecond
)

func (s *Seat) started(c *radio.Control) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control = c
}

// Do implements seat.Seat.
func (s *Seat) Do(ctx context.Context, f func(now machine.Time, n *thread.Node) error) error {
	s.mu.Lock()
	control := s.control
	s.mu.Unlock()
	if control == nil {
		return seat.ErrBusy
	}
	done := make(chan error, 1)
	if !control.Post(func(now machine.Time) { done <- f(now, s.node) }) {
		select {
		case <-s.ended:
			return seat.ErrClosed
		default:
			return seat.ErrBusy
		}
	}
	select {
	case err := <-done:
		return err
	case <-s.ended:
		return seat.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Device returns the LwM2M device around the node, to be used within a function that Do calls.
func (s *Seat) Device() *meshdevice.Device { return s.device }

// Type implements seat.Seat: a command line of its own, beside that of standard input.
func (s *Seat) Type(ctx context.Context, line string) (said seat.Said, err error) {
	s.typing.Lock()
	defer s.typing.Unlock()
	line, _, _ = strings.Cut(strings.ReplaceAll(line, "\r", "\n"), "\n")
	var sh *shell.Shell
	err = s.Do(ctx, func(now machine.Time, n *thread.Node) error {
		if s.shell == nil {
			s.shell = shell.New(n, s.config)
		}
		sh = s.shell
		sh.Output() // what came of its own meanwhile, and the prompt
		s.cause++
		sh.Run(now, s.cause, line)
		return nil
	})
	for limit := time.Now().Add(typeMost); err == nil; {
		over := false
		err = s.Do(ctx, func(now machine.Time, n *thread.Node) error {
			if over = !sh.Pending() || s.shell != sh || time.Now().After(limit); over {
				said = seat.ParseSaid(string(sh.Output()))
				s.leave(sh)
			}
			return nil
		})
		if over || err != nil {
			break
		}
		select {
		case <-time.After(typeStep):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return said, err
}

// leave does what the command asks of whoever runs the node.
func (s *Seat) leave(sh *shell.Shell) {
	switch sh.Exit() {
	case shell.Reset:
		s.control.Restart(false)
	case shell.FactoryReset:
		s.control.Restart(true)
	case shell.Quit, shell.Interrupt:
		s.shell = nil // a page does not end the node
	}
}

// Listen implements seat.Seat.
func (s *Seat) Listen(f func(now machine.Time, a machine.Action)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	n := s.next
	s.ears[n] = f
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.ears, n)
	}
}

// boot takes over a new node. It returns the device with a tap on it, where somebody listens.
func (s *Seat) boot(n *thread.Node, d *meshdevice.Device, c shell.Config, driven radio.Device) radio.Device {
	c.Echo = false
	s.node, s.device, s.config, s.shell = n, d, c, nil
	if s.tap == nil {
		return driven
	}
	return &tapped{Device: driven, s: s}
}

// observe hands on what the node says.
func (s *Seat) observe(now machine.Time, a machine.Action) {
	if s.shell != nil {
		s.shell.Observe(now, a)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.ears {
		f(now, a)
	}
}

func (s *Seat) deadline() machine.Time {
	if s.shell == nil {
		return machine.Never
	}
	return s.shell.Deadline()
}

func (s *Seat) expire(now machine.Time) {
	if s.shell != nil && s.shell.Deadline() <= now {
		s.shell.Expire(now)
	}
}

// tapped is a device whose frames somebody listens to.
type tapped struct {
	radio.Device
	s *Seat
}

// RadioReceived implements radio.Device.
func (t *tapped) RadioReceived(now machine.Time, cause machine.Cause, f *phy.Frame) {
	t.s.tap(now, t.s.node, false, f.Channel, f.RSSI, f.PSDU)
	t.Device.RadioReceived(now, cause, f)
}

// RadioSent implements radio.Device.
func (t *tapped) RadioSent(now machine.Time, cause machine.Cause, x phy.Sent) {
	if x.Ack != nil {
		t.s.tap(now, t.s.node, false, x.Ack.Channel, x.Ack.RSSI, x.Ack.PSDU)
	}
	t.Device.RadioSent(now, cause, x)
}

// Next implements machine.Machine.
func (t *tapped) Next() (machine.Action, bool) {
	a, ok := t.Device.Next()
	if x, is := a.Value.(*phy.Transmit); ok && is {
		t.s.tap(0, t.s.node, true, x.Channel, 0, x.PSDU)
	}
	return a, ok
}

// InfraReceived is for a border router's driver, which looks whether the device has it.
func (t *tapped) InfraReceived(now machine.Time, cause machine.Cause, m nd.Packet) {
	if b, ok := t.Device.(interface {
		InfraReceived(now machine.Time, cause machine.Cause, m nd.Packet)
	}); ok {
		b.InfraReceived(now, cause, m)
	}
}
