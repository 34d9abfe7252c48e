package server

import "heddle.example/machine"

// entry is a place in the table of registrations. Everything that changes with each message is here, so that a plain
// Update allocates nothing.
type entry struct {
	reg      *Registration // nil: the place is free
	lastSeen machine.Time
	until    machine.Time // when the registration ends, its grace included
	commit   machine.Seq  // what the 2.01 waits for; zero once it is known to be on disk
	ops      *pending     // operations under way, newest first
	obs      *observation // observations, oldest first
	timer    machine.TimerID
	nextFree uint32
	nops     uint16
	nobs     uint16
	nofmt    formatSet // formats that the device refused though it was expected to know them
}

// slot is the number of a place, from 1.
type slot uint32

const tableChunk = 256

// table is the registrations of a shard: entries that never move, in chunks, so that growing copies nothing.
type table struct {
	chunks     []*[tableChunk]entry
	free       slot
	used       slot // places that were ever in use
	count      int
	byEndpoint machine.Index
	byID       machine.Index
	bySession  machine.Index // secure ones
	peers      peerIndex     // plain ones
}

func (t *table) init(r machine.Rand) {
	t.byEndpoint = machine.NewIndex(r, func(n uint32) uint32 { return t.byEndpoint.HashString(t.at(slot(n)).reg.Endpoint) })
	t.byID = machine.NewIndex(r, func(n uint32) uint32 { return t.byID.HashUint(t.at(slot(n)).reg.ID.Bits, 0, 0) })
	t.bySession = machine.NewIndex(r, func(n uint32) uint32 {
		return t.bySession.HashUint(session(t.at(slot(n)).reg.Path.Security), 0, 0)
	})
	t.initPeers(r)
}

func (t *table) at(n slot) *entry { return &t.chunks[(n-1)/tableChunk][(n-1)%tableChunk] }

func (t *table) alloc() (slot, *entry) {
	t.count++
	if n := t.free; n != 0 {
		e := t.at(n)
		t.free = slot(e.nextFree)
		e.nextFree = 0
		return n, e
	}
	if t.used%tableChunk == 0 {
		t.chunks = append(t.chunks, new([tableChunk]entry))
	}
	t.used++
	return t.used, t.at(t.used)
}

func (t *table) release(n slot) {
	*t.at(n) = entry{nextFree: uint32(t.free)}
	t.free = n
	t.count--
}

// set makes reg the registration of place n and keeps the indexes.
func (t *table) set(n slot, reg *Registration) {
	e := t.at(n)
	old := e.reg
	if old == nil {
		e.reg = reg
		t.byEndpoint.Add(uint32(n))
		t.byID.Add(uint32(n))
		t.addSession(n, session(reg.Path.Security))
		t.addPeer(n)
		return
	}
	t.removePeer(n)
	is, was := session(reg.Path.Security), session(old.Path.Security)
	if old.ID != reg.ID {
		t.byID.Remove(uint32(n))
	}
	if is != was {
		t.bySession.Remove(uint32(n))
	}
	e.reg = reg // of the same endpoint, always
	if old.ID != reg.ID {
		t.byID.Add(uint32(n))
	}
	if is != was {
		t.addSession(n, is)
	}
	t.addPeer(n)
}

// addSession notes that place n has a session. Who registers with a session that another place has takes it over.
func (t *table) addSession(n slot, session uint64) {
	if session == 0 {
		return
	}
	if other := t.ofSession(session); other != 0 {
		t.bySession.Remove(uint32(other))
	}
	t.bySession.Add(uint32(n))
}

func (t *table) remove(n slot) {
	t.byEndpoint.Remove(uint32(n))
	t.byID.Remove(uint32(n))
	t.removePeer(n)
	t.bySession.Remove(uint32(n)) // where it is: another place may have the session meanwhile
	t.release(n)
}

// find returns the entry of an endpoint.
func (t *table) find(ep string) (slot, *entry) {
	n := slot(t.byEndpoint.Find(t.byEndpoint.HashString(ep), func(n uint32) bool { return t.at(slot(n)).reg.Endpoint == ep }))
	if n == 0 {
		return 0, nil
	}
	return n, t.at(n)
}

// ofBits returns the place of the registration with these 64 random bits, or 0.
func (t *table) ofBits(v uint64) slot {
	return slot(t.byID.Find(t.byID.HashUint(v, 0, 0), func(n uint32) bool { return t.at(slot(n)).reg.ID.Bits == v }))
}

// ofSession returns the place of the registration that a secure session belongs to, or 0.
func (t *table) ofSession(v uint64) slot {
	if v == 0 {
		return 0
	}
	return slot(t.bySession.Find(t.bySession.HashUint(v, 0, 0), func(n uint32) bool { return session(t.at(slot(n)).reg.Path.Security) == v }))
}

// findID returns the entry of a registration's id. The id carries the shard that made it, which need not be this one:
// after a restart with another number of shards, a registration keeps its location.
func (t *table) findID(id RegistrationID) (slot, *entry) {
	n := t.ofBits(id.Bits)
	if n == 0 || t.at(n).reg.ID != id {
		return 0, nil
	}
	return n, t.at(n)
}

// each calls f for all entries in the order of their places.
func (t *table) each(f func(slot, *entry)) {
	for n := slot(1); n <= t.used; n++ {
		if e := t.at(n); e.reg != nil {
			f(n, e)
		}
	}
}
