package meshdevice_test

import (
	"bytes"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

// A package of 30,000 bytes comes over two hops with air time, from a name over DTLS; a sleepy device's parent loses its power
// in the midst of it. The device installs it and comes up again by itself.
func TestFirmware(t *testing.T) {
	image := bytes.Repeat([]byte("heddle firmware "), 30_000/16)
	for _, c := range []struct {
		kind network.Kind
		cut  bool
	}{{network.FED, false}, {network.SED, false}, {network.SED, true}} {
		w := newWorld(t, 11, mesh.Config{AirTime: true})
		base := w.node.OnAction
		w.node.OnAction = func(now machine.Time, a machine.Action) {
			if r, ok := a.Value.(*server.FileRequest); ok {
				req := *r
				w.net.World.After(time.Millisecond, func() {
					w.node.Do(func(now machine.Time) {
						at := int(req.Block.Offset())
						part := server.FilePart{Length: int64(len(image)), ETag: "v2", Data: image[min(at, len(image)):min(at+req.Block.Size(), len(image))]}
						w.server.Serve(now, &req, part)
					})
				})
				return
			}
			base(now, a)
		}
		x := w.behind(t, 2, c.kind, meshdevice.Config{})
		other := w.net.Add(network.NodeConfig{}) // another parent for it
		other.Join(network.Dataset(0))
		if !other.WaitRole(3, 5*time.Minute) {
			t.Fatal("no router")
		}
		x.typed("lwstart -n secure-demo -h server.example -t 300 -i id-secure-demo -s 30313233343536373839616263646566")
		if !x.ready(30 * time.Second) {
			t.Fatalf("%+v", x.d.Status())
		}
		if o := w.do("secure-demo", server.Operation{Kind: server.Write, Path: lwm2m.MustPath("/5/0/1"),
			Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/5/0/1"), Value: lwm2m.Str("coaps://server.example:5684/fw/image")}}}); o.Err != nil || !o.Code.IsSuccess() {
			t.Fatalf("%+v", o)
		}
		began := w.net.World.Now()
		status := func() objects.FirmwareStatus {
			if x.d.Client() == nil {
				return objects.FirmwareStatus{}
			}
			return x.d.Client().Object(5).(*objects.Firmware).Status()
		}
		if c.cut {
			w.net.RunUntil(func() bool { return status().Received > int64(len(image)/2) }, 5*time.Minute)
			w.net.Member(2).Kill()
		}
		if !w.net.RunUntil(func() bool { return status().State == objects.FirmwareDownloaded }, time.Hour) {
			t.Fatalf("%v cut %v: %+v, %v, %+v", c.kind, c.cut, status(), x.Role(), x.d.Status())
		}
		took := w.net.World.Now().Sub(began)
		t.Logf("%v, parent dies %v: %d bytes after %v, %.1f kB/s", c.kind, c.cut, len(image), took, float64(len(image))/1000/took.Seconds())
		boots := x.Resets()
		if o := w.do("secure-demo", server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/5/0/2")}); o.Err != nil || !o.Code.IsSuccess() {
			t.Fatalf("%+v", o)
		}
		if !w.net.RunUntil(func() bool { return x.Resets() > boots }, time.Minute) || !x.ready(5*time.Minute) {
			t.Fatalf("%v: not back after the installation: %+v", c.kind, x.d.Status())
		}
		if s := status(); s.Result != objects.UpdateSuccess {
			t.Errorf("%v: %+v", c.kind, s)
		}
	}
}
