package topology

import (
	"context"
	"io"
	"sync"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
)

// liveAir keeps the frames that the node sends and hears.
type liveAir struct {
	l *Live

	mu     sync.Mutex
	recent recent
	untold untold
	keys   keyring
}

const liveCaptureMost = 20_000

// Heard takes in a frame: of the node, or one that it received. It is called in the node's owner, with the node.
func (l *Live) Heard(now machine.Time, n *thread.Node, own bool, channel uint8, rssi int8, psdu []byte) {
	a := &l.air
	name := "received"
	if own {
		name = "sent"
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recent.keep(machine.Time(l.clock().UnixNano()), name, channel, rssi, psdu)
	if !a.untold.full() && l.feed.any() {
		a.tell(n, own, channel, rssi, psdu)
	}
}

func (a *liveAir) tell(n *thread.Node, own bool, channel uint8, rssi int8, psdu []byte) {
	var h ieee802154.Frame
	if h.Parse(psdu) != nil {
		return
	}
	l := a.l
	f := Frame{At: l.us(), Len: len(psdu), RSSI: rssi, Channel: channel, OK: !h.AckRequest || !own}
	if h.Type == ieee802154.Ack && !own { // it has no addresses: whose it is, its sequence number says
		if of := a.untold.acked(h.Sequence); of != nil {
			f.From, f.To = of.To, of.From
			f.Kind, f.Text = caption(&h, &a.keys)
			a.untold.add(f, &h, false)
		}
		return
	}
	l.mu.Lock()
	f.From, f.To = 1, l.idOf(&h.Dst)
	a.keys.source = n.MAC().Ext()
	if !own {
		f.From, f.To = l.idOf(&h.Src), 1
		if h.Dst.Kind == ieee802154.Short && h.Dst.Short == 0xffff {
			f.To = 0
		}
		switch h.Src.Kind {
		case ieee802154.Extended:
			a.keys.source = h.Src.Ext
		case ieee802154.Short:
			if ext, ok := l.own.exts[h.Src.Short]; ok {
				a.keys.source = ext
			} else {
				a.keys.source = l.exts[h.Src.Short]
			}
		}
	}
	l.mu.Unlock()
	if f.From == 0 {
		return
	}
	a.keys.mac, a.keys.mle = n.Keys().MAC(), n.Keys().MLE()
	f.Kind, f.Text = caption(&h, &a.keys)
	a.untold.add(f, &h, h.AckRequest && own)
}

// idOf returns the number of the node with a link-layer address; 0: none that is known.
func (l *Live) idOf(a *ieee802154.Address) int {
	switch a.Kind {
	case ieee802154.Extended:
		return l.ids[a.Ext]
	case ieee802154.Short:
		return l.byRLOC[a.Short]
	}
	return 0
}

func (a *liveAir) flush() {
	a.mu.Lock()
	frames := a.untold.take()
	a.mu.Unlock()
	a.l.feed.publishFrames(frames)
}

func (a *liveAir) capture(ctx context.Context, out io.Writer, keys bool) error {
	var comments []string
	if keys {
		err := a.l.o.Seat.Do(ctx, func(_ machine.Time, n *thread.Node) error {
			p := n.Datasets().Params()
			comments = append(comments, mesh.KeyComment(p.NetworkKey[:], p.MeshLocalPrefix.String()))
			return nil
		})
		if err != nil {
			return err
		}
	}
	a.mu.Lock()
	frames := a.recent.all()
	a.mu.Unlock()
	return writeFrames(out, frames, comments)
}
