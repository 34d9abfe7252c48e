package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/radio"
)

// unsettled is what the node has asked its disk for and not heard of since. A commit that fails takes with it the
// transmission that waits for it, and all that would wait for it later; so what it held is asked for anew after a while,
// until the disk takes it, and the node goes on from there.
type unsettled struct {
	keys   []pendingKey
	failed machine.Seq  // commits up to here that are not settled have failed
	retry  machine.Time // when to ask anew; zero: nothing has failed
	sent   struct {     // the transmission under way
		id    uint32
		after machine.Seq
		lost  bool
	}
}

type pendingKey struct {
	seq machine.Seq
	key string
}

// storeRetry is how long a node waits before it asks a disk anew that has failed.
const storeRetry = time.Second

// send gives a transmission to the radio, unless what it waits for has failed: then it ends when the disk is asked anew.
func (n *Node) send(t *radio.Transmit, after machine.Seq) {
	u := &n.unsettled
	u.sent.id, u.sent.after, u.sent.lost = t.ID, after, u.retry != 0 && after <= u.failed && n.owed(after)
	if u.sent.lost {
		return
	}
	n.out.Push(machine.Action{Kind: machine.Send, Cause: t.Cause, After: after, Value: t})
}

// owed reports whether commit seq is not on disk.
func (n *Node) owed(seq machine.Seq) bool {
	k := n.unsettled.keys
	return len(k) > 0 && seq >= k[0].seq
}

// Persisted implements machine.Durable.
func (n *Node) Persisted(now machine.Time, seq machine.Seq) {
	n.begin(now, 0)
	u := &n.unsettled
	keep := u.keys[:0]
	for _, k := range u.keys {
		if k.seq > seq || k.seq <= u.failed { // "all before it that did not fail"
			keep = append(keep, k)
		}
	}
	if u.keys = keep; len(keep) == 0 {
		u.keys = nil
	}
	n.mac.CountersStored(now)
	n.finish(now)
}

// PersistFailed implements machine.Durable.
func (n *Node) PersistFailed(now machine.Time, seq machine.Seq, err error) {
	n.begin(now, 0)
	u := &n.unsettled
	// What was asked for since then goes again, too: the driver drops what waits for it.
	u.failed = n.out.Nest().LastSeq()
	u.retry = now.Add(storeRetry)
	if u.sent.after >= seq {
		u.sent.lost = true
	}
	n.finish(now)
}

func (n *Node) unsettledDeadline() machine.Time {
	if n.unsettled.retry == 0 {
		return machine.Never
	}
	return n.unsettled.retry
}

// storeAgain asks for what has failed, as it is now.
func (n *Node) storeAgain(now machine.Time) {
	u := &n.unsettled
	keys := u.keys
	u.keys, u.retry, u.failed = nil, 0, 0
	for _, k := range keys {
		var value []byte
		if i, ok := n.settings.find(k.key); ok {
			value = n.settings.list[i].value
		}
		seq := n.record(k.key, value)
		if k.key == settingCounters {
			n.countersSeq = seq
		}
	}
	n.flushSettings()
	if u.sent.lost {
		u.sent.lost = false
		n.mac.RadioSent(now, radio.Sent{ID: u.sent.id, Err: radio.Aborted})
	}
}
