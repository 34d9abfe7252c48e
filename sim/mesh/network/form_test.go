package network

import (
	"testing"
	"time"

	"heddle.example/sim/mesh"
)

func TestTwentyInRange(t *testing.T) {
	for name, c := range map[string]mesh.Config{"no air time": {}, "air time": {AirTime: true}} {
		t.Run(name, func(t *testing.T) {
			net := New(1, c)
			d := Dataset(0)
			for range 20 {
				n := net.Add(NodeConfig{})
				net.Run(500 * time.Millisecond)
				n.Join(d)
			}
			if !net.WaitWhole(2 * time.Minute) {
				sizes, detached := net.Partitions()
				t.Fatal(sizes, detached)
			}
			for i := 2; i <= 20; i += 3 {
				if p := net.Member(i).Ping(net.Member(1).EID()); p.Received != 1 {
					t.Errorf("%d -> 1: %+v", i, p)
				}
			}
		})
	}
}
