package mesh

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// Priority is which datagrams go first.
type Priority uint8

// The priorities, in OpenThread's order and words (Message::Priority).
const (
	Low Priority = iota
	Normal
	High
	Net
)

func (p Priority) String() string { return [...]string{"low", "normal", "high", "net"}[p&3] }

// Kind says what a datagram is, where that makes a difference.
type Kind uint8

// The kinds.
const (
	Plain                 Kind = iota
	MLE                        // an MLE message of any other kind
	MLEAnnounce                // secured with the well-known key, to the broadcast PAN
	MLEDiscoveryRequest        // to Datagram.PAN
	MLEDiscoveryResponse       // to Datagram.PAN
	MLEChildIDRequest          // not sent if it would take fragments
	MLEDataResponse            // Mesh.RemoveDataResponses takes it out of the queue
	MLEChildUpdateRequest      // see Mesh.HasQueuedFor
	JoinerEntrust              // secured with the key encryption key
	MPLRepeat                  // not for children that sleep: they had the first
)

// IsMLE reports whether a datagram is an MLE message.
func (k Kind) IsMLE() bool { return k >= MLE && k <= MLEChildUpdateRequest }

// Tag is the sender's name for a datagram whose fate matters to it. Zero is none.
type Tag uint32

// Datagram is an IPv6 datagram on its way into the mesh.
type Datagram struct {
	IP         []byte // copied
	Kind       Kind
	Priority   Priority
	NoSecurity bool             // without link security: MLE, and what joiners are told
	Direct     bool             // to a sleepy child, too: it is awake right now
	Channel    uint8            // 0: the network's. For MLE Announce and Discovery
	PAN        ieee802154.PANID // of the destination, for Discovery; 0: the network's
	Tag        Tag
}

// Config says what a Mesh is made of. Table and Rand must be set.
type Config struct {
	Table *neighbor.Table
	Rand  machine.Rand
	FTD   bool
	// Pool holds buffers. It may be shared by nodes that one goroutine owns; nil: the Mesh has its own.
	Pool *Pool

	Buffers int // how many of OpenThread's message buffers all queues may take; 0: 256

	// Of the address resolver; 0: the defaults of OpenThread (config/tmf.h).
	CacheEntries  int           // 32
	SnoopEntries  int           // 2: snooped entries that may not be evicted for a while
	QueryTimeout  time.Duration // 3 s
	QueryRetry    time.Duration // 15 s: the first
	QueryMaxRetry time.Duration // 120 s

	MaxReassembly  int // datagrams under way; 0: 8
	ForwardEntries int // fragmented datagrams of others that are remembered; 0: 16
}

func (c *Config) defaults() {
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	orTime := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	or(&c.Buffers, 256)
	or(&c.CacheEntries, 32)
	or(&c.SnoopEntries, 2)
	orTime(&c.QueryTimeout, 3*time.Second)
	orTime(&c.QueryRetry, 15*time.Second)
	orTime(&c.QueryMaxRetry, 120*time.Second)
	or(&c.MaxReassembly, 8)
	or(&c.ForwardEntries, 16)
	if c.Pool == nil {
		c.Pool = NewPool(2)
	}
}

// Times and limits (OpenThread's config/mesh_forwarder.h, mesh_forwarder.hpp and config/mac.h).
const (
	FailedRouterSends = 4 // failures in a row after which a router is lost

	reassemblyTimeout = 2 * time.Second
	meshHopsLeft      = neighbor.MaxRouteCost + 3
	forwardDelay      = 8 * time.Millisecond // after a frame that its receiver has to forward
	markAfter         = 500 * time.Millisecond
	dropAfter         = 1000 * time.Millisecond
	maxDirectFrames   = 100
	dropMemory        = 4 * time.Minute // how long the dropped first fragment of another's datagram is remembered
	forwardMemory     = dropMemory      // the longer of that and the reassembly timeout
	tick              = 1 * time.Second // OpenThread's time ticker: time-outs of seconds are counted by it
	maxPSDU           = ieee802154.MaxPSDU
)

// Counters are the mesh layer's counters. The first four are OpenThread's IpCounters.
type Counters struct {
	TxSuccess, RxSuccess, TxFailure, RxFailure uint32

	Malformed         uint32 // frames that could not be decoded
	Unsecured         uint32 // mesh-header frames without security, and datagrams that may not come in without
	ReassemblyTimeout uint32 // datagrams of which fragments were missing
	ReassemblyFull    uint32 // datagrams dropped because too many were under way
	StrayFragments    uint32 // fragments that belong to nothing
	QueueFull         uint32 // datagrams dropped or evicted because buffers ran out
	QueueDropped      uint32 // datagrams dropped because they waited too long
	NoRoute           uint32 // datagrams and frames dropped because there was no way
	Forwarded         uint32 // frames of others taken on
	RouteLoops        uint32
	StrayNotifies     uint32 // address notifications that nobody had asked for, or that made no sense
	DuplicateAddress  uint32 // addresses that two nodes claimed
}

// Mesh is the mesh layer of one node.
type Mesh struct {
	Counters Counters
	Resolver Resolver
	MPL      MPL
	// Accept, where set, is asked about each datagram that came without link security, or with the one key that everybody
	// knows, whether it may come in.
	Accept func(dst ip6.Address, proto ip6.Protocol, port uint16) bool
	// Cause, where set, returns the cause of the input under way: a datagram keeps it while it waits, for a route, for the
	// radio or for a child's poll.
	Cause func() machine.Cause
	// Transmitted, where set, is told of each datagram that was sent, or that did not get through.
	Transmitted func(now machine.Time, b []byte, dst ieee802154.Address, secured bool, p Priority, ok bool)

	cfg   Config
	env   Env
	table *neighbor.Table
	pool  *Pool
	rand  machine.Rand

	enabled  bool
	asleep   bool // our receiver is off while idle
	paused   bool
	busy     bool // a direct frame is with the MAC
	choosing bool
	again    bool // something was queued while the next message was chosen
	queue    queue
	current  *message // whose frame is being sent
	next     int      // how much of it is done when that frame is
	route    route
	frame    Frame
	tag      uint16 // of the next fragmented datagram

	delayNext  bool
	delayUntil machine.Time

	info     LinkInfo // of the datagram being delivered
	partials []*partial
	forwards []forward
	indirect indirect
	nextTick machine.Time
	stats    *QueueStats
}

// New returns a Mesh that is stopped.
func New(c Config, env Env) *Mesh {
	c.defaults()
	m := &Mesh{cfg: c, env: env, table: c.Table, pool: c.Pool, rand: c.Rand, delayUntil: machine.Never, nextTick: machine.Never}
	m.tag = uint16(c.Rand.Uint64())
	m.Resolver.mesh = m
	m.MPL.mesh = m
	m.MPL.next = machine.Never
	return m
}

// Start lets frames pass.
func (m *Mesh) Start() { m.enabled = true }

// Stop drops all that is queued or half received.
func (m *Mesh) Stop(now machine.Time) {
	m.enabled, m.paused, m.busy, m.delayNext, m.delayUntil = false, false, false, false, machine.Never
	m.current, m.next = nil, 0
	for m.queue.head != nil {
		m.drop(m.queue.head)
	}
	m.partials, m.forwards = nil, nil
	m.stopIndirect(now)
	m.MPL.clear()
}

// Pause keeps direct frames back while the radio listens on another channel.
func (m *Mesh) Pause(now machine.Time, pause bool) {
	m.paused = pause
	if !pause {
		m.schedule(now)
	}
}

// Deadline says when Expire wants to be called.
func (m *Mesh) Deadline() machine.Time { return min(m.nextTick, m.delayUntil, m.MPL.next) }

// Expire does what is due.
func (m *Mesh) Expire(now machine.Time) {
	if m.delayUntil <= now {
		m.delayUntil, m.delayNext = machine.Never, false
		m.schedule(now)
	}
	if m.MPL.next <= now {
		m.MPL.expire(now)
	}
	if m.nextTick <= now {
		m.nextTick = m.nextTick.Add(tick)
		if m.nextTick <= now {
			m.nextTick = now.Add(tick)
		}
		busy := m.expirePartials(now)
		busy = m.expireForwards(now) || busy
		busy = m.Resolver.tick(now) || busy
		busy = m.MPL.tick() || busy
		busy = m.supervise(now) || busy
		if !busy {
			m.nextTick = machine.Never
		}
	}
}

// wantTick has Expire called each second. The first time is random, as OpenThread's ticker has it.
func (m *Mesh) wantTick(now machine.Time) {
	if m.nextTick == machine.Never {
		m.nextTick = now.Add(time.Duration(m.rand.Uint64() % uint64(tick+1)))
	}
}
