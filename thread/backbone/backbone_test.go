package backbone

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

func TestListeners(t *testing.T) {
	var l Listeners
	c := Config{Timeout: 100 * time.Second}
	serve := func(now machine.Time, b []byte) (Status, int) {
		s, failed, ok := ParseAnswer(l.Serve(now, b, &c, 7, true))
		if !ok {
			t.Fatal("no answer")
		}
		return s, len(failed)
	}
	one, mesh := ip6.MustParse("ff04::1"), ip6.MustParse("ff03::1")
	session, other, zero := uint16(7), uint16(8), uint32(0)
	for _, x := range []struct {
		request []byte
		status  Status
		failed  int
		left    int
	}{
		{AppendRegistration(nil, []ip6.Address{one, mesh}, nil, nil), Invalid, 1, 1},
		{AppendRegistration(nil, []ip6.Address{one}, &other, &zero), Failure, 0, 1},
		{AppendRegistration(nil, []ip6.Address{one}, &session, &zero), Registered, 0, 0},
		{[]byte{14, 3, 1, 2, 3}, Invalid, 0, 0},
		{nil, Invalid, 0, 0},
	} {
		if s, n := serve(0, x.request); s != x.status || n != x.failed || len(l.All(0)) != x.left {
			t.Errorf("%x: %v, %d failed, %d left", x.request, s, n, len(l.All(0)))
		}
	}
	l.Answer(NoResources) // the registration is not looked at
	if s, n := serve(0, AppendRegistration(nil, []ip6.Address{one}, nil, nil)); s != NoResources || n != 0 || len(l.All(0)) != 0 {
		t.Errorf("what was asked for: %v, %d failed, %v", s, n, l.All(0))
	}
	for i := range 100 { // what does not fit is refused
		s := l.Add(0, ip6.Address{0xff, 5, 15: byte(i)}, time.Minute)
		if (s == Registered) != (i < maxListeners) {
			t.Fatalf("%d: %v", i, s)
		}
	}
	if n := len(l.All(machine.Time(time.Minute))); n != 0 {
		t.Errorf("%d are left after their time", n)
	}
}

func FuzzRegistration(f *testing.F) {
	f.Add(AppendRegistration(nil, []ip6.Address{{0xff, 4}}, nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var l Listeners
		ParseAnswer(l.Serve(0, b, &Config{Timeout: time.Hour}, 1, true))
		ParseAnswer(b)
	})
}

// alone is the only node of its network.
type alone struct{ offered int }

func (*alone) Attached() bool                                       { return true }
func (*alone) Leader() bool                                         { return false }
func (*alone) RLOC16() uint16                                       { return 0x0400 }
func (e *alone) Offer(machine.Time, []byte) error                   { e.offered++; return nil }
func (*alone) OfferDomain(machine.Time, netdata.OnMeshPrefix, bool) {}
func (*alone) SetPrimaryAddress(machine.Time, bool)                 {}

// The greatest jitter that there is, is one to wait for.
func TestJitter(t *testing.T) {
	e := &alone{}
	l := NewLocal(&machinetest.Plain{N: 1}, e)
	l.SetJitter(255)
	l.SetEnabled(0, true)
	l.PrimaryChanged(0, Primary{Server: NoServer})
	if l.Deadline() > machine.Time(256*time.Second) {
		t.Error(l.Deadline())
	}
	if l.Expire(l.Deadline()); e.offered != 2 {
		t.Error(e.offered)
	}
}

// Of several, all nodes take the same: the leader, else the greatest sequence number, else the greatest locator. The
// numbers are compared as they are, not around the clock.
func TestFindPrimary(t *testing.T) {
	data := func(servers ...[2]uint16) netdata.Data {
		var e netdata.Editor
		x := e.AppendService(0, netdata.ThreadEnterprise, []byte{ServiceNumber})
		for _, s := range servers {
			c := Config{Sequence: uint8(s[1]), Delay: time.Second, Timeout: time.Minute}
			v := c.Append([]byte{byte(s[0] >> 8), byte(s[0])})
			e.Bytes = append(append(e.Bytes, netdata.KindServer<<1, byte(len(v))), v...)
			e.Resize(&x, 2+len(v))
		}
		return e.Bytes
	}
	for _, x := range []struct {
		data netdata.Data
		want uint16
	}{
		{nil, NoServer},
		{data([2]uint16{0x0400, 5}, [2]uint16{0x0800, 4}), 0x0400},
		{data([2]uint16{0x0400, 5}, [2]uint16{0x0800, 5}), 0x0800},
		{data([2]uint16{0x0800, 5}, [2]uint16{0x0400, 5}), 0x0800},
		{data([2]uint16{0x0400, 200}, [2]uint16{0x0800, 10}), 0x0400},
		{data([2]uint16{0x0400, 10}, [2]uint16{0x0800, 200}), 0x0800},
		{data([2]uint16{0x0c00, 1}, [2]uint16{0x0800, 200}), 0x0c00},
		{data([2]uint16{0x0800, 200}, [2]uint16{0x0c00, 1}), 0x0c00},
	} {
		if p := FindPrimary(x.data, 0x0c00); p.Server != x.want {
			t.Errorf("%x: %04x, want %04x", []byte(x.data), p.Server, x.want)
		}
	}
}
