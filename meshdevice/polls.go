package meshdevice

import (
	"time"

	"heddle.example/thread/info"
)

// A sleepy node hears what is for it when it asks its parent. While its LwM2M client listens (always, or in queue mode
// within the window after its last message) it asks often; an exchange under way has a few polls in quick succession
// besides. When the client sleeps, the node polls as rarely as its parent allows.

// sleepy reports whether the node's receiver is off when it has nothing to do.
func (d *Device) sleepy() bool {
	return !d.node.Mode().RxOnWhenIdle && d.node.Role() == info.ChildRole
}

// adjustPolls sets the poll period for what the client does now.
func (d *Device) adjustPolls() {
	l := d.lw
	if l == nil || l.dead {
		return
	}
	if !l.begun || l.client.Sleeping() || !d.sleepy() {
		d.restorePoll()
		return
	}
	if l.poll != 0 {
		return
	}
	want := d.cfg.AwakePoll
	if want == 0 {
		want = DefaultAwakePoll
	}
	user := d.node.ExternalPollPeriod()
	if user != 0 && user <= want {
		return
	}
	l.poll, l.userPoll = want, user
	_ = d.node.SetPollPeriod(d.now, uint32(want/time.Millisecond)) // it is not too short
}

// restorePoll puts the poll period back to what it was, unless a person has changed it since.
func (d *Device) restorePoll() {
	l := d.lw
	if l.poll == 0 {
		return
	}
	if d.node.ExternalPollPeriod() == l.poll {
		_ = d.node.SetPollPeriod(d.now, uint32(l.userPoll/time.Millisecond))
	}
	l.poll = 0
}
