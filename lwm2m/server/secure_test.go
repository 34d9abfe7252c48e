package server

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// keyring is Credentials of a map.
type keyring map[string]Credential // by endpoint

func (k keyring) ByEndpoint(ep string) (Credential, bool) { c, ok := k[ep]; return c, ok }

func (k keyring) ByIdentity(id []byte) (Credential, bool) {
	for _, c := range k {
		if c.Identity == string(id) {
			return c, true
		}
	}
	return Credential{}, false
}

func psk(ep, identity, key string) Credential {
	return Credential{Endpoint: ep, Identity: identity, Key: []byte(key), Mode: machine.PSK}
}

var secureAddr = netip.MustParseAddrPort("192.0.2.1:5684")

func secure(k keyring) Config {
	return Config{Credentials: k, DTLS: &dtls.Config{}, Secure: func(local netip.AddrPort) bool { return local.Port() == 5684 }}
}

// secureDevice is a device's half of a secure session: a stack in the client role.
type secureDevice struct {
	r       *rig
	stack   *stack.Stack
	path    machine.Path   // from the device's side
	outside netip.AddrPort // its address as the server sees it, behind a NAT
	session uint64
	up      bool
	replies []*endpoint.Response
	asked   []*endpoint.Incoming
	records [][]byte     // all that it sent
	op      machine.OpID // of the newest request
	deaf    bool         // what the server sends is lost
}

// wire connects devices to the rig: what either side sends arrives at once.
type wire struct{ devices []*secureDevice }

func (r *rig) secureDevice(w *wire, from, identity, key string) *secureDevice {
	r.t.Helper()
	d := &secureDevice{r: r, path: machine.Path{Local: addr(from), Remote: secureAddr}, outside: addr(from)}
	d.stack = stack.New(stack.Config{Rand: machinetest.NewRand(uint64(len(w.devices)) + 50), DTLS: &dtls.Config{}})
	w.devices = append(w.devices, d)
	r.deliver = w.deliver
	d.dial(identity, key)
	return d
}

func (d *secureDevice) dial(identity, key string) {
	d.up = false
	d.stack.Begin(d.r.now)
	var err error
	if d.session, err = d.stack.DTLS().Dial(d.r.now, 1, d.path, dtls.ClientConfig{Identity: identity, Key: []byte(key)}); err != nil {
		d.r.t.Fatal(err)
	}
	d.run()
}

func (w *wire) deliver(a machine.Action) bool {
	for _, d := range w.devices {
		if d.outside == a.Path.Remote {
			if d.deaf {
				return true
			}
			d.stack.Receive(d.r.now, 1, d.path, append([]byte(nil), a.Data...))
			d.run()
			return true
		}
	}
	return a.Path.Local == secureAddr // to an address that nobody has any more
}

func (d *secureDevice) run() {
	for {
		a, ok := d.stack.Next()
		if !ok {
			return
		}
		switch v := a.Value.(type) {
		case nil:
			if a.Kind == machine.Send {
				b := append([]byte(nil), a.Data...)
				d.records = append(d.records, b)
				d.toServer(b)
			}
		case *dtls.Established:
			d.up = true
		case *endpoint.Response:
			c := *v
			c.Options, c.Payload = c.Options.Clone(), append([]byte(nil), c.Payload...)
			d.replies = append(d.replies, &c)
		case *endpoint.Incoming:
			c := *v
			c.Options = c.Options.Clone()
			d.asked = append(d.asked, &c)
		}
	}
}

func (d *secureDevice) toServer(b []byte) {
	d.r.s.Receive(d.r.now, 1, machine.Path{Local: secureAddr, Remote: d.outside}, b)
	d.r.drain()
}

// request sends a request and returns its response, if it came at once.
func (d *secureDevice) request(code coap.Code, uri, payload string) *endpoint.Response {
	d.r.t.Helper()
	path, _, ok := d.stack.DTLS().Lookup(d.session)
	if !ok {
		d.r.t.Fatal("the device has no session")
	}
	o := uriOptions(uri)
	if payload != "" {
		o = o.SetFormat(coap.LinkFormat)
	}
	n := len(d.replies)
	d.stack.Begin(d.r.now)
	d.op = d.stack.Endpoint().Request(d.r.now, 1, path, &endpoint.Request{Code: code, Options: o, Payload: []byte(payload)})
	d.run()
	if len(d.replies) == n {
		return nil
	}
	return d.replies[len(d.replies)-1]
}

func (d *secureDevice) register(ep string) string {
	d.r.t.Helper()
	query := "?lt=300&lwm2m=1.1"
	if ep != "" {
		query += "&ep=" + ep
	}
	a := d.request(coap.POST, "/rd"+query, links)
	if a == nil || a.Code != coap.Created {
		d.r.t.Fatalf("Register is answered %+v", a)
	}
	return a.Options.Location()
}

func TestETS_401_SecureRegistration(t *testing.T) {
	r := newRig(t, secure(keyring{"dev": psk("dev", "id", "0123456789abcdef")}))
	var w wire
	d := r.secureDevice(&w, "192.0.2.20:1000", "id", "0123456789abcdef")
	if !d.up {
		t.Fatal("no session")
	}
	at := d.register("dev")
	r.expect(`
		= lwm2m.registration "dev"
		* registered dev 1.1 5m0s U`)
	if a := d.request(coap.POST, at, ""); a == nil || a.Code != coap.Changed {
		t.Errorf("Update is answered %+v", a)
	}
	reg, _, _ := r.s.Registration("dev")
	if kind, name, _ := reg.Security(); kind != machine.PSK || name != "id" {
		t.Errorf("security is %v %q", kind, name)
	}
	r.forget()
	id := r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9")})
	if len(d.asked) != 1 || d.asked[0].Options.Path() != "/3/0/9" {
		t.Fatalf("the device was asked %+v", d.asked)
	}
	d.stack.Begin(r.now)
	d.stack.Endpoint().Respond(r.now, 1, d.asked[0].Exchange, &endpoint.Reply{Code: coap.Content, Options: in(coap.Text), Payload: []byte("55")}, 0)
	d.run()
	if o := r.result[id]; o == nil || o.Err != nil || showEntries(o.Entries) != "{/3/0/9=55}" {
		t.Errorf("%+v", o)
	}
	// Without ep, the endpoint is the identity's.
	d.register("")
	if _, _, ok := r.s.Registration("dev"); !ok || r.s.Stats().Registrations != 1 {
		t.Error("the endpoint was not taken from the identity")
	}
}

func TestWrongKeyAndUnknownIdentity(t *testing.T) {
	r := newRig(t, secure(keyring{"dev": psk("dev", "id", "0123456789abcdef")}))
	var w wire
	if d := r.secureDevice(&w, "192.0.2.20:1000", "id", "wrong"); d.up {
		t.Error("a wrong key gets a session")
	}
	if d := r.secureDevice(&w, "192.0.2.21:1000", "nobody", "0123456789abcdef"); d.up {
		t.Error("an unknown identity gets a session")
	}
	r.wait(5 * time.Minute)
	var refused []string
	for _, e := range r.events {
		if v, ok := e.(*Refused); ok {
			refused = append(refused, v.Identity+": "+v.Why)
		}
	}
	all := strings.Join(refused, "\n")
	if !strings.Contains(all, "id: "+dtls.ErrWrongKey.Error()) || !strings.Contains(all, "nobody: "+dtls.ErrUnknownIdentity.Error()) {
		t.Errorf("the operator's log says:\n%s", all)
	}
}

// Who is who: an endpoint with credentials is nobody without them, and an identity speaks for its own endpoint only.
func TestWhoMayRegister(t *testing.T) {
	keys := keyring{"a": psk("a", "id-a", "key-a"), "b": psk("b", "id-b", "key-b"), "free": {Endpoint: "free"}}
	config := secure(keys)
	r := newRig(t, config)
	var w wire
	a := r.secureDevice(&w, "192.0.2.20:1000", "id-a", "key-a")
	for _, c := range []struct {
		ep   string
		want coap.Code
	}{{"b", coap.Forbidden}, {"unknown", coap.Forbidden}, {"free", coap.Forbidden}, {"a", coap.Created}} {
		if m := a.request(coap.POST, "/rd?ep="+c.ep, links); m == nil || m.Code != c.want {
			t.Errorf("identity of a registers %s: %+v, want %s", c.ep, m, c.want)
		}
	}
	for _, c := range []struct {
		ep      string
		unknown Unknown
		want    coap.Code
	}{{"a", AcceptUnknown, coap.Forbidden}, {"free", RefuseUnknown, coap.Created}, {"new", RefuseUnknown, coap.Forbidden}, {"new", AcceptUnknown, coap.Created}} {
		r.s.config.Unknown = c.unknown
		r.request(device, coap.POST, "/rd?ep="+c.ep, links)
		if m := r.lastReply(); m.Code != c.want {
			t.Errorf("plain %s with policy %d: %s, want %s", c.ep, c.unknown, m.Code, c.want)
		}
	}
}

// Update and Deregister count only from the registration's own identity, on whatever path the id has become known.
func TestWhoMayUpdate(t *testing.T) {
	r := newRig(t, secure(keyring{"a": psk("a", "id-a", "key-a"), "b": psk("b", "id-b", "key-b"), "free": {Endpoint: "free"}}))
	var w wire
	a := r.secureDevice(&w, "192.0.2.20:1000", "id-a", "key-a")
	b := r.secureDevice(&w, "192.0.2.21:1000", "id-b", "key-b")
	atA := a.register("a")
	b.register("b")
	atFree := r.register(device, "free", "", links)
	for _, code := range []coap.Code{coap.POST, coap.DELETE} {
		if m := b.request(code, atA, ""); m == nil || m.Code != coap.Forbidden {
			t.Errorf("b's %s of a's registration: %+v", code.Name(), m)
		}
		if m := b.request(code, atFree, ""); m == nil || m.Code != coap.Forbidden {
			t.Errorf("b's %s of a plain registration: %+v", code.Name(), m)
		}
		r.request(device, code, atA, "")
		if m := r.lastReply(); m.Code != coap.Forbidden {
			t.Errorf("a plain %s of a's registration: %s", code.Name(), m.Code)
		}
	}
	if st := r.s.Stats(); st.Registrations != 3 || st.Updates != 0 {
		t.Errorf("%+v", st)
	}
	// A new session of the same identity is the same device, and a new path.
	a2 := r.secureDevice(&w, "192.0.2.22:1000", "id-a", "key-a")
	if m := a2.request(coap.POST, atA, ""); m == nil || m.Code != coap.Changed {
		t.Errorf("the new session's Update: %+v", m)
	}
	if reg, _, _ := r.s.Registration("a"); reg.Path.Remote != a2.path.Local {
		t.Errorf("the registration is at %v", reg.Path.Remote)
	}
}

func TestCredentialChanged(t *testing.T) {
	keys := keyring{"a": psk("a", "id-a", "key-a"), "b": psk("b", "id-b", "key-b")}
	r := newRig(t, secure(keys))
	r.s.config.Unknown = AcceptUnknown
	var w wire
	r.secureDevice(&w, "192.0.2.21:1000", "id-b", "key-b").register("b")
	a := r.secureDevice(&w, "192.0.2.20:1000", "id-a", "key-a")
	a.register("a")
	r.register(device, "plain", "", links)
	r.forget()
	// Nothing changed: nothing ends.
	r.s.CredentialChanged(r.now, 1, keys["a"])
	r.drain()
	if len(r.lines) != 0 {
		t.Errorf("%q", r.lines)
	}
	// An endpoint that was free gets credentials: its plain registration ends.
	keys["plain"] = psk("plain", "id-p", "key-p")
	r.s.CredentialChanged(r.now, 1, Credential{Endpoint: "plain"})
	r.drain()
	r.expect(`
		= lwm2m.registration "plain" removed
		* ended plain: not allowed`)
	// Another key: the session ends, the registration waits for the device to come back.
	old := keys["a"]
	keys["a"] = psk("a", "id-a", "another")
	r.s.CredentialChanged(r.now, 1, old)
	r.drain()
	r.expect(`* session closed a: dtls: the credentials of this session were changed or removed`)
	// Removed: session and registration end.
	old, b := keys["a"], keys["b"]
	delete(keys, "a")
	delete(keys, "b")
	r.s.CredentialChanged(r.now, 1, old, b)
	r.drain()
	r.expect(`
		* session closed b: dtls: the credentials of this session were changed or removed
		= lwm2m.registration "a" removed
		* ended a: not allowed
		= lwm2m.registration "b" removed
		* ended b: not allowed`)
}

// kill -9 and a new server: the device's next Update is answered without a handshake, what changes something waits until
// the session is proved fresh, and an observation goes on.
func TestSessionAfterARestart(t *testing.T) {
	config := secure(keyring{"dev": psk("dev", "id", "0123456789abcdef")})
	r := newRig(t, config)
	var w wire
	d := r.secureDevice(&w, "192.0.2.20:1000", "id", "0123456789abcdef")
	at := d.register("dev")
	id := r.do("dev", &Operation{Kind: Observe, Path: path("/3/0/9")})
	d.stack.Begin(r.now)
	sub := d.stack.Endpoint().Accept(r.now, d.asked[0].Exchange)
	d.stack.Endpoint().Respond(r.now, 1, d.asked[0].Exchange, &endpoint.Reply{Code: coap.Content, Options: in(coap.Text), Payload: []byte("1")}, 0)
	d.run()
	if o := r.result[id]; o == nil || o.Err != nil {
		t.Fatalf("%+v", o)
	}
	r.wait(2 * time.Second)
	r.restart(config)
	r.forget()
	handshakes := len(d.records)

	// A change comes first, and the answer to the challenge that it sets off is lost: it waits.
	d.deaf = true
	d.request(coap.POST, at+"?lt=60", "")
	r.expect("")
	if st := r.s.Stats(); st.Held != 1 || st.Changes != 0 {
		t.Fatalf("%+v", st)
	}
	// An Update that changes nothing does no harm. The challenge is answered this time.
	r.wait(11 * time.Second)
	r.expect(`* refused "" "id" 5.03: the session was not proved fresh after the restart`)
	d.deaf = false
	d.stack.Begin(r.now)
	d.stack.Endpoint().Cancel(r.now, d.op)
	d.run()
	if a := d.request(coap.POST, at, ""); a == nil || a.Code != coap.Changed {
		t.Fatalf("Update is answered %+v", a)
	}
	r.expect(`* updated dev changed=false 5m0s`)
	if reg, _, _ := r.s.Registration("dev"); reg.Path.Security.Resumed {
		t.Fatal("the session is not fresh though the challenge was answered")
	}
	if a := d.request(coap.POST, at+"?lt=60", ""); a == nil || a.Code != coap.Changed {
		t.Fatalf("the change is answered %+v", a)
	}
	r.expect(`
		= lwm2m.registration "dev"
		* updated dev changed=true 1m0s`)
	d.stack.Begin(r.now)
	d.stack.Endpoint().Notify(r.now, 1, sub, &endpoint.Reply{Code: coap.Content, Options: in(coap.Text), Payload: []byte("2")}, true)
	d.run()
	if l := r.s.Observations("dev"); len(l) != 1 || l[0].Count != 1 {
		t.Errorf("%+v", l)
	}
	for _, b := range d.records[handshakes:] {
		if b[0] == 22 {
			t.Error("a handshake record was sent")
		}
	}
}

// A change that waits is acted on as soon as the challenge is answered.
func TestChangeWaitsForProof(t *testing.T) {
	config := secure(keyring{"dev": psk("dev", "id", "0123456789abcdef")})
	r := newRig(t, config)
	var w wire
	d := r.secureDevice(&w, "192.0.2.20:1000", "id", "0123456789abcdef")
	at := d.register("dev")
	r.restart(config)
	r.forget()
	if a := d.request(coap.POST, at+"?lt=60", ""); a == nil || a.Code != coap.Changed {
		t.Fatalf("the change is answered %+v", a)
	}
	if st := r.s.Stats(); st.Postponed != 1 || st.Changes != 1 || st.Held != 0 {
		t.Errorf("%+v", st)
	}
}

// A record captured before a crash is worth nothing after it, even where the server had not written that it saw it.
func TestReplayAfterARestart(t *testing.T) {
	config := secure(keyring{"dev": psk("dev", "id", "0123456789abcdef")})
	r := newRig(t, config)
	var w wire
	d := r.secureDevice(&w, "192.0.2.20:1000", "id", "0123456789abcdef")
	at := d.register("dev")
	d.request(coap.POST, at+"?lt=60", "")
	d.request(coap.DELETE, at, "")
	captured := d.records
	for range 2 {
		// A new registration, whose own id the capture does not name; the old Register is what could do harm.
		r.restart(config)
		for _, b := range captured {
			if b[0] != 22 {
				d.deaf = true
				d.toServer(b)
			}
		}
		r.wait(time.Minute)
		if st := r.s.Stats(); st.Registrations != 0 || st.Registers+st.Changes+st.Deregisters != 0 {
			t.Fatalf("a replay was acted on: %+v", st)
		}
	}
}

// A session that no registration needs is closed: one that a device opened and did not use, one of a registration that
// ended, and one that the device has replaced.
func TestStraySessions(t *testing.T) {
	r := newRig(t, secure(keyring{"dev": psk("dev", "id", "0123456789abcdef")}))
	sessions := func() int { return r.s.Stats().DTLS.Sessions }
	var w wire
	r.secureDevice(&w, "192.0.2.20:1000", "id", "0123456789abcdef")
	r.wait(strayTime - time.Second)
	if n := sessions(); n != 1 {
		t.Fatalf("%d sessions before the time", n)
	}
	r.wait(2 * time.Second)
	if n := sessions(); n != 0 {
		t.Fatalf("%d sessions after the time", n)
	}
	d := r.secureDevice(&w, "192.0.2.21:1000", "id", "0123456789abcdef")
	at := d.request(coap.POST, "/rd?ep=dev&lt=86400", links).Options.Location()
	r.wait(10 * time.Minute)
	if n := sessions(); n != 1 {
		t.Fatalf("%d sessions of a registered device", n)
	}
	next := r.secureDevice(&w, "192.0.2.22:1000", "id", "0123456789abcdef")
	if m := next.request(coap.POST, at, ""); m == nil || m.Code != coap.Changed {
		t.Fatalf("Update is answered %+v", m)
	}
	if n := sessions(); n != 1 {
		t.Fatalf("%d sessions after the device has another one", n)
	}
	last := r.secureDevice(&w, "192.0.2.23:1000", "id", "0123456789abcdef")
	at = last.register("dev")
	if n := sessions(); n != 1 {
		t.Fatalf("%d sessions after the device has registered with another one", n)
	}
	last.request(coap.DELETE, at, "")
	r.wait(strayTime)
	if n := sessions(); n != 0 || len(r.disk) != 0 {
		t.Fatalf("%d sessions after Deregister; on disk %d records", n, len(r.disk))
	}
}

// A device behind a NAT that moved: its session goes on from the new address once that is proved.
func TestSessionMoves(t *testing.T) {
	r := newRig(t, secure(keyring{"dev": psk("dev", "id", "0123456789abcdef")}))
	var w wire
	d := r.secureDevice(&w, "192.0.2.20:1000", "id", "0123456789abcdef")
	at := d.register("dev")
	r.forget()
	d.outside = addr("198.51.100.1:77")
	if a := d.request(coap.POST, at, ""); a == nil || a.Code != coap.Changed {
		t.Errorf("the Update from the new address is answered %+v", a)
	}
	if len(r.disk) == 0 {
		t.Error("nothing is on disk")
	}
	reg, _, _ := r.s.Registration("dev")
	if reg.Path.Remote != d.outside {
		t.Errorf("the registration is at %v\n%s", reg.Path.Remote, strings.Join(r.lines, "\n"))
	}
	var moved int
	for _, e := range r.events {
		if _, ok := e.(*Moved); ok {
			moved++
		}
	}
	if moved != 1 {
		t.Errorf("%d moves", moved)
	}
}
