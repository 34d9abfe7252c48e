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
	byEndpoint map[string]slot
	byID       map[uint64]slot
	bySession  map[uint64]slot // secure ones
}

func newTable() table {
	return table{byEndpoint: map[string]slot{}, byID: map[uint64]slot{}, bySession: map[uint64]slot{}}
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
	e.reg = reg
	if old == nil || old.Endpoint != reg.Endpoint {
		t.byEndpoint[reg.Endpoint] = n
	}
	if old == nil || old.ID != reg.ID {
		if old != nil {
			delete(t.byID, old.ID.Bits)
		}
		t.byID[reg.ID.Bits] = n
	}
	var was uint64
	if old != nil {
		was = session(old.Path.Security)
	}
	if is := session(reg.Path.Security); is != was {
		t.dropSession(was, n)
		if is != 0 {
			t.bySession[is] = n
		}
	}
}

// dropSession forgets that place n has a session; a session may meanwhile be that of another place.
func (t *table) dropSession(session uint64, n slot) {
	if session != 0 && t.bySession[session] == n {
		delete(t.bySession, session)
	}
}

func (t *table) remove(n slot) {
	reg := t.at(n).reg
	delete(t.byEndpoint, reg.Endpoint)
	delete(t.byID, reg.ID.Bits)
	t.dropSession(session(reg.Path.Security), n)
	t.release(n)
}

// find returns the entry of an endpoint.
func (t *table) find(ep string) (slot, *entry) {
	if n := t.byEndpoint[ep]; n != 0 {
		return n, t.at(n)
	}
	return 0, nil
}

// findID returns the entry of a registration's id. The id carries the shard that made it, which need not be this one:
// after a restart with another number of shards, a registration keeps its location.
func (t *table) findID(id RegistrationID) (slot, *entry) {
	n := t.byID[id.Bits]
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
