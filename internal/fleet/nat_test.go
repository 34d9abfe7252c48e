package fleet

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// behind is a device behind a NAT that a test plays.
type behind struct {
	*rig
	reg  *server.Registration
	port uint16
}

func newBehind(t *testing.T, security *machine.Identity, query ...string) *behind {
	r := newRig(t)
	reg := *r.register("meter", `</1/0>,</3/0>`, query...)
	reg.Path.Security = security
	b := &behind{rig: r, reg: &reg, port: reg.Path.Remote.Port()}
	b.Take(&server.Updated{Registration: b.reg, Previous: b.reg, Changed: true, At: r.now})
	return b
}

func (b *behind) wait(d time.Duration) { b.now = b.now.Add(d) }

// from makes the registration one from another address.
func (b *behind) from(addr string) (old *server.Registration) {
	old = b.reg
	reg := *old
	reg.Path.Remote = netip.MustParseAddrPort(addr)
	b.reg = &reg
	return old
}

func (b *behind) forgotten() {
	b.port++
	b.from(fmt.Sprintf("198.51.100.7:%d", b.port))
}

// update is an Update after a silence, from a new port where the NAT forgot.
func (b *behind) update(silence time.Duration, forgot bool) {
	b.wait(silence)
	old := b.reg
	if forgot {
		b.forgotten()
	}
	b.Take(&server.Updated{Registration: b.reg, Previous: old, Changed: forgot, At: b.now})
}

// read is a request of ours after a silence, answered at once, or after a message of the device.
func (b *behind) read(silence time.Duration, woke bool) {
	b.wait(silence)
	b.Began("meter")
	if woke {
		b.wait(time.Second)
		b.Take(&server.Notified{Registration: b.reg, At: b.now})
	}
	b.wait(time.Second)
	b.Heard("meter", b.now)
	b.Finished("meter")
}

func (b *behind) expect(changes int, atLeast, atMost time.Duration, advice string) {
	b.t.Helper()
	n := b.NAT("meter")
	if n == nil {
		if changes != 0 {
			b.t.Error("nothing is known")
		}
		return
	}
	if n.Changes != changes || n.ForgetsAfter.AtLeast != atLeast.Seconds() || n.ForgetsAfter.AtMost != atMost.Seconds() {
		b.t.Errorf("%+v, want %d changes, %v to %v", n, changes, atLeast, atMost)
	}
	if n.Advice != advice {
		b.t.Errorf("advice %q\nwant   %q", n.Advice, advice)
	}
}

func TestNATOfAPlainDevice(t *testing.T) {
	b := newBehind(t, nil)
	b.read(10*time.Minute, false) // before its first change nothing is noted
	b.expect(0, 0, 0, "")
	b.update(6*time.Minute, true)
	b.expect(1, 0, 6*time.Minute, "")
	b.update(time.Minute, false)
	b.update(5*time.Minute, true)
	b.expect(2, 0, 5*time.Minute, "Its NAT forgets after about 5 min: use queue mode, or a lifetime below 240 s.")
	b.read(3*time.Minute, true) // it woke, so the answer says nothing
	b.expect(2, 0, 5*time.Minute, "Its NAT forgets after about 5 min: use queue mode, or a lifetime below 240 s.")
	b.read(2*time.Minute, false)
	b.expect(2, 2*time.Minute, 5*time.Minute, "Its NAT forgets between 2 min and 5 min of silence: use queue mode, or a lifetime below 150 s.")
	// Carried to another network: that says nothing of the NAT.
	b.wait(30 * time.Second)
	old := b.from("203.0.113.9:4000")
	b.Take(&server.Updated{Registration: b.reg, Previous: old, Changed: true, At: b.now})
	b.expect(3, 2*time.Minute, 5*time.Minute, "Its NAT forgets between 2 min and 5 min of silence: use queue mode, or a lifetime below 150 s.")
}

// A change after a shorter silence than one that the NAT is known to survive has another reason.
func TestNATThatAContradictionExplains(t *testing.T) {
	b := newBehind(t, nil)
	b.update(20*time.Second, true)
	b.update(4*time.Minute, true)
	b.read(2*time.Minute, false)
	b.expect(2, 2*time.Minute, 4*time.Minute, "Its NAT forgets between 2 min and 4 min of silence: use queue mode, or a lifetime below 120 s.")
}

// A secure session says that it moved a round trip after the message from the new address.
func TestNATOfASecureDevice(t *testing.T) {
	id := &machine.Identity{Session: 1, Name: "id", Kind: machine.PSK, CID: true}
	b := newBehind(t, id, "Q")
	for range 2 {
		b.wait(90 * time.Second)
		old := b.reg
		b.Take(&server.Notified{Registration: old, At: b.now})
		b.wait(200 * time.Millisecond)
		b.forgotten()
		b.Take(&server.Moved{Registration: b.reg, Previous: old, At: b.now})
	}
	// The silence before its first change was not measured.
	b.expect(2, 0, 90*time.Second, "Its NAT forgets after about 2 min: requests reach it when it wakes, since it is in queue mode.")
}

// Without a connection ID the device makes a new handshake and registers again.
func TestNATOfADeviceWithoutCID(t *testing.T) {
	id := &machine.Identity{Session: 1, Name: "id", Kind: machine.PSK}
	b := newBehind(t, id)
	for range 2 {
		b.wait(2 * time.Minute)
		old := b.reg
		b.forgotten()
		b.Take(&server.Registered{Registration: b.reg, Replaced: old, At: b.now})
	}
	b.expect(2, 0, 2*time.Minute, "Its NAT forgets after about 2 min: use queue mode, or a lifetime below 90 s. It has no connection ID (RFC 9146), so each such change costs a new handshake.")
	// A plain one that registers from another port was restarted.
	b = newBehind(t, nil)
	old := b.reg
	b.wait(2 * time.Minute)
	b.forgotten()
	b.Take(&server.Registered{Registration: b.reg, Replaced: old, At: b.now})
	b.expect(0, 0, 0, "")
}

func TestNATAdvice(t *testing.T) {
	short := newBehind(t, nil)
	short.update(20*time.Second, true)
	short.update(20*time.Second, true)
	short.expect(2, 0, 20*time.Second, "Its NAT forgets after about 20 s: use queue mode; a lifetime short enough to keep it reachable would cost a message every few seconds.")
	good := newBehind(t, nil)
	good.reg.Lifetime = time.Minute
	good.update(5*time.Hour, true)
	good.update(4*time.Hour, true)
	if n := good.NAT("meter"); n == nil || !strings.HasPrefix(n.Advice, "Its NAT forgets after about 4 h: its lifetime of ") {
		t.Errorf("%+v", n)
	}
}

// However many devices change their address, memory is bounded.
func TestNATsAreBounded(t *testing.T) {
	var n nats
	for i := range natsMost + 10 {
		n.follow(fmt.Sprint(i))
	}
	if len(n.by) != natsMost || len(n.list) != natsMost || n.n.Load() != natsMost || n.by["9"] != nil || n.by["10"] == nil {
		t.Errorf("%d followed, %d listed, %d counted", len(n.by), len(n.list), n.n.Load())
	}
}
