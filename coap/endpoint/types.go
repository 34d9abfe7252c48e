package endpoint

import (
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
)

// Request is a request to send. Request copies what it needs: the caller may reuse all of it.
type Request struct {
	Code    coap.Code
	Options coap.Options  // without Block1, Size1; a Block2 with number 0 asks for a block size (early negotiation)
	Payload []byte        // sent block by block where it is longer than a block
	Non     bool          // non-confirmable
	Timeout time.Duration // to the final response, from now on; 0: EXCHANGE_LIFETIME
	After   machine.Seq   // nothing leaves before this commit is on disk
	Observe bool          // adds Observe: 0 and, when the answer agrees, keeps the token for notifications
	Token   coap.Token    // zero: a random one of 8 bytes. With Observe: 1 in Options, that of the observation to end
	// Single: one exchange. Block1, Size1, Block2 and Size2 in Options go out as they are, and the answer is handed up as
	// it comes, perhaps one block of a body: the caller does the block-wise transfer, so that it can go on after a break.
	Single bool
}

// Response is the value of a Result action: the final response to a request, or why there is none.
type Response struct {
	Err       error        // one of this package's; nil when a response, of any code, has come
	Code      coap.Code    // 0 where Err is set and for a ping
	Options   coap.Options // of the last block's message
	Payload   []byte       // the whole body
	Format    coap.ContentFormat
	HasFormat bool
	Observing bool   // notifications follow under the same operation
	Sequence  uint32 // of the first value, when Observing
	Token     coap.Token
	RTT       time.Duration // from the last transmission that was answered; 0 where none was
}

// Notification is the value of an Event action with the operation of an observation.
//
// A confirmable one is acknowledged when the caller goes on draining after it, unless Hold was set: then the caller owes
// a call of Ack, at once or with a copy of the Notification later.
type Notification struct {
	Err         error // ErrClosed: the session is gone, nothing else is set but Ended and Token
	Code        coap.Code
	Options     coap.Options
	Payload     []byte // the whole body
	Format      coap.ContentFormat
	HasFormat   bool
	Sequence    uint32 // 24 bits, RFC 7641 section 3.4
	Confirmable bool
	Ended       bool // the server ended the observation; the operation is over
	Hold        bool // set by the caller: the ACK waits for Ack
	Token       coap.Token

	key   peerKey
	path  machine.Path
	id    uint16
	acked bool
	cause machine.Cause
}

// Incoming is the value of an Event action: a request from a peer, its body complete. It is answered by Respond, now or
// later; without an answer the exchange ends after EXCHANGE_LIFETIME.
type Incoming struct {
	Exchange    Exchange
	Code        coap.Code
	Options     coap.Options
	Payload     []byte // the whole body
	Format      coap.ContentFormat
	HasFormat   bool
	Confirmable bool
	Observe     int // -1 none, 0 register, 1 deregister
	Token       coap.Token
	// Streamed: Payload is the one block of a body that Block names (Config.Streams). Each is answered: 2.31 says that the
	// next may come, 4.08 that one before is missing (RFC 7959 section 2.9).
	Streamed bool
	Block    coap.Block
}

// Exchange names a request that waits for Respond. It is a value; the zero Exchange is none.
type Exchange struct{ index, generation uint32 }

// Valid reports whether x names an exchange.
func (x Exchange) Valid() bool { return x.generation != 0 }

// Reply is an answer, or a notification's content. It is copied: the caller may reuse all of it.
type Reply struct {
	Code     coap.Code
	Options  coap.Options // without Block2, Size2, Observe and Block1: those are the endpoint's
	Payload  []byte       // sent block by block where it is longer than a block
	Sliced   bool         // Payload is one block already: Block2, Size2 and ETag in Options go out as they are
	Remember bool         // keep the answer for duplicates: for what may not run twice (Execute, Create, Send, Register)
}

// Subscription names a peer's observation of a resource of ours. The zero Subscription is none.
type Subscription struct{ index, generation uint32 }

// Valid reports whether s names a subscription.
func (s Subscription) Valid() bool { return s.generation != 0 }

// Reason says why a subscription ended.
type Reason uint8

// The reasons.
const (
	Rejected     Reason = iota + 1 // a notification was answered by RST
	Deregistered                   // Observe: 1
	TimedOut                       // a confirmable notification was never acknowledged (RFC 7641 section 4.5)
	Replaced                       // the same peer registered again with the same token
	Closed                         // the peer's session is gone
)

func (r Reason) String() string {
	if r < Rejected || r > Closed {
		return "unknown"
	}
	return [...]string{"rejected", "deregistered", "timed out", "replaced", "closed"}[r-1]
}

// Unsubscribed is the value of an Event action: the subscription ended without our doing.
type Unsubscribed struct {
	Subscription Subscription
	Reason       Reason
}

// Delivered is the value of an Event action: a confirmable notification was acknowledged. It comes where
// Config.TellDelivered asks for it.
type Delivered struct{ Subscription Subscription }
