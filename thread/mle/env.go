package mle

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
)

// Tag says which message a Sent is about, for the few whose fate matters.
type Tag uint8

// The tags.
const (
	NoTag Tag = iota
	TagChildIDRequest
	TagDiscovery
)

// Outgoing is an MLE message on its way out: a UDP datagram from port 19788 of our link-local address to the same port of
// Dst, with hop limit 255.
type Outgoing struct {
	Dst          ip6.Address
	Payload      []byte // borrowed until Send returns
	Command      Command
	LinkSecurity bool             // secured by the link layer, too: Announce
	Channel      uint8            // 0: the network's
	PAN          ieee802154.PANID // the destination's; 0: the network's. Discovery and Announce have the broadcast one
	Tag          Tag              // not zero: Sent is called once
	After        machine.Seq      // the commit that must be on disk before it leaves
}

// Sent says what became of a message with a Tag.
type Sent struct {
	Tag          Tag
	OK           bool // it was acknowledged or needs no acknowledgement
	LinkSecurity bool // it was not sent, as it would take fragments, which must be secured
	NoRoom       bool // the queue dropped it
}

// Env is what MLE needs of the node that it is in. Calls are made with no state half-changed; they may lead to calls back,
// but for the getters.
type Env interface {
	// Send sends a message.
	Send(now machine.Time, o *Outgoing)

	// Signal says that something changed. The node collects the events of one input and hands them to all of its parts, to
	// MLE by HandleEvents.
	Signal(now machine.Time, e Event)
	// Store keeps NetworkInfo for the next start.
	Store(now machine.Time, n *NetworkInfo)
	// StoreParent keeps who our parent is.
	StoreParent(now machine.Time, p ParentInfo)

	Link
	Data
	Datasets
	Addresses
	RoutingEnv // of full Thread devices; a minimal one never calls it
}

// Link is the part of the MAC and of the mesh layer that MLE steers.
type Link interface {
	ExtAddress() ieee802154.ExtAddr
	Channel() uint8 // the network's
	PANID() ieee802154.PANID
	SetChannel(now machine.Time, channel uint8)
	SetPANID(now machine.Time, id ieee802154.PANID)
	SetShortAddress(now machine.Time, rloc16 uint16)
	// SetAlternateAddress has the radio listen to a second short address, or to none: InvalidRLOC16.
	SetAlternateAddress(now machine.Time, rloc16 uint16)
	// SetTemporaryChannel moves the receiver to a channel; 0 moves it back.
	SetTemporaryChannel(now machine.Time, channel uint8)
	// PauseSending keeps the mesh layer from sending while we listen on another channel.
	PauseSending(now machine.Time, pause bool)
	// SetRxOnWhenIdle switches the receiver, whatever our mode is: an attach needs it on.
	SetRxOnWhenIdle(now machine.Time, on bool)
	RxOnWhenIdle() bool

	// The data poll sender of a sleepy child.
	SetPollAttachMode(now machine.Time, on bool)
	SendFastPolls(now machine.Time, n int) // 0: the usual number
	StopFastPolls(now machine.Time)
	RecalculatePollPeriod(now machine.Time)
}

// Data is the network data of the partition.
type Data interface {
	DataVersion() uint8
	StableDataVersion() uint8
	// AppendData appends the network data, or its stable subset, as the value of a Network Data TLV.
	AppendData(dst []byte, full bool) []byte
	// SetData takes in the network data of a message. full says whether we want all of it.
	SetData(now machine.Time, version, stable uint8, full bool, tlvs []byte) error
	IncrementDataVersions(now machine.Time)
	// Context returns the compression context that an address is under.
	Context(a ip6.Address) (id uint8, compress, ok bool)
	// ContextPrefix returns the prefix of a context.
	ContextPrefix(id uint8) (ip6.Network, bool)
	// AppendSteeringData appends the value of the Steering Data TLV, and says whether there is any.
	AppendSteeringData(dst []byte) ([]byte, bool)
}

// Datasets is the active and the pending operational dataset.
type Datasets interface {
	DatasetTimestamp(pending bool) Timestamp
	// SaveDataset takes in the dataset of a message, which comes without its timestamp.
	SaveDataset(now machine.Time, pending bool, ts Timestamp, tlvs []byte) error
	// AppendDataset appends a dataset without its timestamp and says whether there is one.
	AppendDataset(dst []byte, pending bool) ([]byte, bool)
	// RestoreDataset reads a dataset back from the settings and says whether there was one. The active one is put to use.
	RestoreDataset(now machine.Time, pending bool) bool
	// ApplyPending puts the pending dataset to use without making it the active one.
	ApplyPending(now machine.Time)
	ClearPending(now machine.Time)
	// DatasetPartlyComplete says whether the active dataset has what one needs to join with it.
	DatasetPartlyComplete() bool
	// DatasetChannels returns the channel mask of the active dataset.
	DatasetChannels() (mask uint32, ok bool)
	// PendingActive returns the active timestamp in the pending dataset, and how long until it is put to use.
	PendingActive() (ts Timestamp, delay time.Duration, ok bool)
}

// Addresses is the node's IPv6 interface.
type Addresses interface {
	// UnicastAddresses returns our addresses in the order of the interface. The slice is borrowed.
	UnicastAddresses() []ip6.Address
	// MulticastAddresses returns the groups that somebody outside of the stack subscribed. The slice is borrowed.
	MulticastAddresses() []ip6.Address
	InterfaceUp() bool
	// InformPreviousParent sends an empty IPv6 datagram (no next header) from our mesh-local EID to a former parent.
	InformPreviousParent(now machine.Time, rloc16 uint16)
}
