package mesh

import (
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// MPL repeats multicasts through the mesh (RFC 7731, and OpenThread's ip6_mpl.cpp): each router sends each datagram twice,
// at random times, and knows by seed and sequence which ones it had.
type MPL struct {
	mesh     *Mesh
	sequence uint8
	seeds    []seedEntry // grouped by seed, in a group by sequence
	buffered []repeat
	buffers  int
	next     machine.Time
}

type seedEntry struct {
	seed     uint16
	sequence uint8
	life     uint8 // seconds
}

// repeat is a datagram that is to be sent again.
type repeat struct {
	ip       []byte
	priority Priority
	sent     uint8
	rest     time.Duration // of the Trickle interval after the last transmission
	at       machine.Time
}

// Sizes and times of the seed set and of the Trickle timer (config/ip6.h, ip6_mpl.hpp).
const (
	seedEntries    = 35
	seedLifetime   = 5
	mplInterval    = 64 * time.Millisecond
	mplRouterTimes = 2
)

// Option returns the MPL option for a multicast of ours from an address. Our RLOC names us, so the seed is left out.
func (p *MPL) Option(src ip6.Address) ip6.MPL {
	self := &p.mesh.table.Self
	o := ip6.MPL{Sequence: p.sequence}
	p.sequence++
	if src != ip6.RLOC(self.MeshLocal, self.RLOC16) {
		o.HasSeed, o.Seed = true, self.RLOC16
	}
	return o
}

// Process looks at the MPL option of a datagram, which came from the mesh or is ours, and has the datagram repeated if it
// is new. An error says to drop it; without receive it is not for us, since it is ours and comes by again.
func (p *MPL) Process(now machine.Time, ip, option []byte, fromMesh bool) (receive bool, err error) {
	o, err := ip6.ParseMPL(option)
	if err != nil {
		return false, errParse
	}
	if !o.HasSeed {
		iid := ip6.Src(ip).IID()
		if !iid.IsLocator() {
			return false, errDrop
		}
		o.Seed = iid.Locator()
	}
	switch {
	case p.learn(now, o.Seed, o.Sequence):
		p.buffer(now, ip, fromMesh)
		return true, nil
	case fromMesh:
		return false, errDrop
	}
	return false, nil
}

// learn puts seed and sequence into the set, and reports whether they are new.
func (p *MPL) learn(now machine.Time, seed uint16, sequence uint8) bool {
	first := slices.IndexFunc(p.seeds, func(e seedEntry) bool { return e.seed == seed })
	at := len(p.seeds)
	if first >= 0 {
		for at = first; at < len(p.seeds) && p.seeds[at].seed == seed; at++ {
			if d := int8(sequence - p.seeds[at].sequence); d == 0 {
				p.seeds[at].life = seedLifetime
				return false
			} else if d < 0 {
				break
			}
		}
	}
	if len(p.seeds) >= seedEntries {
		victim := p.victim()
		// A seed's only entry stays, and what is older than all that we know of a seed may have been here.
		if victim < 0 || first == at {
			return false
		}
		p.seeds = slices.Delete(p.seeds, victim, victim+1)
		if victim < at {
			at--
		}
	}
	p.seeds = slices.Insert(p.seeds, at, seedEntry{seed, sequence, seedLifetime})
	p.mesh.wantTick(now)
	return true
}

// victim returns the oldest entry of the seed that has most, or -1 if none has two.
func (p *MPL) victim() int {
	best, most := -1, 1
	for i := 0; i < len(p.seeds); {
		n := i + 1
		for n < len(p.seeds) && p.seeds[n].seed == p.seeds[i].seed {
			n++
		}
		if n-i > most {
			best, most = i, n-i
		}
		i = n
	}
	return best
}

// times returns how often a datagram is sent by us.
func (p *MPL) times() uint8 {
	if p.mesh.table.Self.Role.RouterOrLeader() {
		return mplRouterTimes
	}
	return 0
}

// buffer has a datagram repeated. What came from the mesh is one hop further, ours has been sent once.
func (p *MPL) buffer(now machine.Time, ip []byte, fromMesh bool) {
	m := p.mesh
	if !m.cfg.FTD || p.times() == 0 {
		return
	}
	r := repeat{priority: Normal, sent: 1}
	hops := ip[ip6.HopLimitAt]
	if fromMesh {
		if r.sent = 0; hops <= 1 {
			return
		}
		hops--
	}
	if packet, err := ip6.ParsePacket(ip); err == nil {
		r.priority = PriorityOf(&packet, m.table.Self.MeshLocal)
	}
	if !m.room(now, len(ip), r.priority) {
		m.Counters.QueueFull++
		return
	}
	r.ip = append([]byte(nil), ip...)
	r.ip[ip6.HopLimitAt] = hops
	r.schedule(now, m.rand)
	p.buffered = append(p.buffered, r)
	p.buffers += buffersOf(len(ip))
	p.next = min(p.next, r.at)
}

// schedule sets when the datagram is sent next: at a random time in the interval after the one under way.
func (r *repeat) schedule(now machine.Time, rand machine.Rand) {
	t := time.Duration(rand.Uint64()%uint64(mplInterval/time.Millisecond)) * time.Millisecond
	r.at = now.Add(r.rest + t)
	r.rest = mplInterval - t
}

// expire sends what is due.
func (p *MPL) expire(now machine.Time) {
	for i := 0; i < len(p.buffered); {
		r := &p.buffered[i]
		if r.at > now {
			i++
			continue
		}
		r.sent++
		last, d := r.sent >= p.times(), Datagram{IP: r.ip, Priority: r.priority}
		if r.sent > 1 {
			d.Kind = MPLRepeat
		}
		send := r.sent <= p.times()
		if last {
			p.buffers -= buffersOf(len(r.ip))
			p.buffered = removeAt(p.buffered, i)
		} else {
			r.schedule(now, p.mesh.rand)
			i++
		}
		if send {
			_ = p.mesh.Send(now, &d) // repeated because it may be lost
		}
	}
	p.next = machine.Never
	for i := range p.buffered {
		p.next = min(p.next, p.buffered[i].at)
	}
}

// tick counts the seconds of the seed set.
func (p *MPL) tick() bool {
	keep := p.seeds[:0]
	for _, e := range p.seeds {
		if e.life--; e.life > 0 {
			keep = append(keep, e)
		}
	}
	if p.seeds = keep; len(keep) == 0 {
		p.seeds = nil
	}
	return len(p.seeds) > 0
}

func (p *MPL) clear() { p.buffered, p.buffers, p.next = nil, 0, machine.Never }
