package radio

import (
	"runtime"
	"sync"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	phy "heddle.example/thread/radio"
)

// reader is the radio's own thread: it hears frames and acknowledges them from the frame and the filter alone, before and
// beside whatever the node is doing. What the node is to know waits in a queue.
type reader struct {
	socket *airSocket
	id     int
	nodes  *NodeFilter
	clock  func() machine.Time
	wake   wakeup // of the node's thread
	quit   wakeup

	mu      sync.Mutex
	filter  phy.Filter
	state   phy.State
	waiting bool // for an acknowledgement
	request phy.Transmit
	queue   []heard
	free    []*phy.Air
	asleep  bool // the node's thread waits for wake
	dropped uint64
	out     [1 + ieee802154.MaxPSDU]byte
}

// heard is a frame for the node, or an acknowledgement.
type heard struct {
	frame phy.Frame
	ack   bool
}

// queueLimit bounds what waits for a node that is busy. What does not fit is not acknowledged, so the sender tries again.
const queueLimit = 512

const simulatedRSSI = -20 // dBm, of every frame of OpenThread's simulated radio

// run reads until quit is woken.
func (r *reader) run() {
	runtime.LockOSThread()
	sharpTimers()
	fds := []pollFD{{fd: int32(r.socket.rx)}, {fd: int32(r.quit.r)}}
	for {
		poll(fds, -1)
		if fds[1].revents != 0 {
			return
		}
		for {
			b, from, ok := r.socket.receive()
			if !ok {
				break
			}
			if from != r.id && len(b) > 1 && r.nodes.hears(from) {
				r.hear(b[0], b[1:])
			}
		}
	}
}

func (r *reader) hear(channel uint8, psdu []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	on := r.state.Channel
	if r.waiting {
		on = r.request.Channel
	}
	if channel != on || r.state.Mode != phy.Receive && !r.waiting || len(r.queue) >= queueLimit {
		r.dropped++
		return
	}
	air := r.blank(channel, psdu)
	h := air.Parsed()
	f := phy.Frame{Air: air, RSSI: simulatedRSSI, At: r.clock()}
	switch {
	case h == nil:
	case r.waiting && r.request.AckedBy(h):
		r.waiting = false
		r.push(heard{f, true})
		return
	case r.filter.Accept(h):
		if ack := r.filter.Ack(append(r.out[:0], channel), &f, f.At); len(ack) > 1 {
			r.socket.send(ack)
		}
		r.push(heard{f, false})
		return
	}
	r.free = append(r.free, air)
}

func (r *reader) push(h heard) {
	r.queue = append(r.queue, h)
	if r.asleep {
		r.asleep = false
		r.wake.wake()
	}
}

func (r *reader) blank(channel uint8, psdu []byte) *phy.Air {
	if n := len(r.free); n > 0 {
		a := r.free[n-1]
		r.free = r.free[:n-1]
		a.Set(channel, psdu)
		return a
	}
	return phy.NewAir(channel, psdu)
}

// take moves what was heard to list; with nothing there it notes that the node's thread is going to sleep.
func (r *reader) take(list []heard, sleep bool) []heard {
	r.mu.Lock()
	list = append(list[:0], r.queue...)
	r.queue = r.queue[:0]
	r.asleep = sleep && len(list) == 0
	r.mu.Unlock()
	return list
}

func (r *reader) giveBack(list []heard) {
	r.mu.Lock()
	for i := range list {
		r.free = append(r.free, list[i].frame.Air)
		list[i] = heard{}
	}
	r.mu.Unlock()
}
