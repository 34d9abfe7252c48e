package device_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/host"
	"heddle.example/internal/device"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/store"
)

var key = []byte("0123456789abcdef")

type credentials struct{}

func (credentials) ByIdentity(id []byte) (server.Credential, bool) {
	return credential, string(id) == credential.Identity
}

func (credentials) ByEndpoint(ep string) (server.Credential, bool) {
	return credential, ep == credential.Endpoint
}

var credential = server.Credential{Endpoint: "secure", Identity: "id", Key: key, Mode: machine.PSK}

// realServer is a server on the loopback, with a relay in front that counts handshake records.
type realServer struct {
	t          *testing.T
	owner      *host.Owner
	s          *server.Server
	events     chan any
	plain      uint16
	secure     uint16 // of the relay
	handshakes atomic.Int64
}

func newServer(t *testing.T, h *host.Host) *realServer {
	t.Helper()
	sockets, err := h.Listen(0, "127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dtlsPort := sockets[1].Local().Port()
	x := &realServer{t: t, events: make(chan any, 1000), plain: sockets[0].Local().Port()}
	x.s = server.New(server.Config{
		Rand: h.Rand(), Credentials: credentials{}, Unknown: server.AcceptUnknown, DTLS: &dtls.Config{},
		Secure: func(local netip.AddrPort) bool { return local.Port() == dtlsPort },
	})
	x.owner, err = h.Run(x.s, host.RunOptions{Sockets: sockets, OnAction: func(_ machine.Time, a machine.Action) {
		switch v := a.Value.(type) {
		case *server.Registered:
			x.events <- v.Registration
		case *server.Outcome:
			x.events <- v.Code
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.owner.Stop(context.Background()) })
	x.owner.Do(x.s.Started)
	x.relay(sockets[1].Local())
	return x
}

// relay passes datagrams on between devices and the server's secure port. It takes every datagram's sender for the
// device, so that it serves one device at a time, wherever that is.
func (x *realServer) relay(server netip.AddrPort) {
	outside, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		x.t.Fatal(err)
	}
	inside, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { outside.Close(); inside.Close() })
	x.secure = outside.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	var device atomic.Pointer[netip.AddrPort]
	go func() {
		b := make([]byte, 4096)
		for {
			n, from, err := outside.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if n > 0 && b[0] == 22 {
				x.handshakes.Add(1)
			}
			device.Store(&from)
			inside.Write(b[:n])
		}
	}()
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := inside.Read(b)
			if err != nil {
				return
			}
			if to := device.Load(); to != nil {
				outside.WriteToUDPAddrPort(b[:n], *to)
			}
		}
	}()
}

func (x *realServer) wait(what string, ok func(any) bool) {
	x.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case v := <-x.events:
			if ok(v) {
				return
			}
		case <-timeout:
			x.t.Fatalf("the server waited in vain for %s", what)
		}
	}
}

func (x *realServer) registered(ep string) {
	x.t.Helper()
	x.wait("the registration of "+ep, func(v any) bool { r, ok := v.(*server.Registration); return ok && r.Endpoint == ep })
}

func (x *realServer) do(ep string, op server.Operation) {
	x.t.Helper()
	x.owner.Do(func(now machine.Time) { x.s.Do(now, 1, ep, &op) })
	x.wait(op.Kind.String(), func(v any) bool { c, ok := v.(interface{ IsSuccess() bool }); return ok && c.IsSuccess() })
}

func options(name string, uri string, st store.Store) device.Options {
	profile := device.ThisComputer(name, "test")
	a := client.Account{ShortID: 1, URI: uri, Lifetime: time.Minute}
	if name == credential.Endpoint {
		a.Identity, a.Key = credential.Identity, key
	}
	return device.Options{
		Config: client.Config{Endpoint: name, Servers: []client.Account{a}}, Store: st,
		Objects: func() ([]client.Object, error) { return profile.Make(0, objects.DefaultKinds) },
	}
}

func TestDeviceRegistersRebootsAndStops(t *testing.T) {
	h := host.New(host.Options{})
	x := newServer(t, h)
	d, err := device.Start(h, options("plain", client.ServerURI(false, "localhost", x.plain), nil))
	if err != nil {
		t.Fatal(err)
	}
	x.registered("plain")
	x.do("plain", server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")})
	x.do("plain", server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/3/0/4")})
	x.registered("plain") // again: it has rebooted
	if d.Port() == 0 {
		t.Error("no port")
	}
	if err := d.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	var there bool
	x.owner.Do(func(machine.Time) { _, _, there = x.s.Registration("plain") })
	if there {
		t.Error("the device stopped without deregistering")
	}
}

func TestRestartWithoutHandshake(t *testing.T) {
	h := host.New(host.Options{})
	x := newServer(t, h)
	dir := t.TempDir()
	uri := fmt.Sprintf("coaps://127.0.0.1:%d", x.secure)
	for boot := range 3 {
		st, err := store.Open(dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := device.Start(h, options("secure", uri, st))
		if err != nil {
			t.Fatal(err)
		}
		x.registered("secure")
		x.do("secure", server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")})
		if n := x.handshakes.Load(); boot == 0 && n == 0 || boot > 0 && n > 0 {
			t.Errorf("boot %d: %d handshake records", boot, n)
		}
		x.handshakes.Store(0)
		if boot == 1 {
			// A reboot that a server wants takes the same way, within the program.
			x.do("secure", server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/3/0/4")})
			x.registered("secure")
			x.do("secure", server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")})
			if n := x.handshakes.Load(); n > 0 {
				t.Errorf("%d handshake records after a reboot", n)
			}
		}
		if err := d.Kill(context.Background()); err != nil {
			t.Error(err)
		}
		st.Close()
	}
}

// What a server wrote survives the end of the program, and a factory reset undoes it.
func TestFactoryReset(t *testing.T) {
	h := host.New(host.Options{})
	x := newServer(t, h)
	dir := t.TempDir()
	uri := fmt.Sprintf("coaps://127.0.0.1:%d", x.secure)
	test := func(d *device.Device) (n int64) {
		d.Do(func(now machine.Time, c *client.Client) {
			entries, err := c.Read(now, lwm2m.MustPath("/31024/10/1"))
			if err != nil {
				t.Fatal(err)
			}
			n, _ = entries[0].Value.AsInt()
		})
		return n
	}
	for boot := range 2 {
		st, err := store.Open(dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := device.Start(h, options("secure", uri, st))
		if err != nil {
			t.Fatal(err)
		}
		x.registered("secure")
		if boot == 0 {
			x.do("secure", server.Operation{Kind: server.Write, Path: lwm2m.MustPath("/31024/10/1"), Entries: []lwm2m.Entry{
				{Path: lwm2m.MustPath("/31024/10/1"), Value: lwm2m.Int(99)},
			}})
		} else {
			if n := test(d); n != 99 {
				t.Errorf("after the restart /31024/10/1 is %d", n)
			}
			// On a restored session nothing but a Read is answered before the challenge is.
			x.do("secure", server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")})
			x.handshakes.Store(0)
			x.do("secure", server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/3/0/5")})
			x.registered("secure")
			if n := test(d); n != 20 {
				t.Errorf("after the factory reset /31024/10/1 is %d", n)
			}
			if x.handshakes.Load() == 0 {
				t.Error("the session has survived the factory reset")
			}
		}
		if err := d.Kill(context.Background()); err != nil {
			t.Error(err)
		}
		st.Close()
	}
}

func TestStartErrors(t *testing.T) {
	h := host.New(host.Options{})
	s, err := h.Listen(0, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s[0].Close()
	for name, change := range map[string]func(*device.Options){
		"bad URI": func(o *device.Options) { o.Config.Servers[0].URI = "http://x" },
		"no key":  func(o *device.Options) { o.Config.Servers[0].URI = "coaps://[::1]" },
		"bad objects": func(o *device.Options) {
			o.Objects = func() ([]client.Object, error) { return device.ThisComputer("", "").Make(0, []uint16{3, 77}) }
		},
	} {
		o := options("plain", "coap://127.0.0.1", nil)
		change(&o)
		if _, err := device.Start(h, o); err == nil {
			t.Errorf("%s: the device started", name)
		}
	}
}
