//go:build peers

package thread

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The events of the protocol between a node and the world.
const (
	eventAlarm = 0
	eventRadio = 1
)

// Ports of nodes: an offset has the world's and those of 33 nodes.
const (
	portBase = 9000
	ports    = 34
)

// virtual is a world without a real clock: it has the nodes' alarms and frames in one queue, and hands them out in order.
// It is used by one goroutine. The nodes' randomness is the world's: what happens once with a seed happens each time.
type virtual struct {
	t        testing.TB
	seed     uint64
	lives    int // of all nodes
	dir      string
	conn     *net.UDPConn
	raw      syscall.RawConn // of conn
	offset   int
	time     uint64 // microseconds
	stations []*station
	queue    []delivery
	sequence uint64
	air      []heard
	deaf     map[[2]int]bool // from, to: frames that never arrive
}

// station is a node in the virtual world.
type station struct {
	*node
	addr  *net.UDPAddr
	clock uint64 // how far the node's clock is
	alarm uint64
	awake bool // it has not said yet that it is idle
	rests bool // and it sleeps
	asks  int  // the sequence number whose ack it waits for, or -1
}

// delivery is a frame on its way to one station.
type delivery struct {
	at, order uint64
	to        *station
	data      []byte
}

// heard is a frame that was on the air.
type heard struct {
	at   uint64
	from *station
	data []byte // channel, then the PSDU
}

// offsets keeps the ports of one run's tests apart; the lower ones are for people.
var offsets atomic.Int32

// nextOffset returns one whose ports nobody has: another run on this computer may be under way.
func nextOffset(t testing.TB) int {
	t.Helper()
	for range 500 {
		if o := 50 + (os.Getpid()*8+int(offsets.Add(1)))%500; free(o) {
			return o
		}
	}
	t.Fatal("no free ports for nodes")
	return 0
}

func free(offset int) bool {
	for id := range ports {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: portBase + offset*ports + id})
		if err != nil {
			return false
		}
		c.Close()
	}
	return true
}

func newVirtual(t testing.TB) *virtual {
	t.Helper()
	v := &virtual{t: t, seed: newSeed(), dir: t.TempDir(), deaf: map[[2]int]bool{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("-args -seed %d plays this again", v.seed)
		}
	})
	for range 50 {
		v.offset = nextOffset(t)
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: v.port(0)})
		if err == nil {
			v.conn = c
			if v.raw, err = c.SyscallConn(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return v
		}
	}
	t.Fatal("no free ports for a virtual world")
	return nil
}

func (v *virtual) port(id int) int { return portBase + v.offset*ports + id }

// node starts a node, with more in its environment.
func (v *virtual) node(m maker, k kind, env ...string) *node {
	v.t.Helper()
	s := &station{addr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: v.port(len(v.stations) + 1)}, clock: v.time, alarm: math.MaxUint64, awake: true, asks: -1}
	s.node = start(v.t, v, v.dir, m, k, len(v.stations)+1, append(env, "PORT_OFFSET="+strconv.Itoa(v.offset), "VIRTUAL_TIME=1")...)
	v.stations = append(v.stations, s)
	v.settle()
	return s.node
}

func (v *virtual) program(t testing.TB, m maker, k kind, id int) *exec.Cmd {
	c := program(t, "virtual", m, k, strconv.Itoa(id))
	v.lives++
	seeded(t, c, m, fmt.Sprintf("%d %s %d", v.seed, t.Name(), v.lives))
	return c
}

func (v *virtual) now() time.Duration { return time.Duration(v.time) * time.Microsecond }

func (v *virtual) station(n *node) *station { return v.stations[n.id-1] }

// link says whether two nodes hear each other.
func (v *virtual) link(a, b *node, on bool) {
	v.deaf[[2]int{a.id, b.id}], v.deaf[[2]int{b.id, a.id}] = !on, !on
}

// line leaves only the links between neighbours of a line.
func (v *virtual) line(nodes ...*node) {
	for i, a := range nodes {
		for j, b := range nodes {
			if i < j {
				v.link(a, b, j == i+1)
			}
		}
	}
}

// settle takes in what nodes send until each is idle.
func (v *virtual) settle() {
	v.t.Helper()
	buf := make([]byte, 2048)
	for end := time.Now().Add(20 * time.Second); ; {
		quiet := true
		for _, s := range v.stations {
			quiet = quiet && s.idle()
		}
		if !quiet {
			for _, s := range v.stations {
				s.drain() // a node with a full pipe would wait for us
			}
		}
		// Where all are idle, what they have sent is here already: loopback is synchronous.
		switch k, from := v.receive(buf, !quiet); {
		case k >= 0:
			v.take(from-v.port(0), buf[:k])
		case quiet:
			return
		case time.Now().After(end):
			var busy []string
			for _, s := range v.stations {
				if !s.idle() {
					stat, _ := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/stat")
					busy = append(busy, fmt.Sprintf("%v, awake %v, %.40s", s, s.awake, stat))
				}
			}
			v.t.Fatalf("never idle: %q", busy)
		}
	}
}

// receive returns the size of the next datagram and the port that it came from, or -1 where there is none; wait has it wait a
// little for one. (A net.Conn with a deadline that is over reads nothing, though something be there.)
func (v *virtual) receive(buf []byte, wait bool) (size, from int) {
	v.t.Helper()
	size = -1
	var until time.Time
	if wait {
		until = time.Now().Add(time.Millisecond)
	}
	v.conn.SetReadDeadline(until)
	err := v.raw.Read(func(fd uintptr) bool {
		k, sa, err := syscall.Recvfrom(int(fd), buf, syscall.MSG_DONTWAIT)
		if err == nil {
			size, from = k, sa.(*syscall.SockaddrInet4).Port
		}
		return err == nil || !wait
	})
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		v.t.Fatal(err)
	}
	return size, from
}

// idle reports whether a station has nothing left to do. Theirs says so before it has written its output, and several
// times: so the process must sleep, too. It has one thread, which sleeps in select only.
func (s *station) idle() bool {
	switch {
	case s.dead:
		return true
	case s.awake:
		return false
	case s.maker == ours || s.rests:
		return true
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/stat")
	if err != nil {
		return true
	}
	_, after, _ := bytes.Cut(b, []byte(") "))
	s.rests = len(after) > 0 && after[0] == 'S'
	return s.rests
}

func (v *virtual) take(id int, b []byte) {
	if id < 1 || id > len(v.stations) || len(b) < 11 {
		v.t.Fatalf("a datagram of %d bytes from node %d", len(b), id)
	}
	s, delay, data := v.stations[id-1], binary.LittleEndian.Uint64(b), slices.Clone(b[11:])
	if int(binary.LittleEndian.Uint16(b[9:])) != len(data) {
		v.t.Fatalf("%v: an event with a wrong length: %x", s, b)
	}
	switch b[8] {
	case eventAlarm:
		s.awake, s.alarm = false, math.MaxUint64
		if delay < math.MaxInt64 {
			s.alarm = v.time + delay
		}
	case eventRadio:
		v.transmit(s, v.time+delay, data)
	default:
		v.t.Fatalf("%v: event %d", s, b[8])
	}
}

// transmit puts a frame on the air: to all others, then back to its sender.
func (v *virtual) transmit(s *station, at uint64, data []byte) {
	if len(data) < 6 {
		v.t.Fatalf("%v: a frame of %d bytes", s, len(data))
	}
	v.air = append(v.air, heard{at, s, data})
	ack := data[1]&7 == 2
	for _, r := range v.stations {
		if r == s || r.dead || v.deaf[[2]int{s.id, r.id}] || ack && r.asks != int(data[3]) {
			continue
		}
		v.push(at, r, data)
	}
	if !ack {
		s.asks = -1
		if data[1]&0x20 != 0 {
			s.asks = int(data[3])
		}
	}
	v.push(at, s, data)
}

func (v *virtual) push(at uint64, to *station, data []byte) {
	v.sequence++
	d := delivery{at, v.sequence, to, data}
	i, _ := slices.BinarySearchFunc(v.queue, d, func(a, b delivery) int {
		if a.at != b.at {
			return int(int64(a.at - b.at))
		}
		return int(int64(a.order - b.order))
	})
	v.queue = slices.Insert(v.queue, i, d)
}

// wake tells a station that its clock is at the world's time, with a frame or without.
func (v *virtual) wake(s *station, event byte, data []byte) {
	b := binary.LittleEndian.AppendUint64(nil, v.time-s.clock)
	b = append(append(b, event), byte(len(data)), byte(len(data)>>8))
	s.clock, s.awake, s.rests, s.alarm = v.time, true, false, math.MaxUint64
	if _, err := v.conn.WriteToUDP(append(b, data...), s.addr); err != nil {
		v.t.Fatal(err)
	}
	v.settle()
}

// step goes on to the next event, if it is not after limit.
func (v *virtual) step(limit uint64) bool {
	next, who := uint64(math.MaxUint64), (*station)(nil)
	for _, s := range v.stations {
		if !s.dead && s.alarm < next {
			next, who = s.alarm, s
		}
	}
	if len(v.queue) > 0 && v.queue[0].at <= next {
		d := v.queue[0]
		if d.at > limit {
			return false
		}
		v.queue = v.queue[1:]
		v.time = max(v.time, d.at)
		if !d.to.dead {
			v.wake(d.to, eventRadio, d.data)
		}
		return true
	}
	if next > limit {
		return false
	}
	v.time = max(v.time, next)
	v.wake(who, eventAlarm, nil)
	return true
}

func (v *virtual) pass(d time.Duration) {
	v.t.Helper()
	limit := v.time + uint64(d.Microseconds())
	for v.step(limit) {
	}
	v.time = limit
}

func (v *virtual) before(n *node) { v.wake(v.station(n), eventAlarm, nil) }

func (v *virtual) typed(n *node) {
	v.t.Helper()
	s := v.station(n)
	s.awake, s.rests = true, false
	v.settle()
}

// kill ends a node without a word.
func (v *virtual) kill(n *node) {
	n.kill()
	v.queue = slices.DeleteFunc(v.queue, func(d delivery) bool { return d.to.node == n })
}

// revive starts a killed node again, with the settings that it had.
func (v *virtual) revive(n *node) {
	v.t.Helper()
	s := v.station(n)
	again := start(v.t, v, v.dir, n.maker, n.kind, n.id, "PORT_OFFSET="+strconv.Itoa(v.offset), "VIRTUAL_TIME=1")
	n.cmd, n.stdin, n.stdout, n.dead = again.cmd, again.stdin, again.stdout, false
	s.clock, s.alarm, s.awake, s.rests, s.asks = v.time, math.MaxUint64, true, false, -1
	v.settle()
}

func (v *virtual) String() string { return fmt.Sprintf("virtual world at %v", v.now()) }
