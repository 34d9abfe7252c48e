package srp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// bench is a client and a server with nothing between them but the test.
type bench struct {
	t        *testing.T
	now      machine.Time
	c        *Client
	s        *Server
	settings map[string][]byte
	own      []OwnAddress
	servers  Servers
	detached bool
	open     bool
	sent     [][]byte
	answers  [][]byte
	updates  []string
	selected []string
	broken   error
	others   bool
	ports    []uint16
	unusable map[uint16]bool
}

func newBench(t *testing.T, seed uint64) *bench {
	b := &bench{t: t, settings: map[string][]byte{}, unusable: map[uint16]bool{}}
	b.c = NewClient((*clientBench)(b), testRand{rand.New(rand.NewPCG(seed, 2))}, false)
	b.s = NewServer((*serverBench)(b))
	return b
}

type clientBench bench

func (b *clientBench) OpenClient(ip6.Address, uint16) error { b.open = true; return nil }
func (b *clientBench) CloseClient()                         { b.open = false }
func (b *clientBench) SendUpdate(_ machine.Time, _ ip6.Address, _ uint16, m []byte) error {
	if b.broken == nil {
		b.sent = append(b.sent, bytes.Clone(m))
	}
	return b.broken
}
func (b *clientBench) Attached() bool                         { return !b.detached }
func (b *clientBench) Poll(machine.Time, uint8)               {}
func (b *clientBench) Addresses() ([]OwnAddress, ip6.Address) { return b.own, ip6.MustParse("fd00::1") }
func (b *clientBench) Servers() Servers                       { return b.servers }
func (b *clientBench) Setting(name string) []byte             { return b.settings[name] }
func (b *clientBench) StoreSetting(name string, v []byte)     { b.settings[name] = v }
func (b *clientBench) Selected(_ machine.Time, a ip6.Address) {
	b.selected = append(b.selected, a.String())
}
func (b *clientBench) Updated(_ machine.Time, u *Update) {
	b.updates = append(b.updates, fmt.Sprintf("%v %s %d/%d", u.Err, u.Host.State, len(u.Services), len(u.Removed)))
}

type serverBench bench

func (b *serverBench) OpenServer(p uint16) error {
	b.ports = append(b.ports, p)
	if b.unusable[p] {
		return status.Failed
	}
	return nil
}
func (b *serverBench) CloseServer() {}
func (b *serverBench) Answer(_ machine.Time, _ Peer, m []byte) {
	b.answers = append(b.answers, bytes.Clone(m))
}
func (b *serverBench) Publish(machine.Time, AddressMode, uint16, uint8) error { return nil }
func (b *serverBench) Unpublish(machine.Time, AddressMode)                    {}
func (b *serverBench) Others() bool                                           { return b.others }
func (b *serverBench) Attached() bool                                         { return !b.detached }
func (b *serverBench) Setting(name string) []byte                             { return b.settings[name] }
func (b *serverBench) StoreSetting(name string, v []byte)                     { b.settings[name] = v }
func (b *serverBench) AutoEnabled(machine.Time, bool)                         {}
func (b *serverBench) Registered(machine.Time, Peer, []ip6.Address)           {}

var serverAt = ip6.MustParse("fd00::53")

// run lets time pass; what is sent arrives with deliver set.
func (b *bench) run(d time.Duration, deliver bool) {
	end := b.now.Add(d)
	for {
		at := min(b.c.Deadline(), b.s.Deadline())
		if at > end {
			break
		}
		b.now = max(b.now, at)
		if b.c.Deadline() <= b.now {
			b.c.Expire(b.now)
		}
		if b.s.Deadline() <= b.now {
			b.s.Expire(b.now)
		}
		b.carry(deliver)
	}
	b.now = end
}

func (b *bench) carry(deliver bool) {
	for _, m := range b.sent {
		if deliver && !b.s.Receive(b.now, Peer{serverAt, ip6.MustParse("fd00::1"), 4000}, m) {
			b.t.Errorf("%x is no update", m)
		}
	}
	b.sent = nil
	for _, m := range b.answers {
		b.c.Receive(b.now, m)
	}
	b.answers = nil
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) serve() {
	b.s.SetEnabled(b.now, true)
	b.s.Published(b.now, true)
}

func (b *bench) register() {
	b.ok(b.c.SetHostName(b.now, "lamp"))
	b.ok(b.c.EnableAutoAddress(b.now))
	b.ok(b.c.AddService(b.now, Service{Instance: "a.b c", Name: "_x._udp", Subtypes: []string{"_s"}, Port: 7}))
	b.ok(b.c.Start(b.now, serverAt, 53536))
}

func (b *bench) want(t *testing.T, what string, list []string, want ...string) {
	t.Helper()
	if strings.Join(list, "|") != strings.Join(want, "|") {
		t.Errorf("%s: %q, not %q", what, list, want)
	}
}

func TestLifeOfARegistration(t *testing.T) {
	b := newBench(t, 1)
	b.serve()
	b.register()
	b.run(time.Second, true)
	b.want(t, "updates", b.updates, "<nil> Registered 1/0")
	h := b.s.Hosts()
	if len(h) != 1 || h[0].Name.Text() != "lamp.default.service.arpa" || len(h[0].Services) != 1 || h[0].Services[0].Instance != "\x05a.b c\x02_x\x04_udp\x07default\x07service\x04arpa\x00" {
		t.Fatalf("%+v", h)
	}
	if h[0].Lease != 7200 || h[0].KeyLease != 189*3600 || h[0].TTL != 7200 || h[0].Addresses[0] != ip6.MustParse("fd00::1") {
		t.Errorf("%+v", h[0])
	}
	// Another address takes the place of the mesh-local one; a deprecated one is kept until it goes.
	b.own = []OwnAddress{{IP: ip6.MustParse("fd11::1"), Preferred: true, Valid: true, SLAAC: true}}
	b.c.AddressesChanged(b.now)
	b.run(11*time.Second, true)
	if a := b.s.Hosts()[0].Addresses; len(a) != 1 || a[0] != b.own[0].IP {
		t.Error(a)
	}
	b.own[0].Preferred = false
	b.updates = nil
	b.c.AddressesChanged(b.now)
	b.run(11*time.Second, true)
	b.own = nil
	b.want(t, "updates", b.updates)
	b.c.AddressesChanged(b.now)
	b.run(11*time.Second, true)
	b.want(t, "updates", b.updates, "<nil> Registered 1/0")
	// Renewed for ever, unless nobody answers.
	b.run(24*time.Hour, true)
	if b.s.Hosts()[0].Deleted() {
		t.Error("the lease has ended")
	}
	b.run(3*time.Hour, false)
	if h := b.s.Hosts()[0]; !h.Deleted() || !h.Services[0].Deleted {
		t.Error("the lease has not ended")
	}
	b.run(2*time.Hour, true)
	if b.s.Hosts()[0].Deleted() {
		t.Error("not registered again")
	}
	// The host goes and its name stays, until its key lease ends.
	b.updates = nil
	b.ok(b.c.RemoveHost(b.now, false, false))
	b.run(time.Second, true)
	b.want(t, "updates", b.updates, "<nil> Removed 0/1")
	if h := b.s.Hosts()[0]; !h.Deleted() {
		t.Error("not removed")
	}
	b.run(200*time.Hour, true)
	if len(b.s.Hosts()) != 0 || b.s.Deadline() != machine.Never || b.c.Deadline() != machine.Never {
		t.Error("something is left")
	}
}

// What the server does not want it refuses, by the codes that OpenThread's has.
func TestRefused(t *testing.T) {
	b := newBench(t, 1)
	b.serve()
	b.register()
	b.run(time.Second, false)
	c := newBench(t, 1)
	c.register()
	c.run(0, false)
	c.now = c.c.Deadline()
	c.c.Expire(c.now)
	good := c.sent[0]
	code := func(m []byte) int {
		s := newBench(t, 3)
		s.serve()
		if !s.s.Receive(0, Peer{}, m) || len(s.answers) != 1 {
			return -1
		}
		return int(s.answers[0][3] & 15)
	}
	if code(good) != 0 {
		t.Fatal("a good update is refused")
	}
	sig := len(good) - sigSize - 2 - sigFixed // class and TTL of the SIG record are covered by nothing, and mean nothing
	for i := range good {
		if i >= sig-8 && i < sig-2 {
			continue
		}
		bad := bytes.Clone(good)
		bad[i] ^= 0x55
		if got := code(bad); got == 0 {
			t.Errorf("byte %d of %d may be anything", i, len(good))
		}
	}
	for i := range good {
		if code(good[:i]) == 0 {
			t.Errorf("%d of %d bytes are enough", i, len(good))
		}
	}
	// Another's name.
	b.s = NewServer((*serverBench)(b))
	b.serve()
	if b.s.Receive(0, Peer{}, good); b.s.Success != 1 {
		t.Fatal("refused")
	}
	d := newBench(t, 9)
	d.register()
	d.now = d.c.Deadline()
	d.c.Expire(d.now)
	b.s.Receive(0, Peer{}, d.sent[0])
	if b.s.NameExists != 1 || len(b.s.Hosts()) != 1 {
		t.Errorf("%d conflicts", b.s.NameExists)
	}
	// The short form of the lease is answered in the same form.
	if l, k, short, ok := leaseOption([]byte{0, 9, 0, 1, 7, 0, 2, 0, 4, 0, 0, 0, 60}); l != 60 || k != 60 || !short || !ok {
		t.Error(l, k, short, ok)
	}
}

// A name that somebody else has is told to the user, who chooses another one.
func TestConflictAtTheClient(t *testing.T) {
	b := newBench(t, 1)
	b.register()
	b.run(400*time.Millisecond, false)
	b.updates = nil
	answer := func(code uint16) {
		m := binary.BigEndian.AppendUint16(nil, b.c.id)
		b.c.Receive(b.now, append(binary.BigEndian.AppendUint16(m, flagsAnswer|code), make([]byte, 8)...))
	}
	b.run(600*time.Millisecond, false)
	answer(dns.CodeNameExists)
	b.want(t, "updates", b.updates, status.Duplicated.Error()+" ToAdd 1/0")
	b.ok(b.c.SetHostName(b.now, "lamp2"))
	b.run(3*time.Second, false)
	answer(dns.CodeOK)
	if b.c.Host().State != Registered {
		t.Error(b.c.Host().State)
	}
	if b.c.SetHostName(b.now, "lamp3") != status.InvalidState {
		t.Error("renamed while it is registered")
	}
	// A datagram that cannot be sent is tried again soon, then later, and then the user is told.
	b.broken, b.updates = status.NoBufs, nil
	b.ok(b.c.AddService(b.now, Service{Instance: "s", Name: "_y._udp"}))
	b.run(10*time.Second, false)
	if len(b.updates) == 0 || b.updates[0] != status.NoBufs.Error()+" Registered 2/0" && !strings.HasPrefix(b.updates[0], status.NoBufs.Error()) {
		t.Errorf("%q", b.updates)
	}
}

// More services than fit into a datagram go one by one.
func TestManyServices(t *testing.T) {
	b := newBench(t, 1)
	b.serve()
	b.register()
	for i := range 19 {
		b.ok(b.c.AddService(b.now, Service{Instance: fmt.Sprintf("service %d %s", i, strings.Repeat("x", 40)), Name: "_x._udp", Port: 1, Text: bytes.Repeat([]byte{3, 'a', '=', 'b'}, 10)}))
	}
	if b.c.AddService(b.now, Service{Instance: "x", Name: "_x._udp"}) != status.NoBufs {
		t.Error("no limit")
	}
	b.run(3*time.Minute, true)
	if h := b.s.Hosts(); len(h) != 1 || len(h[0].Services) != 20 {
		t.Fatalf("%d hosts, %+v", len(h), b.updates)
	}
	for _, s := range b.c.Services() {
		if s.State != Registered {
			t.Error(s.Instance, s.State)
		}
	}
	b.run(3*time.Hour, true)
	for _, s := range b.s.Hosts()[0].Services {
		if s.Deleted {
			t.Error(s.Instance.Text())
		}
	}
}

// The client's choice of a server.
func TestAutoStart(t *testing.T) {
	b := newBench(t, 1)
	one, two, three := Candidate{IP: ip6.MustParse("fd00::1"), Port: 1}, Candidate{IP: ip6.MustParse("fd00::2"), Port: 2}, Candidate{IP: ip6.MustParse("fd00::3"), Port: 3, Version: 1}
	b.c.EnableAutoStart(b.now)
	look := func(want string, s Servers) {
		t.Helper()
		b.servers = s
		b.c.NetDataChanged(b.now)
		ip, port := b.c.Server()
		if got := fmt.Sprintf("%s %d", ip, port); got != want && !(want == "" && !b.c.Running()) {
			t.Errorf("%s, not %s", got, want)
		}
	}
	look("", Servers{})
	look("fd00:0:0:0:0:0:0:1 1", Servers{InServer: []Candidate{two, one}})
	look("fd00:0:0:0:0:0:0:1 1", Servers{InServer: []Candidate{three, one}}) // it stays
	look("fd00:0:0:0:0:0:0:3 3", Servers{InServer: []Candidate{two, three}})
	look("fd00:0:0:0:0:0:0:fc10 53", Servers{InServer: []Candidate{two}, Anycast: ip6.MustParse("fd00::fc10"), Sequence: 1})
	look("fd00:0:0:0:0:0:0:2 2", Servers{InService: []Candidate{two}, InServer: []Candidate{one}, Anycast: ip6.MustParse("fd00::fc10")})
	look("", Servers{})
	// A server that the host was registered with is the one after a restart.
	b.settings[SettingServer] = two.encode()
	look("fd00:0:0:0:0:0:0:2 2", Servers{InServer: []Candidate{one, two, three}})
	// One that does not answer is left, as long as the host is registered nowhere.
	b.ok(b.c.SetHostName(b.now, "x"))
	b.ok(b.c.EnableAutoAddress(b.now))
	b.ok(b.c.AddService(b.now, Service{Instance: "a", Name: "_x._udp"}))
	b.run(time.Minute, false)
	if ip, _ := b.c.Server(); ip == two.IP {
		t.Error("still there")
	}
	// What the user chooses stays.
	b.c.Stop(b.now)
	b.ok(b.c.Start(b.now, two.IP, 9))
	if b.c.Start(b.now, one.IP, 9) != status.Busy {
		t.Error("not busy")
	}
	look("fd00:0:0:0:0:0:0:2 9", Servers{InService: []Candidate{one}})
	b.detached = true
	b.c.RoleChanged(b.now)
	if b.c.Deadline() != machine.Never {
		t.Error("it does not pause")
	}
}

func TestServerSwitches(t *testing.T) {
	b := newBench(t, 1)
	b.unusable[53536] = true
	b.settings[settingPort] = []byte{53535 >> 8, 53535 & 0xff}
	b.s.SetEnabled(0, true)
	if b.s.State() != ServerStopped || b.s.SetMode(Anycast) != status.InvalidState || b.s.SetSequence(1) != status.InvalidState || b.s.SetDomain("x") != status.InvalidState {
		t.Error(b.s.State())
	}
	b.s.Published(0, true)
	b.s.Published(0, true)
	if b.s.State() != ServerRunning || b.s.Port() != 53537 || fmt.Sprint(b.ports) != "[53536 53537]" {
		t.Error(b.s.State(), b.ports)
	}
	b.s.SetEnabled(0, false)
	if b.s.EnableFastStart() != status.InvalidState {
		t.Error("a fast start while attached")
	}
	b.detached = true
	b.ok(b.s.EnableFastStart())
	b.s.NetworkChanged(0)
	b.detached = false
	b.s.NetworkChanged(0)
	if b.s.State() != ServerRunning || b.s.Mode() != UnicastForceAdd {
		t.Error(b.s.State())
	}
	b.others = true
	if b.s.NetworkChanged(0); b.s.State() != ServerDisabled || b.s.Mode() != Unicast || !b.s.FastStart() {
		t.Error(b.s.State())
	}
	b.s.SetAuto(0, true)
	if b.s.FastStart() || !b.s.Auto() {
		t.Error("not automatic")
	}
	if b.s.SetLimits(Limits{5, 4, 5, 5}) == nil || b.s.SetTTLs(5, 4) == nil || b.s.SetDomain("a..b") == nil {
		t.Error("nonsense is taken")
	}
}

func FuzzUpdate(f *testing.F) {
	b := &bench{settings: map[string][]byte{}}
	b.c = NewClient((*clientBench)(b), testRand{rand.New(rand.NewPCG(1, 2))}, false)
	_ = b.c.SetHostName(0, "lamp")
	_ = b.c.EnableAutoAddress(0)
	_ = b.c.AddService(0, Service{Instance: "a", Name: "_x._udp", Subtypes: []string{"_s"}})
	_ = b.c.Start(0, serverAt, 1)
	b.c.Expire(b.c.Deadline())
	f.Add(b.sent[0])
	f.Fuzz(func(t *testing.T, m []byte) {
		b := newBench(t, 1)
		b.serve()
		b.s.Receive(0, Peer{}, m)
		b.register()
		b.run(time.Second, false)
		b.c.Receive(b.now, m)
	})
}

// Where no port can be opened the server gives up, and can be enabled again.
func TestServerWithoutPorts(t *testing.T) {
	b := newBench(t, 1)
	for p := portMin; p <= portMax; p++ {
		b.unusable[uint16(p)] = true
	}
	b.ok(b.s.SetMode(UnicastForceAdd))
	b.s.SetEnabled(0, true)
	if b.s.State() != ServerDisabled || len(b.ports) != portMax-portMin+1 {
		t.Error(b.s.State(), b.ports)
	}
	b.unusable = nil
	if b.s.SetEnabled(0, true); b.s.State() != ServerRunning {
		t.Error(b.s.State())
	}
}
