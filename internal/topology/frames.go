package topology

import (
	"io"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/thread/ieee802154"
)

// recent are the newest frames, for a capture.
type recent struct {
	most int
	kept []captured // a ring
	next int
}

type captured struct {
	at      machine.Time
	from    string
	channel uint8
	rssi    int8
	psdu    []byte
}

// keep takes in a frame, which is copied.
func (r *recent) keep(at machine.Time, from string, channel uint8, rssi int8, psdu []byte) {
	c := captured{at, from, channel, rssi, append([]byte(nil), psdu...)}
	if len(r.kept) < r.most {
		r.kept = append(r.kept, c)
		return
	}
	r.kept[r.next] = c
	r.next = (r.next + 1) % r.most
}

// all returns a list of them, the oldest first.
func (r *recent) all() []captured {
	return append(append([]captured(nil), r.kept[r.next:]...), r.kept[:r.next]...)
}

// writeFrames writes frames as pcapng, with comments.
func writeFrames(out io.Writer, frames []captured, comments []string) error {
	p := mesh.NewPcapng(out, comments...)
	for i := range frames {
		f := &frames[i]
		p.Frame(f.at, f.from, f.channel, f.rssi, f.psdu)
	}
	return p.Err()
}

// untold are the frames that readers will be told of at the next look.
type untold struct {
	frames  []Frame
	waiting map[uint8]int // by sequence number: the frame that waits for its acknowledgement
	last    seen
}

// seen is the latest frame that asked for an acknowledgement: the same once more is a retry.
type seen struct {
	from int
	seq  uint8
	n    int
}

const framesMost = 200 // of one event

func (u *untold) full() bool { return len(u.frames) >= framesMost }

// add takes in a frame; await says that its acknowledgement will be seen.
func (u *untold) add(f Frame, h *ieee802154.Frame, await bool) {
	if await {
		if x := (seen{f.From, h.Sequence, f.Len}); x == u.last {
			f.Text += ", retry"
		} else {
			u.last = x
		}
		if u.waiting == nil {
			u.waiting = map[uint8]int{}
		}
		u.waiting[h.Sequence] = len(u.frames)
	}
	u.frames = append(u.frames, f)
}

// acked notes that the latest frame with a sequence number was acknowledged, and returns it, or nil.
func (u *untold) acked(sequence uint8) *Frame {
	i, ok := u.waiting[sequence]
	if !ok {
		return nil
	}
	delete(u.waiting, sequence)
	u.frames[i].OK = true
	return &u.frames[i]
}

// take empties it.
func (u *untold) take() []Frame {
	frames := u.frames
	u.frames = nil
	clear(u.waiting)
	return frames
}

// publishFrames tells the readers of frames, if there are any.
func (f *feed) publishFrames(frames []Frame) {
	if len(frames) > 0 {
		f.publish("frames", 0, struct {
			Frames []Frame `json:"frames"`
		}{frames})
	}
}
