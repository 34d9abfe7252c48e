package nat64

import (
	"net/netip"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// Env takes what comes out of a Translator. Packets are borrowed until return.
type Env interface {
	Send6(now machine.Time, packet []byte)
	Send4(now machine.Time, packet []byte)
}

// Config says what a Translator is made of. Prefix, Pool and Rand must be set; zero fields have defaults.
type Config struct {
	Prefix ip6.Prefix     // what of IPv6 stands for IPv4
	Pool   []netip.Prefix // our addresses on the IPv4 side
	Rand   machine.Rand
	// Address6 is ours on the mesh: ICMPv6 errors come from it. Unspecified: they come from the address that could not be
	// reached.
	Address6 ip6.Address

	Mappings  int // at most; 0: 8192
	PerHost   int // of one IPv6 address; 0: a quarter of them
	Fragments int // fragmented packets under way; 0: 64
	// Restricted: packets from IPv4 pass only from addresses that the node has sent to (RFC 6146 section 1.2.3's
	// address-dependent filtering); else from anyone who knows the port.
	Restricted bool

	UDP         time.Duration // 5 min (RFC 6146 section 4)
	TCP         time.Duration // 2 h 4 min, of established connections
	TCPOpening  time.Duration // 4 min, of those that open or close
	ICMP        time.Duration // 60 s
	MTU6        int           // of the mesh; 0: 1280
	FirstPort   uint16        // 0: 1024
	KeepTraffic bool          // TOS and traffic class are copied (RFC 7915); else they are 0
}

// Counters say what passed and what did not.
type Counters struct {
	UDP, TCP, ICMP, Total       Traffic
	Malformed                   uint64 // too short, wrong lengths or checksums
	NoMapping                   uint64 // from IPv4 to a port that nobody has
	Filtered                    uint64 // ... or from whom the node has not sent to
	Full                        uint64 // no mapping could be made
	Unsupported                 uint64 // protocols and ICMP messages that are not translated
	Address                     uint64 // addresses that cannot be translated, or are not to be
	HopLimit, TooBig, Fragments uint64 // died here; told to be smaller; fragments that belong to nothing
}

// Traffic counts in both directions.
type Traffic struct {
	Packets4To6, Bytes4To6, Packets6To4, Bytes6To4 uint64
}

// Translator is a NAT64.
type Translator struct {
	Counters Counters

	c         Config
	env       Env
	slots     []mapping // 0 is not used
	free      uint32
	count     int
	by6, by4  machine.Index
	key6      key6 // what is looked up
	key4      key4
	hosts     machine.Index
	hostSlots []host
	hostFree  uint32
	keyHost   ip6.Address
	timers    machine.Timers[uint32]
	fragments []fragment
	ident     uint32
	out, aux  []byte
}

// New returns a Translator without mappings.
func New(c Config, env Env) (*Translator, error) {
	if err := CheckPrefix(c.Prefix); err != nil {
		return nil, err
	}
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	wait := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	or(&c.Mappings, 8192)
	or(&c.PerHost, max(1, c.Mappings/4))
	or(&c.Fragments, 64)
	or(&c.MTU6, ip6.MTU)
	wait(&c.UDP, 5*time.Minute)
	wait(&c.TCP, 2*time.Hour+4*time.Minute)
	wait(&c.TCPOpening, 4*time.Minute)
	wait(&c.ICMP, time.Minute)
	if c.FirstPort == 0 {
		c.FirstPort = 1024
	}
	pool := c.Pool
	c.Pool = nil
	for _, p := range pool {
		if p.Addr().Is4() {
			c.Pool = append(c.Pool, p.Masked())
		}
	}
	if len(c.Pool) == 0 {
		return nil, ErrPool
	}
	t := &Translator{c: c, env: env, slots: make([]mapping, 1), hostSlots: make([]host, 1), ident: uint32(c.Rand.Uint64())}
	t.by6 = machine.NewIndex(c.Rand, func(n uint32) uint32 { return t.hash6(&t.slots[n].key6) })
	t.by4 = machine.NewIndex(c.Rand, func(n uint32) uint32 { return t.hash4(t.slots[n].key4) })
	t.hosts = machine.NewIndex(c.Rand, func(n uint32) uint32 { return t.hashHost(&t.hostSlots[n].address) })
	return t, nil
}

// Prefix returns what of IPv6 stands for IPv4.
func (t *Translator) Prefix() ip6.Prefix { return t.c.Prefix }

// Deadline says when Expire wants to be called.
func (t *Translator) Deadline() machine.Time {
	d := t.timers.Deadline()
	if len(t.fragments) > 0 {
		d = min(d, t.fragments[0].until)
	}
	return d
}

// Expire removes mappings that nobody has used for their time.
func (t *Translator) Expire(now machine.Time) {
	for {
		n, ok := t.timers.Pop(now)
		if !ok {
			break
		}
		m := &t.slots[n]
		if m.until > now { // used since: its timer is set anew only now, not with every packet
			m.timer = t.timers.Set(0, m.until, n)
			continue
		}
		m.timer = 0
		t.remove(n)
	}
	for len(t.fragments) > 0 && t.fragments[0].until <= now {
		t.fragments = append(t.fragments[:0], t.fragments[1:]...)
	}
}
