package radio

import (
	"sync"

	"heddle.example/machine"
)

// posts are what other goroutines want done in the one that has the device.
type posts struct {
	mu   sync.Mutex
	list []func(now machine.Time)
	wake func() // nil: the driver does not run
}

// postsMost bounds what waits for a device that is busy.
const postsMost = 1024

// Post has f called in the goroutine of the device, as an input between two others. It may be called from any goroutine, and
// reports false where the driver does not run, or too much waits already: then f is never called.
func (c *Control) Post(f func(now machine.Time)) bool {
	p := &c.posts
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wake == nil || len(p.list) >= postsMost {
		return false
	}
	if p.list = append(p.list, f); len(p.list) == 1 {
		p.wake()
	}
	return true
}

// open lets posts in; what it returns keeps them out again.
func (p *posts) open(wake func()) (shut func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wake = wake
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wake, p.list = nil, nil
	}
}

// take returns the next one, or nil.
func (p *posts) take() (f func(now machine.Time)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.list) > 0 {
		f = p.list[0]
		p.list[0] = nil
		p.list = p.list[1:]
	}
	return f
}
