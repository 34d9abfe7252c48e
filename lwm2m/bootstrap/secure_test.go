package bootstrap

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// secureDevice is a device's half of a secure session; what either side sends arrives at once. It says yes to everything.
type secureDevice struct {
	r       *rig
	stack   *stack.Stack
	path    machine.Path
	session uint64
	up      bool
	code    coap.Code // of the newest answer
	got     []string
	silent  bool
}

func (r *rig) secureDevice(from, identity, key string) *secureDevice {
	r.t.Helper()
	addr := netip.MustParseAddrPort(from)
	d := &secureDevice{r: r, path: machine.Path{Local: addr, Remote: secureAddr}, stack: stack.New(stack.Config{Rand: machinetest.NewRand(9), DTLS: &dtls.Config{}})}
	r.deliver = func(a machine.Action) bool {
		if a.Path.Remote == addr {
			d.stack.Receive(r.now, 1, d.path, append([]byte(nil), a.Data...))
			d.run()
		}
		return a.Path.Local == secureAddr
	}
	d.stack.Begin(r.now)
	var err error
	if d.session, err = d.stack.DTLS().Dial(r.now, 1, d.path, dtls.ClientConfig{Identity: identity, Key: []byte(key)}); err != nil {
		r.t.Fatal(err)
	}
	d.run()
	return d
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
				d.r.s.Receive(d.r.now, 1, machine.Path{Local: secureAddr, Remote: d.path.Local}, append([]byte(nil), a.Data...))
				d.r.drain()
			}
		case *dtls.Established:
			d.up = true
		case *dtls.Closed:
			d.up = false
		case *endpoint.Response:
			d.code = v.Code
		case *endpoint.Incoming:
			d.got = append(d.got, v.Code.Name()+" "+v.Options.Path())
			reply := endpoint.Reply{Code: coap.Changed}
			if v.Code == coap.GET {
				reply = endpoint.Reply{Code: coap.Content, Options: coap.Options{}.SetFormat(coap.LinkFormat), Payload: []byte(factory)}
			}
			if !d.silent {
				d.stack.Endpoint().Respond(d.r.now, 1, v.Exchange, &reply, 0)
			}
		}
	}
}

func (d *secureDevice) request(query ...string) {
	path, _, ok := d.stack.DTLS().Lookup(d.session)
	if !ok {
		d.r.t.Fatal("the device has no session")
	}
	o := coap.Options{}.AppendPath("bs")
	for _, q := range query {
		o = o.AddQuery(q)
	}
	d.stack.Begin(d.r.now)
	d.stack.Endpoint().Request(d.r.now, 1, path, &endpoint.Request{Code: coap.POST, Options: o})
	d.run()
}

func secureConfig() Config {
	return Config{DTLS: &dtls.Config{}, Secure: func(local netip.AddrPort) bool { return local == secureAddr },
		Key: func(id []byte) ([]byte, bool) { return []byte("0123456789abcdef"), string(id) == "BSID" }}
}

// Over DTLS the question carries who asks; the name may be left out.
func TestETS_1_ClientInitiatedBootstrapPSK(t *testing.T) {
	r := newRig(t, secureConfig())
	r.answer = func(q *Question) (string, *Provision, *Refusal) {
		return "demo", &Provision{Configuration: "demo", Accounts: []Account{account(123, free, free)}}, nil
	}
	d := r.secureDevice("192.0.2.10:40000", "BSID", "0123456789abcdef")
	d.request()
	r.expect(`
		? "" from psk BSID
		* 1 began demo by demo in 11542
		* 1 sent 1 discover GET /
		* 1 answered 1 discover GET / 2.05
		* 1 sent 2 write PUT /0/1 {/0/1/0=coaps://[2001:db8::1]:5684 /0/1/1=false /0/1/2=0 /0/1/3=6964 /0/1/5=* /0/1/10=123}
		* 1 answered 2 write PUT /0/1 2.04
		* 1 sent 3 write PUT /1/0 {/1/0/0=123 /1/0/1=300 /1/0/7=U}
		* 1 answered 3 write PUT /1/0 2.04
		* 1 sent 4 finish POST /bs
		* 1 answered 4 finish POST /bs 2.04
		* 1 done demo`)
	if d.code != coap.Changed || len(d.got) != 4 {
		t.Fatalf("%s %v", d.code, d.got)
	}
	// A session that nobody uses is forgotten.
	r.wait(11 * time.Minute)
	if n := r.s.Stats().DTLS.Sessions; n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// An unknown identity and a wrong key look the same from outside; the operator is told which.
func TestRefusedHandshakes(t *testing.T) {
	for _, c := range []struct{ identity, key, why string }{{"nobody", "0123456789abcdef", "unknown"}, {"BSID", "another key 1234", "wrong"}} {
		r := newRig(t, secureConfig())
		r.give(&Provision{})
		d := r.secureDevice("192.0.2.10:40000", c.identity, c.key)
		r.wait(2 * time.Minute)
		d.run()
		if st := r.s.Stats(); d.up || st.Requests != 0 || st.Refused == 0 {
			t.Errorf("%s: up %v, %+v", c.identity, d.up, st.Refused)
		}
	}
}

// A key that is changed ends the session that runs with it.
func TestKeysChanged(t *testing.T) {
	r := newRig(t, secureConfig())
	r.give(&Provision{Configuration: "demo"})
	d := r.secureDevice("192.0.2.10:40000", "BSID", "0123456789abcdef")
	d.silent = true
	d.request("ep=demo")
	r.s.KeysChanged(r.now, 1, "somebody else")
	r.drain()
	if len(r.ended) != 0 {
		t.Fatal("another key ends it")
	}
	r.s.KeysChanged(r.now, 1, "BSID")
	r.drain()
	if len(r.ended) != 1 || !errors.Is(r.ended[0].Err, ErrClosed) || r.s.Stats().DTLS.Sessions != 0 {
		t.Fatalf("%v, %d sessions", r.ended, r.s.Stats().DTLS.Sessions)
	}
}
