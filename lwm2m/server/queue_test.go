package server

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// sleeper registers a device in queue mode and waits until it is asleep.
func (r *rig) sleeper(ep string) (location string) {
	r.t.Helper()
	location = r.register(device, ep, "&lwm2m=1.1&Q", oldLinks)
	r.wait(94 * time.Second)
	r.forget()
	return location
}

func (r *rig) update(location string) {
	r.t.Helper()
	r.request(device, coap.POST, location, "")
}

func writeOp(p, value string) *Operation {
	return &Operation{Kind: Write, Path: path(p), Entries: entry1(p, lwm2m.Str(value))}
}

// Each request for a sleeping device is kept, in order, and sent one at a time when it wakes. The word that it is kept
// comes after its commit.
func TestETS_109_BehaviourInQueueMode(t *testing.T) {
	r := newRig(t, open)
	at := r.sleeper("dev")
	r.auto = false
	r.do("dev", writeOp("/3/0/14", "+01:00"))
	r.expect(`= lwm2m.queue "dev" 1`)
	r.auto = true
	r.commit()
	r.do("dev", writeOp("/3/0/15", "Europe/Berlin"))
	r.do("dev", &Operation{Kind: Read, Path: path("/3/0/14"), Expires: time.Hour})
	r.expect(`
		* kept 1 dev write /3/0/14 as 1 of 1, expires after 168h0m0s
		= lwm2m.queue "dev" 2
		* kept 2 dev write /3/0/15 as 2 of 2, expires after 168h0m0s
		= lwm2m.queue "dev" 3
		* kept 3 dev read /3/0/14 as 3 of 3, expires after 1h0m0s`)
	if l := r.s.Queue("dev"); len(l) != 3 || l[2].ID != 3 || l[2].Position != 3 || !l[2].Kept || l[2].State != RequestQueued || r.s.Queued("dev") != 3 {
		t.Errorf("%+v", l)
	}

	r.update(at)
	if l := r.s.Queue("dev"); l[0].State != RequestSent || l[1].State != RequestQueued || l[0].Attempts != 1 {
		t.Errorf("%+v", l)
	}
	r.answer(coap.Changed, nil, nil)
	r.answer(coap.BadRequest, nil, []byte("no such zone"))
	r.answer(coap.Content, in(coap.Text), []byte("+01:00"))
	r.expect(`
		> CON POST /rd/ID
		* updated dev changed=false 24h0m0s
		* awake dev for 1m33s
		< ACK 2.04
		< CON PUT /3/0/14 ct=0 "+01:00"
		> ACK 2.04
		= lwm2m.result 1
		= lwm2m.queue "dev" 1 removed
		< CON PUT /3/0/15 ct=0 "Europe/Berlin"
		# 1 dev write /3/0/14 2.04
		> ACK 4.00 "no such zone"
		= lwm2m.result 2
		= lwm2m.queue "dev" 2 removed
		< CON GET /3/0/14 accept=11542
		# 2 dev write /3/0/15 4.00
		> ACK 2.05 ct=0 "+01:00"
		= lwm2m.result 3
		= lwm2m.queue "dev" 3 removed
		# 3 dev read /3/0/14 2.05 {/3/0/14=+01:00}`)
	if o := r.result[3]; !o.Kept || o.Left != 0 || o.QueuedAt == 0 {
		t.Errorf("%+v", o)
	}
	// For a day anybody may ask how it ended, after a restart too.
	r.restart(open)
	o, when, ok := r.s.Done(2)
	if !ok || o.Code != coap.BadRequest || string(o.Payload) != "no such zone" || o.Endpoint != "dev" || o.Op != Write || when != r.now {
		t.Errorf("%+v at %d, %v", o, when, ok)
	}
	if o, _, ok = r.s.Done(3); !ok || len(o.Entries) != 1 || o.Entries[0].Value != lwm2m.Str("+01:00") {
		t.Errorf("%+v, %v", o, ok)
	}
	r.forget()
	r.wait(24*time.Hour - time.Second)
	r.forget()
	r.wait(time.Second)
	if _, _, ok := r.s.Done(3); ok {
		t.Error("a result is kept for ever")
	}
	for k := range r.disk {
		if k[:12] == "lwm2m.result" {
			t.Errorf("%q is left on disk", k)
		}
	}
}

// No answer within 93 s: the device is asleep again. What may run twice stays at the head and goes out under another
// token; whether an Execute has run nobody knows, and that is what its result says.
func TestQueueWithoutAnAnswer(t *testing.T) {
	r := newRig(t, open)
	at := r.sleeper("dev")
	r.do("dev", writeOp("/3/0/14", "a"))
	r.do("dev", &Operation{Kind: Execute, Path: path("/3/0/4")})
	r.do("dev", &Operation{Kind: Execute, Path: path("/3/0/5"), Repeat: true})
	r.forget()
	r.update(at)
	first := r.last()
	r.forget()
	r.wait(93 * time.Second)
	r.expect(`
		< CON PUT /3/0/14 ct=0 "a"
		< CON PUT /3/0/14 ct=0 "a"
		< CON PUT /3/0/14 ct=0 "a"
		< CON PUT /3/0/14 ct=0 "a"
		* asleep dev`)
	r.wait(time.Hour)
	r.expect(``)

	r.update(at)
	if second := r.last(); second.Token == first.Token || second.ID == first.ID {
		t.Error("the same token again")
	}
	r.answer(coap.Changed, nil, nil)
	r.forget()
	r.wait(94 * time.Second)
	r.update(at)
	r.expect(`
		< CON POST /3/0/4
		< CON POST /3/0/4
		< CON POST /3/0/4
		< CON POST /3/0/4
		= lwm2m.result 2
		= lwm2m.queue "dev" 2 removed
		* asleep dev
		# 2 dev execute /3/0/4 err=the device was asked but did not answer: perhaps it has executed it; it is not asked again
		> CON POST /rd/ID
		* updated dev changed=false 24h0m0s
		* awake dev for 1m33s
		< ACK 2.04
		= lwm2m.queue "dev" 3
		< CON POST /3/0/5`)
	if !errors.Is(r.result[2].Err, ErrMaybeExecuted) {
		t.Error(r.result[2].Err)
	}
	// The operator said that this one may be repeated.
	r.wait(94 * time.Second)
	r.forget()
	r.update(at)
	r.answer(coap.Changed, nil, nil)
	r.expect(`
		> CON POST /rd/ID
		* updated dev changed=false 24h0m0s
		* awake dev for 1m33s
		< ACK 2.04
		< CON POST /3/0/5
		> ACK 2.04
		= lwm2m.result 3
		= lwm2m.queue "dev" 3 removed
		# 3 dev execute /3/0/5 2.04`)
	if st := r.s.Stats(); st.Queued != 3 || st.QueueDone != 3 || st.QueueUnanswered != 3 || st.QueueMaybe != 1 || st.Waiting != 0 || st.WaitingBytes != 0 {
		t.Errorf("%+v", st)
	}
}

// kill -9: what was kept is there, in its order, under its ids. What may not run twice and was sent is reported.
func TestQueueAfterARestart(t *testing.T) {
	r := newRig(t, open)
	at := r.sleeper("dev")
	r.do("dev", &Operation{Kind: Execute, Path: path("/3/0/4")})
	r.do("dev", writeOp("/3/0/14", "a"))
	r.do("dev", &Operation{Kind: Create, Path: path("/31024"), Entries: entry1("/31024/13/1", lwm2m.Int(5))})
	r.forget()
	r.restart(open)
	r.update(at)
	r.expect(`
		-- restart
		> CON POST /rd/ID
		* updated dev changed=false 24h0m0s
		* awake dev for 1m33s
		< ACK 2.04
		= lwm2m.queue "dev" 1
		< CON POST /3/0/4`)
	r.restart(open)
	r.expect(`
		-- restart
		= lwm2m.result 1
		= lwm2m.queue "dev" 1 removed
		# 1 dev execute /3/0/4 err=the device was asked but did not answer: perhaps it has executed it; it is not asked again`)
	r.update(at)
	r.expect(`
		> CON POST /rd/ID
		* updated dev changed=false 24h0m0s
		* awake dev for 1m33s
		< ACK 2.04
		< CON PUT /3/0/14 ct=0 "a"`)
	r.restart(open) // nobody knows whether it was written: once more
	r.update(at)
	r.answer(coap.Changed, nil, nil)
	r.answer(coap.Created, coap.Options{}.AppendLocation("/31024/13"), nil)
	r.expect(`
		-- restart
		> CON POST /rd/ID
		* updated dev changed=false 24h0m0s
		* awake dev for 1m33s
		< ACK 2.04
		< CON PUT /3/0/14 ct=0 "a"
		> ACK 2.04
		= lwm2m.result 2
		= lwm2m.queue "dev" 2 removed
		= lwm2m.queue "dev" 3
		# 2 dev write /3/0/14 2.04
		< CON POST /31024 ct=11542 030dc10105
		> ACK 2.01 location /31024/13
		= lwm2m.result 3
		= lwm2m.queue "dev" 3 removed
		# 3 dev create /31024 2.01 location /31024/13`)
	if id := r.do("dev", writeOp("/3/0/14", "b")); id <= 3 {
		t.Errorf("id %d is given out again", id)
	}
}

// Register keeps the queue: the device has begun anew, and is left alone until it has its 2.01.
func TestQueueOverANewRegistration(t *testing.T) {
	r := newRig(t, open)
	r.sleeper("dev")
	r.do("dev", writeOp("/3/0/14", "a"))
	r.do("dev", &Operation{Kind: Execute, Path: path("/3/0/4")})
	r.forget()
	elsewhere := machine.Path{Local: serverAddr, Remote: addr("192.0.2.77:1234")}
	r.register(elsewhere, "dev", "&lwm2m=1.1&Q", oldLinks)
	r.expect(`
		> CON POST /rd?ep=dev&lwm2m=1.1&Q ct=40 "</1/0>,</3/0>,</31024/10>"
		= lwm2m.registration "dev"
		* registered dev 1.1 24h0m0s U queue replaces true
		* awake dev for 1m33s
		< ACK 2.01 location /rd/ID`)
	r.wait(time.Second)
	r.expect(`< CON PUT /3/0/14 ct=0 "a"`)
	// It is elsewhere again before it has answered: it is asked there.
	r.register(device, "dev", "&lwm2m=1.1&Q", oldLinks)
	r.forget()
	r.wait(time.Second)
	r.answer(coap.Changed, nil, nil)
	r.expect(`
		< CON PUT /3/0/14 ct=0 "a"
		> ACK 2.04
		= lwm2m.result 1
		= lwm2m.queue "dev" 1 removed
		= lwm2m.queue "dev" 2
		# 1 dev write /3/0/14 2.04
		< CON POST /3/0/4`)
	// The Execute is not sent to another address. Perhaps it has run at the first one.
	r.register(elsewhere, "dev", "&lwm2m=1.1&Q", oldLinks)
	r.expect(`
		> CON POST /rd?ep=dev&lwm2m=1.1&Q ct=40 "</1/0>,</3/0>,</31024/10>"
		= lwm2m.result 2
		= lwm2m.queue "dev" 2 removed
		= lwm2m.registration "dev"
		* registered dev 1.1 24h0m0s U queue replaces true
		# 2 dev execute /3/0/4 err=the device was asked but did not answer: perhaps it has executed it; it is not asked again
		< ACK 2.01 location /rd/ID`)
}

// An Update from another address takes a request that was sent to the old one along.
func TestQueueMovesWithAnUpdate(t *testing.T) {
	r := newRig(t, open)
	at := r.sleeper("dev")
	r.do("dev", writeOp("/3/0/14", "a"))
	r.update(at)
	r.forget()
	elsewhere := machine.Path{Local: serverAddr, Remote: addr("192.0.2.77:1234")}
	r.request(elsewhere, coap.POST, at, "")
	if to := r.outTo[len(r.outTo)-1]; to.Remote != elsewhere.Remote {
		t.Errorf("asked at %v", to.Remote)
	}
	r.answer(coap.Changed, nil, nil)
	r.expect(`
		> CON POST /rd/ID
		= lwm2m.registration "dev"
		* updated dev changed=true 24h0m0s
		< ACK 2.04
		< CON PUT /3/0/14 ct=0 "a"
		> ACK 2.04
		= lwm2m.result 1
		= lwm2m.queue "dev" 1 removed
		# 1 dev write /3/0/14 2.04`)
}

// The end of the registration ends what was kept for it, in one commit, and says why.
func TestQueueEndsWithTheRegistration(t *testing.T) {
	r := newRig(t, open)
	at := r.sleeper("dev")
	r.do("dev", writeOp("/3/0/14", "a"))
	r.do("dev", writeOp("/3/0/14", "b"))
	r.forget()
	r.request(device, coap.DELETE, at, "")
	r.expect(`
		> CON DELETE /rd/ID
		= lwm2m.result 1
		= lwm2m.queue "dev" 1 removed
		= lwm2m.result 2
		= lwm2m.queue "dev" 2 removed
		= lwm2m.registration "dev" removed
		* ended dev: deregistered
		< ACK 2.02
		# 1 dev write /3/0/14 err=the device's registration ended before it woke: deregistered
		# 2 dev write /3/0/14 err=the device's registration ended before it woke: deregistered`)

	r.register(device, "short", "&lwm2m=1.1&Q&lt=200", oldLinks)
	r.wait(94 * time.Second)
	r.do("short", writeOp("/3/0/14", "a"))
	r.forget()
	r.wait(200 * time.Second)
	r.expect(`
		= lwm2m.result 3
		= lwm2m.queue "short" 3 removed
		= lwm2m.registration "short" removed
		* ended short: expired
		# 3 short write /3/0/14 err=the device's registration ended before it woke: expired`)
	if o, _, ok := r.s.Done(3); !ok || !errors.Is(o.Err, ErrDeregistered) {
		t.Errorf("%+v, %v", o, ok)
	}
	if st := r.s.Stats(); st.Waiting != 0 || st.WaitingBytes != 0 || len(r.s.lines.of) != 0 || st.Awake != 0 {
		t.Errorf("%+v", st)
	}
}

func TestQueueCancel(t *testing.T) {
	r := newRig(t, open)
	at := r.sleeper("dev")
	for i := range 4 {
		r.do("dev", writeOp("/3/0/14", fmt.Sprint(i)))
	}
	r.forget()
	r.s.Cancel(r.now, 2)
	r.drain()
	r.expect(`
		= lwm2m.result 2
		= lwm2m.queue "dev" 2 removed
		# 2 dev write /3/0/14 err=the operation was cancelled`)
	r.update(at)
	r.forget()
	r.s.Cancel(r.now, 1) // while the device is being asked
	r.drain()
	r.expect(`
		= lwm2m.result 1
		= lwm2m.queue "dev" 1 removed
		< CON PUT /3/0/14 ct=0 "2"
		# 1 dev write /3/0/14 err=the operation was cancelled`)
	if n := r.s.CancelQueue(r.now, 1, "dev"); n != 2 {
		t.Errorf("%d cancelled", n)
	}
	r.drain()
	if len(r.s.Queue("dev")) != 0 || r.result[3] == nil || r.result[4] == nil || r.s.CancelQueue(r.now, 1, "nobody") != 0 {
		t.Errorf("left: %+v", r.s.Queue("dev"))
	}
	r.s.Cancel(r.now, 3) // has ended
	r.drain()
}

func TestQueueExpiry(t *testing.T) {
	r := newRig(t, open)
	at := r.sleeper("dev")
	r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9"), Expires: 2 * time.Hour})
	r.do("dev", &Operation{Kind: Read, Path: path("/3/0/10"), Expires: time.Hour})
	r.forget()
	r.wait(time.Hour)
	r.expect(`
		= lwm2m.result 2
		= lwm2m.queue "dev" 2 removed
		# 2 dev read /3/0/10 err=the device did not wake before the request expired`)
	r.wait(time.Hour - time.Second)
	r.update(at)
	r.forget()
	r.wait(time.Minute) // while the device is being asked nothing expires
	r.answer(coap.Content, in(coap.Text), []byte("7"))
	if o := r.result[1]; o == nil || o.Code != coap.Content {
		t.Errorf("%+v", o)
	}
	// Over its expiry while the server was down: not sent any more.
	r.wait(2 * time.Minute)
	r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9"), Expires: time.Hour})
	r.now += machine.Time(2 * time.Hour)
	r.forget()
	r.restart(open)
	r.wait(0)
	r.update(at)
	r.expect(`
		-- restart
		= lwm2m.result 3
		= lwm2m.queue "dev" 3 removed
		# 3 dev read /3/0/9 err=the device did not wake before the request expired
		> CON POST /rd/ID
		* updated dev changed=false 24h0m0s
		* awake dev for 1m33s
		< ACK 2.04`)
}

// A device in queue mode that is awake is asked at once. Whoever asked waits as long as he said; then the request is kept.
func TestQueueOfAnAwakeDevice(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "&lwm2m=1.1&Q", oldLinks)
	r.forget()
	r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9"), Timeout: 10 * time.Second})
	r.do("dev", &Operation{Kind: Execute, Path: path("/3/0/4"), Timeout: 20 * time.Second})
	r.answer(coap.Content, in(coap.Text), []byte("7"))
	r.expect(`
		< CON GET /3/0/9 accept=11542
		> ACK 2.05 ct=0 "7"
		# 1 dev read /3/0/9 2.05 {/3/0/9=7}
		< CON POST /3/0/4`)
	if o := r.result[1]; o.Kept {
		t.Errorf("%+v", o)
	}
	if _, _, ok := r.s.Done(1); ok {
		t.Error("the result of what was not kept is kept")
	}
	r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9"), Timeout: 30 * time.Second})
	r.wait(20 * time.Second)
	r.wait(10 * time.Second)
	r.expect(`
		< CON POST /3/0/4
		< CON POST /3/0/4
		< CON POST /3/0/4
		= lwm2m.queue "dev" 2
		* kept 2 dev execute /3/0/4 as 1 of 1, expires after 168h0m0s
		= lwm2m.queue "dev" 3
		* kept 3 dev read /3/0/9 as 2 of 2, expires after 168h0m0s`)
	// It was sent before it was kept: a restart must not send it again. The device is still awake.
	r.restart(open)
	r.expect(`
		-- restart
		* awake dev for 1m3s
		= lwm2m.result 2
		= lwm2m.queue "dev" 2 removed
		< CON GET /3/0/9 accept=11542
		# 2 dev execute /3/0/4 err=the device was asked but did not answer: perhaps it has executed it; it is not asked again`)
}

// Awake from each message until 93 s after the last one; another window where the operator says so.
func TestPresence(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "dev", "&lwm2m=1.1&Q", oldLinks)
	token := r.observe("dev", "/3/0/9")
	r.forget()
	r.wait(50 * time.Second)
	r.notify(device, coap.NON, token, 10, "10")
	r.forget()
	if awake, until := r.s.Awake("dev"); !awake || until.Sub(r.now) != 93*time.Second || r.s.Stats().Awake != 1 {
		t.Errorf("%v until %v", awake, until.Sub(r.now))
	}
	r.wait(92 * time.Second)
	if awake, _ := r.s.Awake("dev"); !awake {
		t.Error("asleep too early")
	}
	r.forget()
	r.wait(time.Second)
	r.expect(`* asleep dev`)
	if awake, _ := r.s.Awake("dev"); awake || len(r.s.lines.of) != 0 || r.s.Stats().Awake != 0 {
		t.Error("still awake")
	}
	r.notify(device, coap.NON, token, 11, "11")
	r.expect(`
		> NON 2.05 observe=11 ct=0 "11"
		* notified dev /3/0/9 2.05 {/3/0/9=11} err=<nil>
		* awake dev for 1m33s`)

	if !r.s.SetAwakeWindow(r.now, 1, "dev", 10*time.Second) {
		t.Error("refused")
	}
	r.drain()
	r.wait(10 * time.Second)
	r.expect(`
		= lwm2m.awake "dev"
		* awake dev for 10s
		= lwm2m.observation "dev\x00/3/0/9"
		* asleep dev`)
	r.restart(open)
	if d, own := r.s.AwakeWindow("dev"); d != 10*time.Second || !own {
		t.Error(d, own)
	}
	r.forget()
	r.update(at)
	r.wait(10 * time.Second)
	r.expect(`
		> CON POST /rd/ID
		* updated dev changed=false 24h0m0s
		* awake dev for 10s
		< ACK 2.04
		* asleep dev`)
	r.s.SetAwakeWindow(r.now, 1, "dev", 0)
	r.drain()
	r.expect(`= lwm2m.awake "dev" removed`)
	if d, own := r.s.AwakeWindow("dev"); d != 93*time.Second || own {
		t.Error(d, own)
	}
	// A device that leaves queue mode is awake for good.
	r.request(device, coap.POST, at+"?b=U", "")
	if awake, until := r.s.Awake("dev"); !awake || until != machine.Never || len(r.s.lines.of) != 0 {
		t.Error(awake, until)
	}
}

func TestQueueModes(t *testing.T) {
	r := newRig(t, open)
	r.sleeper("dev")
	// Never: sent to the sleeping device, which happens to hear it. Then it is awake, and what was kept follows.
	r.do("dev", writeOp("/3/0/14", "kept"))
	r.forget()
	r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9"), Queue: QueueNever})
	r.answer(coap.Content, in(coap.Text), []byte("7"))
	r.answer(coap.Changed, nil, nil)
	r.expect(`
		< CON GET /3/0/9 accept=11542
		> ACK 2.05 ct=0 "7"
		* awake dev for 1m33s
		# 2 dev read /3/0/9 2.05 {/3/0/9=7}
		< CON PUT /3/0/14 ct=0 "kept"
		> ACK 2.04
		= lwm2m.result 1
		= lwm2m.queue "dev" 1 removed
		# 1 dev write /3/0/14 2.04`)
	r.do("dev", &Operation{Kind: Ping})
	r.s.Cancel(r.now, 3)
	r.drain()

	// Always: a device that is not in queue mode, and is away all the same.
	other := machine.Path{Local: serverAddr, Remote: addr("192.0.2.77:1234")}
	at := r.register(other, "plain", "&lwm2m=1.1", oldLinks)
	r.forget()
	r.do("plain", &Operation{Kind: Write, Path: path("/3/0/14"), Entries: entry1("/3/0/14", lwm2m.Str("a")), Queue: QueueAlways, Timeout: 10 * time.Second})
	r.wait(10 * time.Second)
	r.forget()
	r.wait(84 * time.Second) // it has gone
	r.do("plain", &Operation{Kind: Write, Path: path("/3/0/14"), Entries: entry1("/3/0/14", lwm2m.Str("b")), Queue: QueueAlways})
	r.forget()
	r.request(other, coap.POST, at, "")
	r.answer(coap.Changed, nil, nil)
	r.answer(coap.Changed, nil, nil)
	r.expect(`
		> CON POST /rd/ID
		* updated plain changed=false 24h0m0s
		< ACK 2.04
		< CON PUT /3/0/14 ct=0 "a"
		> ACK 2.04
		= lwm2m.result 4
		= lwm2m.queue "plain" 4 removed
		< CON PUT /3/0/14 ct=0 "b"
		# 4 plain write /3/0/14 2.04
		> ACK 2.04
		= lwm2m.result 5
		= lwm2m.queue "plain" 5 removed
		# 5 plain write /3/0/14 2.04`)
	// What makes no sense is not kept.
	r.wait(2 * time.Minute)
	r.forget()
	r.do("dev", &Operation{Kind: Execute, Path: path("/3/0")})
	r.do("dev", &Operation{Kind: CancelObserve, Path: path("/3/0/9")})
	r.do("dev", &Operation{Kind: Observe})
	r.expect(`
		# 6 dev execute /3/0 err=/3/0: name the resource to execute
		# 7 dev cancel-observe /3/0/9 err=this path is not observed
		# 8 dev observe / err=/: the root cannot be observed; name an object`)
}

// Observations begin and end in the order in which they were asked for.
func TestQueueObserve(t *testing.T) {
	r := newRig(t, open)
	at := r.sleeper("dev")
	r.do("dev", &Operation{Kind: Observe, Path: path("/3/0/9")})
	r.do("dev", &Operation{Kind: CancelObserve, Path: path("/3/0/9")})
	r.forget()
	r.update(at)
	r.wait(94 * time.Second) // not answered: there is no observation
	if l := r.s.Observations("dev"); len(l) != 0 || r.s.Stats().Observations != 0 {
		t.Errorf("%+v", l)
	}
	r.forget()
	r.update(at)
	r.answer(coap.Content, observing(1, coap.Text), []byte("50"))
	r.expect(`
		> CON POST /rd/ID
		* updated dev changed=false 24h0m0s
		* awake dev for 1m33s
		< ACK 2.04
		< CON GET /3/0/9 observe=0 accept=11542
		> ACK 2.05 observe=1 ct=0 "50"
		= lwm2m.observation "dev\x00/3/0/9"
		* observation dev /3/0/9 active err=<nil>
		= lwm2m.result 1
		= lwm2m.queue "dev" 1 removed
		= lwm2m.observation "dev\x00/3/0/9" removed
		* observation dev /3/0/9 ended err=<nil>
		= lwm2m.queue "dev" 2
		# 1 dev observe /3/0/9 2.05 {/3/0/9=50}
		< CON GET /3/0/9 observe=1 accept=11542`)
	// Not answered: asked again when it wakes.
	r.wait(94 * time.Second)
	r.forget()
	r.update(at)
	r.answer(coap.Content, in(coap.Text), []byte("50"))
	r.expect(`
		> CON POST /rd/ID
		* updated dev changed=false 24h0m0s
		* awake dev for 1m33s
		< ACK 2.04
		< CON GET /3/0/9 observe=1 accept=11542
		> ACK 2.05 ct=0 "50"
		= lwm2m.result 2
		= lwm2m.queue "dev" 2 removed
		# 2 dev cancel-observe /3/0/9 2.05 {/3/0/9=50}`)
}

// A cancelled observation whose cancelling was sent before a restart has ended: the server will reject what still comes.
func TestQueueCancelObserveOverARestart(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "dev", "&lwm2m=1.1&Q", oldLinks)
	r.observe("dev", "/3/0/9")
	r.wait(94 * time.Second)
	r.do("dev", &Operation{Kind: CancelObserve, Path: path("/3/0/9")})
	r.update(at)
	r.restart(open)
	r.update(at)
	if o := r.result[2]; o == nil || o.Err != nil || len(r.s.Observations("dev")) != 0 {
		t.Errorf("%+v", o)
	}
}

func TestQueueLimits(t *testing.T) {
	limits := open
	limits.Limits = Limits{QueuePerClient: 2, Queue: 3, Results: 2}
	r := newRig(t, limits)
	at := r.sleeper("dev")
	other := machine.Path{Local: serverAddr, Remote: addr("192.0.2.77:1234")}
	r.register(other, "other", "&lwm2m=1.1&Q", oldLinks)
	r.wait(94 * time.Second)
	for _, c := range []struct {
		ep   string
		kept bool
	}{{"dev", true}, {"dev", true}, {"dev", false}, {"other", true}, {"other", false}} {
		id := r.do(c.ep, writeOp("/3/0/14", "x"))
		if o := r.result[id]; (o == nil) != c.kept || o != nil && !errors.Is(o.Err, ErrQueueFull) {
			t.Errorf("%s: %+v", c.ep, o)
		}
	}
	r.update(at)
	r.answer(coap.Changed, nil, nil)
	r.answer(coap.Changed, nil, nil)
	r.s.CancelQueue(r.now, 1, "other")
	r.drain()
	if _, _, ok := r.s.Done(1); ok || r.s.Stats().Results != 2 {
		t.Error("more results than the limit")
	}
	results := 0
	for k := range r.disk {
		if k[:12] == "lwm2m.result" {
			results++
		}
	}
	if results != 2 {
		t.Errorf("%d results on disk", results)
	}
	bytes := open
	bytes.Limits = Limits{QueueBytesPerClient: 1000}
	r = newRig(t, bytes)
	r.sleeper("dev")
	if o := r.result[r.do("dev", writeOp("/3/0/14", string(make([]byte, 1000))))]; o == nil || !errors.Is(o.Err, ErrQueueFull) {
		t.Errorf("%+v", o)
	}
}

// A commit that fails promises nothing: the request is reported as not stored and is never sent.
func TestQueueWhenTheStoreFails(t *testing.T) {
	r := newRig(t, open)
	at := r.sleeper("dev")
	r.do("dev", writeOp("/3/0/14", "promised"))
	r.auto = false
	r.do("dev", writeOp("/3/0/14", "not promised"))
	r.forget()
	r.fail(errors.New("disk full"))
	r.expect(`
		= failed
		# 2 dev write /3/0/14 err=the store has failed; nothing new can be promised until it is repaired and the server restarted`)
	if o := r.result[r.do("dev", writeOp("/3/0/14", "late"))]; o == nil || !errors.Is(o.Err, ErrNotStored) {
		t.Errorf("%+v", o)
	}
	// What was promised waits until the store is repaired: that it was done could not be written down.
	r.update(at)
	r.forget()
	r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9"), Timeout: 5 * time.Second})
	r.wait(5 * time.Second)
	r.expect(`# 4 dev read /3/0/9 err=the device did not answer in time`)
	r.auto = true
	r.restart(open)
	r.update(at)
	r.answer(coap.Changed, nil, nil)
	if o := r.result[1]; o == nil || o.Code != coap.Changed {
		t.Errorf("%+v", o)
	}
}

// A device that comes to another shard finds what is kept for it there, under the same ids. A request that was under way
// is sent anew; what nobody was promised ends.
func TestQueueWithAnotherShard(t *testing.T) {
	b, rigs := shardRigs(t, 2, open)
	one, two := rigs[0], rigs[1]
	at := one.sleeper("dev")
	one.do("dev", writeOp("/3/0/14", "a"))
	one.do("dev", writeOp("/3/0/14", "b"))
	one.update(at)
	awake := one.do("dev", &Operation{Kind: Read, Path: path("/3/0/9")})
	one.forget()
	two.now = one.now
	elsewhere := device
	elsewhere.Remote = addr("192.0.2.99:1234")
	two.request(elsewhere, coap.POST, "/rd?ep=dev&lwm2m=1.1&Q", few)
	bring(b, one, two)
	one.expect(fmt.Sprintf(`# %d dev read /3/0/9 err=the device registered again before it answered; repeat the operation`, awake))
	if one.s.Stats().Waiting != 0 || len(one.s.lines.of) != 0 || one.s.Stats().Awake != 0 {
		t.Errorf("left behind: %+v", one.s.Stats())
	}
	if l := two.s.Queue("dev"); len(l) != 2 || l[0].ID != 1 || l[1].ID != 2 || !l[0].Kept {
		t.Fatalf("%+v", l)
	}
	two.forget()
	two.wait(time.Second)
	two.answer(coap.Changed, nil, nil)
	two.answer(coap.Changed, nil, nil)
	two.expect(`
		< CON PUT /3/0/14 ct=0 "a"
		> ACK 2.04
		= lwm2m.result 1
		= lwm2m.queue "dev" 1 removed
		< CON PUT /3/0/14 ct=0 "b"
		# 1 dev write /3/0/14 2.04
		> ACK 2.04
		= lwm2m.result 2
		= lwm2m.queue "dev" 2 removed
		# 2 dev write /3/0/14 2.04`)
	for key, value := range two.disk {
		if table, k, _ := strings.Cut(key, " "); table == string(ResultTable) {
			if shard, placed, ep, err := Home(ResultTable, []byte(k), value); shard != 0 || !placed || ep != "" || err != nil {
				t.Errorf("home %d %v %q %v", shard, placed, ep, err)
			}
		}
	}
	if shard, placed, ep, err := Home(QueueTable, requestKey("dev", 1), nil); shard != 0 || placed || ep != "dev" || err != nil {
		t.Errorf("home %d %v %q %v", shard, placed, ep, err)
	}
}

// A clock that was set back does not keep a device awake for as long as it was ahead.
func TestPresenceWithAClockSetBack(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "&lwm2m=1.1&Q", oldLinks)
	id := r.do("dev", writeOp("/3/0/14", "a"))
	r.wait(94 * time.Second)
	r.now -= machine.Time(24 * time.Hour)
	r.restart(open)
	if awake, until := r.s.Awake("dev"); !awake || until.Sub(r.now) != 93*time.Second {
		t.Errorf("awake %v until %v", awake, until.Sub(r.now))
	}
	if next := r.do("dev", writeOp("/3/0/14", "b")); next <= id {
		t.Errorf("id %d after %d", next, id)
	}
}

// Thousands of requests for one device, and one that sleeps for ever.
func TestQueueThousands(t *testing.T) {
	config := open
	config.Limits.QueuePerClient = 5000
	r := newRig(t, config)
	at := r.sleeper("dev")
	for i := range 3000 {
		r.do("dev", writeOp("/3/0/14", fmt.Sprint(i)))
	}
	r.restart(config)
	r.update(at)
	for i := range 3000 {
		if got := string(r.last().Payload); got != fmt.Sprint(i) {
			t.Fatalf("request %d is %q", i, got)
		}
		r.answer(coap.Changed, nil, nil)
		r.lines, r.events = nil, nil
	}
	if len(r.result) != 3000 || len(r.s.Queue("dev")) != 0 {
		t.Errorf("%d results", len(r.result))
	}
	r.wait(94 * time.Second)
	id := r.do("dev", writeOp("/3/0/14", "x"))
	r.now += machine.Time(10 * 365 * 24 * time.Hour) // the clock jumps
	r.s.Expire(r.now)
	r.drain()
	if o := r.result[id]; o == nil || o.Err == nil || r.s.Stats().Registrations != 0 || r.s.Deadline() != machine.Never && r.s.Deadline() <= r.now {
		t.Errorf("%+v", o)
	}
}
