package border

import (
	"net/netip"

	"heddle.example/border/nat64"
	"heddle.example/machine"
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

// Translations returns what was translated since the translation began, and what was dropped of packets to IPv4 and from it.
func (r *Router) Translations() (c nat64.Counters, to4, to6 Drops) {
	if r.translator != nil {
		c = r.translator.Counters
	}
	return c, r.dropped[0], r.dropped[1]
}

// Drops count packets that were not translated, by the reasons of `nat64 counters`.
type Drops struct{ Unknown, Illegal, Unsupported, NoMapping uint64 }

// translated counts what a translator has dropped since was.
func (d *Drops) translated(was, is *nat64.Counters) {
	d.Illegal += is.Malformed - was.Malformed
	d.Unsupported += is.Unsupported - was.Unsupported
	d.NoMapping += is.NoMapping + is.Filtered + is.Full - was.NoMapping - was.Filtered - was.Full
	d.Unknown += is.Address + is.HopLimit + is.TooBig + is.Fragments - was.Address - was.HopLimit - was.TooBig - was.Fragments
}
