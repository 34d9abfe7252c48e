package radio

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"heddle.example/host/spinel"
	"heddle.example/machine"
	phy "heddle.example/thread/radio"
)

// CoProcessor is a real radio behind a serial line, TCP or a child process, which was found and reset.
type CoProcessor struct {
	runner
	client *spinel.Client
	line   *spinel.Line
	hdlc   spinel.HDLC
	out    []byte
	origin time.Time
	epoch  machine.Time
	ready  bool
	failed error
	inside int // of a call of the device: what the radio says now waits until it returns
	late   []func(now machine.Time)
	cause  machine.Cause
	scanBy machine.Cause
}

// OpenSpinel opens the co-processor of a radio URL and asks what it is.
func OpenSpinel(address string) (*CoProcessor, error) {
	u, err := spinel.ParseURL(address)
	if err != nil {
		return nil, err
	}
	line, err := spinel.Open(u)
	if err != nil {
		return nil, err
	}
	d := &CoProcessor{line: line, origin: time.Now()}
	d.epoch = machine.Time(d.origin.UnixNano())
	d.client = spinel.New((*coHandler)(d))
	d.client.Start(d.now())
	for !d.ready && d.failed == nil {
		d.await(nil)
	}
	if d.failed != nil {
		line.Close()
		return nil, fmt.Errorf("%s: %w", address, d.failed)
	}
	return d, nil
}

// Info returns what the co-processor said of itself.
func (d *CoProcessor) Info() spinel.Info { return d.client.Info }

// Close lets go of it.
func (d *CoProcessor) Close() { d.line.Close() }

// Run runs a node on the co-processor until it is stopped, and returns the status for the shell.
func (d *CoProcessor) Run(o Options) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	wake, err := newWakeup()
	if err != nil {
		return 1, fmt.Errorf("radio: %w", err)
	}
	defer wake.close()
	ended := onSignal(wake)
	defer ended.stop()
	defer d.posts.open(wake.wake)()
	d.program, d.flash, d.air = o.Program, o.Flash, d
	if o.Started != nil {
		o.Started(&d.Control)
	}
	if err := d.boot(d.now()); err != nil {
		return 1, err
	}
	fds := []pollFD{{}, {fd: int32(o.Input)}, {fd: int32(wake.r)}}
	var typed [4096]byte
	for {
		d.inside++
		err := d.settle(d.now())
		d.inside--
		switch {
		case err != nil:
			return 1, err
		case d.failed != nil:
			return 1, d.failed
		case d.stop:
			return d.status, nil
		}
		if f := d.posts.take(); f != nil {
			d.inside++
			f(d.now())
			d.inside--
			continue
		}
		if len(d.late) > 0 {
			f := d.late[0]
			d.late = d.late[1:]
			f(d.now())
			continue
		}
		if d.expire(d.now()) {
			continue
		}
		d.await(fds)
		if fds[2].revents != 0 {
			wake.clear()
		}
		if fds[1].revents != 0 {
			b := readInput(o.Input, typed[:])
			if len(b) == 0 && cap(b) > 0 {
				fds[1].fd = -1 // the end
			}
			if len(b) > 0 || cap(b) > 0 {
				d.program.Typed(d.now(), b)
			}
		}
		if ended.asked.Load() {
			return 0, nil
		}
	}
}

func (d *CoProcessor) now() machine.Time { return d.epoch.Add(time.Since(d.origin)) }

var errGone = errors.New("radio: the co-processor is gone")

// await waits for the co-processor, for the others of fds, and for timers, and takes in what the co-processor says.
func (d *CoProcessor) await(fds []pollFD) {
	if fds == nil {
		fds = make([]pollFD, 1)
	}
	fds[0].fd = int32(d.line.FD())
	next := d.client.Deadline()
	if d.device != nil {
		next = min(next, d.deadline())
	}
	wait := time.Duration(-1)
	if next != machine.Never {
		wait = max(0, next.Sub(d.now()))
	}
	poll(fds, wait)
	d.client.Expire(d.now())
	if fds[0].revents == 0 {
		return
	}
	var b [4096]byte
	n, err := syscall.Read(int(fds[0].fd), b[:])
	if err == syscall.EINTR {
		return
	}
	if n <= 0 || err != nil {
		d.failed = errGone
		return
	}
	d.hdlc.Feed(b[:n], func(frame []byte) {
		d.client.Receive(d.now(), frame)
		if d.device != nil {
			d.inside++
			d.drain(d.now())
			d.inside--
		}
	})
}

func (d *CoProcessor) configure(now machine.Time, c *phy.Config) { d.client.Configure(now, c) }
func (d *CoProcessor) setState(now machine.Time, s phy.State)    { d.client.SetState(now, s) }

func (d *CoProcessor) transmit(now machine.Time, cause machine.Cause, t *phy.Transmit) {
	d.cause = cause
	d.client.Transmit(now, t)
}

func (d *CoProcessor) scan(now machine.Time, cause machine.Cause, s *phy.EnergyScan) {
	d.scanBy = cause
	d.client.Scan(now, s)
}

// coHandler is the CoProcessor as the client's handler.
type coHandler CoProcessor

// tell calls f, or later if the device is at work.
func (h *coHandler) tell(now machine.Time, f func(now machine.Time)) {
	switch {
	case h.device == nil:
	case h.inside > 0:
		h.late = append(h.late, f)
	default:
		f(now)
	}
}

// Write implements spinel.Handler.
func (h *coHandler) Write(frame []byte) {
	h.out = spinel.AppendHDLC(h.out[:0], frame)
	for b := h.out; len(b) > 0; {
		n, err := syscall.Write(h.line.FD(), b)
		if err == syscall.EINTR || err == syscall.EAGAIN {
			continue
		}
		if err != nil {
			h.failed = errGone
			return
		}
		b = b[n:]
	}
}

// Received implements spinel.Handler.
func (h *coHandler) Received(now machine.Time, f *phy.Frame) {
	if h.device != nil {
		h.device.RadioReceived(now, 0, f)
	}
}

// Sent implements spinel.Handler.
func (h *coHandler) Sent(now machine.Time, s phy.Sent) {
	h.tell(now, func(now machine.Time) { h.device.RadioSent(now, h.cause, s) })
}

// Energy implements spinel.Handler.
func (h *coHandler) Energy(now machine.Time, rssi int8) {
	h.tell(now, func(now machine.Time) { h.device.RadioEnergy(now, h.scanBy, rssi) })
}

// Ready implements spinel.Handler.
func (h *coHandler) Ready(machine.Time) { h.ready = true }

// Failed implements spinel.Handler.
func (h *coHandler) Failed(err error) { h.failed = err }
