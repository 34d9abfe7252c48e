package client_test

import (
	"testing"
	"time"

	"heddle.example/lwm2m/client"
)

func queueing(awake time.Duration) func(*client.Config) {
	return func(c *client.Config) { c.Queue, c.Awake = true, awake }
}

// A client in queue mode listens for 93 s after its last message. Then nothing comes in until it has something to say
// itself, and it listens for a whole window again.
func TestSleep(t *testing.T) {
	d := newDial()
	s := newScript(t, queueing(0), d).registered()
	s.run(`
		> GET /3303/0/5700 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
		+60s
		> GET /3303/0/5750 accept=0
		< ACK 2.05 ct=0 : kitchen
		+92s
		+1s
		! @2m33s Asleep{}
		> GET /3303/0/5750 accept=0
		+1s
	`)
	if !s.c.Sleeping() || s.c.Traffic().Missed != 1 {
		t.Errorf("asleep %v, missed %d", s.c.Sleeping(), s.c.Traffic().Missed)
	}
	// A notification wakes it, and so does the Update that is due.
	d.number = 1.5
	s.run(`
		changed /3303/0/5700
		! Awake{}
		< NON 2.05 token=A observe ct=0 : 1.5
		> GET /3303/0/5750 accept=0
		< ACK 2.05 ct=0 : kitchen
		+43s
		< @3m17s CON POST /rd/1
		+30s
		< @3m19.133s CON POST /rd/1
		< @3m23.399s CON POST /rd/1
		< @3m31.93s CON POST /rd/1
		> 2.04
		! Updated{Server:123}
		+83s
		! @5m4.93s Asleep{}
		+1s
	`)
}

// While it waits for an answer it does not sleep, however short its window is.
func TestNoSleepWhileWaiting(t *testing.T) {
	s := newScript(t, queueing(time.Second))
	s.run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300&Q ct=40 : (links)
		! STATE_REGISTERING
		+2s
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.1
		! STATE_READY
		+1s
		! @3s Asleep{}
		update 123
		! Awake{}
		< CON POST /rd/1
		> 2.04
		! Updated{Server:123}
		+5s
		! @4s Asleep{}
		stop
		! Awake{}
		< CON DELETE /rd/1
	`)
}

// A client that asks for queue mode and does not sleep.
func TestNeverSleeps(t *testing.T) {
	s := newScript(t, queueing(-1)).registered()
	s.run(`
		+150s
		> GET /3/0/0 accept=0
		< ACK 2.05 ct=0 : Heddle
	`)
}
