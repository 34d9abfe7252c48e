package server

import (
	"errors"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

func observing(sequence uint32, f coap.ContentFormat) coap.Options {
	return coap.Options{}.AddUint(coap.Observe, sequence).SetFormat(f)
}

// observe sets an observation up and returns the token that the device must use.
func (r *rig) observe(ep, p string) coap.Token {
	r.t.Helper()
	id := r.do(ep, &Operation{Kind: Observe, Path: path(p)})
	token := r.last().Token
	r.answer(coap.Content, observing(1, coap.Text), []byte("1"))
	if o := r.result[id]; o == nil || o.Err != nil || o.Observation.State != Active {
		r.t.Fatalf("observing %s: %+v", p, o)
	}
	return token
}

func (r *rig) notify(from machine.Path, t coap.Type, token coap.Token, sequence uint32, value string) {
	r.t.Helper()
	r.mid++
	r.send(from, coap.Message{Type: t, Code: coap.Content, ID: r.mid, Token: token, Options: observing(sequence, coap.Text), Payload: []byte(value)})
}

func TestETS_301_ObserveResource(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	r.forget()
	r.auto = false
	r.do("dev", &Operation{Kind: Observe, Path: path("/3/0/9")})
	token := r.last().Token
	r.answer(coap.Content, observing(5, coap.TLV), []byte{0xC1, 9, 100})
	r.expect(`
		< CON GET /3/0/9 observe=0 accept=11542
		> ACK 2.05 observe=5 ct=11542 c10964
		= lwm2m.observation "dev\x00/3/0/9"
		* observation dev /3/0/9 active err=<nil>`)
	// The operator is told when it is on disk.
	r.commit()
	r.expect(`# 1 dev observe /3/0/9 2.05 {/3/0/9=100}`)
	r.auto = true

	r.notify(device, coap.NON, token, 6, "99")
	r.notify(device, coap.CON, token, 7, "98")
	r.notify(device, coap.NON, token, 6, "late")
	r.expect(`
		> NON 2.05 observe=6 ct=0 "99"
		* notified dev /3/0/9 2.05 {/3/0/9=99} err=<nil>
		> CON 2.05 observe=7 ct=0 "98"
		* notified dev /3/0/9 2.05 {/3/0/9=98} err=<nil>
		< ACK
		> NON 2.05 observe=6 ct=0 "late"`)
	// The order of both is written once, a second after the first.
	r.wait(2 * time.Second)
	r.expect(`= lwm2m.observation "dev\x00/3/0/9"`)
	if l := r.s.Observations("dev"); len(l) != 1 || l[0].Sequence != 7 || l[0].Count != 2 || l[0].State != Active {
		t.Errorf("%+v", l)
	}
}

func TestETS_302_303_CancelObservation(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	// Actively: the device is asked with the token of the observation.
	token := r.observe("dev", "/3/0/9")
	r.forget()
	r.do("dev", &Operation{Kind: CancelObserve, Path: path("/3/0/9")})
	if got := r.last().Token; got != token {
		t.Errorf("cancelled with token %v, observed with %v", got, token)
	}
	r.answer(coap.Content, in(coap.Text), []byte("1"))
	r.expect(`
		= lwm2m.observation "dev\x00/3/0/9" removed
		* observation dev /3/0/9 ended err=<nil>
		< CON GET /3/0/9 observe=1 accept=11542
		> ACK 2.05 ct=0 "1"
		# 2 dev cancel-observe /3/0/9 2.05 {/3/0/9=1}`)
	// Passively: the next notification is rejected.
	token = r.observe("dev", "/3/0/9")
	r.forget()
	r.do("dev", &Operation{Kind: CancelObserve, Path: path("/3/0/9"), Passive: true})
	r.notify(device, coap.CON, token, 2, "2")
	r.expect(`
		= lwm2m.observation "dev\x00/3/0/9" removed
		* observation dev /3/0/9 ended err=<nil>
		# 4 dev cancel-observe /3/0/9
		> CON 2.05 observe=2 ct=0 "2"
		< RST`)
	if len(r.s.Observations("dev")) != 0 || r.s.Stats().Observations != 0 {
		t.Error("an observation is left")
	}
}

func TestObserveRefusedByTheDevice(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	r.forget()
	r.do("dev", &Operation{Kind: Observe, Path: path("/3/0/77")})
	r.answer(coap.NotFound, nil, nil)
	r.do("dev", &Operation{Kind: Observe, Path: path("/3/0/0")})
	r.answer(coap.Content, in(coap.Text), []byte("Heddle")) // it answers, and does not observe
	r.expect(`
		< CON GET /3/0/77 observe=0 accept=11542
		> ACK 4.04
		# 1 dev observe /3/0/77 4.04
		< CON GET /3/0/0 observe=0 accept=11542
		> ACK 2.05 ct=0 "Heddle"
		# 2 dev observe /3/0/0 2.05 {/3/0/0=Heddle} err=the device answered but does not observe this path`)
	if r.s.Stats().Observations != 0 {
		t.Error("an observation is left")
	}
	// One that the device ends.
	token := r.observe("dev", "/3/0/9")
	r.forget()
	r.send(device, coap.Message{Type: coap.CON, Code: coap.NotFound, ID: 900, Token: token})
	r.expect(`
		> CON 4.04
		* notified dev /3/0/9 4.04 {} err=<nil>
		= lwm2m.observation "dev\x00/3/0/9" removed
		* observation dev /3/0/9 ended err=<nil>
		< ACK`)
}

func TestObserveTwiceIsOneObservation(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	first := r.observe("dev", "/3/0/9")
	id := r.s.Observations("dev")[0].ID
	second := r.observe("dev", "/3/0/9")
	if l := r.s.Observations("dev"); len(l) != 1 || l[0].ID != id {
		t.Fatalf("%+v", l)
	}
	r.notify(device, coap.NON, second, 2, "2")
	r.forget()
	r.notify(device, coap.CON, first, 3, "3")
	r.expect(`
		> CON 2.05 observe=3 ct=0 "3"
		< RST`)
	if l := r.s.Observations("dev"); l[0].Count != 1 {
		t.Errorf("%+v", l)
	}
}

func TestTooManyObservations(t *testing.T) {
	config := open
	config.Limits.ObservationsPerClient = 1
	r := newRig(t, config)
	r.register(device, "dev", "", oldLinks)
	r.observe("dev", "/3/0/9")
	if id := r.do("dev", &Operation{Kind: Observe, Path: path("/3/0/10")}); r.result[id].Err != ErrTooMany {
		t.Errorf("%+v", r.result[id])
	}
}

// A device that registers again has forgotten who observes it: it is asked again.
func TestObservationAfterRegisteringAgain(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	r.observe("dev", "/3/0/9")
	id := r.s.Observations("dev")[0].ID
	r.forget()
	r.register(device, "dev", "", oldLinks)
	r.wait(time.Second)
	token := r.last().Token
	r.answer(coap.Content, observing(1, coap.Text), []byte("50"))
	r.expect(`
		> CON POST /rd?ep=dev ct=40 "</1/0>,</3/0>,</31024/10>"
		= lwm2m.registration "dev"
		* registered dev 1.0 24h0m0s U replaces true
		< ACK 2.01 location /rd/ID
		* observation dev /3/0/9 restoring err=<nil>
		< CON GET /3/0/9 observe=0 accept=11542
		> ACK 2.05 observe=1 ct=0 "50"
		= lwm2m.observation "dev\x00/3/0/9"
		* observation dev /3/0/9 active err=<nil>
		* notified dev /3/0/9 2.05 {/3/0/9=50} err=<nil>`)
	r.notify(device, coap.NON, token, 2, "51")
	if l := r.s.Observations("dev"); len(l) != 1 || l[0].ID != id || l[0].Sequence != 2 {
		t.Errorf("%+v", l)
	}
}

// A device that refuses to be observed again is asked once more, in case it was busy registering, and then believed.
func TestObservationRefusedAfterRegisteringAgain(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	r.observe("dev", "/3/0/9")
	at := r.register(device, "dev", "", oldLinks)
	r.forget()
	r.wait(time.Second)
	r.answer(coap.NotFound, nil, nil)
	r.request(device, coap.POST, at, "")
	r.answer(coap.NotFound, nil, nil)
	r.expect(`
		* observation dev /3/0/9 restoring err=<nil>
		< CON GET /3/0/9 observe=0 accept=11542
		> ACK 4.04
		* observation dev /3/0/9 failed err=<nil>
		> CON POST /rd/ID
		* updated dev changed=false 24h0m0s
		* observation dev /3/0/9 restoring err=<nil>
		< ACK 2.04
		< CON GET /3/0/9 observe=0 accept=11542
		> ACK 4.04
		= lwm2m.observation "dev\x00/3/0/9" removed
		* observation dev /3/0/9 ended err=<nil>`)
}

// A device that does not answer when it is asked again is asked when it is next heard of.
func TestObservationWaitsForASignOfLife(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	r.observe("dev", "/3/0/9")
	at := r.register(device, "dev", "", oldLinks)
	r.wait(5 * time.Minute)
	if l := r.s.Observations("dev"); len(l) != 1 || l[0].State != Failed {
		t.Fatalf("%+v", l)
	}
	r.request(device, coap.POST, at, "")
	r.answer(coap.Content, observing(1, coap.Text), []byte("50"))
	if l := r.s.Observations("dev"); len(l) != 1 || l[0].State != Active {
		t.Fatalf("%+v", l)
	}
}

// Observations outlive a registration that ended, and end when the operator forgets the endpoint.
func TestObservationWaitsForItsEndpoint(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "dev", "", oldLinks)
	r.observe("dev", "/3/0/9")
	r.request(device, coap.DELETE, at, "")
	if l := r.s.Observations("dev"); len(l) != 1 || l[0].State != Waiting {
		t.Fatalf("%+v", l)
	}
	r.restart(open)
	if l := r.s.Observations("dev"); len(l) != 1 || l[0].State != Waiting {
		t.Fatalf("after a restart: %+v", l)
	}
	r.register(device, "dev", "", oldLinks)
	r.wait(time.Second)
	r.answer(coap.Content, observing(1, coap.Text), []byte("50"))
	if l := r.s.Observations("dev"); len(l) != 1 || l[0].State != Active {
		t.Fatalf("%+v", l)
	}
	if !r.s.Forget(r.now, 1, "dev") {
		t.Error("there was nothing to forget")
	}
	r.drain()
	if len(r.disk) != 0 || r.s.Stats().Observations != 0 || len(r.s.Observations("dev")) != 0 {
		t.Errorf("left: %v", r.disk)
	}
}

// An observation of an endpoint that is not there can be cancelled.
func TestCancelWaitingObservation(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "dev", "", oldLinks)
	r.observe("dev", "/3/0/9")
	r.observe("dev", "/3/0/13")
	r.request(device, coap.DELETE, at, "")
	r.forget()
	for _, p := range []string{"/3/0/13", "/3/0/14", "/3/0/9", "/3/0/9"} {
		r.do("dev", &Operation{Kind: CancelObserve, Path: path(p)})
	}
	r.expect(`
		= lwm2m.observation "dev\x00/3/0/13" removed
		* observation dev /3/0/13 ended err=<nil>
		# 3 dev cancel-observe /3/0/13
		# 4 dev cancel-observe /3/0/14 err=no such endpoint is registered
		= lwm2m.observation "dev\x00/3/0/9" removed
		* observation dev /3/0/9 ended err=<nil>
		# 5 dev cancel-observe /3/0/9
		# 6 dev cancel-observe /3/0/9 err=no such endpoint is registered`)
	if r.s.Stats().Observations != 0 || len(r.disk) != 0 {
		t.Errorf("left: %v", r.disk)
	}
}

// kill -9: the observation goes on under its token, and the order of its values too.
func TestObservationAfterARestart(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	token := r.observe("dev", "/3/0/9")
	r.notify(device, coap.NON, token, 10, "10")
	r.wait(2 * time.Second)
	r.restart(open)
	r.forget()
	r.notify(device, coap.NON, token, 9, "old")
	r.notify(device, coap.CON, token, 11, "11")
	r.expect(`
		> NON 2.05 observe=9 ct=0 "old"
		> CON 2.05 observe=11 ct=0 "11"
		* notified dev /3/0/9 2.05 {/3/0/9=11} err=<nil>
		< ACK`)
	// A second restart between the device's Register and its answer: the device must be asked again.
	at := r.register(device, "dev", "", oldLinks)
	r.restart(open)
	if l := r.s.Observations("dev"); len(l) != 1 || l[0].State != Failed {
		t.Fatalf("%+v", l)
	}
	r.request(device, coap.POST, at, "")
	r.answer(coap.Content, observing(1, coap.Text), []byte("50"))
	if l := r.s.Observations("dev"); len(l) != 1 || l[0].State != Active {
		t.Fatalf("%+v", l)
	}
}

// An Update from a new address takes the observations along.
func TestObservationMovesWithAnUpdate(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "dev", "", oldLinks)
	token := r.observe("dev", "/3/0/9")
	other := device
	other.Remote = addr("198.51.100.7:1234")
	r.forget()
	r.request(other, coap.POST, at, "")
	if got := r.last().Token; got != token {
		t.Errorf("asked again with token %v, not %v", got, token)
	}
	r.answer(coap.Content, observing(1, coap.Text), []byte("1"))
	r.notify(other, coap.CON, token, 2, "2")
	r.notify(device, coap.CON, token, 3, "from where it was")
	r.expect(`
		> CON POST /rd/ID
		= lwm2m.registration "dev"
		= lwm2m.observation "dev\x00/3/0/9"
		* observation dev /3/0/9 restoring err=<nil>
		* updated dev changed=true 24h0m0s
		< ACK 2.04
		< CON GET /3/0/9 observe=0 accept=11542
		> ACK 2.05 observe=1 ct=0 "1"
		= lwm2m.observation "dev\x00/3/0/9"
		* observation dev /3/0/9 active err=<nil>
		* notified dev /3/0/9 2.05 {/3/0/9=1} err=<nil>
		> CON 2.05 observe=2 ct=0 "2"
		* notified dev /3/0/9 2.05 {/3/0/9=2} err=<nil>
		< ACK
		> CON 2.05 observe=3 ct=0 "from where it was"
		< RST`)
	r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9")})
	if to := r.outTo[len(r.outTo)-1].Remote; to != other.Remote {
		t.Errorf("the read goes to %v", to)
	}
}

// A token is worth nothing from another peer.
func TestNotificationOfAStranger(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	token := r.observe("dev", "/3/0/9")
	other := device
	other.Remote = addr("198.51.100.7:1234")
	r.forget()
	r.notify(other, coap.CON, token, 2, "666")
	r.expect(`
		> CON 2.05 observe=2 ct=0 "666"
		< RST`)
}

func TestObserveWhenTheStoreFails(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	r.auto = false
	id := r.do("dev", &Operation{Kind: Observe, Path: path("/3/0/9")})
	r.answer(coap.Content, observing(1, coap.Text), []byte("1"))
	r.fail(errors.New("no space"))
	if o := r.result[id]; o == nil || o.Err != ErrNotStored {
		t.Fatalf("%+v", o)
	}
	if id := r.do("dev", &Operation{Kind: Observe, Path: path("/3/0/10")}); r.result[id].Err != ErrNotStored {
		t.Fatalf("%+v", r.result[id])
	}
	// Reading goes on.
	id = r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9")})
	r.answer(coap.Content, in(coap.Text), []byte("1"))
	if o := r.result[id]; o == nil || o.Err != nil || o.Entries[0].Value != lwm2m.Int(1) {
		t.Fatalf("%+v", o)
	}
}
