package shards

import (
	"errors"
	"hash/fnv"
	"sync"

	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// directory says which shard has which endpoint. With one shard it is not used.
type directory struct {
	mu   sync.RWMutex
	home map[string]place
}

type place struct {
	shard  uint8
	moving bool // another shard has asked for it
}

// view is the directory as one shard sees it.
type view struct {
	*directory
	shard uint8
}

// Claim implements server.Directory.
func (v view) Claim(endpoint string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if p, ok := v.home[endpoint]; ok {
		return p.shard == v.shard && !p.moving
	}
	v.set(endpoint, place{shard: v.shard})
	return true
}

// Release implements server.Directory.
func (v view) Release(endpoint string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.home[endpoint] == (place{shard: v.shard}) {
		delete(v.home, endpoint)
	}
}

func (d *directory) set(endpoint string, p place) {
	if d.home == nil {
		d.home = map[string]place{}
	}
	d.home[endpoint] = p
}

func (d *directory) find(endpoint string) (shard uint8, ok bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, ok := d.home[endpoint]
	return p.shard, ok
}

// move marks an endpoint as being on its way from a shard. It reports false if it is on its way already, or not there.
func (d *directory) move(endpoint string, from uint8) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.home[endpoint]
	if !ok || p.moving || p.shard != from {
		return false
	}
	d.set(endpoint, place{from, true})
	return true
}

// arrived makes an endpoint that was on its way the shard's own.
func (d *directory) arrived(endpoint string, at uint8) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.set(endpoint, place{shard: at})
}

// fetch has the shard that has an endpoint give it to k. All of it happens on the owners' goroutines, one after the other,
// so that the commits of the one shard are in the journal before those of the other.
func (k *shard) fetch(cause machine.Cause, op machine.OpID, f *server.Fetch) {
	s := k.all
	from := s.list[int(f.ID.Shard)%len(s.list)]
	if f.Endpoint != "" {
		from = s.of(f.Endpoint)
	}
	from.post(func(now machine.Time) {
		var h *server.HandedOver
		var err error
		ep := from.srv.EndpointOf(f)
		if ep == "" {
			ep = f.Endpoint // it was given up in the middle of being asked for, or has gone somewhere else
		}
		moves := from != k && ep != "" && s.home.move(ep, uint8(from.number))
		if moves {
			h = from.srv.HandOver(now, cause, f)
		} else if n, ok := s.home.find(ep); ok && int(n) != k.number {
			err = server.ErrMoving
		}
		k.post(func(now machine.Time) {
			if moves {
				// Not before: who asks k for it now must find it there.
				s.home.arrived(ep, uint8(k.number))
			}
			k.srv.Fetched(now, cause, op, h, err)
		})
	})
}

// errNoEndpoint says that a record names nobody.
var errNoEndpoint = errors.New("shards: the record names no endpoint")

// homeOf says which shard a stored record goes to. Registrations come before what follows them.
func (s *Shards) homeOf(table machine.Table, key, value []byte) (*shard, error) {
	if len(s.list) == 1 {
		return s.list[0], nil
	}
	at, placed, ep, err := server.Home(table, key, value)
	if err != nil {
		return nil, err
	}
	n := uint8(int(at) % len(s.list))
	switch {
	case placed && ep == "":
		return s.list[n], nil
	case ep == "":
		return nil, errNoEndpoint
	case !placed:
		h := fnv.New32a()
		h.Write([]byte(ep))
		n = uint8(h.Sum32() % uint32(len(s.list)))
		if known, ok := s.home.find(ep); ok {
			n = known
		}
	}
	s.home.arrived(ep, n)
	return s.list[n], nil
}
