package history

import (
	"encoding/binary"
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// The ports of Thread's own control messages, which are not remembered.
const (
	portMLE = 19788
	portTMF = 61631
)

// NetworkDataChanged finds out what came and what went since it was called last.
func (h *History) NetworkDataChanged(now machine.Time, d netdata.Data, meshLocal ip6.Network) {
	old := h.data
	h.data = slices.Clone(d)
	diff(old.OnMeshPrefixes(), d.OnMeshPrefixes(), func(p netdata.OnMeshPrefix, removed bool) { h.Prefixes.Add(now, Prefix{p, removed}) })
	diff(old.ExternalRoutes(), d.ExternalRoutes(), func(r netdata.ExternalRoute, removed bool) { h.Routes.Add(now, Route{r, removed}) })
	for _, t := range [...]ServerType{UnicastInfra, UnicastLocal, Anycast} {
		diff(slices.Values(servers(old, t, meshLocal)), slices.Values(servers(d, t, meshLocal)), func(s Server, removed bool) {
			s.Removed = removed
			h.Servers.Add(now, s)
		})
	}
}

// diff calls f for what is in old only, then for what is in new only.
func diff[T comparable](old, new func(func(T) bool), f func(v T, removed bool)) {
	a, b := slices.Collect(old), slices.Collect(new)
	for _, v := range a {
		if !slices.Contains(b, v) {
			f(v, true)
		}
	}
	for _, v := range b {
		if !slices.Contains(a, v) {
			f(v, false)
		}
	}
}

func servers(d netdata.Data, t ServerType, meshLocal ip6.Network) (list []Server) {
	if t == Anycast {
		for _, s := range d.DNSSRPAnycast(nil) {
			list = append(list, Server{Addr: ip6.RLOC(meshLocal, netdata.ServiceALOC16(s.ServiceID)), Type: t, Port: 53,
				Sequence: s.Sequence, Version: s.Version, RLOC16: s.RLOC16})
		}
		return list
	}
	for _, s := range d.DNSSRPUnicast(nil, meshLocal) {
		if s.InService == (t == UnicastInfra) {
			list = append(list, Server{Addr: s.Address, Type: t, Port: s.Port, Version: s.Version, RLOC16: s.RLOC16})
		}
	}
	return list
}

// RoutersChanged finds out what changed in the router table. way returns the next hop's router id, or NoNextHop, and the
// cost, 0 where there is no way.
func (h *History) RoutersChanged(now machine.Time, allocated func(id uint8) bool, way func(id uint8) (next, cost uint8)) {
	for i := range h.routerSeen {
		id, old := uint8(i), &h.routerSeen[i]
		if !allocated(id) {
			if old.allocated {
				h.Routers.Add(now, Router{Event: RouterRemoved, ID: id, NextHop: NoNextHop})
				*old = routerState{}
			}
			continue
		}
		r := Router{ID: id, OldCost: old.cost}
		r.NextHop, r.Cost = way(id)
		switch {
		case !old.allocated:
			r.Event, r.OldCost = RouterAdded, 0
		case old.next != r.NextHop:
			r.Event = NextHopChanged
		case r.NextHop != NoNextHop && old.cost != r.Cost:
			r.Event = CostChanged
		default:
			continue
		}
		h.Routers.Add(now, r)
		*old = routerState{true, r.NextHop, r.Cost}
	}
}

// Message remembers an IPv6 datagram with what m says of its way, but for Thread's control messages.
func (h *History) Message(now machine.Time, b []byte, m Message, sent bool) {
	hdr, err := ip6.ParseHeader(b)
	if err != nil {
		return
	}
	m.Src, m.Dst, m.Proto = hdr.Src, hdr.Dst, uint8(hdr.Next)
	m.Len = uint16(len(b) - ip6.HeaderSize)
	p := b[ip6.HeaderSize:]
	at := -1 // where the checksum is
	switch hdr.Next {
	case ip6.UDP, ip6.TCP:
		if at = 6; hdr.Next == ip6.TCP {
			at = 16
		}
		if len(p) >= 4 {
			m.SrcPort, m.DstPort = binary.BigEndian.Uint16(p), binary.BigEndian.Uint16(p[2:])
		}
	case ip6.ICMP6:
		if at = 2; len(p) > 0 {
			m.ICMPType = p[0]
		}
	}
	if at >= 0 && len(p) >= at+2 {
		m.Checksum = binary.BigEndian.Uint16(p[at:])
	}
	port := m.DstPort
	if sent {
		port = m.SrcPort
	}
	switch {
	case hdr.Next == ip6.UDP && (port == portMLE || port == portTMF):
	case sent:
		h.Tx.Add(now, m)
	default:
		h.Rx.Add(now, m)
	}
}
