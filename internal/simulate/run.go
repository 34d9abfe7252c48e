package simulate

import (
	"context"
	"io"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

// Options say how a scenario is run.
type Options struct {
	Scenario *Scenario
	Pcap     io.Writer // nil: no capture
	// Pace is how much faster than the clock time may pass; 0: as fast as it can.
	Pace     float64
	Progress func(Progress) // called a few times a second
	// Started is called with the world before time passes.
	Started func(net *network.Network)
}

// Progress is how far a run is.
type Progress struct {
	Virtual, Of time.Duration
	Real        time.Duration
	Nodes       int // that are on
	Attached    int
	Routers     int
	Partitions  int
	Frames      uint64
}

const (
	slice       = 250 * time.Millisecond // of virtual time between two looks at the clock
	progressGap = 200 * time.Millisecond // of real time
)

// Run runs a scenario to its end, or until ctx ends it.
func Run(ctx context.Context, o Options) (*Report, error) {
	s := o.Scenario
	made, err := s.Build()
	if err != nil {
		return nil, err
	}
	net := made.Net
	net.World.Quiet = true
	var capture *mesh.Pcapng
	if o.Pcap != nil {
		capture = Capture(net, o.Pcap, max(1, s.Networks))
	}
	steps, err := network.ParseScript(s.Script)
	if err != nil {
		return nil, err
	}
	h := watch(net)
	script := net.Play(steps)
	script.Shell = Lines(net, made.Shell)
	script.Expect = made.expect
	if o.Started != nil {
		o.Started(net)
	}
	start, begin := time.Now(), net.World.Now()
	end := begin.Add(time.Duration(s.For))
	last := time.Time{}
	for net.World.Now() < end && ctx.Err() == nil {
		net.World.Run(min(end, net.World.Now().Add(slice)))
		h.look(net)
		if o.Pace > 0 {
			wait := time.Duration(float64(net.World.Now().Sub(begin))/o.Pace) - time.Since(start)
			if wait > 0 {
				select {
				case <-time.After(wait):
				case <-ctx.Done():
				}
			}
		}
		if o.Progress != nil && time.Since(last) > progressGap {
			last = time.Now()
			o.Progress(progress(net, net.World.Now().Sub(begin), time.Duration(s.For), time.Since(start)))
		}
	}
	r := report(net, h, net.World.Now().Sub(begin), time.Since(start))
	r.Failures, r.LwM2M = script.Failures(), made.outside.report()
	if capture != nil {
		r.Captured = capture.Frames()
		if err := capture.Err(); err != nil {
			return r, err
		}
	}
	return r, ctx.Err()
}

func progress(net *network.Network, virtual, of, real time.Duration) Progress {
	p := Progress{Virtual: virtual, Of: of, Real: real, Frames: net.Stats().Frames}
	sizes, detached := net.Partitions()
	p.Partitions = len(sizes)
	for _, n := range sizes {
		p.Attached += n
	}
	p.Nodes = p.Attached + detached
	p.Routers, _ = net.Routers()
	return p
}

// Capture writes all that is sent from now on to w, with the networks' keys in the file's comments.
func Capture(net *network.Network, w io.Writer, networks int) *mesh.Pcapng {
	var comments []string
	for i := range networks {
		d := network.Dataset(i)
		comments = append(comments, mesh.KeyComment(d.NetworkKey[:], d.MeshLocalPrefix.String()))
	}
	p := mesh.NewPcapng(w, comments...)
	net.Tap(func(at machine.Time, from *mesh.Node, channel uint8, rssi int8, psdu []byte) {
		p.Frame(at, from.Name(), channel, rssi, psdu)
	})
	return p
}
