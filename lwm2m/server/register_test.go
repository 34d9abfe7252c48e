package server

import (
	"errors"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

const links = `</>;rt="oma.lwm2m";ct="112 11542",</1/0>,</3/0>,</3303>;ver=1.1,</3303/0>`

var open = Config{Unknown: AcceptUnknown}

func TestETS_101_InitialRegistration(t *testing.T) {
	r := newRig(t, open)
	r.auto = false
	r.request(device, coap.POST, "/rd?lwm2m=1.1&ep=thing&lt=300&b=U", links)
	r.expect(`
		> CON POST /rd?lwm2m=1.1&ep=thing&lt=300&b=U ct=40 "</>;rt=\"oma.lwm2m\";ct=\"112 11542\",</1/0>,</3/0>,</3303>;ver=1.1,</3303/0>"
		= lwm2m.registration "thing"
		* registered thing 1.1 5m0s U`)
	// The answer leaves after the commit, not before.
	r.commit()
	r.expect(`< ACK 2.01 location /rd/ID`)

	reg, seen, ok := r.s.Registration("thing")
	if !ok || seen != r.now || reg.Objects.Version(3303) != (lwm2m.Version{Major: 1, Minor: 1}) || reg.Path.Remote != deviceAddr {
		t.Fatalf("registration is %+v", reg)
	}
	if got := r.lastReply().Options.Location(); got != reg.Location() {
		t.Errorf("location %s was answered, the registration says %s", got, reg.Location())
	}
}

func TestETS_102_RegistrationUpdate(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "thing", "&lt=300&lwm2m=1.1", links)
	r.forget()
	r.wait(200 * time.Second)
	r.request(device, coap.POST, at, "")
	// Nothing changed, so nothing is written.
	r.expect(`
		> CON POST /rd/ID
		* updated thing changed=false 5m0s
		< ACK 2.04`)
	r.request(device, coap.POST, at+"?lt=300", links)
	r.expect(`
		> CON POST /rd/ID?lt=300 ct=40 "</>;rt=\"oma.lwm2m\";ct=\"112 11542\",</1/0>,</3/0>,</3303>;ver=1.1,</3303/0>"
		* updated thing changed=false 5m0s
		< ACK 2.04`)
	// A change is answered when it is on disk.
	r.auto = false
	r.request(device, coap.POST, at+"?lt=60", "")
	r.expect(`
		> CON POST /rd/ID?lt=60
		= lwm2m.registration "thing"
		* updated thing changed=true 1m0s`)
	r.commit()
	r.expect(`< ACK 2.04`)
	r.auto = true
	r.request(device, coap.POST, at, `</3/0>,</5/0>`)
	r.expect(`
		> CON POST /rd/ID ct=40 "</3/0>,</5/0>"
		= lwm2m.registration "thing"
		* updated thing changed=true 1m0s
		< ACK 2.04`)
	r.wait(time.Hour)
	r.expect(`
		= lwm2m.registration "thing" removed
		* ended thing: expired`)
}

func TestETS_103_Deregistration(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "thing", "", links)
	r.forget()
	r.auto = false
	r.request(device, coap.DELETE, at, "")
	r.expect(`
		> CON DELETE /rd/ID
		= lwm2m.registration "thing" removed
		* ended thing: deregistered`)
	r.commit()
	r.expect(`< ACK 2.02`)
	r.auto = true
	r.request(device, coap.DELETE, at, "")
	r.request(device, coap.POST, at, "")
	r.expect(`
		> CON DELETE /rd/ID
		< ACK 4.04
		> CON POST /rd/ID
		< ACK 4.04`)
}

// An Update of a registration that the server does not know is discarded, and the client registers anew.
func TestETS_105_DiscardedRegisterUpdate(t *testing.T) {
	r := newRig(t, open)
	r.request(device, coap.POST, "/rd/AAAAAAAAAAAA?lt=300", "")
	r.register(device, "thing", "", links)
	r.expect(`
		> CON POST /rd/ID?lt=300
		< ACK 4.04
		> CON POST /rd?ep=thing ct=40 "</>;rt=\"oma.lwm2m\";ct=\"112 11542\",</1/0>,</3/0>,</3303>;ver=1.1,</3303/0>"
		= lwm2m.registration "thing"
		* registered thing 1.0 24h0m0s U
		< ACK 2.01 location /rd/ID`)
}

// Updates in time keep a registration for as long as they come, each for one lifetime.
func TestETS_107_ExtendingTheLifetime(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "thing", "&lt=60", links)
	for range 100 {
		r.wait(59 * time.Second)
		r.request(device, coap.POST, at, "")
		if m := r.lastReply(); m.Code != coap.Changed {
			t.Fatalf("answered %s", m.Code)
		}
	}
	until := r.now.Add(time.Minute)
	if got := r.s.ExpiresAt("thing"); got != until {
		t.Errorf("it ends %v from now", got.Sub(r.now))
	}
	r.request(device, coap.POST, at+"?lt=10000", "")
	r.wait(9999 * time.Second)
	r.request(device, coap.POST, at+"?lt=10", "")
	r.forget()
	r.wait(19 * time.Second) // the grace is 10 s
	if _, _, ok := r.s.Registration("thing"); !ok {
		t.Error("it ended within its grace")
	}
	r.wait(2 * time.Second)
	if _, _, ok := r.s.Registration("thing"); ok {
		t.Error("a shorter lifetime did not take effect")
	}
}

func TestRegistersAgain(t *testing.T) {
	r := newRig(t, open)
	first := r.register(device, "thing", "&lt=60", links)
	r.forget()
	r.wait(30 * time.Second)
	second := r.register(device, "thing", "&lt=300&Q&lwm2m=1.1", links)
	r.expect(`
		> CON POST /rd?ep=thing&lt=300&Q&lwm2m=1.1 ct=40 "</>;rt=\"oma.lwm2m\";ct=\"112 11542\",</1/0>,</3/0>,</3303>;ver=1.1,</3303/0>"
		= lwm2m.registration "thing"
		* registered thing 1.1 5m0s U queue replaces true
		* awake thing for 1m33s
		< ACK 2.01 location /rd/ID`)
	r.request(device, coap.POST, first, "")
	r.expect(`
		> CON POST /rd/ID
		< ACK 4.04`)
	r.wait(250 * time.Second)
	r.request(device, coap.POST, second, "")
	r.expect(`
		* asleep thing
		> CON POST /rd/ID
		* updated thing changed=false 5m0s
		* awake thing for 1m33s
		< ACK 2.04`)
	if st := r.s.Stats(); st.Registrations != 1 || st.LinkLists != 1 {
		t.Errorf("%d registrations, %d lists of links", st.Registrations, st.LinkLists)
	}
}

// What a device may leave out, and in which order it may say the rest.
func TestRegisterParameters(t *testing.T) {
	for _, c := range []struct {
		params  string
		version lwm2m.Version
		life    time.Duration
		binding string
		queue   bool
	}{
		{"", lwm2m.V1_0, 86400 * time.Second, "U", false},
		{"&lwm2m=1.0&b=UQ", lwm2m.V1_0, 86400 * time.Second, "UQ", true},
		{"&lwm2m=1.1&b=U&Q&lt=1", lwm2m.V1_1, time.Second, "U", true},
		{"&Q&lt=4294967295&lwm2m=1.1", lwm2m.V1_1, (1<<32 - 1) * time.Second, "U", true},
		{"&b=UQS&sms=123", lwm2m.V1_0, 86400 * time.Second, "UQS", true},
		{"&lt=0", lwm2m.V1_0, 0, "U", false},
	} {
		r := newRig(t, open)
		r.register(device, "thing", c.params, links)
		reg, _, _ := r.s.Registration("thing")
		if reg.Version != c.version || reg.Lifetime != c.life || reg.Binding.String() != c.binding || reg.Queue != c.queue {
			t.Errorf("%q: %+v", c.params, reg)
		}
	}
}

func TestQueueModeChangesByUpdate(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "thing", "&lwm2m=1.1", links)
	for _, c := range []struct {
		params  string
		binding string
		queue   bool
	}{{"Q", "U", true}, {"b=U&Q", "U", true}, {"lt=77", "U", true}, {"b=U", "U", false}, {"b=UQ", "UQ", true}} {
		r.request(device, coap.POST, at+"?"+c.params, "")
		if reg, _, _ := r.s.Registration("thing"); reg.Binding.String() != c.binding || reg.Queue != c.queue {
			t.Errorf("after %q: binding %s, queue %v", c.params, reg.Binding, reg.Queue)
		}
	}
}

func TestRefusedRegistrations(t *testing.T) {
	long := strings.Repeat("a", 150)
	for _, c := range []struct {
		uri, payload string
		code         coap.Code
	}{
		{"/rd", links, coap.BadRequest},
		{"/rd?lt=5", links, coap.BadRequest},
		{"/rd?ep=thing&lt=x", links, coap.BadRequest},
		{"/rd?ep=thing&ep=thing", links, coap.BadRequest},
		{"/rd?ep=" + long + long[:60], links, coap.BadRequest},
		{"/rd?ep=thing", "", coap.BadRequest},
		{"/rd?ep=thing", "<", coap.BadRequest},
		{"/rd?ep=thing", "</x/y>", coap.BadRequest},
		{"/rd?ep=thing&x=" + long + "&y=" + long, links, coap.BadRequest},
		{"/rd?ep=thing&lwm2m=1.2", links, coap.PreconditionFailed},
		{"/rd?ep=thing&lwm2m=2.0", links, coap.PreconditionFailed},
		{"/rd?ep=thing&lwm2m=nonsense", links, coap.BadRequest},
	} {
		r := newRig(t, open)
		r.request(device, coap.POST, c.uri, c.payload)
		m := r.lastReply()
		if m.Code != c.code || len(m.Payload) == 0 {
			t.Errorf("%s with %q is answered %s %q, want %s and why", c.uri, c.payload, m.Code, m.Payload, c.code)
		}
		if st := r.s.Stats(); st.Registrations != 0 || st.Refused != 1 || st.LinkLists != 0 || len(r.disk) != 0 {
			t.Errorf("%s leaves %+v", c.uri, st)
		}
	}
	r := newRig(t, open)
	r.send(device, coap.Message{Code: coap.POST, ID: 1, Options: uriOptions("/rd?ep=thing").SetFormat(coap.TLV), Payload: []byte(links)})
	if m := r.lastReply(); m.Code != coap.UnsupportedContentFormat {
		t.Errorf("links in TLV are answered %s", m.Code)
	}
}

func TestHugeRegistration(t *testing.T) {
	config := open
	config.Limits.Payload = 100
	r := newRig(t, config)
	r.request(device, coap.POST, "/rd?ep=thing", links+strings.Repeat(",</3/1>", 20))
	if m := r.lastReply(); m.Code != coap.RequestEntityTooLarge {
		t.Errorf("answered %s", m.Code)
	}
	config.Limits.Registrations = 1
	r = newRig(t, config)
	r.register(device, "a", "", links)
	r.request(device, coap.POST, "/rd?ep=b", links)
	if m := r.lastReply(); m.Code != coap.ServiceUnavailable {
		t.Errorf("one too many is answered %s", m.Code)
	}
	r.register(device, "a", "", links) // the one that is there may come again

	config = open
	config.Limits.LinkBytes = len(links) + len(oldLinks)
	r = newRig(t, config)
	r.register(device, "a", "", links)
	r.register(device, "b", "", links) // shared
	at := r.register(device, "c", "", oldLinks)
	r.request(device, coap.POST, "/rd?ep=d", "</3/0>")
	if m := r.lastReply(); m.Code != coap.ServiceUnavailable {
		t.Errorf("a list beyond the limit is answered %s", m.Code)
	}
	r.request(device, coap.DELETE, at, "")
	r.register(device, "d", "", "</3/0>")
}

func TestOtherPathsAndMethods(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "thing", "", links)
	for _, c := range []struct {
		code coap.Code
		uri  string
		want coap.Code
	}{
		{coap.GET, "/rd", coap.MethodNotAllowed}, {coap.PUT, "/rd", coap.MethodNotAllowed}, {coap.DELETE, "/rd", coap.MethodNotAllowed},
		{coap.GET, at, coap.MethodNotAllowed}, {coap.PUT, at, coap.MethodNotAllowed},
		{coap.POST, "/rd/nobody", coap.NotFound}, {coap.POST, "/rd/AAAAAAAAAAAA", coap.NotFound}, {coap.POST, at + "/x", coap.NotFound},
		{coap.POST, "/bs", coap.NotFound}, {coap.GET, "/", coap.NotFound}, {coap.GET, "/.well-known/core", coap.Content},
		{coap.POST, at + "?lt=x", coap.BadRequest}, {coap.POST, at + "?ep=other", coap.BadRequest},
	} {
		r.request(device, c.code, c.uri, "")
		if m := r.lastReply(); m.Code != c.want {
			t.Errorf("%s %s is answered %s, want %s", c.code.Name(), c.uri, m.Code, c.want)
		}
	}
	r.request(device, coap.POST, at, "<")
	if m := r.lastReply(); m.Code != coap.BadRequest {
		t.Errorf("an Update with broken links is answered %s", m.Code)
	}
}

// A failed store promises nothing: what was under way is gone, what is new is refused, what needs no promise goes on.
func TestStoreFails(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "old", "&lt=300", links)
	r.auto = false
	r.forget()
	other := device
	other.Remote = addr("192.0.2.11:1")
	r.request(other, coap.POST, "/rd?ep=new", links)
	r.fail(errors.New("disk on fire"))
	r.expect(`
		> CON POST /rd?ep=new ct=40 "</>;rt=\"oma.lwm2m\";ct=\"112 11542\",</1/0>,</3/0>,</3303>;ver=1.1,</3303/0>"
		= lwm2m.registration "new"
		* registered new 1.0 24h0m0s U
		= failed
		* ended new: not stored`)
	r.request(device, coap.POST, at, "")
	r.request(device, coap.POST, at+"?lt=60", "")
	r.request(device, coap.DELETE, at, "")
	r.request(other, coap.POST, "/rd?ep=third", links)
	r.expect(`
		> CON POST /rd/ID
		* updated old changed=false 5m0s
		< ACK 2.04
		> CON POST /rd/ID?lt=60
		* refused "old" "" 5.03: the store has failed
		< ACK 5.03 "the store has failed"
		> CON DELETE /rd/ID
		* refused "old" "" 5.03: the store has failed
		< ACK 5.03 "the store has failed"
		> CON POST /rd?ep=third ct=40 "</>;rt=\"oma.lwm2m\";ct=\"112 11542\",</1/0>,</3/0>,</3303>;ver=1.1,</3303/0>"
		* refused "third" "" 5.03: the store has failed
		< ACK 5.03 "the store has failed"`)
}

// After a restart a registration has its whole lifetime, whatever was left of it.
func TestRestartGivesAWholeLifetime(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "thing", "&lt=300&Q&lwm2m=1.1&x=y", links)
	before, _, _ := r.s.Registration("thing")
	r.wait(290 * time.Second)
	r.now = r.now.Add(24 * time.Hour) // the server is away for a day
	r.restart(open)
	r.forget()
	r.wait(299 * time.Second)
	r.request(device, coap.POST, at, "")
	r.expect(`
		> CON POST /rd/ID
		* updated thing changed=false 5m0s
		* awake thing for 1m33s
		< ACK 2.04`)
	after, _, _ := r.s.Registration("thing")
	if after.ID != before.ID || after.Queue != before.Queue || after.Objects.Text() != before.Objects.Text() ||
		after.RegisteredAt != before.RegisteredAt || after.Params != "x=y" {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	r.forget()
	r.wait(time.Hour)
	r.expect(`
		* asleep thing
		= lwm2m.registration "thing" removed
		* ended thing: expired`)
}

// A Register that is repeated because its answer was lost makes one registration.
func TestRegisterTwiceIsOnce(t *testing.T) {
	r := newRig(t, open)
	m := coap.Message{Code: coap.POST, ID: 7, Options: uriOptions("/rd?ep=thing").SetFormat(coap.LinkFormat), Payload: []byte(links)}
	r.send(device, m)
	first := r.lastReply().Options.Location()
	r.send(device, m)
	if again := r.lastReply().Options.Location(); again != first || len(r.out) != 2 {
		t.Errorf("the repeated Register is answered %s after %s, %d answers", again, first, len(r.out))
	}
	if st := r.s.Stats(); st.Registers != 1 {
		t.Errorf("%d registers", st.Registers)
	}
}
