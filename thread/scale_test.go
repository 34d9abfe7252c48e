package thread_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

// BenchmarkAllInRange: 200 nodes all in range without air time, started together, 614 virtual seconds.
func BenchmarkAllInRange(b *testing.B) {
	for _, n := range []int{200, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { allInRange(b, n) })
	}
}

func allInRange(b *testing.B, n int) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		net := network.New(6, mesh.Config{})
		nodes := net.AddMany(n, network.NodeConfig{})
		d := nodes[0].Thread().Datasets().NewNetwork()
		for _, x := range nodes {
			start(b, x, d)
		}
		net.Run(614 * time.Second)
		roles := map[string]int{}
		parts := map[uint32]int{}
		for _, x := range nodes {
			roles[role(x).String()]++
			parts[x.Thread().MLE().LeaderData().PartitionID]++
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(net)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/node")
		b.Logf("%v, %d partitions", roles, len(parts))
	}
}
