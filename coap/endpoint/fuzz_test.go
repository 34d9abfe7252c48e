package endpoint

import (
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
)

// FuzzReceive feeds datagrams to an endpoint that has requests, an observation and subscriptions under way, and answers
// what comes. The input is cut at each length byte.
func FuzzReceive(f *testing.F) {
	seed := func(datagrams ...coap.Message) {
		var in []byte
		for _, m := range datagrams {
			b, err := m.Append(nil)
			if err != nil {
				f.Fatal(err)
			}
			in = append(append(in, byte(len(b))), b...)
		}
		f.Add(in)
	}
	token := coap.NewToken([]byte{0, 0, 0, 0, 0, 0, 0, 1})
	path := coap.Options{}.AppendPath("/3/0")
	block := func(n coap.OptionNumber, num uint32, more bool) coap.Options {
		return path.Clone().AddUint(n, coap.Block{Num: num, More: more}.Uint())
	}
	body := make([]byte, 16)
	seed(coap.Message{Code: coap.GET, ID: 1, Options: path}, coap.Message{Code: coap.GET, ID: 1, Options: path})
	seed(coap.Message{Code: coap.GET, ID: 1, Options: path.Clone().AddUint(coap.Observe, 0)}, coap.Message{Type: coap.RST, ID: 2})
	seed(coap.Message{Code: coap.PUT, ID: 1, Options: block(coap.Block1, 0, true), Payload: body},
		coap.Message{Code: coap.PUT, ID: 2, Options: block(coap.Block1, 1, false), Payload: body})
	seed(coap.Message{Code: coap.GET, ID: 1, Options: path}, coap.Message{Code: coap.GET, ID: 2, Options: block(coap.Block2, 1, false)})
	seed(coap.Message{Type: coap.ACK, Code: coap.Content, Token: token, Payload: []byte("x")})
	seed(coap.Message{Type: coap.ACK}, coap.Message{Code: coap.Content, ID: 5, Token: token, Options: coap.Options{}.AddUint(coap.Block2, 8), Payload: body})
	seed(coap.Message{Type: coap.ACK, Code: coap.Content, Token: token, Options: coap.Options{}.AddUint(coap.Observe, 1)},
		coap.Message{Code: coap.Content, ID: 6, Token: token, Options: coap.Options{}.AddUint(coap.Observe, 2).AddUint(coap.Block2, 8), Payload: body})
	seed(coap.Message{Type: coap.RST}, coap.Message{Type: coap.CON, ID: 9})
	f.Add([]byte{4, 0x40, 1, 0, 1, 5, 0x40, 1, 0, 2, 0xff, 3, 1, 2, 3})
	f.Fuzz(func(t *testing.T, in []byte) {
		e := New(Config{Rand: &counting{}, BlockSize: 16, MaxBody: 64, MaxStored: 900})
		p, now := pathOf(1, 0), machine.Time(0)
		e.Request(now, 1, p, &Request{Code: coap.GET, Options: path, Observe: true})
		e.Request(now, 1, p, &Request{Code: coap.PUT, Options: path, Payload: make([]byte, 40)})
		var subs []Subscription
		drain := func() {
			for {
				a, ok := e.Next()
				if !ok {
					return
				}
				if v, is := a.Value.(*Incoming); is {
					if v.Observe == 0 {
						subs = append(subs, e.Accept(now, v.Exchange))
					}
					e.Respond(now, 1, v.Exchange, &Reply{Code: coap.Content, Payload: make([]byte, 40), Remember: v.Code == coap.POST}, 0)
				}
			}
		}
		drain()
		for len(in) > 0 {
			n := min(int(in[0]), len(in)-1)
			e.Receive(now, 1, p, in[1:1+n])
			drain()
			for _, s := range subs {
				e.Notify(now, 1, s, &Reply{Code: coap.Content}, n&1 == 0)
				drain()
			}
			in = in[1+n:]
			if now = now.Add(time.Second); e.Deadline() <= now {
				e.Expire(now)
				drain()
			}
		}
		if d := e.Deadline(); d <= now {
			t.Fatalf("deadline %d at %d", d, now)
		}
		if e.stored > 900 || e.stored < 0 {
			t.Fatalf("%d bytes stored", e.stored)
		}
	})
}
