//go:build unix

package network

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"heddle.example/sim/mesh"
)

// figure is a run of anchors.md's Thread table.
type figure struct {
	name    string
	nodes   int
	per     int // nodes of a network
	config  mesh.Config
	degree  float64
	spread  time.Duration
	virtual time.Duration
}

func (f figure) run(b testing.TB) *Network {
	net := New(1, f.config)
	net.World.Quiet = true
	r := net.World.Rand("start")
	networks := f.nodes / f.per
	for k := range networks {
		var at []mesh.Position
		if f.degree > 0 {
			at = mesh.Disc(f.per, mesh.DiscFor(f.per, f.degree, mesh.Indoors.Reach(mesh.Sensitivity)), net.World.Rand(fmt.Sprint("disc ", k)))
		}
		for i := range f.per {
			c := NodeConfig{Off: true}
			if at != nil {
				c.Position = at[i]
				c.Position.X += float64(k%8) * 2 * mesh.DiscFor(f.per, f.degree, mesh.Indoors.Reach(mesh.Sensitivity))
				c.Position.Y += float64(k/8) * 2 * mesh.DiscFor(f.per, f.degree, mesh.Indoors.Reach(mesh.Sensitivity))
			}
			n := net.Add(c)
			d := time.Duration(r.Uint64() % uint64(f.spread))
			if i == 0 {
				d = 0
			}
			net.World.After(d, func() { n.Boot(); n.Join(Dataset(k)) })
		}
	}
	net.Run(f.virtual)
	return net
}

// cpu returns the processor's time that this process has used. The machine may be busy with other things.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var figures = []figure{
	{name: "200 in range", nodes: 200, per: 200, spread: 10 * time.Second, virtual: 614 * time.Second},
	{name: "1000 in range", nodes: 1000, per: 1000, spread: 20 * time.Second, virtual: 622 * time.Second},
	{name: "1000 air time", nodes: 1000, per: 1000, config: mesh.Config{AirTime: true, Propagation: &mesh.Indoors}, degree: 60, spread: 120 * time.Second, virtual: 622 * time.Second},
	{name: "32 routers", nodes: 32, per: 32, spread: 10 * time.Second, virtual: 3600 * time.Second},
	{name: "10000 in 40", nodes: 10000, per: 250, config: mesh.Config{AirTime: true, Propagation: &mesh.Indoors}, degree: 60, spread: 120 * time.Second, virtual: 600 * time.Second},
}

// BenchmarkFigures runs the Thread table of the project's figures: seconds of real time, partitions, routers, detached.
func BenchmarkFigures(b *testing.B) {
	for _, f := range figures {
		b.Run(f.name, func(b *testing.B) {
			for range b.N {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				start, used := time.Now(), cpu()
				net := f.run(b)
				took, work := time.Since(start), cpu()-used
				runtime.GC()
				runtime.ReadMemStats(&after)
				sizes, detached := net.Partitions()
				routers, _ := net.Routers()
				b.ReportMetric(took.Seconds(), "s")
				b.ReportMetric(work.Seconds(), "cpu-s")
				b.ReportMetric(float64(f.virtual)/float64(took), "x")
				b.ReportMetric(float64(len(sizes)), "partitions")
				b.ReportMetric(float64(routers), "routers")
				b.ReportMetric(float64(detached), "detached")
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(f.nodes), "B/node")
				b.ReportMetric(float64(net.Stats().Frames), "frames")
				runtime.KeepAlive(net)
			}
		})
	}
}
