package bootstrap

import (
	"net/netip"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// The server keeps the rules of all machines under random and half-right messages, late answers, commands and time.
func TestConform(t *testing.T) {
	var from []machine.Path
	for i := range 3 {
		from = append(from, machine.Path{Local: plainAddr, Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i)}), 5000)})
	}
	endpoints := []string{"a", "b", "c"}
	provisions := []*Provision{
		{Configuration: "empty"},
		{Configuration: "one", Delete: paths("/0", "/1"), Accounts: []Account{account(1, free, free)}},
		{Configuration: "two", Read: paths("/1"), Accounts: []Account{account(1, 0, 0), account(2, free, free)}, Policy: GoOn, Own: []Resource{{ID: SecurityHoldOff, Value: lwm2m.Int(5)}}},
	}
	command := func(f func(s *Server, now machine.Time, cause machine.Cause, r machinetest.Rand)) func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand) {
		return func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
			f(m.(*Server), now, cause, r)
		}
	}
	machinetest.Conform(t, machinetest.Kit{
		New: func(r machine.Rand) machine.Machine {
			return New(Config{Rand: r, Limits: Limits{Sessions: 3, Messages: 8}})
		},
		Paths: from,
		Datagram: func(r machinetest.Rand, sent [][]byte) []byte {
			m := coap.Message{Type: coap.CON, ID: uint16(r.IntN(50)), Token: coap.NewToken(r.Bytes(8))}
			var q coap.Message
			if len(sent) > 0 && r.IntN(4) > 0 && q.Decode(sent[len(sent)-1-r.IntN(min(len(sent), 4))]) == nil && q.Code.IsRequest() {
				m.Type, m.ID, m.Token = coap.ACK, q.ID, q.Token
				m.Code = [...]coap.Code{coap.Content, coap.Changed, coap.Changed, coap.Deleted, coap.NotFound, coap.UnsupportedContentFormat, coap.NotAcceptable}[r.IntN(7)]
				if m.Code == coap.Content {
					m.Options, m.Payload = m.Options.SetFormat(coap.LinkFormat), []byte([...]string{factory, "</0/0>,</0/1>", "<", `lwm2m="1.0",</0/0>`}[r.IntN(4)])
				}
			} else {
				m.Code = coap.POST
				m.Options = m.Options.AppendPath("bs").AddQuery("ep=" + endpoints[r.IntN(3)]).AddQuery("pct=" + [...]string{"112", "11542", "60", "x"}[r.IntN(4)])
			}
			b, err := m.Append(nil)
			if err != nil {
				panic(err)
			}
			return b
		},
		Commands: []func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand){
			command(func(s *Server, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				// The newest questions, now and then an old one.
				ask := max(1, s.lastAsk-machine.OpID(r.IntN(4)))
				if r.IntN(4) == 0 {
					s.Answer(now, cause, ask, "", nil, &Refusal{Why: "unknown endpoint", Busy: r.IntN(2) == 0})
					return
				}
				name := "x"
				if x := s.byAsk[ask]; x != nil {
					name = x.question.Endpoint
				}
				s.Answer(now, cause, ask, name, provisions[r.IntN(3)], nil)
			}),
			command(func(s *Server, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				if r.IntN(10) == 0 {
					s.StopSession(now, cause, SessionID(r.IntN(20)))
				}
			}),
			command(func(s *Server, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				s.KeysChanged(now, cause, "x")
			}),
			command(func(s *Server, now machine.Time, cause machine.Cause, r machinetest.Rand) { checkCounts(t, s) }),
		},
		Steps: 500, Seeds: 40,
	})
}

// checkCounts compares the indexes with each other.
func checkCounts(t *testing.T, s *Server) {
	t.Helper()
	if len(s.byID) != len(s.byEnd) || len(s.byID) != len(s.byCall) || len(s.byID)+len(s.byAsk) > s.config.Limits.Sessions || s.timers.Len() != len(s.byID)+len(s.byAsk) {
		t.Fatalf("%d sessions, %d endpoints, %d messages under way, %d questions, %d timers", len(s.byID), len(s.byEnd), len(s.byCall), len(s.byAsk), s.timers.Len())
	}
	for id, x := range s.byID {
		if x.id != id || s.byEnd[x.endpoint] != x || s.byCall[x.call] != x || len(x.messages) == 0 {
			t.Fatalf("session %d is lost", id)
		}
	}
	if st := s.Stats(); st.Begun != st.Done+st.Failed+uint64(st.Sessions) {
		t.Fatalf("%+v", st)
	}
}
