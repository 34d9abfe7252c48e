package server

import (
	"encoding/binary"
	"net/netip"

	"heddle.example/machine"
)

// peerIndex finds the registration of a plain peer by its address: a Send names no registration. It is made when the first
// Send comes, so that a server without any has none. Of several endpoints behind one address it knows the newest.
type peerIndex struct {
	index machine.Index
	made  bool
}

func (t *table) initPeers(r machine.Rand) {
	t.peers.index = machine.NewIndex(r, func(n uint32) uint32 { return t.hashPeer(t.at(slot(n)).reg.Path.Remote) })
}

func (t *table) hashPeer(a netip.AddrPort) uint32 {
	b := a.Addr().As16()
	return t.peers.index.HashUint(binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]), uint64(a.Port()))
}

// ofPeer returns the place of the registration that was made on a plain path, or 0.
func (t *table) ofPeer(p machine.Path) slot {
	if !t.peers.made {
		t.peers.made = true
		t.each(func(n slot, _ *entry) { t.addPeer(n) })
	}
	return t.findPeer(p)
}

func (t *table) findPeer(p machine.Path) slot {
	return slot(t.peers.index.Find(t.hashPeer(p.Remote), func(n uint32) bool {
		reg := t.at(slot(n)).reg
		return reg.Path.Security == nil && reg.samePath(p)
	}))
}

func (t *table) addPeer(n slot) {
	reg := t.at(n).reg
	if !t.peers.made || reg.Path.Security != nil {
		return
	}
	if other := t.findPeer(reg.Path); other != 0 {
		if t.at(other).reg.RegisteredAt > reg.RegisteredAt {
			return
		}
		t.peers.index.Remove(uint32(other))
	}
	t.peers.index.Add(uint32(n))
}

// removePeer takes a place out before its registration becomes another one.
func (t *table) removePeer(n slot) {
	if t.peers.made {
		t.peers.index.Remove(uint32(n))
	}
}
