package srp

import (
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

// RegisteredHost is a host that a Server keeps. One without a lease is deleted, and only its name is kept for its key.
type RegisteredHost struct {
	Name            dns.Name // as it was written
	Addresses       []ip6.Address
	Key             [keySize]byte
	TTL             uint32
	Lease, KeyLease uint32
	Services        []*RegisteredService // the newest first

	lower      dns.Name
	at         machine.Time // of the update
	hasKey     bool
	shortLease bool
}

// RegisteredService is a service of a host.
type RegisteredService struct {
	Instance               dns.Name // the whole name, as it was written
	Name                   dns.Name // that of the service
	Subtypes               []dns.Name
	Port, Priority, Weight uint16
	TTL                    uint32
	Lease, KeyLease        uint32
	Text                   []byte
	Deleted                bool

	lower, lowerName       dns.Name
	lowerSubtypes          []dns.Name
	at                     machine.Time
	cleared, hasSRV, hasTX bool // what the update says of it
}

// Deleted reports whether only the name of the host is kept.
func (h *RegisteredHost) Deleted() bool { return h.Lease == 0 }

// Expires is when the host's lease ends.
func (h *RegisteredHost) Expires() machine.Time    { return h.at.Add(seconds(h.Lease)) }
func (h *RegisteredHost) keyExpires() machine.Time { return h.at.Add(seconds(h.KeyLease)) }

// Expires is when the service's lease ends.
func (s *RegisteredService) Expires() machine.Time    { return s.at.Add(seconds(s.Lease)) }
func (s *RegisteredService) keyExpires() machine.Time { return s.at.Add(seconds(s.KeyLease)) }

// Is reports whether a name in lower case is the instance's; Offers whether it is that of the service or of a subtype.
func (s *RegisteredService) Is(n dns.Name) bool { return s.lower == n }

// Offers reports whether somebody who browses for a name finds the service.
func (s *RegisteredService) Offers(n dns.Name) bool {
	return s.lowerName == n || slices.Contains(s.lowerSubtypes, n)
}

// Is reports whether a name in lower case is the host's.
func (h *RegisteredHost) Is(n dns.Name) bool { return h.lower == n }

// KeyData returns the data of the host's KEY record.
func (h *RegisteredHost) KeyData() []byte {
	return append([]byte{keyFlags >> 8, keyFlags & 0xff, keyProtocol, algorithm}, h.Key[:]...)
}

func (h *RegisteredHost) service(n dns.Name) *RegisteredService {
	for _, s := range h.Services {
		if s.lower == n {
			return s
		}
	}
	return nil
}

func (h *RegisteredHost) push(s *RegisteredService) {
	h.Services = append([]*RegisteredService{s}, h.Services...)
}

func (s *RegisteredService) delete() { s.Deleted, s.Lease = true, 0 }

// Left returns how many seconds a lease has still.
func Left(now, expires machine.Time) uint32 {
	return uint32(max(0, expires.Sub(now)) / time.Second)
}

// expire removes what has come to its end and returns when to look again; with gone the host is nothing any more.
func (h *RegisteredHost) expire(now machine.Time) (next machine.Time, gone bool) {
	if h.keyExpires() <= now {
		return machine.Never, true
	}
	next = h.keyExpires()
	if !h.Deleted() && h.Expires() <= now {
		for _, s := range h.Services {
			s.delete()
		}
		h.Lease, h.Addresses = 0, nil
	}
	if !h.Deleted() {
		next = min(next, h.Expires())
	}
	h.Services = slices.DeleteFunc(h.Services, func(s *RegisteredService) bool {
		if s.keyExpires() <= now {
			return true
		}
		if !s.Deleted && s.Expires() <= now {
			s.delete()
		}
		if s.Deleted {
			next = min(next, s.keyExpires())
		} else {
			next = min(next, s.Expires())
		}
		return false
	})
	return next, false
}
