package client

import (
	"time"

	"heddle.example/machine"
)

// RetryPolicy says how a client goes on when a server does not answer or refuses: resources 17 to 20 of the Server
// object (LwM2M Core 1.1 section 6.2.1, appendix E.2).
type RetryPolicy struct {
	Count         uint32        // resource 17: attempts in one sequence
	Timer         time.Duration // resource 18: the delay after attempt n of a sequence is Timer * 2^(n-1)
	SequenceDelay time.Duration // resource 19: the delay between two sequences
	SequenceCount uint32        // resource 20: sequences until the registration counts as failed
}

// DefaultRetry holds the defaults of the Server object's definition.
var DefaultRetry = RetryPolicy{Count: 5, Timer: time.Minute, SequenceDelay: 24 * time.Hour, SequenceCount: 1}

// maxBackoff bounds the delay that a server can set by writing large values.
const maxBackoff = 7 * 24 * time.Hour

// backoff returns the delay after attempt n (the first is 1) of a sequence.
func (p RetryPolicy) backoff(n uint32) time.Duration {
	d := min(p.Timer, maxBackoff)
	for ; n > 1 && d < maxBackoff; n-- {
		d *= 2
	}
	return min(d, maxBackoff)
}

// retryState counts failed attempts since the last success.
type retryState struct {
	attempt   uint32 // failed attempts in this sequence
	sequence  uint32 // failed sequences
	exhausted bool   // all sequences failed
}

// fail counts a failed attempt and returns how long to wait before the next one.
//
// exhausted is true once, when the last sequence failed: that is the point where a client with a bootstrap account
// bootstraps. A client without one never gives up: it goes on with the longest delay of a sequence, since the
// standard's next delay (a day by default) would leave a device silent long after its server is back.
func (r *retryState) fail(p RetryPolicy) (delay time.Duration, exhausted bool) {
	p.Count, p.SequenceCount = max(p.Count, 1), max(p.SequenceCount, 1)
	if r.exhausted {
		return min(p.backoff(p.Count), max(p.SequenceDelay, p.Timer)), false
	}
	r.attempt++
	if r.attempt < p.Count {
		return p.backoff(r.attempt), false
	}
	r.attempt = 0
	r.sequence++
	if r.sequence < p.SequenceCount {
		return min(p.SequenceDelay, maxBackoff), false
	}
	r.exhausted = true
	return min(p.backoff(p.Count), max(p.SequenceDelay, p.Timer)), true
}

// Retry ends the wait of all accounts whose last attempt failed: the network is back, so they try again now.
func (c *Client) Retry(now machine.Time, cause machine.Cause) {
	c.begin(now, cause)
	defer c.end()
	if !c.started || c.stopping {
		return
	}
	for i := range c.accounts {
		if a := &c.accounts[i]; a.phase == waiting && a.failed && !a.Bootstrap {
			c.attempt(i)
		}
	}
}
