package dhcp6

import (
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// pair is a client and an agent whose datagrams reach each other.
type pair struct {
	now      machine.Time
	c        *Client
	s        *Server
	prefixes []netdata.OnMeshPrefix
	lost     bool
	log      []string
	last     []byte
}

type clientEnv struct{ *pair }
type serverEnv struct{ *pair }

type testRand struct{ n uint64 }

func (r *testRand) Uint64() uint64 { r.n += 1000003; return r.n }
func (r *testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(i + 1)
	}
}

func newPair(prefixes ...string) *pair {
	p := &pair{}
	p.c, p.s = NewClient(&testRand{}, clientEnv{p}), NewServer(serverEnv{p})
	p.offer(prefixes...)
	return p
}

func (p *pair) offer(prefixes ...string) {
	p.prefixes = nil
	for _, x := range prefixes {
		p.prefixes = append(p.prefixes, netdata.OnMeshPrefix{Prefix: ip6.MustParsePrefix(x), DHCP: true, OnMesh: true, RLOC16: 0x1400})
	}
	p.s.NetworkDataChanged(p.now)
	p.c.NetworkDataChanged(p.now)
}

func (p *pair) run(d time.Duration) {
	for end := p.now.Add(d); ; {
		at := p.c.Deadline()
		if at > end {
			p.now = end
			return
		}
		p.now = at
		p.c.Expire(at)
	}
}

func (p *pair) say(format string, args ...any) {
	p.log = append(p.log, fmt.Sprintf("%.3f ", float64(p.now)/1e9)+fmt.Sprintf(format, args...))
}

func (p *pair) want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(p.log, lines) {
		t.Errorf("transcript:\n%s\nwant:\n%s", strings.Join(p.log, "\n"), strings.Join(lines, "\n"))
	}
	p.log = nil
}

func (p *pair) OnMeshPrefixes() iter.Seq[netdata.OnMeshPrefix] { return slices.Values(p.prefixes) }
func (clientEnv) EUI64() [8]byte                               { return [8]byte{0x18, 0xb4, 0x30, 0, 0, 0, 0, 2} }
func (serverEnv) EUI64() [8]byte                               { return [8]byte{0x18, 0xb4, 0x30, 0, 0, 0, 0, 1} }
func (clientEnv) MeshLocalPrefix() ip6.Network                 { return ip6.Network{0xfd} }
func (serverEnv) RLOC16() uint16                               { return 0x1400 }

func (e clientEnv) Send(now machine.Time, to ip6.Address, b []byte) {
	e.say("to %s %x", to, b)
	e.last = slices.Clone(b)
	if !e.lost {
		e.s.Receive(now, ip6.RLOC(ip6.Network{0xfd}, 0x1401), b)
	}
}
func (e serverEnv) Send(now machine.Time, to ip6.Address, b []byte) {
	e.say("to %s %x", to, b)
	e.c.Receive(now, b)
}
func (e clientEnv) AddAddress(_ machine.Time, a ip6.Address, bits uint8, preferred, valid bool) {
	e.say("address %s/%d %v %v", a, bits, preferred, valid)
}
func (e clientEnv) RemoveAddress(_ machine.Time, a ip6.Address) { e.say("no address %s", a) }
func (e serverEnv) AddALOC(_ machine.Time, a uint16)            { e.say("aloc %04x", a) }
func (e serverEnv) RemoveALOC(_ machine.Time, a uint16)         { e.say("no aloc %04x", a) }
func (e serverEnv) ContextFor(a ip6.Address) (netdata.Context, bool) {
	i := slices.IndexFunc(e.prefixes, func(p netdata.OnMeshPrefix) bool { return p.Prefix.Contains(a) })
	return netdata.Context{ID: uint8(a[1])}, i >= 0
}

func TestSolicit(t *testing.T) {
	p := newPair("fd01::/64", "fd02::/64")
	p.want(t, "0.000 aloc fc01", "0.000 aloc fc02")
	p.lost = true
	p.run(2 * time.Second)
	p.want(t, "0.503 to fd00:0:0:0:0:ff:fe00:1400 01010203000800020000"+"0001000c0003001b18b4300000000002"+
		"00030044000000000000000000000000"+"00050018fd01"+strings.Repeat("00", 22)+"00050018fd02"+strings.Repeat("00", 22)+"000e0000")
	p.lost = false
	p.run(4 * time.Second)
	if len(p.log) != 4 || !strings.HasSuffix(p.log[2], "address fd01:0:0:0:1ab4:3000:0:2/64 true true") || !strings.HasSuffix(p.log[3], "address fd02:0:0:0:1ab4:3000:0:2/64 true true") {
		t.Fatal(strings.Join(p.log, "\n"))
	}
	p.log = nil
	p.run(time.Hour)
	p.want(t)
	p.offer("fd02::/64")
	p.want(t, "3606.000 no aloc fc01", "3606.000 no address fd01:0:0:0:1ab4:3000:0:2")
	p.offer()
	p.want(t, "3606.000 no aloc fc02", "3606.000 no address fd02:0:0:0:1ab4:3000:0:2")
	if p.c.Deadline() != machine.Never {
		t.Error("it still asks")
	}
}

// Nobody answers: the intervals double up to two minutes.
func TestNobodyAnswers(t *testing.T) {
	p := newPair("fd01::/64")
	p.lost = true
	p.run(time.Hour)
	if n := len(p.log); n < 30 || n > 40 {
		t.Errorf("%d solicitations in an hour", n)
	}
	p.offer()
	if p.c.Deadline() != machine.Never {
		t.Error("it still asks")
	}
}

func FuzzReceive(f *testing.F) {
	p := newPair("fd01::/64", "fd02::/64")
	p.run(time.Second)
	f.Add(p.last)
	b, _ := hex.DecodeString("07010203")
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		p := newPair("fd01::/64", "fd02::/64")
		p.lost = true
		p.run(time.Second)
		p.s.Receive(p.now, ip6.Address{0xfd}, b)
		p.c.Receive(p.now, b)
		p.run(10 * time.Second)
		if len(p.c.leases) > maxPrefixes {
			t.Fatal("too many")
		}
	})
}
