package host

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// zoneTable translates between interface numbers and names for link-local addresses. Interfaces come and go, so an
// entry is good for a few seconds only.
type zoneTable struct {
	mu     sync.Mutex
	byID   map[uint32]zoneEntry
	byName map[string]zoneEntry
}

type zoneEntry struct {
	id   uint32
	name string
	till time.Time
}

const (
	zoneLifetime = 10 * time.Second
	zoneEntries  = 256 // more distinct zones than this in use at once: look up each time
)

// with returns a with the zone of interface id where a is link-local.
func (z *zoneTable) with(a netip.Addr, id uint32) netip.Addr {
	if id == 0 || !a.Is6() || !a.IsLinkLocalUnicast() && !a.IsLinkLocalMulticast() {
		return a
	}
	return a.WithZone(z.name(id))
}

func (z *zoneTable) name(id uint32) string {
	z.mu.Lock()
	defer z.mu.Unlock()
	now := time.Now()
	if e, ok := z.byID[id]; ok && now.Before(e.till) {
		return e.name
	}
	name := strconv.FormatUint(uint64(id), 10)
	if i, err := net.InterfaceByIndex(int(id)); err == nil {
		name = i.Name
	}
	z.keep(zoneEntry{id, name, now.Add(zoneLifetime)})
	return name
}

// id returns the number of the interface that a zone names, or 0.
func (z *zoneTable) id(name string) uint32 {
	if name == "" {
		return 0
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	now := time.Now()
	if e, ok := z.byName[name]; ok && now.Before(e.till) {
		return e.id
	}
	var id uint32
	if i, err := net.InterfaceByName(name); err == nil {
		id = uint32(i.Index)
	} else if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		id = uint32(n)
	}
	z.keep(zoneEntry{id, name, now.Add(zoneLifetime)})
	return id
}

func (z *zoneTable) keep(e zoneEntry) {
	if z.byID == nil || len(z.byName) >= zoneEntries || len(z.byID) >= zoneEntries {
		z.byID, z.byName = map[uint32]zoneEntry{}, map[string]zoneEntry{}
	}
	if e.id != 0 {
		z.byID[e.id] = e
	}
	z.byName[e.name] = e
}
