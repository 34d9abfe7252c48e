package topology

import (
	"context"
	"io"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread/ieee802154"
)

// air listens to all frames: it keeps the newest for a capture, and at low speed tells the readers of each.
type air struct {
	w      *World
	sent   uint64
	recent recent
	untold untold
	keys   keyring
}

const captureMost = 100_000 // frames

func (a *air) init(w *World) {
	a.w, a.recent.most = w, captureMost
	w.net.Tap(a.heard)
}

func (a *air) heard(at machine.Time, from *mesh.Node, channel uint8, rssi int8, psdu []byte) {
	a.sent++
	a.recent.keep(at, from.Name(), channel, rssi, psdu)
	if w := a.w; (w.paused || w.speed > 0 && w.speed <= 1) && !a.untold.full() && w.feed.any() {
		a.tell(at, from, channel, rssi, psdu)
	}
}

func (a *air) tell(at machine.Time, from *mesh.Node, channel uint8, rssi int8, psdu []byte) {
	f := Frame{At: a.w.us(at), From: from.Number(), Len: len(psdu), RSSI: rssi, Channel: channel}
	var h ieee802154.Frame
	if h.Parse(psdu) != nil {
		return
	}
	f.To, f.OK = a.receiver(from, &h), !h.AckRequest
	if t := a.w.net.Member(from.Number()).Thread(); t != nil {
		a.keys.mac, a.keys.mle, a.keys.source = t.Keys().MAC(), t.Keys().MLE(), t.MAC().Ext()
	} else {
		a.keys.mac, a.keys.mle = nil, nil
	}
	f.Kind, f.Text = caption(&h, &a.keys)
	if h.Type == ieee802154.Ack {
		if of := a.untold.acked(h.Sequence); of != nil {
			f.OK, f.To = true, of.From
		}
	}
	a.untold.add(f, &h, h.AckRequest)
}

// receiver returns the id of the node that a frame is for; 0: all.
func (a *air) receiver(from *mesh.Node, h *ieee802154.Frame) int {
	v := &a.w.view
	switch h.Dst.Kind {
	case ieee802154.Extended:
		return v.byExt[h.Dst.Ext]
	case ieee802154.Short:
		if n := a.w.net.Member(from.Number()); n.Thread() != nil {
			return v.byRLOC[rlocKey{n.Thread().MLE().LeaderData().PartitionID, h.Dst.Short}]
		}
	}
	return 0
}

// flush tells the readers of the frames since the last look.
func (a *air) flush() { a.w.feed.publishFrames(a.untold.take()) }

// Capture writes the newest frames as pcapng, with the networks' keys in it where keys says so.
func (w *World) Capture(ctx context.Context, out io.Writer, keys bool) error {
	var frames []captured
	err := w.do(ctx, func() error {
		frames = w.air.recent.all()
		return nil
	})
	if err != nil {
		return err
	}
	var comments []string
	for i := range max(1, w.scenario.Networks) {
		d := network.Dataset(i)
		if w.options.Dataset != nil {
			d = *w.options.Dataset
		}
		if keys {
			comments = append(comments, mesh.KeyComment(d.NetworkKey[:], d.MeshLocalPrefix.String()))
		}
	}
	return writeFrames(out, frames, comments)
}
