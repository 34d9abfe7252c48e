package server

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"heddle.example/coap"
	"heddle.example/machine"
)

func (r *rig) sendValues(from machine.Path, f coap.ContentFormat, payload string) {
	r.t.Helper()
	r.mid++
	r.send(from, coap.Message{Type: coap.CON, Code: coap.POST, ID: r.mid, Options: coap.Options{}.AppendPath("dp").SetFormat(f), Payload: []byte(payload)})
}

func TestETS_306_311_Send(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "&lwm2m=1.1", links)
	r.forget()
	r.sendValues(device, coap.SenMLJSON, `[{"n":"/1/0/1","v":300},{"n":"/3/0/11/0","v":0}]`)
	r.expect(`
		> CON POST /dp ct=110 "[{\"n\":\"/1/0/1\",\"v\":300},{\"n\":\"/3/0/11/0\",\"v\":0}]"
		* sent dev {/1/0/1=300 /3/0/11/0=0}
		< ACK 2.04`)
	// Samples with their times, of which one is from a clock that is years ahead.
	r.sendValues(device, coap.SenMLJSON, `[{"bn":"/3303/0/5700","bt":1790000000,"t":-60,"v":20},{"t":-30,"v":20.5},{"t":99999999,"v":21}]`)
	r.expect(`
		> CON POST /dp ct=110 "[{\"bn\":\"/3303/0/5700\",\"bt\":1790000000,\"t\":-60,\"v\":20},{\"t\":-30,\"v\":20.5},{\"t\":99999999,\"v\":21}]"
		* sent dev {/3303/0/5700=20.0@-1m0s /3303/0/5700=20.5@-30s /3303/0/5700=21.0@0s}
		< ACK 2.04`)
	r.sendValues(device, coap.SenMLCBOR, string(unhex("81a200662f332f302f39021864")))
	r.expect(`
		> CON POST /dp ct=112 81a200662f332f302f39021864
		* sent dev {/3/0/9=100}
		< ACK 2.04`)
	// A repeated one is answered from memory.
	m := coap.Message{Type: coap.CON, Code: coap.POST, ID: 4000, Options: coap.Options{}.AppendPath("dp").SetFormat(coap.SenMLJSON), Payload: []byte(`[{"n":"/3/0/9","v":1}]`)}
	r.send(device, m)
	r.send(device, m)
	r.expect(`
		> CON POST /dp ct=110 "[{\"n\":\"/3/0/9\",\"v\":1}]"
		* sent dev {/3/0/9=1}
		< ACK 2.04
		> CON POST /dp ct=110 "[{\"n\":\"/3/0/9\",\"v\":1}]"
		< ACK 2.04`)
	if n := r.s.Stats().Sends; n != 4 {
		t.Errorf("%d Sends", n)
	}
}

// A Send is answered once its values are on disk, where they are to be kept.
func TestSendIsKept(t *testing.T) {
	r := newRig(t, keeping())
	r.register(device, "dev", "&lwm2m=1.1", links)
	r.forget()
	r.auto = false
	r.sendValues(device, coap.SenMLJSON, `[{"bn":"/3303/0/5700","bt":1790000000,"t":-60,"v":20},{"t":-30,"v":20.5}]`)
	r.expect(`
		> CON POST /dp ct=110 "[{\"bn\":\"/3303/0/5700\",\"bt\":1790000000,\"t\":-60,\"v\":20},{\"t\":-30,\"v\":20.5}]"
		= lwm2m.history "dev"
		* sent dev {/3303/0/5700=20.0@-1m0s /3303/0/5700=20.5@-30s}`)
	r.commit()
	r.expect(`< ACK 2.04`)
	if got := r.kept("dev"); got != "/3303/0/5700=20.0+-60000 /3303/0/5700=20.5+-30000" {
		t.Error(got)
	}
	// The store fails: nothing is promised any more.
	r.sendValues(device, coap.SenMLJSON, `[{"n":"/3/0/9","v":1}]`)
	r.fail(errors.New("input/output error"))
	r.sendValues(device, coap.SenMLJSON, `[{"n":"/3/0/9","v":2}]`)
	r.expect(`
		> CON POST /dp ct=110 "[{\"n\":\"/3/0/9\",\"v\":1}]"
		= lwm2m.history "dev"
		* sent dev {/3/0/9=1}
		= failed
		> CON POST /dp ct=110 "[{\"n\":\"/3/0/9\",\"v\":2}]"
		* refused "dev" "" 5.03: the store has failed
		< ACK 5.03 "the store has failed"`)
}

func TestSendRefused(t *testing.T) {
	config := open
	config.Limits.Entries = 3
	r := newRig(t, config)
	other := machine.Path{Local: serverAddr, Remote: addr("192.0.2.66:40000")}
	r.register(device, "dev", "&lwm2m=1.1", links)
	for _, c := range []struct {
		from    machine.Path
		f       coap.ContentFormat
		payload string
		code    coap.Code
		why     string
	}{
		{other, coap.SenMLJSON, `[{"n":"/3/0/9","v":1}]`, coap.NotFound, "not registered"},
		{device, coap.TLV, "\xc1\x09\x64", coap.UnsupportedContentFormat, ""},
		{device, coap.JSON, `{"bn":"/3/0/9","e":[{"v":1}]}`, coap.UnsupportedContentFormat, ""},
		{device, coap.SenMLJSON, `[`, coap.BadRequest, "malformed"},
		{device, coap.SenMLJSON, `[]`, coap.BadRequest, "no values"},
		{device, coap.SenMLJSON, `[{"n":"/3/0/9"}]`, coap.BadRequest, "no values"},
		{device, coap.SenMLJSON, `[{"n":"/3303/0/5700","vs":"warm"}]`, coap.BadRequest, "Float"},
		{device, coap.SenMLJSON, `[{"n":"/3","v":1}]`, coap.BadRequest, "a value at /3"},
		{device, coap.SenMLJSON, `[{"n":"/3/0/0","vs":"a"},{"n":"/3/0/1","vs":"a"},{"n":"/3/0/2","vs":"a"},{"n":"/3/0/3","vs":"a"}]`, coap.RequestEntityTooLarge, "too many"},
		// Keys are not shown to anybody, even if a device sends them.
		{device, coap.SenMLJSON, `[{"n":"/0/0/5","vd":"c2VjcmV0"},{"n":"/21/0/1","vd":"c2VjcmV0"}]`, coap.BadRequest, "no values"},
	} {
		r.sendValues(c.from, c.f, c.payload)
		if m := r.lastReply(); m.Code != c.code || !strings.Contains(string(m.Payload), c.why) {
			t.Errorf("%q: %s %q, want %s %s", c.payload, m.Code, m.Payload, c.code, c.why)
		}
	}
	for _, e := range r.events {
		if s, ok := e.(*Sent); ok {
			t.Errorf("sent: %+v", s)
		}
	}
	r.request(device, coap.GET, "/dp", "")
	if m := r.lastReply(); m.Code != coap.MethodNotAllowed {
		t.Errorf("GET /dp: %s", m.Code)
	}
}

// Whose values they are is known from the address of a plain device, wherever it moves; of several endpoints behind one
// address, the newest.
func TestSenderOfAPlainDevice(t *testing.T) {
	r := newRig(t, open)
	sender := func(from machine.Path) string {
		t.Helper()
		r.events = nil
		r.sendValues(from, coap.SenMLJSON, `[{"n":"/3/0/9","v":1}]`)
		for _, e := range r.events {
			if s, ok := e.(*Sent); ok {
				return s.Registration.Endpoint
			}
		}
		return r.lastReply().Code.String()
	}
	at := func(n int) machine.Path {
		return machine.Path{Local: serverAddr, Remote: addr(fmt.Sprintf("192.0.2.%d:5683", n))}
	}
	locations := map[string]string{}
	for i := 1; i <= 30; i++ {
		ep := fmt.Sprint("dev", i)
		locations[ep] = r.register(at(i), ep, "&lwm2m=1.1", links)
	}
	if got := sender(at(7)); got != "dev7" {
		t.Errorf("from dev7's address: %s", got)
	}
	// It moves, and its old address is nobody's.
	r.request(at(107), coap.POST, locations["dev7"], "")
	if got := sender(at(107)); got != "dev7" {
		t.Errorf("from dev7's new address: %s", got)
	}
	if got := sender(at(7)); got != "4.04" {
		t.Errorf("from dev7's old address: %s", got)
	}
	// Another endpoint comes to an address, and goes.
	r.wait(1e9)
	location := r.register(at(8), "new", "&lwm2m=1.1", links)
	if got := sender(at(8)); got != "new" {
		t.Errorf("from an address with two endpoints: %s", got)
	}
	r.request(at(8), coap.DELETE, location, "")
	r.request(at(8), coap.POST, locations["dev8"], "")
	r.register(at(8), "dev8", "&lwm2m=1.1", links)
	if got := sender(at(8)); got != "dev8" {
		t.Errorf("after the newer one has gone: %s", got)
	}
	r.request(at(9), coap.DELETE, locations["dev9"], "")
	if got := sender(at(9)); got != "4.04" {
		t.Errorf("after Deregister: %s", got)
	}
	if got := sender(machine.Path{Local: addr("192.0.2.1:5693"), Remote: at(10).Remote}); got != "4.04" {
		t.Errorf("to another port of the server: %s", got)
	}
	if n, want := r.s.table.peers.index.Len(), 29; n != want {
		t.Errorf("%d addresses are known, want %d", n, want)
	}
}
