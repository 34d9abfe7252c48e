package demo

import (
	"context"
	"io"
	"time"

	"heddle.example/internal/access"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/sim/system"
	"heddle.example/thread/shell"
)

// walkProfile is the device of the walk.
var walkProfile = objects.Profile{Place: objects.Everest, Device: objects.DeviceConfig{Manufacturer: "Heddle", Model: "Thread node", Serial: "HD-WALK",
	Firmware: "1.0.3", Type: "simulated device", UTCOffset: "+00:00", Timezone: "UTC"}}

// Walk walks through the whole system and prints what is typed, clicked and answered. calm is how long it waits between
// two steps, for a person who looks on.
func (d *Demo) Walk(ctx context.Context, out io.Writer, calm time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	h := d.home
	c := d.checker(ctx)
	defer c.stop()
	var err error
	if c.link, err = d.Program.Enter(access.Admin); err != nil { // the other link is for who looks on
		return err
	}
	w := &walker{checker: c, home: h, out: &printer{out: out}, calm: calm, terms: map[string]*term{}}
	if _, err := w.enter(); err != nil {
		return err
	}
	for i, name := range []string{atLeader, atBorder, atDevice} {
		var n *network.Node
		at := mesh.Position{X: 8 * float64(i), Y: 4}
		err := h.do(ctx, func(machine.Time) {
			switch name {
			case atBorder:
				h.addBorder(at)
				n = h.border.Node
			case atDevice:
				d := h.sys.AddDevice(system.DeviceConfig{Position: at, LwM2M: meshdevice.Config{Profile: walkProfile}})
				n = d.Node
				h.shells[n.Number()] = d.Shell
			default:
				n = h.net.Add(network.NodeConfig{Position: at})
			}
		})
		if err != nil {
			return err
		}
		if w.terms[name], err = openTerm(ctx, h.shown, n, name, func() shell.Config { return h.shell(n) }, func(l string) { w.out.line("%s", l) }); err != nil {
			return err
		}
	}
	return w.walk(ctx, walkSteps())
}
