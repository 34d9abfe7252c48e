package radio

import (
	"runtime"
	"sync"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	phy "heddle.example/thread/radio"
)

// reader hears frames and acknowledges them from the frame and the filter alone, before any other work. What the node is
// to know waits in a queue. The node's thread calls pump between all that it does, for a frame handed from one thread to
// another comes late on a busy computer. A thread of its own does it while the node's waits for the disk.
type reader struct {
	socket *airSocket
	id     int
	nodes  *NodeFilter
	clock  func() machine.Time
	begin  wakeup // of the thread of its own
	end    wakeup
	quit   wakeup

	mu      sync.Mutex
	filter  phy.Filter
	state   phy.State
	waiting bool // for an acknowledgement
	request phy.Transmit
	queue   []heard
	free    []*phy.Air
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

// pumpMost bounds what is read at a time, so that a flood does not keep the node from its own work.
const pumpMost = 64

// pump reads what there is and acknowledges it.
func (r *reader) pump() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range pumpMost {
		b, from, ok := r.socket.receive()
		if !ok {
			return
		}
		if from != r.id && len(b) > 1 && r.nodes.hears(from) {
			r.hear(b[0], b[1:])
		}
	}
}

// run pumps in a thread of its own from begin to end, until quit is woken.
func (r *reader) run() {
	runtime.LockOSThread()
	sharpTimers()
	rest := []pollFD{{fd: int32(r.begin.r)}, {fd: int32(r.quit.r)}}
	work := []pollFD{{fd: int32(r.socket.rx)}, {fd: int32(r.end.r)}, {fd: int32(r.quit.r)}}
	for {
		poll(rest, -1)
		if rest[1].revents != 0 {
			return
		}
		r.begin.clear()
		for poll(work, -1); work[1].revents == 0; poll(work, -1) {
			if work[2].revents != 0 {
				return
			}
			r.pump()
		}
		r.end.clear()
	}
}

// hear is called with the lock held.
func (r *reader) hear(channel uint8, psdu []byte) {
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

func (r *reader) push(h heard) { r.queue = append(r.queue, h) }

func (r *reader) blank(channel uint8, psdu []byte) *phy.Air {
	if n := len(r.free); n > 0 {
		a := r.free[n-1]
		r.free = r.free[:n-1]
		a.Set(channel, psdu)
		return a
	}
	return phy.NewAir(channel, psdu)
}

// take moves what was heard to list.
func (r *reader) take(list []heard) []heard {
	r.mu.Lock()
	list = append(list[:0], r.queue...)
	r.queue = r.queue[:0]
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
