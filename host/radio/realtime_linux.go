package radio

import (
	"fmt"
	"runtime"
	"time"

	"heddle.example/border/nd"
	"heddle.example/machine"
	phy "heddle.example/thread/radio"
)

// realTime is the driver over UDP, in real time or a multiple of it.
type realTime struct {
	runner
	reader  *reader
	origin  time.Time
	epoch   machine.Time
	speed   int64
	rand    machine.Rand
	current phy.Transmit // the transmission under way
	cause   machine.Cause
	sending bool
	sent    bool         // it asked for no acknowledgement: its Sent is due
	giveUp  machine.Time // when the acknowledgement is late
	out     [256]byte
	heard   []heard
	scanEnd machine.Time
	scanAsk phy.EnergyScan
	scanBy  machine.Cause
	infra   infra
	options Options
}

// RunRealTime runs a node until it is stopped, and returns the status for the shell.
func RunRealTime(o Options) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	sharpTimers()
	if o.Local == "" {
		o.Local = "127.0.0.1"
	}
	socket, err := openAir(o.Local, o.base(), o.ID)
	if err != nil {
		return 1, err
	}
	defer socket.close()
	var pipes [4]wakeup
	for i := range pipes {
		if pipes[i], err = newWakeup(); err != nil {
			return 1, fmt.Errorf("simulated radio: %w", err)
		}
		defer pipes[i].close()
	}
	wake := pipes[0]

	d := &realTime{origin: time.Now(), speed: int64(max(1, o.Speed)), rand: o.Rand, scanEnd: machine.Never, giveUp: machine.Never}
	d.options, d.ownInfra = o, o.OwnInfra
	defer d.infra.close()
	d.epoch = machine.Time(d.origin.UnixNano())
	d.program, d.flash, d.air = o.Program, o.Flash, d
	d.filter = &NodeFilter{}
	d.reader = &reader{socket: socket, id: o.ID, nodes: d.filter, clock: d.now, begin: pipes[1], end: pipes[2], quit: pipes[3]}
	done := make(chan struct{})
	go func() { d.reader.run(); close(done) }()
	defer func() { d.reader.quit.wake(); <-done }()

	ended := onSignal(wake)
	defer ended.stop()
	defer d.posts.open(wake.wake)()

	if o.Started != nil {
		o.Started(&d.Control)
	}
	now := d.now()
	if err := d.boot(now); err != nil {
		return 1, err
	}
	return d.loop(o.Input, wake, ended)
}

func (d *realTime) now() machine.Time {
	return d.epoch.Add(time.Duration(int64(time.Since(d.origin)) * d.speed))
}

func (d *realTime) loop(input int, wake wakeup, ended *terminator) (int, error) {
	fds := []pollFD{{fd: int32(wake.r)}, {fd: int32(input)}, {fd: int32(d.reader.socket.rx)}, {fd: -1}}
	var typed [4096]byte
	for {
		if err := d.settle(d.now()); err != nil {
			return 1, err
		}
		if d.stop {
			return d.status, nil
		}
		if f := d.posts.take(); f != nil {
			f(d.now())
			continue
		}
		if d.work() {
			continue
		}
		wait := time.Duration(-1)
		if next := min(d.deadline(), d.scanEnd, d.giveUp); next != machine.Never {
			wait = max(0, next.Sub(d.now())) / time.Duration(d.speed)
		}
		fds[3].fd = d.infra.fd()
		poll(fds, wait)
		if fds[0].revents != 0 {
			wake.clear()
		}
		if fds[1].revents != 0 {
			b := readInput(input, typed[:])
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

// work does what can be done at once: the end of a transmission, frames that were heard, timers that are due. It reports
// whether there was anything. Acknowledgements go before all of it.
func (d *realTime) work() bool {
	d.reader.pump()
	now := d.now()
	if d.sent {
		d.ended(now, phy.Sent{})
		return true
	}
	due := min(d.deadline(), d.scanEnd, d.giveUp) <= now
	d.heard = d.reader.take(d.heard)
	for i := range d.heard {
		h := &d.heard[i]
		d.hear(now, h)
		d.drain(d.now())
		if d.restart {
			break // the rest was for the node that goes
		}
		if d.sent {
			d.ended(d.now(), phy.Sent{})
			d.drain(d.now())
		}
		d.reader.pump()
	}
	if len(d.heard) > 0 {
		d.reader.giveBack(d.heard)
		return true
	}
	if d.hearInfra(now) {
		return true
	}
	if !due {
		return false
	}
	if d.giveUp <= now {
		d.ended(now, phy.Sent{Err: phy.NoAck})
	}
	if d.scanEnd <= now {
		d.scanEnd = machine.Never
		d.device.RadioEnergy(now, d.scanBy, sampleEnergy(d.rand, &d.scanAsk))
	}
	d.expire(now)
	return true
}

func (d *realTime) sendInfra(p *nd.Packet) { d.infra.send(&d.options, p) }

// hearInfra takes in what came over the infrastructure link, and reports whether there was anything.
func (d *realTime) hearInfra(now machine.Time) (any bool) {
	b, ok := d.device.(borderDevice)
	if !ok {
		return false
	}
	d.infra.receive(func(p nd.Packet) {
		any = true
		b.InfraReceived(now, 0, p)
		d.drain(now)
	})
	return any
}

func (d *realTime) hear(now machine.Time, h *heard) {
	if !h.ack {
		d.device.RadioReceived(now, 0, &h.frame)
		return
	}
	// The frame may have been sent again meanwhile: the acknowledgement is as good for that.
	if p := h.frame.Parsed(); d.sending && p != nil && d.current.AckedBy(p) {
		d.ended(now, phy.Sent{Ack: &h.frame})
	}
}

// ended tells the device how its transmission ended.
func (d *realTime) ended(now machine.Time, s phy.Sent) {
	d.sending, d.sent, d.giveUp = false, false, machine.Never
	d.reader.mu.Lock()
	d.reader.waiting = false
	d.reader.mu.Unlock()
	s.ID = d.current.ID
	d.device.RadioSent(now, d.cause, s)
}

// write has the reader's thread acknowledge frames while ours waits for the disk.
func (d *realTime) write(f func() error) error {
	d.reader.begin.wake()
	err := f()
	d.reader.end.wake()
	return err
}

func (d *realTime) configure(_ machine.Time, c *phy.Config) {
	f := c.Filter
	keys := make([]phy.AckKey, len(f.Keys))
	for i, k := range f.Keys {
		keys[i] = phy.AckKey{Index: k.Index, Key: k.Key.Clone()}
	}
	f.Keys = keys
	d.reader.mu.Lock()
	d.reader.filter.Update(f)
	d.reader.mu.Unlock()
}

func (d *realTime) setState(_ machine.Time, s phy.State) {
	if s.Mode == phy.Off { // before a restart
		d.sending, d.sent, d.scanEnd, d.giveUp = false, false, machine.Never, machine.Never
	}
	d.reader.mu.Lock()
	if d.reader.state = s; s.Mode == phy.Off {
		d.reader.waiting, d.reader.filter = false, phy.Filter{}
	}
	d.reader.mu.Unlock()
}

func (d *realTime) transmit(now machine.Time, cause machine.Cause, t *phy.Transmit) {
	d.current, d.cause, d.sending, d.sent = *t, cause, true, !t.AckRequest
	d.current.PSDU = nil
	if d.giveUp = machine.Never; t.AckRequest {
		d.giveUp = now.Add(ackTimeout)
	}
	d.reader.mu.Lock()
	d.reader.request, d.reader.waiting = d.current, t.AckRequest
	d.reader.mu.Unlock()
	d.reader.socket.send(append(append(d.out[:0], t.Channel), t.PSDU...))
}

func (d *realTime) scan(now machine.Time, cause machine.Cause, s *phy.EnergyScan) {
	d.scanEnd, d.scanAsk, d.scanBy = now.Add(s.Duration), *s, cause
}
