package border

import (
	"net/netip"

	"heddle.example/border/nat64"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// Pool returns the addresses on the IPv4 side that packets are translated to; NotFound where there are none.
func (r *Router) Pool() (netip.Prefix, error) {
	if len(r.c.NAT64.Pool) == 0 {
		return netip.Prefix{}, status.NotFound
	}
	return r.c.NAT64.Pool[0], nil
}

// SetPool changes them. Translations that are under way end. It is called within Do.
func (r *Router) SetPool(now machine.Time, p netip.Prefix) error {
	if !p.Addr().Is4() || p.Bits() < 1 {
		return status.InvalidArgs
	}
	if old, err := r.Pool(); err == nil && old == p {
		return nil
	}
	r.c.NAT64.Pool = []netip.Prefix{p}
	r.translator = nil
	r.updateTranslator(now)
	return nil
}

// Mappings returns the translations that are under way, here or in the driver.
func (r *Router) Mappings(now machine.Time) []nat64.Mapping {
	switch {
	case r.translator == nil && !r.c.Translate && r.c.Flows != nil:
		return r.c.Flows(now)
	case r.translator == nil:
		return nil
	}
	return r.translator.Mappings(now, nil)
}

// Translations returns what was translated since the translation began, here or in the driver, and what was dropped here of
// packets to IPv4 and from it.
func (r *Router) Translations() (c nat64.Counters, to4, to6 Drops) {
	c = r.sockets
	if r.translator != nil {
		c = r.translator.Counters
	}
	return c, r.dropped[0], r.dropped[1]
}

// bySockets counts a packet of IPv4 that the driver's sockets have sent or received, as long as it is there.
func (r *Router) bySockets(b []byte, from6 bool) {
	c, n := &r.sockets, uint64(len(b)-(ip6.HeaderSize-v4HeaderSize))
	list := [2]*nat64.Traffic{&c.Total}
	if p, err := ip6.ParsePacket(b); err == nil {
		switch p.Proto {
		case ip6.UDP:
			list[1] = &c.UDP
		case ip6.TCP:
			list[1] = &c.TCP
		case ip6.ICMP6:
			list[1] = &c.ICMP
		}
	}
	for _, t := range list {
		switch {
		case t == nil:
		case from6:
			t.Packets6To4++
			t.Bytes6To4 += n
		default:
			t.Packets4To6++
			t.Bytes4To6 += n
		}
	}
}

const v4HeaderSize = 20

// Drops count packets that were not translated, by the reasons of `nat64 counters`.
type Drops struct{ Unknown, Illegal, Unsupported, NoMapping uint64 }

// translated counts what a translator has dropped since was.
func (d *Drops) translated(was, is *nat64.Counters) {
	d.Illegal += is.Malformed - was.Malformed
	d.Unsupported += is.Unsupported - was.Unsupported
	d.NoMapping += is.NoMapping + is.Filtered + is.Full - was.NoMapping - was.Filtered - was.Full
	d.Unknown += is.Address + is.HopLimit + is.TooBig + is.Fragments - was.Address - was.HopLimit - was.TooBig - was.Fragments
}
