package nat64

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// ErrPool says that there is no address to be had.
var ErrPool = errors.New("nat64: the pool has no IPv4 address")

// key6 and key4 are the two ends of a mapping (a BIB entry of RFC 6146). Ports are identifiers for ICMP echo.
type key6 struct {
	address ip6.Address
	port    uint16
	proto   uint8
}

type key4 struct {
	address [4]byte
	port    uint16
	proto   uint8
}

// mapping is one entry, with a few of the addresses that the node has sent to.
type mapping struct {
	key6
	key4
	host     uint32
	next     uint32 // free list
	timer    machine.TimerID
	until    machine.Time
	opening  bool // of TCP: not, or not any more, established
	seen4    bool // of TCP: the other side has answered
	peers    [4][4]byte
	peer     uint8
	last     [4]byte // whom it sent to last, and the port there: for people
	lastPort uint16
	traffic  Traffic
}

// host counts the mappings of one IPv6 address, and holds its IPv4 address: all of a node's ports are at one.
type host struct {
	address  ip6.Address
	v4       [4]byte
	mappings int
	next     uint32
}

func (t *Translator) hash6(k *key6) uint32 {
	a := &k.address
	return t.by6.HashUint(binary.BigEndian.Uint64(a[:]), binary.BigEndian.Uint64(a[8:]), uint64(k.port)<<8|uint64(k.proto))
}

func (t *Translator) hash4(k key4) uint32 {
	return t.by4.HashUint(uint64(binary.BigEndian.Uint32(k.address[:])), uint64(k.port)<<8|uint64(k.proto), 0)
}

func (t *Translator) hashHost(a *ip6.Address) uint32 {
	return t.hosts.HashUint(binary.BigEndian.Uint64(a[:]), binary.BigEndian.Uint64(a[8:]), 1)
}

func (t *Translator) find6(k key6) uint32 {
	t.key6 = k
	return t.by6.Find(t.hash6(&t.key6), t.is6)
}

func (t *Translator) is6(n uint32) bool { return t.slots[n].key6 == t.key6 }

func (t *Translator) find4(k key4) uint32 {
	t.key4 = k
	return t.by4.Find(t.hash4(k), t.is4)
}

func (t *Translator) is4(n uint32) bool { return t.slots[n].key4 == t.key4 }

func (t *Translator) isHost(n uint32) bool { return t.hostSlots[n].address == t.keyHost }

// mapped returns the mapping of an IPv6 end, a new one if there is none yet, or 0.
func (t *Translator) mapped(now machine.Time, k key6) uint32 {
	if n := t.find6(k); n != 0 {
		return n
	}
	h := t.hostOf(k.address)
	if t.count >= t.c.Mappings || t.hostSlots[h].mappings >= t.c.PerHost {
		t.dropHost(h)
		return 0
	}
	k4, ok := t.choose(h, k)
	if !ok {
		t.dropHost(h)
		return 0
	}
	n := t.free
	if n == 0 {
		t.slots = append(t.slots, mapping{})
		n = uint32(len(t.slots) - 1)
	} else {
		t.free = t.slots[n].next
	}
	m := &t.slots[n]
	*m = mapping{key6: k, key4: k4, host: h, opening: k.proto == protoTCP}
	t.hostSlots[h].mappings++
	t.count++
	t.by6.Add(n)
	t.by4.Add(n)
	m.until = now.Add(t.life(m))
	m.timer = t.timers.Set(0, m.until, n)
	return n
}

// hostOf returns the entry of an IPv6 address, a new one if there is none.
func (t *Translator) hostOf(a ip6.Address) uint32 {
	t.keyHost = a
	if h := t.hosts.Find(t.hashHost(&a), t.isHost); h != 0 {
		return h
	}
	h := t.hostFree
	if h == 0 {
		t.hostSlots = append(t.hostSlots, host{})
		h = uint32(len(t.hostSlots) - 1)
	} else {
		t.hostFree = t.hostSlots[h].next
	}
	t.hostSlots[h] = host{address: a, v4: t.address(t.hashHost(&a))}
	t.hosts.Add(h)
	return h
}

func (t *Translator) dropHost(h uint32) {
	if t.hostSlots[h].mappings > 0 {
		return
	}
	t.hosts.Remove(h)
	t.hostSlots[h] = host{next: t.hostFree}
	t.hostFree = h
}

// address chooses an address of the pool. First and last of a pool of more than two are not hosts'.
func (t *Translator) address(hash uint32) [4]byte {
	p := t.c.Pool[int(hash)%len(t.c.Pool)]
	size := uint32(1) << (32 - p.Bits())
	first, n := uint32(0), size
	if size > 2 {
		first, n = 1, size-2
	}
	if p.Bits() == 0 {
		first, n = 1, 1<<31
	}
	base := p.Addr().As4()
	v := binary.BigEndian.Uint32(base[:]) + first + (hash/uint32(len(t.c.Pool)))%n
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], v)
	return a
}

// choose finds a free port at a host's address: the node's own if it can be had, else one of the same parity (RFC 4787
// section 4.2.2), from a random one on.
func (t *Translator) choose(h uint32, k key6) (key4, bool) {
	c := key4{address: t.hostSlots[h].v4, port: k.port, proto: k.proto}
	if k.proto == protoICMP || k.port >= t.c.FirstPort {
		if t.find4(c) == 0 {
			return c, true
		}
	}
	first := uint32(t.c.FirstPort)
	if k.proto == protoICMP {
		first = 0
	}
	span := (65536 - first) / 2
	at := uint32(t.c.Rand.Uint64()) % span
	for i := range min(span, 2048) { // a pool that is so full is full
		c.port = uint16(first + 2*((at+i)%span))
		c.port = c.port&^1 | k.port&1
		if t.find4(c) == 0 {
			return c, true
		}
	}
	return c, false
}

func (t *Translator) remove(n uint32) {
	m := &t.slots[n]
	t.by6.Remove(n)
	t.by4.Remove(n)
	t.timers.Stop(m.timer)
	t.hostSlots[m.host].mappings--
	t.dropHost(m.host)
	t.count--
	*m = mapping{next: t.free}
	t.free = n
}

// life returns how long a mapping stays without being used.
func (t *Translator) life(m *mapping) time.Duration {
	switch {
	case m.key6.proto == protoUDP:
		return t.c.UDP
	case m.key6.proto == protoICMP:
		return t.c.ICMP
	case m.opening:
		return t.c.TCPOpening
	}
	return t.c.TCP
}

// use keeps a mapping alive. Packets from IPv4 do so, too, as RFC 6146 has it.
func (t *Translator) use(now machine.Time, m *mapping) { m.until = now.Add(t.life(m)) }

// sentTo remembers whom the node has sent to. The port is 0 for ICMP.
func (m *mapping) sentTo(peer [4]byte, port uint16) {
	m.last, m.lastPort = peer, port
	if !m.knows(peer) {
		m.peers[m.peer%4] = peer
		m.peer++
	}
}

func (m *mapping) knows(peer [4]byte) bool {
	return m.peers[0] == peer || m.peers[1] == peer || m.peers[2] == peer || m.peers[3] == peer
}

// tcp follows the state of connections by flags: established once both sides have sent, closing with FIN and RST.
func (m *mapping) tcp(flags uint8, from4 bool) {
	const fin, syn, rst = 1, 2, 4
	switch {
	case flags&(fin|rst) != 0:
		m.opening = true
		m.seen4 = false
	case from4:
		if flags&syn != 0 || !m.opening {
			m.seen4 = true
		}
		if m.seen4 {
			m.opening = false
		}
	case flags&syn != 0:
		m.opening, m.seen4 = true, false
	}
}

// Mapping is one mapping, for people.
type Mapping struct {
	Address6 ip6.Address
	Address4 netip.Addr
	Port6    uint16 // or the identifier of ICMP echo
	Port4    uint16
	Protocol ip6.Protocol // UDP, TCP or ICMP6
	Left     time.Duration
	Remote   netip.AddrPort // whom the node sent to last; the port is 0 for ICMP
	Traffic
}

// Mappings appends all mappings in the order in which their memory was first used.
func (t *Translator) Mappings(now machine.Time, dst []Mapping) []Mapping {
	for i := range t.slots {
		m := &t.slots[i]
		if m.key6.proto == 0 {
			continue
		}
		p := ip6.Protocol(m.key6.proto)
		if m.key6.proto == protoICMP {
			p = ip6.ICMP6
		}
		dst = append(dst, Mapping{m.key6.address, netip.AddrFrom4(m.key4.address), m.key6.port, m.key4.port, p, max(0, m.until.Sub(now)),
			netip.AddrPortFrom(netip.AddrFrom4(m.last), m.lastPort), m.traffic})
	}
	return dst
}

// Len returns how many mappings there are.
func (t *Translator) Len() int { return t.count }
