package client

import (
	"time"

	"heddle.example/machine"
)

// A client in queue mode chooses when it sleeps: once the awake window after its last message is over, its radio is off
// and no datagram comes in. It wakes for what it has to say itself (an Update, a notification, a Send) and then listens for
// a whole window again.

// DefaultAwake is the awake window where nothing else is said: MAX_TRANSMIT_WAIT (RFC 7252 section 4.8.2), which LwM2M
// recommends.
const DefaultAwake = 93 * time.Second

// Asleep is an Event: the client takes nothing in until it next has something to send.
type Asleep struct{}

// Awake is an Event: the client listens again.
type Awake struct{}

// sleep is whether the client sleeps. Without a window it never does.
type sleep struct {
	window time.Duration
	last   machine.Time // when it sent its last message
	timer  machine.TimerID
	asleep bool
}

// speaks notes that a message is about to leave.
func (c *Client) speaks() {
	s := &c.sleep
	if s.window <= 0 {
		return
	}
	s.last = c.now
	if s.asleep {
		s.asleep = false
		c.emit(&Awake{})
	}
	if s.timer == 0 {
		s.timer = c.timers.Set(0, c.now.Add(s.window), timerKey{kind: sleepTimer})
	}
}

// windowOver puts the client to sleep, unless it has sent something since or waits for an answer.
func (c *Client) windowOver() {
	s := &c.sleep
	if s.timer = 0; !c.started {
		return
	}
	until := s.last.Add(s.window)
	if until <= c.now && c.waits() {
		until = c.now.Add(s.window)
	}
	if until > c.now {
		s.timer = c.timers.Set(0, until, timerKey{kind: sleepTimer})
		return
	}
	s.asleep = true
	c.emit(&Asleep{})
}

// waits reports whether something that the client began is not done: it would miss the answer.
func (c *Client) waits() bool {
	if c.fetch != nil || len(c.sends) > 0 {
		return true
	}
	for i := range c.accounts {
		switch c.accounts[i].phase {
		case resolving, connecting, registering, updating, deregistering, holding, requesting, bootstrapping:
			return true
		}
	}
	return false
}

// misses reports whether a datagram comes in while the radio is off.
func (c *Client) misses() bool {
	if c.sleep.asleep {
		c.traffic.Missed++
	}
	return c.sleep.asleep
}

// Sleeping reports whether the client is asleep.
func (c *Client) Sleeping() bool { return c.sleep.asleep }
