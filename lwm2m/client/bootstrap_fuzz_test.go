package client_test

import (
	"strings"
	"testing"
	"time"

	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
)

// bootstrapMoves are what a bootstrap server of the fuzz test does, right or wrong. The last one is to wait.
var bootstrapMoves = []string{
	"> GET / accept=40",
	"> GET /0 accept=40",
	"> GET /1 accept=112",
	"> GET /2 accept=11542",
	"> DELETE /",
	"> DELETE /0",
	"> DELETE /1",
	"> DELETE /1/0",
	"> DELETE /31024",
	"> PUT /0/0 ct=112 : /0/0/0=coap://192.0.2.66 /0/0/1=1 /0/0/2=3 /0/0/11=5",
	"> PUT /0/0 ct=112 : /0/0/0=coap://192.0.2.1 /0/0/1=0 /0/0/2=3 /0/0/10=7",
	"> PUT /0/1 ct=112 : /0/1/0=coap://192.0.2.1 /0/1/1=0 /0/1/2=3 /0/1/10=7",
	"> PUT /0/2 ct=112 : /0/2/0=coap://192.0.2.77 /0/2/1=0 /0/2/2=3 /0/2/10=8",
	"> PUT /0/3 ct=112 : /0/3/0=coaps://192.0.2.78 /0/3/1=0 /0/3/2=0 /0/3/3=aWQ= /0/3/5=a2V5 /0/3/10=9",
	"> PUT /0/2/10 ct=0 : 7",
	"> PUT /1/0 ct=11542 : /1/0/0=7 /1/0/1=600 /1/0/7=U",
	"> PUT /1 ct=112 : /1/4/0=7 /1/4/1=600 /1/4/7=U /1/9/0=8 /1/9/1=700 /1/9/7=U",
	"> PUT /1/3 ct=112 : /1/3/0=9 /1/3/1=60 /1/3/7=U",
	"> PUT /1/0/13 ct=0 : 5",
	"> PUT /2/0 ct=11542 : /2/0/0=3 /2/0/1=0 /2/0/2/8=3 /2/0/3=7",
	"> PUT /31024/40 ct=112 : /31024/40/1=7",
	"> PUT /0/1/12 ct=0 : 30",
	"> POST /bs",
	"+100s",
}

// Any sequence of operations, with a crash at its end: the device has accounts that fit together, the bootstrap server's
// among them, before and after; and it goes on doing something.
func FuzzBootstrapSequence(f *testing.F) {
	index := func(moves ...string) (out []byte) {
		for _, m := range moves {
			for i, k := range bootstrapMoves {
				if strings.HasPrefix(k, m) {
					out = append(out, byte(i))
					break
				}
			}
		}
		return out
	}
	f.Add(index("> DELETE /1", "> PUT /0/1 ", "> PUT /1/0 ", "> POST /bs"))
	f.Add(index("> PUT /0/1 ", "> PUT /0/2 ", "> PUT /1 ", "> PUT /2/0", "> POST /bs"))
	f.Add(index("> PUT /0/1 ", "> PUT /1/0 ", "+100s", "+100s", "+100s"))
	f.Add(index("> PUT /0/3 ", "> PUT /1/3 ", "> PUT /1/0/13", "> POST /bs", "> POST /bs"))
	durable := func(c *client.Config) { bootstrapOnly(c); c.Durable, c.AccessControl = true, true }
	f.Fuzz(func(t *testing.T, moves []byte) {
		if len(moves) > 60 {
			return
		}
		s := newScript(t, durable, objects.NewTest()).bootstrapping()
		for _, m := range moves {
			s.command(bootstrapMoves[int(m)%len(bootstrapMoves)])
			wholeAccounts(t, s.c)
		}
		before := s.c.Accounts()
		s = s.restart(durable, objects.NewTest())
		wholeAccounts(t, s.c)
		if after := s.c.Accounts(); len(after) != len(before) {
			t.Errorf("%d accounts before the crash, %d after it: %+v, %+v", len(before), len(after), before, after)
		}
		s.command("start")
		s.pass(time.Minute)
		if s.c.State() == client.StateInitial {
			t.Error("the device does nothing")
		}
	})
}

// wholeAccounts checks that accounts fit together.
func wholeAccounts(t *testing.T, c *client.Client) {
	t.Helper()
	bootstrap, security, server, short := 0, map[uint16]bool{}, map[uint16]bool{}, map[uint16]bool{}
	for _, a := range c.Accounts() {
		if security[a.SecurityInstance] {
			t.Fatalf("two accounts are /0/%d", a.SecurityInstance)
		}
		security[a.SecurityInstance] = true
		if a.Bootstrap {
			bootstrap++
			continue
		}
		if server[a.ServerInstance] || short[a.ShortID] || a.ShortID == 0 || a.URI == "" {
			t.Fatalf("accounts do not fit together: %+v", c.Accounts())
		}
		server[a.ServerInstance], short[a.ShortID] = true, true
	}
	if bootstrap != 1 {
		t.Fatalf("%d bootstrap accounts", bootstrap)
	}
}
