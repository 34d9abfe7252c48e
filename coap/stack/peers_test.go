//go:build peers

package stack

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/dtls"
	"heddle.example/e2e/peer"
	"heddle.example/host"
	"heddle.example/machine"
)

// libcoap's programs as peers, plain and over both of its TLS libraries, in both roles, on a good and on a bad link.

const psk = "secretsecret"

// real is a stack on real sockets.
type real struct {
	*Stack
	t         *testing.T
	owner     *host.Owner
	local     netip.AddrPort
	secure    netip.AddrPort // of a server
	results   chan endpoint.Response
	notes     chan string
	sessions  chan machine.Path
	refusals  chan error
	slow      []endpoint.Exchange
	stored    []byte
	observers []endpoint.Subscription
}

// serve starts a stack that serves, and returns its plain and its secure address.
func serve(t *testing.T) (r *real, plain, secure string) {
	r = onHost(t, true)
	r.tick()
	return r, r.local.String(), r.secure.String()
}

func onHost(t *testing.T, server bool) *real { return onHostWith(t, server, nil) }

// onHostWith lets a test change how a server proves itself.
func onHostWith(t *testing.T, server bool, change func(c *dtls.Config)) *real {
	h := host.New(host.Options{})
	r := &real{t: t, results: make(chan endpoint.Response, 100), notes: make(chan string, 1000),
		sessions: make(chan machine.Path, 10), refusals: make(chan error, 100)}
	var sockets []*host.Socket
	c := Config{Rand: h.Rand(), DTLS: &dtls.Config{}}
	if server {
		for range 2 {
			s, err := h.Listen(0, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			sockets = append(sockets, s...)
		}
		r.local, r.secure = sockets[0].Bound(), sockets[1].Bound()
		c.Secure = func(local netip.AddrPort) bool { return local.Port() == r.secure.Port() }
		c.DTLS.CIDLen = 8
		c.DTLS.PSK = func(id []byte) ([]byte, bool) { return []byte(psk), string(id) == "dev" }
	} else {
		s, err := h.Ephemeral(0, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		sockets, r.local = []*host.Socket{s}, s.Local()
	}
	if change != nil {
		change(c.DTLS)
	}
	r.Stack = New(c)
	var err error
	if r.owner, err = h.Run(r.Stack, host.RunOptions{Sockets: sockets, OnAction: r.on}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := r.owner.Stop(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("%+v %+v", r.Endpoint().Stats(), r.Stack.Stats())
		}
	})
	return r
}

func (r *real) on(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *endpoint.Incoming:
		r.Begin(now)
		r.reply(now, a, v)
	case *endpoint.Response:
		c := *v
		c.Payload = bytes.Clone(v.Payload)
		r.results <- c
	case *endpoint.Notification:
		r.notes <- string(v.Payload)
	case *dtls.Established:
		r.sessions <- v.Path
	case *dtls.Closed:
		r.refusals <- v.Reason
	case *dtls.Refused:
		r.refusals <- v.Reason
	}
}

func (r *real) reply(now machine.Time, a machine.Action, in *endpoint.Incoming) {
	e, answer := r.Endpoint(), &endpoint.Reply{Code: coap.Content}
	switch path := in.Options.Path(); {
	case path == "/small":
		answer.Payload = []byte("hello")
	case path == "/slow":
		r.slow = append(r.slow, in.Exchange)
		return
	case path == "/obs":
		if in.Observe == 0 {
			r.observers = append(r.observers, e.Accept(now, in.Exchange))
		}
		answer.Payload = []byte("value 0")
	case path == "/store" && in.Code == coap.PUT:
		r.stored, answer.Code = bytes.Clone(in.Payload), coap.Changed
	case path == "/store":
		answer.Payload = r.stored
	default:
		answer.Code = coap.NotFound
	}
	e.Respond(now, a.Cause, in.Exchange, answer, 0)
}

// tick answers what is slow and notifies observers, every 200 ms until the test ends.
func (r *real) tick() {
	done := make(chan struct{})
	r.t.Cleanup(func() { close(done) })
	go func() {
		for n := 1; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(200 * time.Millisecond):
			}
			_ = r.owner.Do(func(now machine.Time) {
				r.Begin(now)
				if n%4 == 0 {
					for _, x := range r.slow {
						r.Endpoint().Respond(now, 1, x, &endpoint.Reply{Code: coap.Content, Payload: []byte("at last")}, 0)
					}
					r.slow = nil
				}
				for _, s := range r.observers {
					r.Endpoint().Notify(now, 1, s, &endpoint.Reply{Code: coap.Content, Payload: fmt.Appendf(nil, "value %d", n)}, n%2 == 0)
				}
			})
		}
	}()
}

func tool(t *testing.T, name string) string {
	p, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: install the package libcoap3-bin", name)
	}
	return p
}

var links = map[string]peer.Faults{"good": {}, "bad": {Loss: 0.08, Duplicate: 0.05, Reorder: 0.05}}

// coap-client against our server.
func TestLibcoapClient(t *testing.T) {
	for _, tls := range []string{"notls", "openssl", "gnutls"} {
		for link, faults := range links {
			t.Run(tls+" "+link, func(t *testing.T) {
				t.Parallel() // most of the time is waiting
				r, plain, secure := serve(t)
				server, scheme := plain, "coap://"
				if tls != "notls" {
					server, scheme = secure, "coaps://"
				}
				relay := peer.NewRelay(t, server, 7, faults)
				wait, seconds := 10, 3
				if link == "bad" {
					wait, seconds = 60, 10
				}
				do := func(c peer.CoapClient) peer.CoapAnswer {
					out := filepath.Join(t.TempDir(), "payload") // where it does not mix with the log
					c.TLS, c.URI, c.Wait, c.Options = tls, scheme+relay.Addr()+c.URI, wait, append(c.Options, "-o", out)
					if tls != "notls" {
						c.User, c.Key = "dev", psk
					}
					a := c.Do(t)
					for n := 0; n < 3 && a.Code == "" && link == "bad" && tls != "notls"; n++ {
						a = c.Do(t) // libcoap gives a handshake 5 s, which loss can use up
					}
					b, _ := os.ReadFile(out) // not there where nothing came
					a.Payload = string(b)
					return a
				}
				if a := do(peer.CoapClient{Method: "get", URI: "/small"}); a.Code != "2.05" || a.Payload != "hello" {
					t.Errorf("get: %s %q\n%s", a.Code, a.Payload, a.Log)
				}
				if a := do(peer.CoapClient{Method: "get", URI: "/none"}); a.Code != "4.04" {
					t.Errorf("get of nothing: %s", a.Code)
				}
				if a := do(peer.CoapClient{Method: "get", URI: "/small", Options: []string{"-O", "65001,x"}}); a.Code != "4.02" {
					t.Errorf("critical option: %s", a.Code)
				}
				if a := do(peer.CoapClient{Method: "get", URI: "/slow"}); a.Code != "2.05" || a.Payload != "at last" {
					t.Errorf("separate response: %s %q", a.Code, a.Payload)
				}
				body := []byte(strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz", 100))
				file := filepath.Join(t.TempDir(), "body")
				if err := os.WriteFile(file, body, 0o600); err != nil {
					t.Fatal(err)
				}
				for _, size := range []string{"64", "1024"} {
					if a := do(peer.CoapClient{Method: "put", URI: "/store", File: file, Block: size}); a.Code != "2.04" {
						t.Errorf("put in blocks of %s: %s\n%s", size, a.Code, a.Log)
					}
					if err := r.owner.Do(func(machine.Time) {
						if !bytes.Equal(r.stored, body) {
							t.Errorf("blocks of %s: %d bytes arrived, not the %d that were sent", size, len(r.stored), len(body))
						}
						r.stored = append(bytes.Clone(body), size...)
					}); err != nil {
						t.Fatal(err)
					}
					if a := do(peer.CoapClient{Method: "get", URI: "/store", Block: size}); a.Payload != string(body)+size {
						t.Errorf("get in blocks of %s: %d bytes", size, len(a.Payload))
					}
				}
				if a := do(peer.CoapClient{Method: "get", URI: "/obs", Observe: seconds}); !strings.HasPrefix(a.Payload, "value ") || len(a.Codes) < 2 || link == "good" && !strings.HasPrefix(a.Payload, "value 0value") {
					t.Errorf("observe: %q %v", a.Payload, a.Codes)
				}
				number, protocol := server[strings.LastIndexByte(server, ':')+1:], "coap"
				if tls != "notls" {
					protocol = "dtls"
				}
				// Ours only: tshark does not know libcoap's Request-Tag and calls it malformed.
				shark := peer.Tshark{File: peer.WritePcap(t, relay.Since(0)), DecodeAs: []string{"udp.port==" + number + "," + protocol},
					Filter: "_ws.malformed && udp.srcport == " + number}
				if rows := shark.Fields(t, "frame.number", "_ws.col.Info"); len(rows) != 0 {
					t.Errorf("malformed: %v", rows)
				}
				if tls == "notls" {
					shark.Filter = "coap.code == 69 && coap.opt.observe && udp.srcport == " + number
					if rows := shark.Fields(t, "coap.token"); len(rows) < 2 {
						t.Errorf("tshark sees %d notifications", len(rows))
					}
					shark.Filter = "coap.opt.block_number && udp.srcport == " + number
					if rows := shark.Fields(t, "coap.opt.block_number"); len(rows) < 100 {
						t.Errorf("tshark sees %d blocks", len(rows))
					}
					return
				}
				c := peer.CoapClient{TLS: tls, Method: "get", URI: "coaps://" + secure + "/small", User: "dev", Key: "wrong", Wait: 2}
				if a := c.Do(t); a.Code != "" {
					t.Errorf("wrong key: %s", a.Code)
				}
			})
		}
	}
}

// Our client against coap-server.
func TestLibcoapServer(t *testing.T) {
	for _, tls := range []string{"notls", "openssl", "gnutls"} {
		for link, faults := range links {
			t.Run(tls+" "+link, func(t *testing.T) {
				t.Parallel() // most of the time is waiting
				server := netip.MustParseAddrPort(peer.UDPPort(t))
				args := []string{"-A", "127.0.0.1", "-p", fmt.Sprint(server.Port())}
				at := server
				if tls != "notls" { // its secure port is the next one
					args = append(args, "-k", psk, "-h", "")
					at = netip.AddrPortFrom(server.Addr(), server.Port()+1)
				}
				peer.Start(t, "coap-server-"+tls, tool(t, "coap-server-"+tls), args...)
				relay := peer.NewRelay(t, at.String(), 11, faults)
				r := onHost(t, false)
				path := machine.Path{Local: r.local, Remote: netip.MustParseAddrPort(relay.Addr())}
				if tls != "notls" {
					path = r.session(path)
				}
				r.within(path, link == "good")
			})
		}
	}
}

// session dials until coap-server is up.
func (r *real) session(path machine.Path) machine.Path {
	return r.sessionAs(path, dtls.ClientConfig{Identity: "dev", Key: []byte(psk)})
}

func (r *real) sessionAs(path machine.Path, c dtls.ClientConfig) machine.Path {
	for range 3 {
		if err := r.owner.Do(func(now machine.Time) {
			r.Begin(now)
			r.DTLS().Dial(now, 1, path, c)
		}); err != nil {
			r.t.Fatal(err)
		}
		select {
		case p := <-r.sessions:
			return p
		case err := <-r.refusals:
			r.t.Log("again: ", err)
		case <-time.After(40 * time.Second):
		}
	}
	r.t.Fatal("no session")
	return machine.Path{}
}

func (r *real) ask(path machine.Path, q *endpoint.Request) endpoint.Response {
	r.t.Helper()
	if err := r.owner.Do(func(now machine.Time) { r.Begin(now); r.Endpoint().Request(now, 1, path, q) }); err != nil {
		r.t.Fatal(err)
	}
	select {
	case a := <-r.results:
		return a
	case <-time.After(100 * time.Second):
		r.t.Fatal("no result")
		return endpoint.Response{}
	}
}

func (r *real) within(path machine.Path, good bool) {
	t := r.t
	at := func(p string) coap.Options { return coap.Options{}.AppendPath(p) }
	if a := r.ask(path, &endpoint.Request{Code: coap.GET, Options: at("/")}); a.Err != nil || !strings.HasPrefix(string(a.Payload), "This is a test server") {
		t.Errorf("get: %+v", a)
	}
	small := r.ask(path, &endpoint.Request{Code: coap.GET, Options: at("/.well-known/core").AddUint(coap.Block2, 0)})
	whole := r.ask(path, &endpoint.Request{Code: coap.GET, Options: at("/.well-known/core")})
	if small.Err != nil || !bytes.Equal(small.Payload, whole.Payload) || len(whole.Payload) < 100 || whole.Format != coap.LinkFormat {
		t.Errorf("early negotiation: %+v, %+v", small, whole)
	}
	if a := r.ask(path, &endpoint.Request{Code: coap.GET, Options: at("/async").AddQuery("1")}); a.Err != nil || string(a.Payload) != "done" {
		t.Errorf("separate response: %+v", a)
	}
	if a := r.ask(path, &endpoint.Request{Code: coap.GET, Options: at("/nothing")}); a.Code != coap.NotFound {
		t.Errorf("not found: %+v", a)
	}
	body := make([]byte, 7000)
	for i := range body {
		body[i] = byte(i * 7 >> 3)
	}
	if a := r.ask(path, &endpoint.Request{Code: coap.PUT, Options: at("/example_data").SetFormat(coap.Opaque), Payload: body}); a.Err != nil || !a.Code.IsSuccess() {
		t.Errorf("put in blocks: %+v", a)
	}
	// coap-server does not deduplicate: a last block that comes twice begins a new body, so only the length is certain.
	if a := r.ask(path, &endpoint.Request{Code: coap.GET, Options: at("/example_data")}); len(a.Payload) != len(body) || good && !bytes.Equal(a.Payload, body) {
		t.Errorf("get in blocks: %d bytes, %v %v", len(a.Payload), a.Code, a.Err)
	}
	a := r.ask(path, &endpoint.Request{Code: coap.GET, Options: at("/time"), Observe: true})
	if a.Err != nil || !a.Observing {
		t.Fatalf("observe: %+v", a)
	}
	for range 2 {
		select {
		case <-r.notes:
		case <-time.After(60 * time.Second):
			t.Fatal("no notification")
		}
	}
	gone := r.ask(path, &endpoint.Request{Code: coap.GET, Options: at("/time").AddUint(coap.Observe, coap.ObserveDeregister), Token: a.Token})
	if gone.Err != nil || gone.Code != coap.Content || gone.Observing {
		t.Errorf("deregister: %+v", gone)
	}
	if err := r.owner.Do(func(now machine.Time) {
		r.Begin(now)
		r.Endpoint().Ping(now, 1, path)
		if n := r.Endpoint().Stats().Observations; n != 0 {
			t.Errorf("%d observations are left", n)
		}
	}); err != nil {
		t.Fatal(err)
	}
	select {
	case pong := <-r.results:
		if pong.Err != nil {
			t.Error("ping:", pong.Err)
		}
	case <-time.After(100 * time.Second):
		t.Error("no pong")
	}
}
