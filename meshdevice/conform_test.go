package meshdevice_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/radio"
)

// solo is a device that leads a network of its own, with its radio; what leaves the mesh goes to its host, and the kit's
// datagrams come from there: a server's, as a stranger would forge them.
type solo struct {
	*meshdevice.Device
	t     *testing.T
	sent  *radio.Transmit
	until machine.Time
	left  [][]byte
}

type emptyDisk struct{}

func (emptyDisk) Load(machine.Table, func(key, value []byte) error) error { return nil }

func newSolo(t *testing.T, r machine.Rand, secure bool) *solo {
	const now = machine.Time(1_790_000_000_000_000_000) // when the kit begins
	s := &solo{t: t, until: machine.Never}
	var err error
	s.Device, err = meshdevice.New(meshdevice.Config{Thread: thread.Config{Rand: r, Caps: mesh.Caps, EUI64: ieee802154.ExtAddr{1}, Now: now, Settings: emptyDisk{},
		Host: func(_ machine.Time, b []byte) {
			if p, err := ip6.ParsePacket(b); err == nil && p.Proto == ip6.UDP && len(s.left) < 1000 {
				s.left = append(s.left, bytes.Clone(b[p.At+ip6.UDPSize:]))
			}
		}}})
	if err != nil {
		t.Fatal(err)
	}
	n, d := s.Node(), network.Dataset(0)
	n.Do(now, 0, func() {
		set, err := d.Dataset()
		if err == nil {
			err = n.Datasets().SetActive(now, set)
		}
		if err == nil {
			err = n.Up(now, 0)
		}
		if err == nil {
			err = n.Start(now, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	o := meshdevice.Defaults()
	if o.Host = "fdaa::10"; secure {
		o.Identity, o.Key = "id", "00112233445566778899aabbccddeeff"
	}
	if err := s.Start(now, 0, o); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *solo) Next() (machine.Action, bool) {
	a, ok := s.Device.Next()
	if v, is := a.Value.(*radio.Transmit); ok && is {
		s.sent, s.until = v, s.Node().Now().Add(2*time.Millisecond)
		a.Data, a.Path.Remote = v.PSDU, netip.MustParseAddrPort("[::1]:2")
	}
	return a, ok
}

func (s *solo) Deadline() machine.Time { return min(s.Device.Deadline(), s.until) }

func (s *solo) Expire(now machine.Time) {
	for s.Deadline() <= now {
		s.expire(now)
	}
}

func (s *solo) expire(now machine.Time) {
	if s.until <= now {
		id := s.sent.ID
		s.sent, s.until = nil, machine.Never
		s.RadioSent(now, 0, radio.Sent{ID: id, Err: radio.OK})
	}
	if s.Device.Deadline() <= now {
		s.Device.Expire(now)
	}
	if n := s.Node(); n.Role() == 4 && len(n.NetData().Local()) == 0 {
		n.Do(now, 0, func() {
			_ = n.NetData().AddOnMeshPrefix(now, netdata.OnMeshPrefix{Prefix: ip6.MustParsePrefix("fd11:22::/64"), OnMesh: true, SLAAC: true, Preferred: true, Stable: true})
			n.NetData().Register(now)
		})
	}
}

// Receive takes in a datagram of the server's.
func (s *solo) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	st := s.Status()
	src := ip6.FromNetip(path.Remote.Addr())
	for _, a := range s.Node().Addresses() {
		if a.Addr.Scope() == ip6.ScopeGlobal {
			p := ip6.AppendUDP(nil, ip6.Header{HopLimit: 64, Src: src, Dst: a.Addr}, path.Remote.Port(), st.Port, b)
			s.Device.Receive(now, cause, machine.Path{}, p)
			return
		}
	}
}

// A device keeps the rules of a machine, whatever comes in.
func TestConform(t *testing.T) {
	for _, secure := range []bool{false, true} {
		port := uint16(5683)
		if secure {
			port = 5684
		}
		machinetest.Conform(t, machinetest.Kit{Seeds: 6, Steps: 300,
			New:   func(r machine.Rand) machine.Machine { return newSolo(t, r, secure) },
			Paths: []machine.Path{{Remote: netip.AddrPortFrom(serverAddr, port)}, {Remote: netip.MustParseAddrPort("[fdaa::11]:5683")}},
			Commands: []func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand){
				func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) { // what it said comes back
					if s := m.(*solo); len(s.left) > 0 {
						s.Receive(now, cause, machine.Path{Remote: netip.AddrPortFrom(serverAddr, port)}, r.Mutate(s.left[r.IntN(len(s.left))]))
					}
				},
				func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
					if s := m.(*solo); r.IntN(4) == 0 {
						_ = s.Stop(now, cause)
					} else if o := meshdevice.Defaults(); r.IntN(2) == 0 {
						o.Host = []string{"fdaa::10", "10.0.0.1", "server.example"}[r.IntN(3)]
						_ = s.Start(now, cause, o)
					}
				},
				func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
					_ = m.(*solo).Do(now, cause, func(c *client.Client) {
						_ = c.Set(now, cause, lwm2m.MustPath("/31024/10/1"), lwm2m.Int(int64(r.IntN(256))))
						_ = c.Update(now, cause, 123)
					})
				},
				func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
					n := m.(*solo).Node()
					if r.IntN(6) == 0 {
						_ = n.Down(now, cause)
					} else {
						_ = n.Up(now, cause)
						_ = n.Start(now, cause)
					}
				},
			}})
	}
}
