package radio

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	phy "heddle.example/thread/radio"
)

// mote is a device and its program in one: it does what is typed, and tells what it hears.
type mote struct {
	*Control
	out     machine.Outbox
	short   uint16
	seq     uint8
	mu      sync.Mutex
	log     []string
	said    chan string
	boots   int
	timer   machine.Time
	sentAt  machine.Time
	records int
}

func newMote(short uint16) *mote {
	return &mote{short: short, said: make(chan string, 100), timer: machine.Never}
}

func (m *mote) say(format string, a ...any) { m.said <- fmt.Sprintf(format, a...) }

func (m *mote) Boot(now machine.Time, flash *Flash) (Device, error) {
	m.boots++
	m.out, m.timer = machine.NewOutbox(nil), machine.Never
	m.records = len(flash.Records())
	f := phy.Filter{PAN: 0xabcd, Short: m.short, AltShort: ieee802154.InvalidShort, SourceMatch: true}
	m.out.Push(machine.Action{Kind: machine.Ask, Value: &phy.Config{Filter: f}})
	m.out.Push(machine.Action{Kind: machine.Ask, Value: &phy.State{Mode: phy.Receive, Channel: 15}})
	m.say("boot %d, %d records", m.boots, m.records)
	return m, nil
}

func (m *mote) Typed(now machine.Time, b []byte) {
	if len(b) == 0 {
		m.Stop(3)
	}
	for _, word := range strings.Fields(string(b)) {
		var to uint16
		switch {
		case word == "reset":
			m.Restart(false)
		case word == "wipe":
			m.Restart(true)
		case word == "save":
			m.out.Push(machine.Action{Kind: machine.Persist, Seq: m.out.Nest().NextSeq(), Records: []machine.Record{{Table: "t", Key: []byte("k"), Value: []byte("v")}}})
		case word == "timer":
			m.timer = now.Add(time.Second)
		default:
			_, _ = fmt.Sscanf(word, "%x", &to)
			m.seq++
			h := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, Sequence: m.seq, AckRequest: to != 0xffff,
				Dst: ieee802154.ShortAddr(to), Src: ieee802154.ShortAddr(m.short), DstPAN: 0xabcd, SrcPAN: 0xabcd, HasDstPAN: true, Payload: []byte("hello")}
			h.Plan()
			m.sentAt = now
			m.out.Push(machine.Action{Kind: machine.Send, Value: &phy.Transmit{ID: 1, PSDU: h.Append(nil), Channel: 15, AckRequest: to != 0xffff, Sequence: m.seq}})
		}
	}
}

func (m *mote) Receive(machine.Time, machine.Cause, machine.Path, []byte) {}
func (m *mote) Action(machine.Time, machine.Action)                       {}
func (m *mote) Settle(machine.Time)                                       {}
func (m *mote) Next() (machine.Action, bool)                              { return m.out.Next() }
func (m *mote) Deadline() machine.Time                                    { return m.timer }
func (m *mote) Persisted(machine.Time, machine.Seq)                       { m.say("saved") }
func (m *mote) PersistFailed(_ machine.Time, _ machine.Seq, err error)    { m.say("failed") }
func (m *mote) RadioEnergy(machine.Time, machine.Cause, int8)             {}
func (m *mote) Expire(now machine.Time) {
	if m.timer <= now {
		m.timer = machine.Never
		m.say("timer")
	}
}
func (m *mote) RadioReceived(_ machine.Time, _ machine.Cause, f *phy.Frame) {
	m.say("heard %s from %v at %d dBm", f.Parsed().Payload, f.Parsed().Src, f.RSSI)
}
func (m *mote) RadioSent(now machine.Time, _ machine.Cause, s phy.Sent) {
	m.say("sent %v, ack %v, in time %v", s.Err, s.Ack != nil, now.Sub(m.sentAt) < 15*time.Millisecond)
}

func (m *mote) want(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		select {
		case got := <-m.said:
			if got != line {
				t.Errorf("node %d says %q, want %q", m.short, got, line)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("node %d does not say %q", m.short, line)
		}
	}
}

// started runs a mote whose standard input is the returned file, and returns how to wait for its end.
func started(t *testing.T, m *mote, run func(Options) (int, error), offset int) (input *os.File, end func() int) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	flash, err := OpenFlash(filepath.Join(t.TempDir(), "0_1.flash"), FlashOptions{})
	if err != nil {
		t.Fatal(err)
	}
	status := make(chan int, 1)
	go func() {
		n, err := run(Options{ID: int(m.short), PortBase: 20000, PortOffset: offset, Input: int(r.Fd()), Flash: flash, Program: m,
			Started: func(c *Control) { m.Control = c }})
		if err != nil {
			t.Error(err)
		}
		status <- n
	}()
	return w, func() int { w.Close(); n := <-status; r.Close(); return n }
}

func TestRealTime(t *testing.T) {
	offset := os.Getpid() % 500
	a, b := newMote(1), newMote(2)
	inA, endA := started(t, a, RunRealTime, offset)
	inB, endB := started(t, b, RunRealTime, offset)
	a.want(t, "boot 1, 0 records")
	b.want(t, "boot 1, 0 records")
	time.Sleep(50 * time.Millisecond) // both listen
	fmt.Fprintln(inA, "2")
	b.want(t, "heard hello from 0x0001 at -20 dBm")
	a.want(t, "sent OK, ack true, in time true")
	fmt.Fprintln(inB, "ffff")
	b.want(t, "sent OK, ack false, in time true")
	a.want(t, "heard hello from 0x0002 at -20 dBm")
	fmt.Fprintln(inA, "9")
	a.want(t, "sent NoAck, ack false, in time false")
	a.filter.Add(FilterDeny, 2)
	fmt.Fprintln(inB, "1")
	b.want(t, "sent NoAck, ack false, in time false")
	a.filter.Clear()
	fmt.Fprintln(inB, "1")
	a.want(t, "heard hello from 0x0002 at -20 dBm")
	b.want(t, "sent OK, ack true, in time true")
	fmt.Fprintln(inA, "save timer")
	a.want(t, "saved", "timer")
	fmt.Fprintln(inA, "reset")
	a.want(t, "boot 2, 1 records")
	fmt.Fprintln(inA, "save wipe")
	a.want(t, "saved", "boot 3, 0 records")
	fmt.Fprintln(inB, "1")
	a.want(t, "heard hello from 0x0002 at -20 dBm")
	for i := range 3 { // from another goroutine, in order
		if !a.Post(func(machine.Time) { a.say("posted %d", i) }) {
			t.Fatal("not taken")
		}
	}
	a.want(t, "posted 0", "posted 1", "posted 2")
	if n := endA(); n != 3 {
		t.Errorf("status %d", n)
	}
	if a.Post(func(machine.Time) {}) {
		t.Error("taken by a driver that has ended")
	}
	endB()
}

func TestVirtualTime(t *testing.T) {
	offset := os.Getpid()%500 + 500
	base := 20000 + offset*portsEach
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: base})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	m := newMote(1)
	in, end := started(t, m, RunVirtualTime, offset)
	node := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: base + 1}
	expect := func(want string) (data []byte) {
		t.Helper()
		b := make([]byte, 1000)
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _, err := conn.ReadFromUDP(b)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%d %d %d", binary.LittleEndian.Uint64(b), b[8], binary.LittleEndian.Uint16(b[9:]))
		if got != want {
			t.Fatalf("event %q, want %q", got, want)
		}
		return b[11:n]
	}
	tell := func(delay uint64, event byte, data []byte) {
		t.Helper()
		b := binary.LittleEndian.AppendUint64(nil, delay)
		b = binary.LittleEndian.AppendUint16(append(b, event), uint16(len(data)))
		if _, err := conn.WriteToUDP(append(b, data...), node); err != nil {
			t.Fatal(err)
		}
	}
	const idle = "9223372036854775807 0 0"
	m.want(t, "boot 1, 0 records")
	expect(idle)
	fmt.Fprintln(in, "timer")
	expect("1000000 0 0")
	tell(400_000, eventAlarm, nil)
	expect("600000 0 0")
	tell(600_000, eventAlarm, nil)
	m.want(t, "timer")
	expect(idle)

	fmt.Fprintln(in, "ffff")
	echo := expect("1 1 17")
	expect("9223372036854775807 0 0")
	tell(1, eventRadio, echo)
	m.want(t, "sent OK, ack false, in time true")
	expect(idle)

	fmt.Fprintln(in, "2")
	frame := expect("1 1 17")
	expect("16000 0 0")
	tell(1, eventRadio, frame) // the echo of a frame that asks for an acknowledgement says nothing
	expect("15999 0 0")
	tell(1, eventRadio, []byte{15, 2, 0, 2, 0, 0})
	m.want(t, "sent OK, ack true, in time true")
	expect(idle)

	h := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, Sequence: 7, AckRequest: true,
		Dst: ieee802154.ShortAddr(1), Src: ieee802154.ShortAddr(2), DstPAN: 0xabcd, SrcPAN: 0xabcd, HasDstPAN: true, Payload: []byte("x")}
	h.Plan()
	tell(5, eventRadio, h.Append([]byte{15}))
	m.want(t, "heard x from 0x0002 at -20 dBm")
	if ack := expect("1 1 6"); ack[0] != 15 || ack[1] != 2 || ack[3] != 7 {
		t.Errorf("ack %x", ack)
	}
	expect(idle)
	tell(5, eventRadio, h.Append([]byte{16})) // another channel
	expect(idle)
	fmt.Fprintln(in, "save reset")
	m.want(t, "saved", "boot 2, 1 records")
	expect(idle)
	end()
}
