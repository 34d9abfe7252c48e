package meshdevice_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

// Power cuts at any instant: the disk loses what it had not synced, and each time the device comes back by itself with the
// session that it had; no record of a session has a number that another one had (RFC 6347 section 4.1, rules.md 2).
func TestPowerCuts(t *testing.T) {
	for seed := range uint64(8) {
		w := newWorld(t, 100+seed, mesh.Config{})
		x := w.rig().device(network.NodeConfig{Kind: []network.Kind{network.FED, network.SED}[seed%2]}, meshdevice.Config{})
		x.Disk().SyncDelay = time.Duration(seed) * 7 * time.Millisecond
		records := map[string][]byte{}
		w.inet.WAN.Tap(func(_ machine.Time, _, to netip.AddrPort, b []byte) {
			const header, cid = 11, 8
			if to.Port() != 5684 || len(b) < header+cid || b[0] != 25 {
				return
			}
			name := fmt.Sprintf("%x %x", b[3:header], b[header:header+cid]) // epoch and sequence, connection ID
			if old, ok := records[name]; ok && !bytes.Equal(old, b) {
				t.Errorf("seed %d: two records with the number %s", seed, name)
			}
			records[name] = bytes.Clone(b)
		})
		x.join(t)
		x.typed("lwstart -n secure-demo -h server.example -t 120 -i id-secure-demo -s 30313233343536373839616263646566")
		if !x.ready(20 * time.Second) {
			t.Fatalf("seed %d: %+v", seed, x.d.Status())
		}
		w.net.Run(time.Second)
		rand := w.net.World.Rand("cuts")
		for range 12 {
			w.net.Run(time.Duration(rand.Uint64() % uint64(20*time.Second)))
			w.node.Do(func(now machine.Time) { // under way at the cut
				w.server.Do(now, 0, "secure-demo", &server.Operation{Kind: server.WritePartial, Path: lwm2m.MustPath("/1/0"),
					Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/1/0/2"), Value: lwm2m.Int(int64(rand.Uint64() % 50))}}})
			})
			w.net.Run(time.Duration(rand.Uint64() % uint64(60*time.Millisecond)))
			x.Reset()
			if !x.ready(3 * time.Minute) {
				t.Fatalf("seed %d: not back: %+v, %v\n%s", seed, x.d.Status(), x.Role(), x.take())
			}
		}
		if o := w.do("secure-demo", server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")}); o.Err != nil {
			t.Errorf("seed %d: %+v", seed, o)
		}
		if len(records) < 20 {
			t.Errorf("seed %d: only %d records were seen", seed, len(records))
		}
	}
}
