package borderrouter

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/border/nat64"
	"heddle.example/host/outside"
	"heddle.example/host/usernat"
	"heddle.example/internal/seat"
	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
)

// patient is a border router in a simulated mesh, with sockets of this computer as its way out. Virtual time passes while
// somebody sits at it.
type patient struct {
	seat.Seat
	mu      sync.Mutex
	net     *network.Network
	node    *network.Node
	router  *border.Router
	out     outside.Outside
	trouble error    // of the system's routes
	said    []string // by the doctor
	in      chan []byte
	dns     *upstream
	posts   chan func(now machine.Time)
	ears    []func(now machine.Time, a machine.Action)
}

func newPatient(t *testing.T, c border.Config, u usernat.Config) *patient {
	t.Helper()
	p := &patient{net: network.New(1, mesh.Config{}), in: make(chan []byte, 100), dns: newUpstream(), posts: make(chan func(machine.Time), 100)}
	u.NAT64 = nat64.WellKnown
	u.Receive = func(b []byte) { p.in <- append([]byte(nil), b...) }
	out, err := usernat.New(u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	p.out = out
	p.node = p.net.Add(network.NodeConfig{Make: func(tc thread.Config) (mesh.Device, *thread.Node, error) {
		n, err := thread.New(tc)
		if err != nil {
			return nil, nil, err
		}
		c := c
		c.Node, c.Rand, c.Infra, c.Uplink = n, tc.Rand, border.Infra{None: true}, true
		if p.router, err = border.New(c); err == nil {
			err = p.router.Start(tc.Now, 0)
		}
		return p.router, n, err
	}})
	p.node.OnEvent = func(now machine.Time, a machine.Action) {
		switch v := a.Value.(type) {
		case *border.Outside:
			p.out.Send(v.Packet)
		case *border.Query:
			server := v.Server
			p.dns.ask(server, v.Message, func(b []byte) {
				b = append([]byte(nil), b...)
				p.posts <- func(now machine.Time) { p.router.UpstreamReceived(now, 1, server, b) }
			})
		}
		for _, f := range p.ears {
			f(now, a)
		}
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() { // time passes
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case b := <-p.in:
				p.mu.Lock()
				p.node.Do(func(now machine.Time) { p.router.OutsideReceived(now, 1, b) })
			case f := <-p.posts:
				p.mu.Lock()
				p.node.Do(f)
			case <-time.After(time.Millisecond):
				p.mu.Lock()
				p.net.Run(50 * time.Millisecond)
			}
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
	return p
}

func (p *patient) Do(_ context.Context, f func(now machine.Time, n *thread.Node) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	p.node.Input(func(now machine.Time, n *thread.Node) { err = f(now, n) })
	return err
}

func (p *patient) Listen(f func(now machine.Time, a machine.Action)) func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ears = append(p.ears, f)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ears = nil
	}
}

func (p *patient) form(t *testing.T) {
	t.Helper()
	err := p.Do(t.Context(), func(now machine.Time, n *thread.Node) error {
		d := n.Datasets().NewNetwork()
		set, err := d.Dataset()
		if err != nil {
			return err
		}
		n.Do(now, 0, func() { err = n.Datasets().SetActive(now, set) })
		if err == nil {
			err = n.Up(now, 0)
		}
		if err == nil {
			err = n.Start(now, 0)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// The doctor waits for half a second only, in which little time passes here when the computer is busy.
	ready := false
	for end := time.Now().Add(time.Minute); !ready; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no mesh with a way out within a minute")
		}
		_ = p.Do(t.Context(), func(now machine.Time, n *thread.Node) error {
			_, ready = n.NetData().NAT64()
			ready = ready && p.router.Routing().Settled()
			return nil
		})
	}
}

func (p *patient) examine(t *testing.T, system System, q Question) string {
	t.Helper()
	q.Attach, q.Wait = 500*time.Millisecond, 50*time.Millisecond
	d := &Doctor{Seat: p, Border: func() *border.Router { return p.router }, Out: p.out, Trouble: func() error { return p.trouble }, System: system}
	r := d.Examine(t.Context(), q)
	var list []string
	for _, l := range r.Legs {
		list = append(list, l.Name+" "+string(l.State))
		if (l.State == Broken || l.State == Warn) != (l.Do != "") && l.State != Skipped {
			t.Errorf("%+v: what is to be done?", l)
		}
	}
	p.said = r.Lines()
	t.Log("\n" + strings.Join(p.said, "\n"))
	return strings.Join(list, ", ")
}

// computer has routes and settings as a test wants them.
type computer struct {
	settings map[string]string
	no       string // "4", "6": no route of that family
	deaf     bool   // nobody answers it
}

func (c computer) Route(a netip.Addr) error {
	if a.Is4() && strings.Contains(c.no, "4") || a.Is6() && strings.Contains(c.no, "6") {
		return net.UnknownNetworkError("none")
	}
	return nil
}

func (c computer) Ask(server netip.AddrPort, name string) error {
	if c.deaf || !server.Addr().IsLoopback() {
		return errSilence
	}
	return ThisComputer{}.Ask(server, name)
}

func (c computer) Setting(name string) string { return c.settings[name] }

// answered is a computer that every DNS server answers.
type answered struct{ computer }

func (answered) Ask(netip.AddrPort, string) error { return nil }

// answers is a server for datagrams that gives one answer to all, with the question's identifier where that is due.
func answers(t *testing.T, answer func(q []byte) []byte) uint16 {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		var b [2000]byte
		for {
			n, from, err := c.ReadFromUDPAddrPort(b[:])
			if err != nil {
				return
			}
			if a := answer(b[:n]); a != nil {
				_, _ = c.WriteToUDPAddrPort(a, from)
			}
		}
	}()
	return uint16(c.LocalAddr().(*net.UDPAddr).Port)
}

// nameServer answers every question for an A record with 198.51.100.1, and others with nothing.
func nameServer(q []byte) []byte {
	b := append([]byte(nil), q...)
	b[2], b[3] = 0x81, 0x80
	end := 12
	for b[end] != 0 {
		end += int(b[end]) + 1
	}
	if b = b[:end+5]; b[end+2] != 1 {
		b[10], b[11] = 0, 0
		return b
	}
	b[7], b[10], b[11] = 1, 0, 0
	return append(b, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, 1)
}

func TestDoctor(t *testing.T) {
	alias := map[netip.Addr]netip.Addr{netip.MustParseAddr("198.51.100.1"): netip.MustParseAddr("127.0.0.1")}
	user := border.Config{DefaultDNS: true, NAT64: border.NAT64{Enable: true, Prefix: nat64.WellKnown}}
	dns := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), answers(t, nameServer))
	coap := answers(t, func(q []byte) []byte { return []byte{0x70, 0, q[2], q[3]} })
	coaps := answers(t, func(q []byte) []byte {
		if len(q) < 60 || q[0] != 22 {
			return nil
		}
		return append([]byte{22, 0xfe, 0xff}, make([]byte, 30)...)
	})
	deaf := answers(t, func([]byte) []byte { return nil })
	port := func(scheme string, p uint16) string {
		return scheme + "://some.name:" + netip.AddrPortFrom(netip.IPv4Unspecified(), p).String()[len("0.0.0.0:"):]
	}
	with := user
	with.Upstream = []netip.AddrPort{dns}
	whole := newPatient(t, with, usernat.Config{Alias: alias})
	if got := whole.examine(t, computer{}, Question{}); !strings.HasPrefix(got, "radio broken, prefix skipped, route skipped, NAT64 skipped, ping ") || !strings.HasSuffix(got, ", DNS skipped, server skipped") {
		t.Error("off:", got)
	}
	whole.form(t)
	pinged := func(s string) string { return strings.Replace(s, "ping warn", "ping ok", 1) } // as this computer lets it
	for _, c := range []struct {
		name   string
		system computer
		q      Question
		want   string
	}{
		{"all well, coap", computer{}, Question{Server: port("coap", coap)}, "radio ok, prefix ok, route ok, NAT64 ok, ping ok, DNS ok, server ok"},
		{"coaps, by address", computer{no: "6"}, Question{Server: strings.Replace(port("coaps", coaps), "some.name", "198.51.100.1", 1)},
			"radio ok, prefix ok, route warn, NAT64 ok, ping ok, DNS ok, server ok"},
		{"nobody answers", computer{no: "4"}, Question{Server: port("coap", deaf)}, "radio ok, prefix ok, route ok, NAT64 warn, ping ok, DNS ok, server broken"},
		{"no server", computer{}, Question{Server: "http://x"}, "radio ok, prefix ok, route ok, NAT64 ok, ping ok, DNS ok, server broken"},
	} {
		if got := pinged(whole.examine(t, c.system, c.q)); got != c.want {
			t.Errorf("%s:\n %s\n want %s", c.name, got, c.want)
		}
	}
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		got := pinged(whole.examine(t, computer{}, Question{Server: strings.Replace(port("coap", coap), "some.name", host, 1)}))
		if said := strings.Join(whole.said, "\n"); !strings.HasSuffix(got, "server broken") || !strings.Contains(said, "--alias") {
			t.Errorf("%s: %s\n%s", host, got, said)
		}
	}
	whole.trouble = errors.New("no route")
	if got, want := pinged(whole.examine(t, computer{}, Question{})), "radio ok, prefix ok, route broken, NAT64 skipped, ping ok, DNS skipped, server skipped"; got != want {
		t.Errorf("the system refused a route:\n %s\n want %s", got, want)
	}
	strange := user
	strange.Upstream = []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), answers(t, func(q []byte) []byte {
		b := nameServer(q)[:len(q)]
		b[3], b[7] = 0x83, 0 // there is no such name
		return b
	}))}
	unknown := newPatient(t, strange, usernat.Config{})
	unknown.form(t)
	if got, want := pinged(unknown.examine(t, computer{}, Question{Name: "no.example"})), "radio ok, prefix ok, route ok, NAT64 ok, ping ok, DNS broken, server skipped"; got != want {
		t.Errorf("no such name:\n %s\n want %s", got, want)
	}
	if got, want := pinged(unknown.examine(t, computer{}, Question{})), "radio ok, prefix ok, route ok, NAT64 ok, ping ok, DNS warn, server skipped"; got != want {
		t.Errorf("no such name, that nobody has asked for:\n %s\n want %s", got, want)
	}
	unknown.examine(t, computer{}, Question{Name: "no.example"})
	if said := strings.Join(unknown.said, "\n"); !strings.Contains(said, "has no address for no.example") || !strings.Contains(said, "--ask NAME") {
		t.Errorf("no such name:\n%s", said)
	}
	// A DNS server that answers nobody says nothing of the way to it.
	far := netip.MustParseAddr("198.51.100.1")
	silent := user
	silent.Upstream = []netip.AddrPort{netip.AddrPortFrom(far, deaf)}
	mute := newPatient(t, silent, usernat.Config{Alias: alias})
	mute.form(t)
	for _, c := range []struct {
		name   string
		system System
		want   string
	}{
		{"it answers nobody", computer{deaf: true}, "radio ok, prefix ok, route ok, NAT64 ok, ping ok, DNS broken, server ok"},
		{"it answers this computer", answered{}, "radio ok, prefix ok, route ok, NAT64 broken, ping ok, DNS broken, server ok"},
	} {
		if got := pinged(mute.examine(t, c.system, Question{Server: strings.Replace(port("coap", coap), "some.name", far.String(), 1)})); got != c.want {
			t.Errorf("%s:\n %s\n want %s", c.name, got, c.want)
		}
	}
	lost := newPatient(t, user, usernat.Config{})
	lost.form(t)
	if got, want := pinged(lost.examine(t, computer{}, Question{})), "radio ok, prefix ok, route ok, NAT64 ok, ping ok, DNS broken, server skipped"; got != want {
		t.Errorf("no DNS server:\n %s\n want %s", got, want)
	}
}
