package shards

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"heddle.example/coap"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// recordCID is the content type of a DTLS record with a connection ID (RFC 9146 section 4), and cidAt where that begins.
const (
	recordCID = 25
	cidAt     = 11
)

// route says whose a datagram is. Our connection IDs and registration ids begin with their shard, so a device that moves
// stays where it is. Otherwise the address decides: the one that is known to be somewhere, else its hash.
func (s *Shards) route(p *machine.Path, b []byte) int {
	n := len(s.list)
	if s.secure[p.Local.Port()] {
		if len(b) > cidAt && b[0] == recordCID {
			return int(b[cidAt]) % n
		}
	} else if id, ok := registrationOf(b); ok {
		return int(id.Shard) % n
	}
	if k, ok := s.astray.find(p.Remote); ok {
		return k
	}
	return byAddress(p.Remote, n)
}

// byAddress is FNV-1a over an address and its port. It is the same in every run, so that after a restart devices are
// where they were.
func byAddress(a netip.AddrPort, n int) int {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	ip := a.Addr().As16()
	for _, c := range ip {
		h = (h ^ uint64(c)) * prime
	}
	h = (h ^ uint64(a.Port()>>8)) * prime
	h = (h ^ uint64(a.Port()&0xFF)) * prime
	return int((h ^ h>>32) % uint64(n))
}

// registrationOf finds the registration's id in a plain Update or Deregister: POST or DELETE with the path /rd/ID. What it
// cannot read it leaves to the machine.
func registrationOf(b []byte) (id server.RegistrationID, ok bool) {
	if len(b) < 4 || b[0]>>6 != 1 || b[0]&0xF > 8 {
		return id, false
	}
	if code := coap.Code(b[1]); code != coap.POST && code != coap.DELETE {
		return id, false
	}
	rest := b[4:]
	if skip := int(b[0] & 0xF); skip > len(rest) {
		return id, false
	} else {
		rest = rest[skip:]
	}
	number := 0
	for segment := 0; len(rest) > 0 && rest[0] != 0xFF; {
		delta, length, head := int(rest[0]>>4), int(rest[0]&0xF), 1
		for _, v := range []*int{&delta, &length} {
			switch *v {
			case 13:
				if len(rest) <= head {
					return id, false
				}
				*v = 13 + int(rest[head])
				head++
			case 14:
				if len(rest) <= head+1 {
					return id, false
				}
				*v = 269 + int(rest[head])<<8 + int(rest[head+1])
				head += 2
			case 15:
				return id, false
			}
		}
		if len(rest) < head+length {
			return id, false
		}
		value := rest[head : head+length]
		rest = rest[head+length:]
		if number += delta; number > int(coap.URIPath) {
			return id, false
		}
		if number < int(coap.URIPath) {
			continue
		}
		if segment++; segment == 1 && string(value) != "rd" {
			return id, false
		} else if segment == 2 {
			return server.ParseRegistrationID(value)
		}
	}
	return id, false
}

// astray is the addresses whose devices are not on the shard that their hash says: those that moved, and those that came
// when there was another number of shards. There are none nearly always.
type astray struct {
	mu    sync.RWMutex
	count atomic.Int64
	at    map[netip.AddrPort]uint8
}

func (a *astray) find(addr netip.AddrPort) (int, bool) {
	if a.count.Load() == 0 {
		return 0, false
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	k, ok := a.at[addr]
	return int(k), ok
}

func (a *astray) put(addr netip.AddrPort, shard int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at == nil {
		a.at = map[netip.AddrPort]uint8{}
	}
	a.at[addr] = uint8(shard)
	a.count.Store(int64(len(a.at)))
}

func (a *astray) drop(addr netip.AddrPort, shard int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if k, ok := a.at[addr]; ok && int(k) == shard {
		delete(a.at, addr)
		a.count.Store(int64(len(a.at)))
	}
}

// follow keeps the addresses of what a shard tells.
func (s *Shards) follow(k *shard, event any) {
	if len(s.list) == 1 {
		return
	}
	switch e := event.(type) {
	case *server.Registered:
		s.place(k, e.Registration, e.Replaced)
	case *server.Updated:
		if e.Changed {
			s.place(k, e.Registration, e.Previous)
		}
	case *server.Moved:
		s.place(k, e.Registration, e.Previous)
	case *server.Deregistered:
		s.place(k, nil, e.Registration)
	}
}

// place notes that shard k has a device at a new address, and no longer at an old one.
func (s *Shards) place(k *shard, is, was *server.Registration) {
	if was != nil && s.astray.count.Load() > 0 && (is == nil || is.Path.Remote != was.Path.Remote) {
		s.astray.drop(was.Path.Remote, k.number)
	}
	if is == nil {
		return
	}
	// A record that carries our connection ID finds its way by itself.
	if id := is.Path.Security; id != nil && id.CID {
		return
	}
	if byAddress(is.Path.Remote, len(s.list)) != k.number {
		s.astray.put(is.Path.Remote, k.number)
	}
}
