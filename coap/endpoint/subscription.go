package endpoint

import (
	"slices"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
)

// subscription is an entry of the list of observers (RFC 7641 section 4.1): a peer and its token.
type subscription struct {
	index, generation uint32
	peer              *peer
	token             coap.Token
	key               []byte // what is observed: see appendKey
	sum               uint64
	szx               uint8
	sequence          uint32
	out               *outgoing // the confirmable notification under way
	pending           []byte    // the newest value, while out is under way
	hasPending        bool
	pendingAfter      machine.Seq
	pendingCause      machine.Cause
	confirmed         machine.Time // last confirmable notification
	recent            [4]uint16    // ids of the last non-confirmable notifications: an RST may name them
	recentN           uint8
}

// confirmEvery is how often at least a notification is confirmable (RFC 7641 section 4.5).
const confirmEvery = 24 * time.Hour

// Accept makes the sender of a request with Observe: 0 an observer. It is called before Respond, whose answer is then
// the first value. At a limit it returns the zero Subscription, and the answer is a plain one.
func (e *Endpoint) Accept(now machine.Time, x Exchange) Subscription { return e.AcceptFrom(now, x, 1) }

// AcceptFrom is Accept with the sequence number of the first value, unless the observer was one already: then the numbers
// go on.
func (e *Endpoint) AcceptFrom(now machine.Time, x Exchange, first uint32) Subscription {
	e.begin(now)
	ex := e.exchanges.get(x.index, x.generation)
	if ex == nil || ex.sub != nil {
		return Subscription{}
	}
	d := e.deal(ex.peer)
	first &= coap.MaxSequence
	if old := ex.peer.subscription(ex.token); old != nil {
		first = (old.sequence + 1) & coap.MaxSequence
		e.endSubscription(now, ex.cause, old, Replaced)
		d = e.deal(ex.peer)
	}
	if len(d.subs) >= e.config.MaxPeerSubs || e.subscriptions.n >= e.config.MaxSubscriptions {
		e.stats.Refused++
		e.settle(ex.peer)
		return Subscription{}
	}
	s, index, generation := e.subscriptions.take()
	*s = subscription{index: index, generation: generation, peer: ex.peer, token: ex.token, key: slices.Clone(ex.key),
		sum: ex.sum, szx: e.szx(e.where(ex.peer)), sequence: first, confirmed: now}
	if ex.hasBlock2 {
		s.szx = min(s.szx, ex.block2.SZX)
	}
	d.subs = append(d.subs, s)
	ex.sub = s
	return Subscription{index, generation}
}
