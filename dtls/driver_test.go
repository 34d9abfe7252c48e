package dtls

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"heddle.example/machine"
)

// driver runs an engine on a loopback socket, for the tests with peers. All its methods are for one goroutine.
type driver struct {
	t      testing.TB
	e      *Engine
	conn   *net.UDPConn
	local  netip.AddrPort
	events []any
	data   []string
	drop   func(n int, out bool) bool // true loses the n-th datagram of a direction
	sent   int
	got    int
	trace  [][]byte
}

func newDriver(t testing.TB, cfg Config) *driver {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	cfg.Rand = newTestRand(uint64(time.Now().UnixNano()))
	if cfg.RetransmitInitial == 0 {
		cfg.RetransmitInitial = 200 * time.Millisecond
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &driver{t: t, e: e, conn: conn, local: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
}

func (d *driver) now() machine.Time { return machine.Time(time.Now().UnixNano()) }

func (d *driver) drain() {
	for {
		a, ok := d.e.Next()
		if !ok {
			return
		}
		switch a.Kind {
		case machine.Send:
			d.sent++
			d.trace = append(d.trace, slices.Clone(a.Data))
			if d.drop == nil || !d.drop(d.sent, true) {
				_, _ = d.conn.WriteToUDPAddrPort(a.Data, a.Path.Remote)
			}
		case machine.Event:
			if r, ok := a.Value.(*Received); ok {
				d.data = append(d.data, string(r.Data))
				continue
			}
			d.events = append(d.events, a.Value)
		}
	}
}

// until runs the engine until done reports true.
func (d *driver) until(what string, done func() bool) {
	d.t.Helper()
	buf := make([]byte, 65536)
	for end := time.Now().Add(15 * time.Second); !done(); {
		if time.Now().After(end) {
			d.t.Fatalf("no %s: events %+v, data %q, stats %+v", what, d.events, d.data, d.e.Stats())
		}
		_ = d.conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		n, from, err := d.conn.ReadFromUDPAddrPort(buf)
		if err == nil {
			d.got++
			d.trace = append(d.trace, slices.Clone(buf[:n]))
			if d.drop == nil || !d.drop(d.got, false) {
				d.e.Receive(d.now(), 0, machine.Path{Local: d.local, Remote: from}, buf[:n])
			}
		} else if !errors.Is(err, os.ErrDeadlineExceeded) {
			time.Sleep(time.Millisecond) // ECONNREFUSED of a peer that is not there yet
		}
		d.drain()
		if d.e.Deadline() <= d.now() {
			d.e.Expire(d.now())
			d.drain()
		}
	}
}

func lastOf[T any](d *driver) T {
	for i := len(d.events) - 1; i >= 0; i-- {
		if v, ok := d.events[i].(T); ok {
			return v
		}
	}
	var zero T
	return zero
}

func (d *driver) dial(to netip.AddrPort, c ClientConfig) *Established {
	d.t.Helper()
	before := lastOf[*Established](d)
	if _, err := d.e.Dial(d.now(), 0, machine.Path{Local: d.local, Remote: to}, c); err != nil {
		d.t.Fatal(err)
	}
	d.drain()
	d.until("Established", func() bool { return lastOf[*Established](d) != before })
	return lastOf[*Established](d)
}

func (d *driver) write(session uint64, text string) {
	d.t.Helper()
	if err := d.e.Write(d.now(), 0, session, []byte(text), 0); err != nil {
		d.t.Fatal(err)
	}
	d.drain()
}

func (d *driver) wait(text string) {
	d.t.Helper()
	d.until(text, func() bool { return slices.Contains(d.data, text) })
}
