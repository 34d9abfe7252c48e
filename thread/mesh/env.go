package mesh

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// Env is what the mesh layer needs of its node. Calls are made with no state half-changed; they may lead to calls back.
type Env interface {
	MAC
	Network
	Addresses
	lowpan.Contexts

	// Deliver hands a datagram to the IPv6 layer: one of ours, or one to be forwarded with Send. ip and info are borrowed.
	Deliver(now machine.Time, ip []byte, info *LinkInfo)
	// DatagramSent says what became of a Datagram with a Tag: nil, or status.NoAck, ChannelAccessFailure, Abort, Drop,
	// AddressQuery, NoRoute, NoBufs, or Security for a Child ID Request that would take fragments.
	DatagramSent(now machine.Time, tag Tag, result error)
	// SendICMPError sends an ICMPv6 error to a node of the mesh: from us, with priority Net and the header of the datagram
	// that it is about as payload.
	SendICMPError(now machine.Time, dst ip6.Address, m ip6.ICMPHeader, about *ip6.Header)

	// RouterLost says that a router, or our parent, did not acknowledge several frames in a row (FailedRouterSends).
	RouterLost(now machine.Time, n *neighbor.Neighbor)
	// ChildMoved says that a child of ours was heard of behind another router.
	ChildMoved(now machine.Time, c *neighbor.Child)
	// RouteLooped says that a frame came back from the next hop that it had been sent to. The route was taken out; the
	// others should hear of it soon (MLE resets the advertisement interval).
	RouteLooped(now machine.Time)
	// Supervised says that a child got a frame from us, which keeps it from thinking that we are gone.
	Supervised(now machine.Time, c *neighbor.Child)
}

// MAC is the part of the MAC that the mesh layer uses.
type MAC interface {
	// SendFrame gives a frame to the MAC, which answers with Mesh.Sent. There is at most one direct frame and one indirect
	// frame under way. f and what it points to stay as they are until Sent.
	SendFrame(now machine.Time, f *Frame)
	// Overhead returns how many bytes of a frame's 127 are not payload: header, IEs, MIC and check sequence.
	Overhead(f *Frame) int
	// ChildQueueChanged says that child.UseShort changed, or child.Queued from or to 0: the radio's source match table
	// follows.
	ChildQueueChanged(now machine.Time, c *neighbor.Child)
	// ChangeIndirect says that a child is to get another frame than the one that it was sent, or may be sent again. It
	// reports whether that frame is on its way: then its Sent has Changed. purge: it is not even to be tried again.
	ChangeIndirect(now machine.Time, c *neighbor.Child, purge bool) bool
}

// Network is the network data of the partition: package netdata's Manager has these methods.
type Network interface {
	// OnMesh reports whether an address has the mesh-local or another on-mesh prefix.
	OnMesh(a ip6.Address) bool
	// Route returns the RLOC16 of the border router for a destination outside of the mesh.
	Route(src, dst ip6.Address) (rloc16 uint16, err error)
	// Anycast returns the RLOC16 that serves an ALOC16.
	Anycast(aloc16 uint16) (rloc16 uint16, err error)
}

// Addresses is the node's IPv6 interface and its management agent.
type Addresses interface {
	// HasAddress reports whether a unicast address is one of ours.
	HasAddress(a ip6.Address) bool
	// OnLink reports whether an address has a prefix of one of our addresses, whether or not that is in the network data.
	OnLink(a ip6.Address) bool
	// RemoveAddress takes an address away that somebody else uses, too.
	RemoveAddress(now machine.Time, a ip6.Address)
	// MeshLocalEID returns our mesh-local EID.
	MeshLocalEID() ip6.Address
	// Post sends a management message (CoAP POST to port 61631) with our RLOC as source. An error says that it could not
	// even be queued.
	Post(now machine.Time, dst ip6.Address, uri string, payload []byte, confirmable bool, p Priority) error
}

// Frame is a data frame for the MAC. Its source and destination PAN are the network's, but for DstPAN.
type Frame struct {
	Src, Dst     ieee802154.Address
	DstPAN       ieee802154.PANID // 0: the network's
	Channel      uint8            // 0: the network's
	Security     Security
	AckRequest   bool
	FramePending bool
	Payload      []byte
	// Child: the frame is for a child that listens now. nil: a direct frame.
	Child *neighbor.Child
	Cause machine.Cause // of the datagram that it carries
}

// Result says how a frame ended.
type Result struct {
	Err error // nil, status.NoAck, ChannelAccessFailure or Abort
	// Of a frame for a child: it gets the same frame when it listens again, or ChangeIndirect was called.
	Again, Changed bool
}

// Security says how a frame is secured.
type Security uint8

// The kinds of security.
const (
	Unsecured Security = iota
	Mode1              // the network's key, by key index
	Mode0              // the key encryption key: Joiner Entrust
	Mode2              // the well-known key: MLE Announce
)

// Rx is a data frame as the MAC gives it up. All of it is borrowed.
type Rx struct {
	Frame        *radio.Frame // nil: made up; its Memo is used for frames that all hearers decompress alike
	Src, Dst     ieee802154.Address
	SrcPAN       ieee802154.PANID
	DstPAN       ieee802154.PANID
	Channel      uint8
	Payload      []byte // opened
	Security     Security
	KeySeq       uint32
	RSSI         int8
	LQI          uint8
	FramePending bool
	Neighbor     *neighbor.Neighbor // the sender, if it is known
}

// LinkInfo says how a datagram came.
type LinkInfo struct {
	Src, Dst   ieee802154.Address // of the frame, or of its mesh header
	SrcPAN     ieee802154.PANID
	DstPAN     ieee802154.PANID
	Channel    uint8
	Secured    bool
	Security   Security
	KeySeq     uint32
	RSSI       int8 // of fragments: the mean
	LQI        uint8
	Priority   Priority
	Fragmented bool
	Frame      *radio.Frame // nil if Fragmented
	Neighbor   *neighbor.Neighbor
}
