package offers

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// bench is one node's network data with a world around it that writes a transcript.
type bench struct {
	*Manager
	now                   machine.Time
	role                  string // detached child router leader
	rloc16, leader        uint16
	cost                  map[uint16]uint8
	dead                  map[uint8]bool // router ids that are not given out
	children              map[uint16]bool
	soon                  time.Duration
	posts                 []post
	log                   []string
	full, detached        int
	session               string
	quiet, scarce, subset bool
}

type post struct {
	to      ip6.Address
	path    string
	payload []byte
	done    func(machine.Time, []byte, error)
}

var meshLocal = ip6.Network{0xfd, 0, 0x0d, 0xb8}

func newBench(role string, rloc16 uint16) *bench {
	b := &bench{now: 1e9, role: role, rloc16: rloc16, leader: 0x0c00, cost: map[uint16]uint8{}, dead: map[uint8]bool{},
		children: map[uint16]bool{}}
	b.Manager = New(Config{Rand: &machinetest.Plain{N: 1}, Now: b.now}, b)
	b.version, b.stable = 10, 20
	if role == "leader" {
		b.leader = rloc16
		b.StartLeader(b.now, false)
	}
	return b
}

func (b *bench) Attached() bool                    { return b.role != "detached" }
func (b *bench) Router() bool                      { return b.role == "router" || b.role == "leader" }
func (b *bench) Leader() bool                      { return b.role == "leader" }
func (b *bench) RLOC16() uint16                    { return b.rloc16 }
func (b *bench) LeaderRLOC16() uint16              { return b.leader }
func (b *bench) MeshLocalPrefix() ip6.Network      { return meshLocal }
func (b *bench) MeshLocalEID() ip6.Address         { return ip6.MustParse("fd00:db8::1234") }
func (b *bench) PathCost(r uint16) uint8           { return b.cost[r] }
func (b *bench) RouterAllocated(id uint8) bool     { return !b.dead[id] }
func (b *bench) ValidChild(r uint16) bool          { return b.children[r] }
func (b *bench) RouterSoon() (time.Duration, bool) { return b.soon, b.soon > 0 }
func (b *bench) FullNetworkData() bool             { return !b.subset }
func (b *bench) RouterRoleScarce() bool            { return b.scarce }
func (b *bench) BecomeRouter(machine.Time)         { b.say("become router") }
func (b *bench) NetworkDataFull(machine.Time)      { b.full++; b.say("full") }
func (b *bench) BecomeDetached(machine.Time)       { b.detached++ }
func (b *bench) DeprecatedDomain(a ip6.Address) (uint8, bool) {
	return 0, a == ip6.MustParse("fd99::1")
}

func (b *bench) CommissionerRestored(_ machine.Time, session uint16, active bool) {
	b.session = fmt.Sprint(session, active)
}

func (b *bench) NetworkDataChanged(machine.Time) {
	b.say("changed %d/%d %x", b.Version(false), b.Version(true), []byte(b.Data()))
}

func (b *bench) Post(_ machine.Time, to ip6.Address, path string, payload []byte, done func(machine.Time, []byte, error)) {
	b.say("post %v %s %x", to, path, payload)
	b.posts = append(b.posts, post{to, path, payload, done})
}

func (b *bench) say(format string, args ...any) {
	if !b.quiet {
		b.log = append(b.log, fmt.Sprintf("%.3f ", float64(b.now-1e9)/1e9)+fmt.Sprintf(format, args...))
	}
}

// run lets time pass.
func (b *bench) run(d time.Duration) {
	end := b.now.Add(d)
	for b.Deadline() <= end {
		if at := b.Deadline(); at > b.now {
			b.now = at
		}
		b.Expire(b.now)
		if b.Deadline() <= b.now {
			panic("the deadline does not pass")
		}
	}
	b.now = end
}

// request is what arrives on the management port.
func (b *bench) request(path string, from uint16, payload []byte) ([]byte, bool) {
	for _, r := range b.Resources() {
		if r.Path == path {
			return r.Handle(b.now, ip6.RLOC(meshLocal, from), payload, nil)
		}
	}
	panic("no resource " + path)
}

func (b *bench) want(t *testing.T, lines ...string) {
	t.Helper()
	if got := strings.Join(b.log, "\n"); got != strings.Join(lines, "\n") {
		t.Errorf("transcript:\n%s\nwant:\n%s", got, strings.Join(lines, "\n"))
	}
	b.log = nil
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	if err != nil {
		panic(err)
	}
	return b
}

// dump prints data as the shell does, in short.
func dump(d netdata.Data) string {
	var s strings.Builder
	for p := range d.OnMeshPrefixes() {
		fmt.Fprintf(&s, "prefix %v %04x %d %v %04x\n", p.Prefix, p.Flags(), p.Preference, p.Stable, p.RLOC16)
	}
	for r := range d.ExternalRoutes() {
		fmt.Fprintf(&s, "route %v %02x %d %v %04x\n", r.Prefix, r.Flags(), r.Preference, r.Stable, r.RLOC16)
	}
	for x := range d.Services() {
		fmt.Fprintf(&s, "service %d %d %x %x %v %04x\n", x.ID, x.Enterprise, x.Data, x.ServerData, x.Stable, x.RLOC16)
	}
	for c := range d.Contexts() {
		fmt.Fprintf(&s, "context %v %d %v %v\n", c.Prefix, c.ID, c.Compress, c.Stable)
	}
	return s.String()
}
