package network

import (
	"fmt"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/thread/ieee802154"
)

func TestZZ(t *testing.T) {
	net := New(1, mesh.Config{AirTime: true, Propagation: &mesh.Indoors})
	r := net.World.Rand("x")
	for _, p := range mesh.Disc(50, mesh.DiscFor(50, 40, mesh.Indoors.Reach(-100)), r) {
		n := net.Add(NodeConfig{Position: p})
		net.World.After(time.Duration(r.Uint64()%uint64(10*time.Second)), func() { n.Join(Dataset(0)) })
	}
	type k struct {
		rssi int
		kind string
	}
	sent := map[k]int{}
	short := map[uint16]int{}
	var last [60]string
	dup := map[string]int{}
	net.Tap(func(at machine.Time, from *mesh.Node, ch uint8, rssi int8, psdu []byte) {
		var f ieee802154.Frame
		if f.Parse(psdu) != nil || f.Dst.IsBroadcast() || f.Type == ieee802154.Ack {
			return
		}
		kind := fmt.Sprint(f.Type, " ", f.Dst.Kind, " sec ", f.Security.Mode, f.Security.Level)
		key := string(psdu)
		if last[from.Number()] == key {
			kind += " again"
			dup[f.Dst.String()]++
		}
		last[from.Number()] = key
		sent[k{int(rssi) / 10 * 10, kind}]++
		if f.Dst.Kind == ieee802154.Short {
			short[f.Dst.Short]++
		}
	})
	net.Run(300 * time.Second)
	for a, n := range sent {
		fmt.Println(a, n)
	}
	fmt.Println(net.Partitions())
	fmt.Println(dup)
}
