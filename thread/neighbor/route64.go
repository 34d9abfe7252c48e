package neighbor

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// ErrRoute says that a Route64 is malformed.
var ErrRoute = errors.New("neighbor: malformed Route64")

// RouterSet is a set of router ids as Route64 has it: the first bit is id 0.
type RouterSet uint64

// Has says whether an id is in the set.
func (s RouterSet) Has(id uint8) bool { return id <= 63 && s>>(63-id)&1 != 0 }

// With returns the set with an id.
func (s RouterSet) With(id uint8) RouterSet { return s | 1<<(63-id&63) }

// Without returns the set without an id.
func (s RouterSet) Without(id uint8) RouterSet { return s &^ (1 << (63 - id&63)) }

// Len returns how many ids are in the set.
func (s RouterSet) Len() int { return bits.OnesCount64(uint64(s)) }

// Index returns how many ids of the set come before id.
func (s RouterSet) Index(id uint8) int {
	return bits.OnesCount64(uint64(s) >> (64 - id&63) & (1<<(id&63) - 1))
}

// Next returns the first id of the set from id on, or InvalidRouterID.
func (s RouterSet) Next(id uint8) uint8 {
	return uint8(min(bits.LeadingZeros64(uint64(s)<<(id&63)>>(id&63)), InvalidRouterID))
}

// RouteData is what a router says of another: how it hears it, how it is heard, and the cost of the path (0: none).
type RouteData uint8

// NewRouteData packs link qualities and a cost.
func NewRouteData(in, out, cost uint8) RouteData {
	return RouteData(out&3<<6 | in&3<<4 | cost&15)
}

// In returns the link quality of what the sender hears of the router.
func (d RouteData) In() uint8 { return uint8(d) >> 4 & 3 }

// Out returns the link quality of what the router hears of the sender.
func (d RouteData) Out() uint8 { return uint8(d) >> 6 }

// Cost returns the cost of the sender's path to the router; 0 is "no path".
func (d RouteData) Cost() uint8 { return uint8(d) & 15 }

// TwoWay returns the quality of the worse direction.
func (d RouteData) TwoWay() uint8 { return min(d.In(), d.Out()) }

// Route is the value of the Route64 TLV: which router ids are taken, and how the sender sees each of them. It borrows the
// message.
type Route struct {
	IDSequence uint8
	Mask       RouterSet
	Data       []byte // a byte a router of the mask, in the order of ids: RouteData
}

// Singleton says whether there is one router at most.
func (r Route) Singleton() bool { return r.Mask.Len() <= 1 }

// Of returns what is said of a router that is in the mask.
func (r Route) Of(id uint8) (RouteData, bool) {
	if !r.Mask.Has(id) {
		return 0, false
	}
	return RouteData(r.Data[r.Mask.Index(id)]), true
}

// ParseRoute reads the value of a Route64 TLV, which network diagnostics have as well. Bytes behind the last router are
// left alone, as OpenThread does.
func ParseRoute(v []byte) (Route, error) {
	if len(v) < 9 {
		return Route{}, ErrRoute
	}
	r := Route{v[0], RouterSet(binary.BigEndian.Uint64(v[1:])), v[9:]}
	n := r.Mask.Len()
	if n > len(r.Data) || n > MaxRouters || r.Mask.Has(InvalidRouterID) {
		return Route{}, ErrRoute
	}
	r.Data = r.Data[:n:n]
	return r, nil
}

// Append appends the value of a Route64 TLV.
func (r Route) Append(dst []byte) []byte {
	dst = append(dst, r.IDSequence)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.Mask))
	return append(dst, r.Data...)
}
