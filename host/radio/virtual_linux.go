package radio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"syscall"
	"time"

	"heddle.example/machine"
	phy "heddle.example/thread/radio"
)

// Events of the virtual-time protocol: u64 delay in us, u8 event, u16 length, data; packed, little endian
// (examples/platforms/simulation/platform-simulation.h).
const (
	eventAlarm = 0
	eventRadio = 1
	eventUART  = 2

	eventHeader = 11
)

// virtualStart is when virtual time begins. The protocol only knows how much of it passes.
const virtualStart = machine.Time(1_767_225_600_000_000_000)

// virtualTime is the driver whose clock is a simulator: one socket, one thread, and nothing that works on its own.
type virtualTime struct {
	runner
	fd      int
	to      syscall.Sockaddr
	clock   machine.Time
	rand    machine.Rand
	filter  phy.Filter
	state   phy.State
	air     phy.Air
	sending bool
	current phy.Transmit
	psdu    []byte // of current
	cause   machine.Cause
	giveUp  machine.Time
	scanEnd machine.Time
	scanAsk phy.EnergyScan
	scanBy  machine.Cause
	out     []byte
}

// RunVirtualTime runs a node until it is stopped, and returns the status for the shell.
func RunVirtualTime(o Options) (int, error) {
	d := &virtualTime{clock: virtualStart, rand: o.Rand, giveUp: machine.Never, scanEnd: machine.Never}
	d.program, d.flash = o.Program, o.Flash
	d.runner.air = d
	fd, err := udpSocket(syscall.AF_INET)
	if err != nil {
		return 1, fmt.Errorf("virtual time: %w", err)
	}
	d.fd = fd
	defer syscall.Close(fd)
	local := [4]byte{127, 0, 0, 1}
	d.to = &syscall.SockaddrInet4{Port: o.base(), Addr: local}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: o.base() + o.ID, Addr: local}); err != nil {
		return 1, fmt.Errorf("virtual time: port %d: %w", o.base()+o.ID, err)
	}
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1<<20)
	wake, err := newWakeup()
	if err != nil {
		return 1, fmt.Errorf("virtual time: %w", err)
	}
	defer wake.close()
	ended := onSignal(wake)
	defer ended.stop()
	if o.Started != nil {
		o.Started(&d.Control)
	}
	if err := d.boot(d.clock); err != nil {
		return 1, err
	}
	return d.loop(o.Input, wake, ended)
}

func (d *virtualTime) loop(input int, wake wakeup, ended *terminator) (int, error) {
	fds := []pollFD{{fd: int32(d.fd)}, {fd: int32(input)}, {fd: int32(wake.r)}}
	var b [4096]byte
	for {
		for {
			if err := d.settle(d.clock); err != nil {
				return 1, err
			}
			if d.stop {
				return d.status, nil
			}
			if d.next() > d.clock {
				break
			}
			d.fire()
		}
		d.idle()
		poll(fds, -1)
		if ended.asked.Load() {
			return 0, nil
		}
		switch {
		case fds[0].revents != 0:
			n, _, err := syscall.Recvfrom(d.fd, b[:], 0)
			if err == nil {
				d.event(b[:n])
			}
		case fds[1].revents != 0:
			t := readInput(input, b[:])
			if len(t) == 0 && cap(t) > 0 {
				fds[1].fd = -1
			}
			if len(t) > 0 || cap(t) > 0 {
				d.program.Typed(d.clock, t)
			}
		}
	}
}

// next is the earliest instant at which there is something to do.
func (d *virtualTime) next() machine.Time { return min(d.deadline(), d.giveUp, d.scanEnd) }

func (d *virtualTime) fire() {
	now := d.clock
	if d.giveUp <= now {
		d.ended(phy.Sent{Err: phy.NoAck})
	}
	if d.scanEnd <= now {
		d.scanEnd = machine.Never
		d.device.RadioEnergy(now, d.scanBy, sampleEnergy(d.rand, &d.scanAsk))
	}
	d.expire(now)
}

// idle tells the simulator that nothing is left to do, and when there will be.
func (d *virtualTime) idle() {
	delay := uint64(math.MaxInt64)
	if next := d.next(); next != machine.Never {
		delay = uint64((next - d.clock + 999) / 1000)
	}
	d.send(delay, eventAlarm, nil)
}

func (d *virtualTime) send(delay uint64, event byte, data []byte) {
	b := binary.LittleEndian.AppendUint64(d.out[:0], delay)
	b = append(b, event)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(data)))
	d.out = append(b, data...)
	for syscall.Sendto(d.fd, d.out, 0, d.to) == syscall.EINTR {
	}
}

// event takes in a datagram of the simulator. What is none only passes time, or nothing.
func (d *virtualTime) event(b []byte) {
	if len(b) < eventHeader {
		return
	}
	delay, kind := binary.LittleEndian.Uint64(b), b[8]
	data := b[eventHeader:]
	data = data[:min(len(data), int(binary.LittleEndian.Uint16(b[9:])))]
	d.clock = d.clock.Add(time.Duration(min(delay, math.MaxInt64/4000)) * time.Microsecond)
	switch {
	case kind == eventRadio && len(data) > 1:
		// What is due came before the frame did.
		for d.next() < d.clock {
			d.fire()
			d.drain(d.clock)
			if d.restart {
				return
			}
		}
		d.hear(data[0], data[1:])
	case kind == eventUART:
		d.program.Typed(d.clock, data)
	}
}

func (d *virtualTime) hear(channel uint8, psdu []byte) {
	on := d.state.Channel
	if d.sending {
		on = d.current.Channel
	}
	if channel != on || d.state.Mode != phy.Receive && !d.sending {
		return
	}
	if d.sending && !d.current.AckRequest && bytes.Equal(psdu, d.psdu) {
		d.ended(phy.Sent{}) // our own frame has gone round, whatever it is: factory diagnostics send any bytes
		return
	}
	d.air.Set(channel, psdu)
	h := d.air.Parsed()
	if h == nil {
		return
	}
	f := phy.Frame{Air: &d.air, RSSI: simulatedRSSI, At: d.clock}
	switch {
	case d.sending && d.current.AckedBy(h):
		d.ended(phy.Sent{Ack: &f})
	case d.filter.Accept(h):
		if ack := d.filter.Ack([]byte{channel}, &f, d.clock); len(ack) > 1 {
			d.send(1, eventRadio, ack)
		}
		d.device.RadioReceived(d.clock, 0, &f)
	}
}

func (d *virtualTime) ended(s phy.Sent) {
	d.sending, d.giveUp = false, machine.Never
	s.ID = d.current.ID
	d.device.RadioSent(d.clock, d.cause, s)
}

func (d *virtualTime) configure(_ machine.Time, c *phy.Config) { d.filter.Update(c.Filter) }

func (d *virtualTime) setState(_ machine.Time, s phy.State) {
	if d.state = s; s.Mode == phy.Off {
		d.sending, d.giveUp, d.scanEnd, d.filter = false, machine.Never, machine.Never, phy.Filter{}
	}
}

func (d *virtualTime) transmit(now machine.Time, cause machine.Cause, t *phy.Transmit) {
	d.current, d.cause, d.sending = *t, cause, true
	d.psdu = append(d.psdu[:0], t.PSDU...)
	d.current.PSDU = d.psdu
	if d.giveUp = machine.Never; t.AckRequest {
		d.giveUp = now.Add(ackTimeout)
	}
	d.send(1, eventRadio, append([]byte{t.Channel}, t.PSDU...))
}

func (d *virtualTime) scan(now machine.Time, cause machine.Cause, s *phy.EnergyScan) {
	d.scanEnd, d.scanAsk, d.scanBy = now.Add(s.Duration), *s, cause
}
