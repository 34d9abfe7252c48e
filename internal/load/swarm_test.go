package load

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

func testSwarm(t testing.TB, r machine.Rand, secure bool) (*swarm, []machine.Path) {
	remote := netip.MustParseAddrPort("127.0.0.1:5683")
	var all []machine.Path
	for i := range 10 {
		all = append(all, machine.Path{Local: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 64, 0, byte(i + 1)}), 40000), Remote: remote})
	}
	s, err := newSwarm(swarmConfig{rand: r, secure: secure, remote: remote, clients: len(all), prefix: "x-", lifetime: time.Hour,
		key: func(int) []byte { return []byte("0123456789abcdef") },
		paths: paths{
			of: func(i int) machine.Path { return all[i] },
			index: func(p *machine.Path) (int, bool) {
				i := int(p.Local.Addr().As4()[3]) - 1
				return i, i >= 0 && i < len(all)
			},
		}})
	if err != nil {
		t.Fatal(err)
	}
	return s, all
}

func TestSwarmConforms(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("secure=%v", secure), func(t *testing.T) {
			_, all := testSwarm(t, machinetest.NewRand(1), secure)
			begin := func(w work) func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand) {
				return func(m machine.Machine, now machine.Time, _ machine.Cause, _ machinetest.Rand) {
					s := m.(*swarm)
					if s.job.running {
						s.abandon(now)
					}
					w.finished = func() {}
					s.begin(now, w)
				}
			}
			machinetest.Conform(t, machinetest.Kit{
				New:   func(r machine.Rand) machine.Machine { s, _ := testSwarm(t, r, secure); return s },
				Paths: all,
				Datagram: func(r machinetest.Rand, sent [][]byte) []byte {
					var m coap.Message
					if len(sent) == 0 || m.Decode(sent[r.IntN(len(sent))]) != nil {
						return r.Bytes(100)
					}
					// An answer that a server could give, or one that is broken.
					m.Type, m.Code, m.Payload = []coap.Type{coap.ACK, coap.CON, coap.RST}[r.IntN(3)], []coap.Code{coap.Created, coap.Changed, coap.Empty, coap.GET, coap.NotFound}[r.IntN(5)], nil
					m.Options = coap.Options(nil).AppendLocation("rd/abc")
					if m.Code == coap.GET {
						m.Options = coap.Options(nil).AddUint(coap.Observe, 0).AppendPath("3303/0/5700")
					} else if m.Code == coap.Empty {
						m.Token, m.Options = coap.Token{}, nil
					}
					b, err := m.Append(nil)
					if err != nil {
						t.Fatal(err)
					}
					if r.IntN(4) == 0 {
						b = r.Mutate(b)
					}
					return b
				},
				Commands: []func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand){
					begin(work{op: opRegister, target: 4, once: true}),
					begin(work{op: opUpdate, target: 3, duration: 10 * time.Second}),
					begin(work{op: opNotify, target: 5, devices: 5, duration: 10 * time.Second}),
					begin(work{op: opNotifyNon, rate: 100, duration: time.Second}),
					begin(work{op: opDeregister, target: 2, once: true}),
				},
			})
		})
	}
}

// A lost message is repeated to the byte, four times, further and further apart; then the device gives up.
func TestRetransmission(t *testing.T) {
	s, all := testSwarm(t, machinetest.NewRand(1), false)
	over := false
	s.begin(0, work{op: opRegister, target: 1, devices: 1, once: true, finished: func() { over = true }})
	var sent []string
	var at []machine.Time
	now := machine.Time(0)
	for {
		for a, ok := s.Next(); ok; a, ok = s.Next() {
			if a.Path != all[0] {
				t.Errorf("sent on %v", a.Path)
			}
			sent, at = append(sent, string(a.Data)), append(at, now)
		}
		if over {
			break
		}
		now = s.Deadline()
		s.Expire(now)
	}
	if len(sent) != 5 || s.job.errors != 1 || s.job.timeouts != 1 || s.job.retransmissions != 4 {
		t.Fatalf("%d messages, %+v", len(sent), s.job.counts)
	}
	for i := 1; i < len(sent); i++ {
		if sent[i] != sent[0] {
			t.Errorf("message %d differs from the first", i)
		}
		if gap := at[i].Sub(at[i-1]); gap < ackTimeout<<(i-1) || gap > 3*time.Second<<(i-1) {
			t.Errorf("message %d comes after %v", i, gap)
		}
	}
}
