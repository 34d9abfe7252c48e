package netdata

import (
	"encoding/binary"

	"heddle.example/thread/ip6"
)

// Numbers of Thread's own services: the first byte of the service data (network_data_service.hpp).
const (
	serviceBBR     = 0x01
	ServiceAnycast = 0x5c
	ServiceUnicast = 0x5d
)

// DNSSRPAnycast is a DNS/SRP server behind the anycast address of its service.
type DNSSRPAnycast struct {
	Sequence, Version uint8
	ServiceID         uint8
	RLOC16            uint16
}

// DNSSRPUnicast is a DNS/SRP server with an address of its own. InService says that it stands in the service data: such a
// one is there by somebody's will, and goes before those that border routers offer by themselves.
type DNSSRPUnicast struct {
	Address   ip6.Address
	Port      uint16
	Version   uint8
	InService bool
	RLOC16    uint16
}

func (d Data) threadServices(number byte, f func(s Service) bool) {
	for s := range d.Services() {
		if s.Enterprise == ThreadEnterprise && len(s.Data) > 0 && s.Data[0] == number && !f(s) {
			return
		}
	}
}

// DNSSRPAnycast appends all anycast DNS/SRP servers.
func (d Data) DNSSRPAnycast(list []DNSSRPAnycast) []DNSSRPAnycast {
	d.threadServices(ServiceAnycast, func(s Service) bool {
		if len(s.Data) >= 2 {
			a := DNSSRPAnycast{Sequence: s.Data[1], ServiceID: s.ID, RLOC16: s.RLOC16}
			if len(s.ServerData) > 0 {
				a.Version = s.ServerData[0]
			}
			list = append(list, a)
		}
		return true
	})
	return list
}

// DNSSRPUnicast appends all unicast DNS/SRP servers. One that says only its port is at its locator.
func (d Data) DNSSRPUnicast(list []DNSSRPUnicast, meshLocal ip6.Network) []DNSSRPUnicast {
	d.threadServices(ServiceUnicast, func(s Service) bool {
		u := DNSSRPUnicast{RLOC16: s.RLOC16}
		switch {
		case u.parse(s.Data[1:]):
			u.InService = true
		case u.parse(s.ServerData):
		case len(s.ServerData) == 2:
			u.Address, u.Port = ip6.RLOC(meshLocal, s.RLOC16), binary.BigEndian.Uint16(s.ServerData)
		default:
			return true
		}
		list = append(list, u)
		return true
	})
	return list
}

// PreferredAnycast returns the anycast server with the latest sequence number: by serial arithmetic where that is the same for
// all of them, else simply the greatest (FindPreferredDnsSrpAnycastInfo).
func (d Data) PreferredAnycast() (best DNSSRPAnycast, found bool) {
	list := d.DNSSRPAnycast(nil)
	if len(list) == 0 {
		return best, false
	}
	after := func(a, b uint8) bool { return a != b && a-b < 0x80 }
	best, greatest := list[0], list[0]
	for _, a := range list[1:] {
		if after(a.Sequence, best.Sequence) {
			best = a
		}
		if a.Sequence > greatest.Sequence {
			greatest = a
		}
	}
	for _, a := range list {
		if a.Sequence != best.Sequence && !after(best.Sequence, a.Sequence) {
			return greatest, true
		}
	}
	return best, true
}

func (u *DNSSRPUnicast) parse(b []byte) bool {
	if len(b) < 18 {
		return false
	}
	u.Address, u.Port = ip6.Address(b), binary.BigEndian.Uint16(b[16:])
	if len(b) > 18 {
		u.Version = b[18]
	}
	return true
}

func (u *DNSSRPUnicast) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(append(dst, u.Address[:]...), u.Port)
	if u.Version != 0 {
		dst = append(dst, u.Version)
	}
	return dst
}

// BackboneRouter is a backbone router's offer.
type BackboneRouter struct {
	Sequence   uint8
	Delay      uint16 // s, until nodes register again
	MLRTimeout uint32 // s
	ServiceID  uint8
	RLOC16     uint16
}

// PrimaryBackboneRouter returns the one of them that counts: the leader, else that with the greatest sequence number, else
// that with the greatest locator (network_data_service.cpp, IsBackboneRouterPreferredTo). The numbers do not go round.
func (d Data) PrimaryBackboneRouter(leader uint16) (best BackboneRouter, found bool) {
	d.threadServices(serviceBBR, func(s Service) bool {
		if len(s.ServerData) < 7 {
			return true
		}
		b := BackboneRouter{s.ServerData[0], binary.BigEndian.Uint16(s.ServerData[1:]), binary.BigEndian.Uint32(s.ServerData[3:]), s.ID, s.RLOC16}
		before := b.Sequence > best.Sequence || b.Sequence == best.Sequence && b.RLOC16 > best.RLOC16
		if !found || b.RLOC16 == leader || best.RLOC16 != leader && before {
			best, found = b, true
		}
		return true
	})
	return best, found
}
