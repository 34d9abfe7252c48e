// Package lowpan is the wire format of 6LoWPAN: header compression with contexts (RFC 6282), the mesh and fragment headers
// of RFC 4944. It knows no machine. Decoders borrow and never panic, encoders append.
package lowpan

import (
	"errors"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
)

// Errors of the codec.
var (
	ErrParse   = errors.New("lowpan: the frame is malformed")
	ErrContext = errors.New("lowpan: the frame names a context that is not known")
	ErrRoom    = errors.New("lowpan: the compressed headers do not fit")
)

// Context is a prefix that frames name by a number.
type Context struct {
	ID       uint8
	Prefix   ip6.Prefix
	Compress bool // the context may be used for new frames: it is not only kept for those under way
}

// Contexts looks contexts up in the network data. Number 0 is the mesh-local prefix.
type Contexts interface {
	// ContextByID returns the context with a number.
	ContextByID(id uint8) (Context, bool)
	// ContextFor returns the context whose prefix is the longest that an address begins with.
	ContextFor(a ip6.Address) (Context, bool)
}

// Link is the interface identifiers that belong to the link-layer addresses of a frame: those of its mesh header if it
// has one. Addresses that are equal to them need not be sent.
type Link struct {
	Src, Dst ip6.IID
}

// LinkOf returns the identifiers that belong to the addresses of a frame (RFC 4944 section 6, RFC 6282 section 3.2.2).
func LinkOf(src, dst ieee802154.Address) Link { return Link{Src: iidOf(src), Dst: iidOf(dst)} }

// Link returns the identifiers that belong to the addresses of a mesh header.
func (m MeshHeader) Link() Link {
	return Link{Src: ip6.IIDFromShort(m.Src), Dst: ip6.IIDFromShort(m.Dst)}
}

func iidOf(a ieee802154.Address) ip6.IID {
	switch a.Kind {
	case ieee802154.Short:
		return ip6.IIDFromShort(a.Short)
	case ieee802154.Extended:
		return ip6.IIDFromExt(a.Ext)
	}
	return ip6.IID{}
}

// Kind is what a frame's payload begins with.
type Kind uint8

// The kinds of payload.
const (
	Other Kind = iota
	Mesh
	Fragment
	Compressed
)

// KindOf returns what a payload begins with.
func KindOf(b []byte) Kind {
	switch {
	case len(b) == 0:
		return Other
	case b[0]>>6 == 2 && len(b) >= meshSize:
		return Mesh
	case b[0]&0xd8 == 0xc0 && len(b) >= FirstSize:
		return Fragment
	case b[0]>>5 == 3:
		return Compressed
	}
	return Other
}

// Bits of the first two bytes of a compressed header (RFC 6282 section 3.1).
const (
	hcDispatch    = 3 << 13
	hcNoClass     = 1 << 11 // TF: the traffic class' DSCP is elided
	hcNoFlow      = 2 << 11 // TF: the flow label is elided
	hcNext        = 1 << 10
	hcHop1        = 1 << 8
	hcHop64       = 2 << 8
	hcHop255      = 3 << 8
	hcCID         = 1 << 7
	hcSAC         = 1 << 6
	hcSrcShift    = 4
	hcMulticast   = 1 << 3
	hcDAC         = 1 << 2
	hcDstShift    = 0
	mode64        = 1
	mode16        = 2
	modeElided    = 3
	nhcExt        = 0xe0 // 1110eeeN
	nhcExtMask    = 0xf0
	nhcExtNext    = 1
	nhcIP6        = 0xee // with N = 0: the datagram inside has headers of its own
	nhcUDP        = 0xf0
	nhcUDPMask    = 0xf8
	nhcNoChecksum = 4
)

// maxNested bounds how deep datagrams in datagrams are looked at. Thread uses one.
const maxNested = 3
