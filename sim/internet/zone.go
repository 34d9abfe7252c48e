package internet

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// Resolver puts a DNS server at an address, which knows the names of the hosts and no others.
func (i *Internet) Resolver(a netip.Addr) {
	i.hosts[a] = host{ttl: 64}
	i.WAN.Attach(a, func(from, to netip.AddrPort, b []byte) {
		if to.Port() != 53 {
			return
		}
		if answer := i.Answer(b); answer != nil {
			i.WAN.Inject(to, from, answer)
		}
	})
}

// Ask asks for a name, as a program on a border router does: answer is called after a way there and back, with a message
// that is its own. If nobody knows the name, Names is asked.
func (i *Internet) Ask(query []byte, answer func(b []byte)) {
	if q := append([]byte(nil), query...); i.Names != nil && !i.knows(q) {
		i.Names(q, answer)
		return
	}
	if b := i.Answer(query); b != nil && !i.no4 {
		i.world.After(i.delay()+i.delay(), func() { answer(b) })
	}
}

func (i *Internet) knows(query []byte) bool {
	if len(query) < questionAt {
		return true
	}
	name, _, ok := readName(query, questionAt)
	_, known := i.zone[name]
	return known || !ok
}

const (
	typeA      = 1
	typeAAAA   = 28
	answerTTL  = 300
	questionAt = 12
)

// Answer answers a DNS query for A or AAAA from the names of this internet (RFC 1035); nil where b is no query.
func (i *Internet) Answer(b []byte) []byte {
	if len(b) < questionAt || b[2]&0x80 != 0 || binary.BigEndian.Uint16(b[4:]) != 1 {
		return nil
	}
	name, end, ok := readName(b, questionAt)
	if !ok || len(b) < end+4 {
		return nil
	}
	kind, class := binary.BigEndian.Uint16(b[end:]), binary.BigEndian.Uint16(b[end+2:])
	out := append([]byte(nil), b[:end+4]...)
	out[2], out[3] = 0x80|out[2]&0x79, 0x80 // a response, recursion is available
	clear(out[6:questionAt])
	addrs, known := i.zone[name]
	if !known {
		out[3] |= 3 // no such name
		return out
	}
	count := uint16(0)
	for _, a := range addrs {
		if class != 1 || !(kind == typeA && a.Is4() || kind == typeAAAA && a.Is6()) {
			continue
		}
		out = append(out, 0xc0, questionAt, 0, byte(kind), 0, 1, 0, 0, answerTTL>>8, answerTTL&0xff, 0, byte(a.BitLen()/8))
		out = append(out, a.AsSlice()...)
		count++
	}
	binary.BigEndian.PutUint16(out[6:], count)
	return out
}

// readName reads an uncompressed name, as questions have it.
func readName(b []byte, at int) (name string, end int, ok bool) {
	var labels []string
	for {
		if at >= len(b) || b[at]&0xc0 != 0 {
			return "", 0, false
		}
		n := int(b[at])
		if at++; n == 0 {
			return canonical(strings.Join(labels, ".")), at, true
		}
		if at+n > len(b) || len(labels) > 127 {
			return "", 0, false
		}
		labels = append(labels, string(b[at:at+n]))
		at += n
	}
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
