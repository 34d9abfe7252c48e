package bootstrap

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

func paths(list ...string) []lwm2m.Path {
	var out []lwm2m.Path
	for _, s := range list {
		out = append(out, lwm2m.MustPath(s))
	}
	return out
}

// factory is what a device says that has its account of the bootstrap server and nothing else.
const factory = `</>;lwm2m=1.1,</0/0>;uri="coap://192.0.2.1:5783",</1>,</3/0>`

const free = lwm2m.NoID // the instance is left open

func TestETS_0_ClientInitiatedBootstrap(t *testing.T) {
	r := newRig(t, Config{})
	r.give(&Provision{Configuration: "demo", Accounts: []Account{account(123, free, free)}})
	r.request(coap.POST, "/bs?ep=demo&pct=112")
	r.links(factory)
	r.changed()
	r.changed()
	r.changed()
	r.expect(`
		> CON POST /bs?ep=demo&pct=112
		? "demo" from plain
		* 1 began demo by demo in 112
		* 1 sent 1 discover GET /
		< ACK 2.04
		< CON GET / accept=40
		> ACK 2.05 ct=40 "</>;lwm2m=1.1,</0/0>;uri=\"coap://192.0.2.1:5783\",</1>,</3/0>"
		* 1 answered 1 discover GET / 2.05
		* 1 sent 2 write PUT /0/1 {/0/1/0=coaps://[2001:db8::1]:5684 /0/1/1=false /0/1/2=0 /0/1/3=6964 /0/1/5=* /0/1/10=123}
		< CON PUT /0/1 ct=112 86a321652f302f312f00613003781a636f6170733a2f2f5b323030313a6462383a3a315d3a35363834a200613104f4a20061320200a200613308426964a2006135085030313233343536373839616263646566a20062313002187b
		> ACK 2.04
		* 1 answered 2 write PUT /0/1 2.04
		* 1 sent 3 write PUT /1/0 {/1/0/0=123 /1/0/1=300 /1/0/7=U}
		< CON PUT /1/0 ct=112 83a321652f312f302f00613002187ba20061310219012ca2006137036155
		> ACK 2.04
		* 1 answered 3 write PUT /1/0 2.04
		* 1 sent 4 finish POST /bs
		< CON POST /bs
		> ACK 2.04
		* 1 answered 4 finish POST /bs 2.04
		* 1 done demo`)
}

// Everything is deleted first. The account of this server stays, whatever the configuration says.
func TestETS_4_BootstrapDelete(t *testing.T) {
	r := newRig(t, Config{})
	r.give(&Provision{Configuration: "demo", Delete: paths("/0/0", "/0/1", "/1", "/6", "/3"), Accounts: []Account{account(101, 0, 0)}})
	r.request(coap.POST, "/bs?ep=demo")
	r.links(`</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101;uri="coaps://x",</1/0>;ssid=101,</3/0>`)
	r.forget()
	r.deleted() // /0/1
	r.deleted() // /1
	r.reply(coap.NotFound, -1, "")
	r.reply(coap.MethodNotAllowed, -1, "the Device object stays")
	r.expect(`
		> ACK 2.02
		* 1 answered 3 delete DELETE /0/1 2.02
		* 1 sent 4 delete DELETE /1
		< CON DELETE /1
		> ACK 2.02
		* 1 answered 4 delete DELETE /1 2.02
		* 1 sent 5 delete DELETE /6
		< CON DELETE /6
		> ACK 4.04
		* 1 answered 5 delete DELETE /6 4.04 ignored
		* 1 sent 6 delete DELETE /3
		< CON DELETE /3
		> ACK 4.05 "the Device object stays"
		* 1 answered 6 delete DELETE /3 4.05 ignored "the Device object stays"
		* 1 sent 7 write PUT /0/1 {/0/1/0=coaps://[2001:db8::1]:5684 /0/1/1=false /0/1/2=0 /0/1/3=6964 /0/1/5=* /0/1/10=101} (instance 0 is the device's account of this bootstrap server, so 1 was chosen)
		< CON PUT /0/1 ct=11542 c8001a636f6170733a2f2f5b323030313a6462383a3a315d3a35363834c10100c10200c2036964c8051030313233343536373839616263646566c10a65`)
}

// Reads are for servers that build on what is there (only /1 and /2).
func TestETS_8_BootstrapRead(t *testing.T) {
	r := newRig(t, Config{})
	r.give(&Provision{Configuration: "demo", Read: paths("/1", "/2")})
	r.request(coap.POST, "/bs?ep=demo&pct=110")
	r.links(factory)
	r.forget()
	r.reply(coap.Content, int(coap.SenMLJSON), `[{"bn":"/1/0/","n":"0","v":101},{"n":"1","v":86400},{"n":"7","vs":"U"}]`)
	r.reply(coap.MethodNotAllowed, -1, "") // a device of version 1.0
	r.expect(`
		> ACK 2.05 ct=110 "[{\"bn\":\"/1/0/\",\"n\":\"0\",\"v\":101},{\"n\":\"1\",\"v\":86400},{\"n\":\"7\",\"vs\":\"U\"}]"
		* 1 answered 2 read GET /1 {/1/0/0=101 /1/0/1=86400 /1/0/7=U} 2.05
		* 1 sent 3 read GET /2
		< CON GET /2 accept=110
		> ACK 4.05
		* 1 answered 3 read GET /2 4.05 ignored
		* 1 sent 4 finish POST /bs
		< CON POST /bs`)
}

// The whole sequence: Discover, Read, Delete, Write of a resource of the own account, of two servers, an ACL, a resource
// and a whole object, Finish.
func TestETS_6_BootstrapSequence(t *testing.T) {
	r := newRig(t, Config{})
	entries := func(list ...at) (out []lwm2m.Entry) {
		for _, e := range list {
			out = append(out, lwm2m.Entry{Path: lwm2m.MustPath(e.p), Value: e.v})
		}
		return out
	}
	r.give(&Provision{Configuration: "demo", Read: paths("/1"), Delete: paths("/1"),
		Own:      []Resource{{ID: SecurityHoldOff, Value: lwm2m.Int(5)}},
		Accounts: []Account{account(1, free, free), account(2, free, free)},
		Writes: []Write{
			{lwm2m.MustPath("/2/0"), entries(at{"/2/0/0", lwm2m.Int(3)}, at{"/2/0/1", lwm2m.Int(0)}, at{"/2/0/2/2", lwm2m.Int(15)}, at{"/2/0/3", lwm2m.Int(2)})},
			{lwm2m.MustPath("/3/0/15"), entries(at{"/3/0/15", lwm2m.Str("UTC")})},
			{lwm2m.MustPath("/3303"), entries(at{"/3303/0/5601", lwm2m.Num(1)}, at{"/3303/1/5601", lwm2m.Num(2)})},
		}})
	r.request(coap.POST, "/bs?ep=demo")
	r.links(`</>;lwm2m=1.1,</0/2>;uri="coap://192.0.2.1",</0/0>;ssid=2;uri="coaps://x",</1/5>;ssid=2,</3/0>`)
	r.reply(coap.Content, int(coap.TLV), "\x08\x05\x03\xC1\x00\x02")
	r.deleted()
	for range 9 {
		r.changed()
	}
	var got []string
	for _, l := range r.lines {
		if strings.HasPrefix(l, "* 1 sent") || strings.HasPrefix(l, "* 1 done") {
			got = append(got, l)
		}
	}
	r.lines = got
	r.expect(`
		* 1 sent 1 discover GET /
		* 1 sent 2 read GET /1
		* 1 sent 3 delete DELETE /1
		* 1 sent 4 write PUT /0/2/11 {/0/2/11=5}
		* 1 sent 5 write PUT /0/1 {/0/1/0=coaps://[2001:db8::1]:5684 /0/1/1=false /0/1/2=0 /0/1/3=6964 /0/1/5=* /0/1/10=1}
		* 1 sent 6 write PUT /1/0 {/1/0/0=1 /1/0/1=300 /1/0/7=U}
		* 1 sent 7 write PUT /0/0 {/0/0/0=coaps://[2001:db8::1]:5684 /0/0/1=false /0/0/2=0 /0/0/3=6964 /0/0/5=* /0/0/10=2} (the instance that the device has for this server)
		* 1 sent 8 write PUT /1/1 {/1/1/0=2 /1/1/1=300 /1/1/7=U}
		* 1 sent 9 write PUT /2/0 {/2/0/0=3 /2/0/1=0 /2/0/2/2=15 /2/0/3=2}
		* 1 sent 10 write PUT /3/0/15 {/3/0/15=UTC}
		* 1 sent 11 write PUT /3303 {/3303/0/5601=1.0 /3303/1/5601=2.0}
		* 1 sent 12 finish POST /bs
		* 1 done demo`)
}

type at struct {
	p string
	v lwm2m.Value
}

// A device that does not accept the Finish has found its configuration inconsistent.
func TestETS_9_BootstrapConsistency(t *testing.T) {
	r := newRig(t, Config{})
	r.give(&Provision{Configuration: "demo"})
	r.request(coap.POST, "/bs?ep=demo")
	r.links(factory)
	r.forget()
	r.reply(coap.NotAcceptable, -1, "no server")
	r.expect(`
		> ACK 4.06 "no server"
		* 1 answered 2 finish POST /bs 4.06 "no server"
		* 1 failed demo: lwm2m/bootstrap: the device refused POST /bs: 4.06, no server`)
	var refused *RefusedError
	if !errors.As(r.ended[0].Err, &refused) || refused.Step.Op != Finish {
		t.Fatalf("%v", r.ended[0].Err)
	}
}

// A device of version 1.0 that knows no Discover still gets its configuration; its account is taken to be at instance 0.
func TestOldDevice(t *testing.T) {
	for _, code := range []coap.Code{coap.NotFound, coap.MethodNotAllowed, coap.BadRequest, coap.NotImplemented} {
		r := newRig(t, Config{})
		r.give(&Provision{Configuration: "demo", Delete: paths("/0", "/1"), Own: []Resource{{ID: SecurityHoldOff, Value: lwm2m.Int(5)}}, Accounts: []Account{account(123, 0, 0)}})
		r.request(coap.POST, "/bs?ep=demo")
		r.forget()
		r.reply(code, -1, "")
		r.deleted()
		r.deleted()
		r.expect(fmt.Sprintf(`
			> ACK %[1]s
			* 1 answered 1 discover GET / %[1]s ignored (the device's account of this bootstrap server is taken to be /0/0)
			* 1 sent 2 delete DELETE /0
			< CON DELETE /0
			> ACK 2.02
			* 1 answered 2 delete DELETE /0 2.02
			* 1 sent 3 delete DELETE /1
			< CON DELETE /1
			> ACK 2.02
			* 1 answered 3 delete DELETE /1 2.02
			* 1 sent 4 write PUT /0/0/11 {/0/0/11=5} skipped (the device does not say which instance is its account of this bootstrap server)
			* 1 sent 5 write PUT /0/1 {/0/1/0=coaps://[2001:db8::1]:5684 /0/1/1=false /0/1/2=0 /0/1/3=6964 /0/1/5=* /0/1/10=123} (instance 0 is the device's account of this bootstrap server, so 1 was chosen)
			< CON PUT /0/1 ct=11542 c8001a636f6170733a2f2f5b323030313a6462383a3a315d3a35363834c10100c10200c2036964c8051030313233343536373839616263646566c10a7b`, code))
	}
}

// What a device refuses ends the session, without a Finish, or is noted.
func TestPolicy(t *testing.T) {
	for _, p := range []Policy{Stop, GoOn} {
		r := newRig(t, Config{})
		r.give(&Provision{Configuration: "demo", Policy: p, Writes: []Write{{Path: lwm2m.MustPath("/3/0/15"), Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/3/0/15"), Value: lwm2m.Str("UTC")}}}}})
		r.request(coap.POST, "/bs?ep=demo")
		r.links(factory)
		r.forget()
		r.reply(coap.BadRequest, -1, "no\x1b[31m")
		if p == Stop {
			r.expect(`
				> ACK 4.00 6e6f1b5b33316d
				* 1 answered 2 write PUT /3/0/15 4.00 "no.[31m"
				* 1 failed demo: lwm2m/bootstrap: the device refused PUT /3/0/15: 4.00, no.[31m`)
			continue
		}
		r.expect(`
			> ACK 4.00 6e6f1b5b33316d
			* 1 answered 2 write PUT /3/0/15 4.00 ignored "no.[31m"
			* 1 sent 3 finish POST /bs
			< CON POST /bs`)
	}
}

// A format that the device refuses is replaced by one that it may know, but not one that the operator chose.
func TestFormats(t *testing.T) {
	r := newRig(t, Config{})
	p := &Provision{Configuration: "demo", Accounts: []Account{account(1, free, free)}}
	r.give(p)
	r.request(coap.POST, "/bs?ep=demo&pct=112")
	r.links(factory)
	r.forget()
	r.reply(coap.UnsupportedContentFormat, -1, "")
	r.changed()
	r.expect(`
		> ACK 4.15
		* 1 answered 2 write PUT /0/1 4.15 ignored (it is sent again in another format)
		* 1 sent 3 write PUT /0/1 {/0/1/0=coaps://[2001:db8::1]:5684 /0/1/1=false /0/1/2=0 /0/1/3=6964 /0/1/5=* /0/1/10=1}
		< CON PUT /0/1 ct=11542 c8001a636f6170733a2f2f5b323030313a6462383a3a315d3a35363834c10100c10200c2036964c8051030313233343536373839616263646566c10a01
		> ACK 2.04
		* 1 answered 3 write PUT /0/1 2.04
		* 1 sent 4 write PUT /1/0 {/1/0/0=1 /1/0/1=300 /1/0/7=U}
		< CON PUT /1/0 ct=11542 c10001c201012cc10755`)

	p = &Provision{Configuration: "demo", Accounts: p.Accounts, Format: coap.SenMLJSON, HasFormat: true}
	r = newRig(t, Config{})
	r.give(p)
	r.request(coap.POST, "/bs?ep=demo&pct=112")
	r.links(factory)
	r.reply(coap.UnsupportedContentFormat, -1, "")
	if len(r.ended) != 1 || r.ended[0].Err == nil {
		t.Fatal("a format that the operator chose was replaced")
	}

	r = newRig(t, Config{})
	r.give(&Provision{Configuration: "demo"})
	r.request(coap.POST, "/bs?ep=demo&pct=11544")
	r.expect(`
		> CON POST /bs?ep=demo&pct=11544
		? "demo" from plain
		* 1 began demo by demo in 11542, the content format that the device prefers cannot be used; TLV stands in for it
		* 1 sent 1 discover GET /
		< ACK 2.04
		< CON GET / accept=40`)
}

func TestRefused(t *testing.T) {
	r := newRig(t, Config{})
	r.answer = func(q *Question) (string, *Provision, *Refusal) {
		return "", nil, &Refusal{Why: "unknown endpoint", Secret: "no configuration is for " + q.Endpoint}
	}
	r.request(coap.POST, "/bs?ep=stranger")
	r.request(coap.POST, "/bs")
	r.request(coap.POST, "/bs?ep=a&ep=b")
	r.request(coap.POST, "/bs?ep=a&pct=x")
	r.request(coap.POST, "/bs?ep="+strings.Repeat("x", 193))
	r.request(coap.GET, "/bs?ep=a")
	r.request(coap.POST, "/rd?ep=a")
	r.request(coap.GET, "/bspack?ep=a")
	r.expect(`
		> CON POST /bs?ep=stranger
		? "stranger" from plain
		* refused "stranger" "" 4.00: no configuration is for stranger
		< ACK 4.00 "unknown endpoint"
		> CON POST /bs
		* refused "" "" 4.00: ep is missing
		< ACK 4.00 "ep is missing"
		> CON POST /bs?ep=a&ep=b
		* refused "a" "" 4.00: ep appears twice
		< ACK 4.00 "ep appears twice"
		> CON POST /bs?ep=a&pct=x
		* refused "a" "" 4.00: pct is not the number of a content format
		< ACK 4.00 "pct is not the number of a content format"
		> CON POST /bs?ep=` + strings.Repeat("x", 193) + `
		* refused "" "" 4.00: ep is empty, too long, or not printable UTF-8
		< ACK 4.00 "ep is empty, too long, or not printable UTF-8"
		> CON GET /bs?ep=a
		< ACK 4.05
		> CON POST /rd?ep=a
		< ACK 4.04
		> CON GET /bspack?ep=a
		< ACK 4.04`)
}

// A device that begins again while it is being served starts over, and one that falls silent ends its session.
func TestAgainAndSilent(t *testing.T) {
	r := newRig(t, Config{})
	r.give(&Provision{Configuration: "demo"})
	r.request(coap.POST, "/bs?ep=demo")
	r.request(coap.POST, "/bs?ep=demo")
	r.expect(`
		> CON POST /bs?ep=demo
		? "demo" from plain
		* 1 began demo by demo in 11542
		* 1 sent 1 discover GET /
		< ACK 2.04
		< CON GET / accept=40
		> CON POST /bs?ep=demo
		? "demo" from plain
		* 1 failed demo: lwm2m/bootstrap: the device began again
		* 2 began demo by demo in 11542
		* 2 sent 1 discover GET /
		< ACK 2.04
		< CON GET / accept=40`)
	r.wait(3 * time.Minute)
	if len(r.ended) != 2 || !errors.Is(r.ended[1].Err, ErrTimeout) {
		t.Fatalf("%v", r.ended)
	}
	if st := r.s.Stats(); st.Sessions != 0 || st.Begun != 2 || st.Failed != 2 {
		t.Fatalf("%+v", st)
	}
}

// Nobody says what the device is given: the device is told to come later, and a late answer is ignored.
func TestQuestionUnanswered(t *testing.T) {
	r := newRig(t, Config{})
	r.request(coap.POST, "/bs?ep=demo")
	r.wait(31 * time.Second)
	r.s.Answer(r.now, 1, r.asks[0].Op, "demo", &Provision{}, nil)
	r.drain()
	st := r.s.Stats()
	if m := r.out[len(r.out)-1]; m.Code != coap.InternalServerError || st.Questions != 0 || st.Sessions != 0 {
		t.Fatalf("%s, %+v", m.Code, st)
	}
}

// A session that is fed drop by drop ends all the same.
func TestSessionTooLong(t *testing.T) {
	r := newRig(t, Config{SessionTimeout: time.Minute})
	p := &Provision{Configuration: "demo"}
	for range 100 {
		p.Delete = append(p.Delete, lwm2m.MustPath("/3303"))
	}
	r.give(p)
	r.request(coap.POST, "/bs?ep=demo")
	r.links(factory)
	for range 7 {
		r.wait(9 * time.Second)
		if len(r.ended) == 0 {
			r.deleted()
		}
	}
	if len(r.ended) != 1 || !errors.Is(r.ended[0].Err, ErrTooLong) {
		t.Fatalf("%v", r.ended)
	}
}

func TestLimits(t *testing.T) {
	r := newRig(t, Config{Limits: Limits{Sessions: 2, Messages: 3}})
	r.give(&Provision{Configuration: "demo", Delete: paths("/1", "/2", "/3")})
	r.request(coap.POST, "/bs?ep=a")
	r.request(coap.POST, "/bs?ep=b")
	r.forget()
	r.request(coap.POST, "/bs?ep=c")
	r.expect(`
		> CON POST /bs?ep=c
		* refused "c" "" 5.00: too many devices at once
		< ACK 5.00 "too many devices at once"`)
	r = newRig(t, Config{Limits: Limits{Messages: 3, Links: 100}})
	r.give(&Provision{Configuration: "demo", Delete: paths("/1", "/2", "/3")})
	r.request(coap.POST, "/bs?ep=a")
	r.forget()
	r.links(strings.Repeat("</3/0>,", 20) + "</0/7>")
	r.deleted()
	r.deleted()
	r.expect(`
		> ACK 2.05 ct=40 ` + fmt.Sprintf("%q", strings.Repeat("</3/0>,", 20)+"</0/7>") + `
		* 1 answered 1 discover GET / 2.05 (the device's account of this bootstrap server is taken to be /0/0; its answer cannot be read)
		* 1 sent 2 delete DELETE /1
		< CON DELETE /1
		> ACK 2.02
		* 1 answered 2 delete DELETE /1 2.02
		* 1 sent 3 delete DELETE /2
		< CON DELETE /2
		> ACK 2.02
		* 1 answered 3 delete DELETE /2 2.02
		* 1 failed a: lwm2m/bootstrap: the configuration needs too many messages`)
}

// A duplicate of the request gets the same answer and begins nothing.
func TestDuplicateRequest(t *testing.T) {
	r := newRig(t, Config{})
	r.give(&Provision{Configuration: "demo"})
	r.request(coap.POST, "/bs?ep=demo")
	r.forget()
	r.mid--
	r.request(coap.POST, "/bs?ep=demo")
	r.expect(`
		> CON POST /bs?ep=demo
		< ACK 2.04`)
}

func TestStopSession(t *testing.T) {
	r := newRig(t, Config{})
	r.give(&Provision{Configuration: "demo"})
	r.request(coap.POST, "/bs?ep=demo")
	r.forget()
	if !r.s.StopSession(r.now, 1, 1) || r.s.StopSession(r.now, 1, 1) {
		t.Fatal("a session is stopped once")
	}
	r.drain()
	r.expect(`* 1 failed demo: lwm2m/bootstrap: an operator stopped the session`)
}
