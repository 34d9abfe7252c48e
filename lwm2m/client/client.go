package client

import (
	"heddle.example/coap/stack"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Client is the LwM2M client machine.
type Client struct {
	cfg      settings
	out      machine.Outbox
	stack    *stack.Stack
	timers   machine.Timers[timerKey]
	now      machine.Time
	cause    machine.Cause
	state    State
	started  bool
	stopping bool
	root     string
	asks     machine.OpID

	accounts     []account  // slots: their index stays, so that a bootstrap can take accounts away
	factory      [32]byte   // fingerprint of Config.Servers
	boot         *bootstrap // nil: there never was a bootstrap account
	access       *access    // object 2; nil: this device has none
	acting       int        // the account on whose behalf values are read and written, -1: the device itself
	written      []writtenInstance
	unwanted     []lwm2m.Path // instances whose records are to be deleted
	forget       []uint16     // Short Server IDs whose records are to be deleted
	objects      []Object     // ascending by identifier
	observations []*observation
	observeID    uint32
	attributes   []attributeEntry
	sends        []send
	stored       int // values that are stored for servers out of reach
	objectTimers []objectTimer
	replies      []heldReply
	fetch        *fetch       // the download under way
	keeps        bool         // an object's state was given to the driver to store
	touched      []lwm2m.Path // where values may have changed in this input
	dirty        bool         // something durable changed
	traffic      Traffic
	sleep        sleep

	ids     []uint16      // scratch
	entries []lwm2m.Entry // scratch
	samples []sample      // scratch
}

// timerKey says what a timer is for.
type timerKey struct {
	kind timerKind
	id   uint32 // index of an account, number of an observation, object
	// cause is that of the input that set the timer: what the timer does is its doing.
	cause machine.Cause
}

type timerKind uint8

const (
	accountTimer timerKind = iota
	observationTimer
	objectTimerKind
	fetchTimer
	purgeTimer // of the bootstrap account
	sleepTimer
)

type objectTimer struct {
	object uint16
	id     machine.TimerID
}

// Receive implements machine.Machine.
func (c *Client) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	if c.misses() {
		return
	}
	c.begin(now, cause)
	c.traffic.RxBytes += uint64(len(b))
	c.traffic.RxMessages++
	c.traffic.MaxMessage = max(c.traffic.MaxMessage, len(b))
	for i := range c.accounts {
		// A socket that is bound to no address learns from each datagram where it was sent to. To the layers below the
		// path to a server is one path, whatever the first datagram's Local was.
		if a := &c.accounts[i]; a.path.Remote == path.Remote && a.path.Link == path.Link {
			path.Local = a.path.Local
		}
	}
	c.fetchLocal(&path)
	c.stack.Receive(now, cause, path, b)
	c.end()
}

// Expire implements machine.Machine.
func (c *Client) Expire(now machine.Time) {
	c.begin(now, 0)
	c.stack.Expire(now)
	c.pump()
	for {
		key, ok := c.timers.Pop(now)
		if !ok {
			break
		}
		c.cause = key.cause
		switch key.kind {
		case accountTimer:
			c.accountExpired(int(key.id))
		case observationTimer:
			c.observationExpired(key.id)
		case purgeTimer:
			c.purgeBootstrapAccount()
		case sleepTimer:
			c.windowOver()
		case objectTimerKind:
			c.objectExpired(uint16(key.id))
		case fetchTimer:
			c.fetchExpired()
		}
		c.pump()
	}
	c.end()
}

// Deadline implements machine.Machine.
func (c *Client) Deadline() machine.Time { return min(c.timers.Deadline(), c.stack.Deadline()) }

// Next implements machine.Machine.
func (c *Client) Next() (machine.Action, bool) { return c.out.Next() }

// Persisted implements machine.Durable.
func (c *Client) Persisted(now machine.Time, seq machine.Seq) {
	c.begin(now, 0)
	c.stack.Persisted(now, seq)
	c.end()
}

// PersistFailed implements machine.Durable.
func (c *Client) PersistFailed(now machine.Time, seq machine.Seq, err error) {
	c.begin(now, 0)
	c.stack.PersistFailed(now, seq, err)
	c.notStored()
	c.notKept()
	c.end()
}

// EndpointName returns the endpoint name.
func (c *Client) EndpointName() string { return c.cfg.Endpoint }

// Rand returns the machine's source of randomness, for objects.
func (c *Client) Rand() machine.Rand { return c.cfg.Rand }

// Secure reports whether the client speaks DTLS.
func (c *Client) Secure() bool { return c.stack.DTLS() != nil }

// Queue reports whether the client is in queue mode.
func (c *Client) Queue() bool { return c.cfg.Queue }

// Binding returns the transports that the client has.
func (c *Client) Binding() lwm2m.Binding { return c.cfg.Binding }
