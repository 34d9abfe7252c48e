// Package neighbor holds what a Thread node knows about the nodes that it hears: its parent, its children, and the
// routers of its partition with the routes to them. It is plain data with the rules that belong to it (link quality,
// Route64, next hop, path cost); packages mac, mesh and mle read and write it, and none of them owns a copy.
//
// Pointers to a Child or a Router stay good for as long as the entry is in the table. An entry that was taken out has
// State Invalid for ever: whoever kept a pointer looks at State first.
package neighbor

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

// State is how far the link to a neighbour is.
type State uint8

// The states of a link, in OpenThread's order and meaning (src/core/thread/neighbor.hpp).
const (
	Invalid            State = iota
	Restored                 // read back from disk, not heard of yet
	ParentRequest            // it sent a Parent Request
	ParentResponse           // it sent a Parent Response
	ChildIDRequest           // it sent a Child ID Request
	LinkRequest              // we sent it a Link Request, or shall soon
	ChildUpdateRequest       // we sent it a Child Update Request to win it back
	Valid
)

func (s State) String() string {
	return [...]string{"Invalid", "Restored", "ParentReq", "ParentRes", "ChildIdReq", "LinkReq", "ChildUpdateReq", "Valid"}[s&7]
}

// Restoring reports whether a child is known from before a reset and did not answer yet.
func (s State) Restoring() bool { return s == Restored || s == ChildUpdateRequest }

// ValidOrRestoring reports whether a child counts as ours.
func (s State) ValidOrRestoring() bool { return s == Valid || s.Restoring() }

// ValidOrAttaching reports whether there is more to a neighbour than a Parent Request or Response.
func (s State) ValidOrAttaching() bool {
	return s != Invalid && s != ParentRequest && s != ParentResponse
}

// Filter chooses neighbours by their state.
type Filter uint8

// The filters.
const (
	InValid Filter = iota
	InValidOrRestoring
	InChildIDRequest
	InValidOrAttaching
	InAny // but Invalid, which is not in a table
)

// Match reports whether a state passes.
func (f Filter) Match(s State) bool {
	switch f {
	case InValid:
		return s == Valid
	case InValidOrRestoring:
		return s.ValidOrRestoring()
	case InChildIDRequest:
		return s == ChildIDRequest
	case InValidOrAttaching:
		return s.ValidOrAttaching()
	}
	return s != Invalid
}

// Mode is the value of the Mode TLV: what sort of device a node is.
type Mode uint8

// The bits of a Mode.
const (
	ModeFullNetworkData Mode = 1 << 0 // wants the full network data, not only its stable subset
	ModeFTD             Mode = 1 << 1 // a full Thread device
	modeReserved        Mode = 1 << 2 // set when sent, ignored when received
	ModeRxOnWhenIdle    Mode = 1 << 3 // keeps its receiver on

	// RouterMode is the mode of every router.
	RouterMode = ModeRxOnWhenIdle | ModeFTD | ModeFullNetworkData
)

// ModeFromWire returns the mode that a received byte says.
func ModeFromWire(b byte) Mode { return Mode(b) & RouterMode }

// Wire returns what is sent for a mode.
func (m Mode) Wire() byte { return byte(m | modeReserved) }

// RxOn says whether the device keeps its receiver on.
func (m Mode) RxOn() bool { return m&ModeRxOnWhenIdle != 0 }

// FTD says whether the device is a full Thread device.
func (m Mode) FTD() bool { return m&ModeFTD != 0 }

// FullNetworkData says whether the device wants all of the network data.
func (m Mode) FullNetworkData() bool { return m&ModeFullNetworkData != 0 }

// MinimalEndDevice says whether the device is no full Thread device that listens all the time.
func (m Mode) MinimalEndDevice() bool {
	return m&(ModeFTD|ModeRxOnWhenIdle) != ModeFTD|ModeRxOnWhenIdle
}

// Valid says whether the bits go together: a full Thread device cannot sleep.
func (m Mode) Valid() bool { return !m.FTD() || m.RxOn() }

// Versions of the Thread protocol as the Version TLV has them.
const (
	Version1p1 = 2
	Version1p2 = 3
	Version1p3 = 4
	Version1p4 = 5
)

// Neighbor is what all kinds of neighbours have in common.
type Neighbor struct {
	Ext       ieee802154.ExtAddr // of a child: fixed when the child is made
	RLOC16    uint16             // of a child: changed by Table.SetChildRLOC16 only
	State     State
	Mode      Mode
	Version   uint16
	Link      LinkInfo
	KeySeq    uint32
	Challenge [8]byte // what its answer must repeat

	LinkCounter uint32 // the lowest MAC frame counter that is still accepted, of key KeySeq
	AckCounter  uint32 // the same for enhanced acks
	MLECounter  uint32

	LastHeard    machine.Time
	ConnectedAt  machine.Time // when it became Valid
	LinkFailures uint8        // direct transmissions that failed in a row

	Metrics any // of link metrics; nil for nearly all

	child  *Child
	router *Router
}

// Child returns the child that n is, or nil.
func (n *Neighbor) Child() *Child {
	if n == nil {
		return nil
	}
	return n.child
}

// Router returns the router or parent that n is, or nil.
func (n *Neighbor) Router() *Router {
	if n == nil {
		return nil
	}
	return n.router
}

// SetState changes the state and notes when a link became valid.
func (n *Neighbor) SetState(now machine.Time, s State) {
	if n.State != s && s == Valid {
		n.ConnectedAt = now
	}
	n.State = s
}

// SetLinkCounters sets the counters that a neighbour told of in a Link Frame Counter TLV.
func (n *Neighbor) SetLinkCounters(c uint32) { n.LinkCounter, n.AckCounter = c, c }

// RouterID returns the router that the neighbour's RLOC16 belongs to.
func (n *Neighbor) RouterID() uint8 { return RouterID(n.RLOC16) }

// Age returns how many whole seconds ago the neighbour was heard.
func (n *Neighbor) Age(now machine.Time) uint32 { return uint32(now.Sub(n.LastHeard) / time.Second) }

// ConnectionTime returns for how many whole seconds the link has been valid.
func (n *Neighbor) ConnectionTime(now machine.Time) uint32 {
	if n.State != Valid {
		return 0
	}
	return uint32(now.Sub(n.ConnectedAt) / time.Second)
}

// EnhancedKeepAlive reports whether a neighbour of version 1.2 or later takes a data poll or any secured frame for life.
func (n *Neighbor) EnhancedKeepAlive() bool { return n.State != Invalid && n.Version >= Version1p2 }
