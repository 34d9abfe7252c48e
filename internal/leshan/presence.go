package leshan

import (
	"sync"
	"time"

	"heddle.example/internal/fleet"
	"heddle.example/lwm2m/server"
)

// presence tells listeners when devices in queue mode wake and fall asleep. It works only while someone listens.
type presence struct {
	window time.Duration
	tell   func(kind, endpoint string)

	mu    sync.Mutex
	awake map[string]*time.Timer
}

// presentMost bounds the timers.
const presentMost = 10_000

func newPresence(tell func(kind, endpoint string)) *presence {
	return &presence{window: fleet.AwakeWindow, tell: tell, awake: map[string]*time.Timer{}}
}

// heard says that a device has sent something.
func (p *presence) heard(reg *server.Registration) {
	if !reg.Queue {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ep := reg.Endpoint
	if t := p.awake[ep]; t != nil {
		t.Reset(p.window)
		return
	}
	if len(p.awake) >= presentMost {
		return
	}
	p.awake[ep] = time.AfterFunc(p.window, func() {
		if p.drop(ep) {
			p.tell("SLEEPING", ep)
		}
	})
	p.tell("AWAKE", ep)
}

// drop forgets a device and reports whether it was awake.
func (p *presence) drop(ep string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.awake[ep]
	if t == nil {
		return false
	}
	t.Stop()
	delete(p.awake, ep)
	return true
}
