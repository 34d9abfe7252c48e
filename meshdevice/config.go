package meshdevice

import (
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/client/words"
	"heddle.example/machine"
	"heddle.example/thread"
)

// Config says what a Device is made of.
type Config struct {
	// Thread is what the node is made with. Its Settings are the device's whole disk: the LwM2M client's state is there too.
	// Without them nothing survives.
	Thread thread.Config

	Kinds   []uint16        // objects besides 0, 1 and 2; nil: objects.DefaultKinds
	Profile objects.Profile // how they are set up; the connectivity objects are the node's
	// Objects, where set, makes further objects at each start.
	Objects func(now machine.Time) []client.Object

	// Start has the device start LwM2M by itself, at every boot, unless a person has stopped it or has started it otherwise.
	Start *StartOptions
	// Spread is the longest random delay before a start that nobody typed and before an attempt because the network is
	// back, so that a thousand devices that boot at once are no storm. Zero: DefaultSpread; negative: none.
	Spread time.Duration

	// AwakePoll is how often a sleepy node polls while its LwM2M client listens. Zero: DefaultAwakePoll.
	AwakePoll time.Duration

	// Tap, where set, sees every CoAP message in plaintext; b is borrowed. What it returns for one that goes out, unless it is
	// 0, is that one's cause from there on, to each of its frames.
	Tap func(now machine.Time, cause machine.Cause, out bool, path machine.Path, b []byte) machine.Cause
}

// DefaultSpread and DefaultAwakePoll are those of Config.
const (
	DefaultSpread    = 2 * time.Second
	DefaultAwakePoll = 500 * time.Millisecond
)

// Queue says whether a client is in queue mode.
type Queue uint8

// The values of Queue.
const (
	QueueAuto Queue = iota // on a sleepy node
	QueueOn
	QueueOff
)

// StartOptions say how LwM2M starts.
type StartOptions struct {
	words.Options // what lwstart has

	Servers []client.Account       // instead of the one that the options give
	Access  []client.AccessControl // instances of object 2
	Version lwm2m.Version          // newest one to offer; zero: 1.1
	Queue   Queue
	Awake   time.Duration // the window of queue mode; zero: client.DefaultAwake
}

// Defaults are the options of a bare lwstart.
func Defaults() StartOptions { return StartOptions{Options: words.Defaults()} }
