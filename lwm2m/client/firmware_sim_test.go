package client_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/firmware"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim"
)

// updating is a server that has a package and a device that is to get it, on a bad network, with power cuts on both sides.
type updating struct {
	t      *testing.T
	w      *sim.World
	server *sim.Node
	device *sim.Node
	s      *server.Server
	c      *client.Client
	secure bool
	pkg    []byte
	boots  int
	due    bool // the device wants to reboot
	out    map[machine.OpID]*server.Outcome
	blocks int // that the server has handed out or written
}

func newUpdating(t *testing.T, seed uint64, secure bool) *updating {
	image := bytes.Repeat([]byte{byte(seed), 1, 2, 3, 5, 8, 13, 21}, 5000)
	h := firmware.Header{Name: "sim", Version: "2.0", Image: uint64(len(image)), Digest: sha256.Sum256(image)}
	b, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	x := &updating{t: t, w: sim.New(seed), secure: secure, pkg: append(b, image...), out: map[machine.OpID]*server.Outcome{}}
	x.w.Quiet = true
	net := x.w.Network("net", sim.LinkConfig{Loss: 0.05, Duplicate: 0.02, Reorder: 0.05, DelayMin: 5 * time.Millisecond, DelayMax: 40 * time.Millisecond})
	x.server = x.w.Node("server", net, simServer)
	x.device = x.w.Node("device", net, netip.MustParseAddr("198.51.100.1"))
	x.server.OnAction, x.device.OnAction = x.fromServer, x.fromDevice
	x.bootServer()
	x.bootDevice()
	return x
}

func (x *updating) name() string {
	if x.secure {
		return "secure"
	}
	return "plain"
}

func (x *updating) restore(n *sim.Node, into func(machine.Time, machine.Table, []byte, []byte) error) {
	for _, table := range n.Disk().Tables() {
		n.Disk().Load(table, func(k, v []byte) error {
			if err := into(x.w.Now(), table, k, v); err != nil {
				x.t.Errorf("seed %d: restore %s: %v", x.w.Seed(), table, err)
			}
			return nil
		})
	}
}

func (x *updating) bootServer() {
	x.boots++
	x.s = server.New(server.Config{Rand: x.w.Rand(fmt.Sprint("server ", x.boots)), Credentials: simCredentials{}, Unknown: server.AcceptUnknown,
		DTLS: &dtls.Config{}, Secure: func(local netip.AddrPort) bool { return local.Port() == 5684 }, Files: "fw"})
	x.restore(x.server, x.s.Restore)
	x.server.Boot(x.s)
	x.server.Do(x.s.Started)
	clear(x.out)
}

func (x *updating) bootDevice() {
	x.boots++
	a := client.Account{ShortID: 1, URI: "coap://192.0.2.1", Lifetime: 5 * time.Minute,
		Retry: &client.RetryPolicy{Count: 5, Timer: 10 * time.Second, SequenceDelay: time.Minute, SequenceCount: 1}}
	if x.secure {
		a.URI, a.Identity, a.Key = "coaps://192.0.2.1", "id-secure", simKey
	}
	d := objects.NewDevice(&testDevice)
	c, err := client.New(client.Config{Rand: x.w.Rand(fmt.Sprint("device ", x.boots)), Endpoint: x.name(), Servers: []client.Account{a}, Durable: true,
		Local: netip.MustParseAddrPort("198.51.100.1:56830"), Objects: []client.Object{d, objects.NewFirmware(&objects.FirmwareConfig{}, d)}})
	if err != nil {
		x.t.Fatal(err)
	}
	x.restore(x.device, c.Restore)
	x.c, x.due = c, false
	x.device.Boot(c)
	x.device.Do(func(now machine.Time) { c.Start(now, x.w.Cause()) })
}

func (x *updating) fromDevice(_ machine.Time, a machine.Action) {
	if _, ok := a.Value.(*client.Reboot); ok {
		x.due = true
	}
}

func (x *updating) fromServer(_ machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *server.Outcome:
		x.out[a.Op] = v
	case *server.FileRequest:
		from := min(v.Block.Offset(), len(x.pkg))
		part := server.FilePart{Data: x.pkg[from:min(from+v.Block.Size(), len(x.pkg))], Length: int64(len(x.pkg)), ETag: "tag"}
		x.blocks++
		s := x.s
		x.w.After(3*time.Millisecond, func() { // the disk takes its time
			if s == x.s {
				x.server.Do(func(now machine.Time) { s.Serve(now, v, part) })
			}
		})
	}
}

// do carries out an operation, again until it is answered, whoever has to be started again meanwhile.
func (x *updating) do(op server.Operation) *server.Outcome {
	x.t.Helper()
	for range 200 {
		var id machine.OpID
		s := x.s
		x.server.Do(func(now machine.Time) { id = s.Do(now, x.w.Cause(), x.name(), &op) })
		x.w.RunUntil(func() bool { return x.out[id] != nil || x.s != s || x.due }, 5*time.Minute)
		x.reboot()
		if o := x.out[id]; x.s == s && o != nil && o.Err == nil && o.Code != coap.ServiceUnavailable {
			return o
		}
		x.w.RunFor(5 * time.Second)
		x.reboot()
	}
	x.t.Fatalf("seed %d: %v %v is never answered", x.w.Seed(), op.Kind, op.Path)
	return nil
}

func (x *updating) reboot() {
	if x.due {
		x.bootDevice()
	}
}

func (x *updating) read(path string) string {
	o := x.do(server.Operation{Kind: server.Read, Path: lwm2m.MustPath(path)})
	if len(o.Entries) == 0 {
		return o.Code.String()
	}
	return o.Entries[0].Value.String()
}

// cuts makes the power fail on either side, now and then, while the package is on its way.
func (x *updating) cuts(r *rand.Rand, n int) {
	at := time.Duration(0)
	for range n {
		at += time.Duration(1+r.IntN(20)) * time.Second / 4
		server := r.IntN(3) == 0
		x.w.After(at, func() {
			if server {
				x.server.Crash()
				x.bootServer()
			} else {
				x.device.Crash()
				x.bootDevice()
			}
		})
	}
}

// push writes the package block by block, as internal/firmware does.
func (x *updating) push() {
	for offset := 0; offset < len(x.pkg); {
		end := min(offset+1024, len(x.pkg))
		o := x.do(server.Operation{Kind: server.Write, Path: lwm2m.MustPath("/5/0/0"), Block: &server.WriteBlock{
			Block: coap.Block{Num: uint32(offset / 1024), SZX: 6, More: end < len(x.pkg)}, Data: x.pkg[offset:end], Size: int64(len(x.pkg))}})
		x.blocks++
		switch o.Code {
		case coap.Continue, coap.Changed:
			offset = end
		case coap.RequestEntityIncomplete:
			if offset -= 1024; offset < 0 {
				x.t.Fatalf("seed %d: the first block is refused", x.w.Seed())
			}
		case coap.MethodNotAllowed:
			if end == len(x.pkg) && x.read("/5/0/3") == "2" {
				return // the answer to the last block got lost
			}
			x.t.Fatalf("seed %d: a block is refused", x.w.Seed())
		default:
			x.t.Fatalf("seed %d: block at %d is answered %s", x.w.Seed(), offset, o.Code)
		}
	}
}

// A package reaches the device whole, in spite of loss and power cuts, and with hardly a block asked for in vain; the
// update ends with the new version, once.
func TestFirmwareUnderFire(t *testing.T) {
	for seed := uint64(1); seed <= 12; seed++ {
		for _, way := range []string{"push", "pull", "push over DTLS", "pull over DTLS"} {
			x := newUpdating(t, seed, len(way) > 4)
			r := rand.New(rand.NewPCG(seed, uint64(len(way))))
			if v := x.read("/3/0/3"); v != "1.0" {
				t.Fatalf("seed %d, %s: the device begins with %s", seed, way, v)
			}
			x.cuts(r, 4)
			if way[:4] == "push" {
				x.push()
			} else {
				uri := lwm2m.Str("coap://192.0.2.1/fw/1")
				if x.secure {
					uri = lwm2m.Str("coaps://192.0.2.1/fw/1")
				}
				p := lwm2m.MustPath("/5/0/1")
				x.do(server.Operation{Kind: server.Write, Path: p, Entries: []lwm2m.Entry{{Path: p, Value: uri}}})
			}
			state := ""
			for range 60 {
				if state = x.read("/5/0/3"); state != "1" {
					break
				}
				x.w.RunFor(10 * time.Second)
			}
			if state != "2" {
				t.Fatalf("seed %d, %s: state %s, result %s", seed, way, state, x.read("/5/0/5"))
			}
			// 40 blocks; each loss, cut or repetition may cost a few.
			if most := (len(x.pkg)/1024+1)*2 + 20; x.blocks > most {
				t.Errorf("seed %d, %s: %d blocks for a package of %d", seed, way, x.blocks, len(x.pkg)/1024+1)
			}
			x.do(server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/5/0/2")})
			x.cuts(r, 2) // also while it installs
			x.w.RunFor(20 * time.Second)
			x.reboot()
			x.w.RunFor(20 * time.Second)
			if v, result, state := x.read("/3/0/3"), x.read("/5/0/5"), x.read("/5/0/3"); v != "2.0" || result != "1" || state != "0" {
				t.Errorf("seed %d, %s: version %s, result %s, state %s", seed, way, v, result, state)
			}
			left := 0
			x.device.Disk().Load(client.KeepTable, func(_, _ []byte) error { left++; return nil })
			if left != 1 {
				t.Errorf("seed %d, %s: %d records are left on the device", seed, way, left)
			}
		}
	}
}
