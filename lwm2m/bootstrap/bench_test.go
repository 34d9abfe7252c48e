package bootstrap

import (
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// One whole bootstrap: request, Discover, two deletes, two writes, Finish; the server's side alone.
func BenchmarkSession(b *testing.B) {
	s := New(Config{Rand: machinetest.NewRand(1)})
	p := &Provision{Configuration: "x", Delete: paths("/0", "/1"), Accounts: []Account{account(1, lwm2m.NoID, lwm2m.NoID)}}
	now := rigStart
	var request, answer coap.Message
	var buf []byte
	done := 0
	var feed func(data []byte)
	drain := func() {
		for {
			a, ok := s.Next()
			if !ok {
				return
			}
			switch a.Kind {
			case machine.Ask:
				s.Answer(now, a.Cause, a.Op, "x", p, nil)
			case machine.Event:
				if e, ok := a.Value.(*Ended); ok && e.Err == nil {
					done++
				}
			case machine.Send:
				if request.Decode(a.Data) == nil && request.Code.IsRequest() {
					answer = coap.Message{Type: coap.ACK, Code: coap.Changed, ID: request.ID, Token: request.Token}
					switch request.Code {
					case coap.GET:
						answer.Code, answer.Options, answer.Payload = coap.Content, coap.Options{}.SetFormat(coap.LinkFormat), []byte(factory)
					case coap.DELETE:
						answer.Code = coap.Deleted
					}
					buf, _ = answer.Append(buf[:0])
					feed(buf)
					return
				}
			}
		}
	}
	var pending [][]byte
	feed = func(data []byte) { pending = append(pending, append([]byte(nil), data...)) }
	options := coap.Options{}.AppendPath("bs").AddQuery("ep=x").AddQuery("pct=112")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(1e9)
		m := coap.Message{Type: coap.CON, Code: coap.POST, ID: uint16(i), Token: coap.NewToken([]byte{1, byte(i), byte(i >> 8), byte(i >> 16)}), Options: options}
		data, _ := m.Append(nil)
		s.Receive(now, 1, device, data)
		drain()
		for len(pending) > 0 {
			next := pending[0]
			pending = pending[1:]
			drain()
			s.Receive(now, 1, device, next)
			drain()
		}
	}
	if done < b.N {
		b.Fatalf("%d of %d", done, b.N)
	}
}
