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

	mu      sync.Mutex
	kept    []captured
	next    int
	fresh   []Frame
	pending map[uint8]int
	keys    keyring
	last    seen
}

// seen is the latest frame that asked for an acknowledgement: the same once more is a retry.
type seen struct {
	from int
	seq  uint8
	n    int
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
	c := captured{machine.Time(l.clock().UnixNano()), name, channel, rssi, append([]byte(nil), psdu...)}
	if len(a.kept) < liveCaptureMost {
		a.kept = append(a.kept, c)
	} else {
		a.kept[a.next] = c
		a.next = (a.next + 1) % liveCaptureMost
	}
	if len(a.fresh) < framesMost && l.feed.any() {
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
	if a.pending == nil {
		a.pending = map[uint8]int{}
	}
	if h.AckRequest && own {
		if x := (seen{f.From, h.Sequence, len(psdu)}); x == a.last {
			f.Text += ", retry"
		} else {
			a.last = x
		}
		a.pending[h.Sequence] = len(a.fresh)
	}
	a.fresh = append(a.fresh, f)
}

// Acked notes that the latest frame with a sequence number was acknowledged.
func (l *Live) Acked(sequence uint8) {
	a := &l.air
	a.mu.Lock()
	defer a.mu.Unlock()
	if i, ok := a.pending[sequence]; ok && i < len(a.fresh) {
		a.fresh[i].OK = true
	}
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
	fresh := a.fresh
	a.fresh = nil
	clear(a.pending)
	a.mu.Unlock()
	if len(fresh) > 0 {
		a.l.feed.publish("frames", 0, struct {
			Frames []Frame `json:"frames"`
		}{fresh})
	}
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
	frames := append(append([]captured(nil), a.kept[a.next:]...), a.kept[:a.next]...)
	a.mu.Unlock()
	p := mesh.NewPcapng(out, comments...)
	for i := range frames {
		f := &frames[i]
		p.Frame(f.at, f.from, f.channel, f.rssi, f.psdu)
	}
	return p.Err()
}
