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
	w       *World
	sent    uint64
	kept    []captured // a ring
	next    int
	fresh   []Frame
	pending map[uint8]int // by sequence number: the frame in fresh that waits for its acknowledgement
	keys    keyring
	last    seen
}

type captured struct {
	at      machine.Time
	from    string
	channel uint8
	rssi    int8
	psdu    []byte
}

const (
	captureMost = 100_000 // frames
	framesMost  = 200     // of one event
)

func (a *air) init(w *World) {
	a.w, a.pending = w, map[uint8]int{}
	w.net.Tap(a.heard)
}

func (a *air) heard(at machine.Time, from *mesh.Node, channel uint8, rssi int8, psdu []byte) {
	a.sent++
	c := captured{at, from.Name(), channel, rssi, append([]byte(nil), psdu...)}
	if len(a.kept) < captureMost {
		a.kept = append(a.kept, c)
	} else {
		a.kept[a.next] = c
		a.next = (a.next + 1) % captureMost
	}
	if w := a.w; (w.paused || w.speed > 0 && w.speed <= 1) && len(a.fresh) < framesMost && w.feed.any() {
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
	if i, ok := a.pending[h.Sequence]; ok && h.Type == ieee802154.Ack && i < len(a.fresh) {
		f.OK, f.To, a.fresh[i].OK = true, a.fresh[i].From, true
		delete(a.pending, h.Sequence)
	}
	if h.AckRequest {
		if x := (seen{f.From, h.Sequence, len(psdu)}); x == a.last {
			f.Text += ", retry"
		} else {
			a.last = x
		}
		a.pending[h.Sequence] = len(a.fresh)
	}
	a.fresh = append(a.fresh, f)
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
func (a *air) flush() {
	if len(a.fresh) == 0 {
		return
	}
	a.w.feed.publish("frames", 0, struct {
		Frames []Frame `json:"frames"`
	}{a.fresh})
	a.fresh = a.fresh[:0]
	clear(a.pending)
}

// Capture writes the newest frames as pcapng, with the networks' keys in it where keys says so.
func (w *World) Capture(ctx context.Context, out io.Writer, keys bool) error {
	var frames []captured
	err := w.do(ctx, func() error {
		a := &w.air
		frames = append(append(frames, a.kept[a.next:]...), a.kept[:a.next]...)
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
	p := mesh.NewPcapng(out, comments...)
	for i := range frames {
		f := &frames[i]
		p.Frame(f.at, f.from, f.channel, f.rssi, f.psdu)
	}
	return p.Err()
}
