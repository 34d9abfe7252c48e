// Package mle is Mesh Link Establishment, the protocol by which Thread nodes find each other, attach, keep their links and
// agree on who is leader (Thread 1.4 specification chapter 4; the reference for facts is OpenThread's src/core/thread/mle.cpp
// and mle_ftd.cpp).
//
// One machine, MLE, has two halves. What every device does is in attach.go and the files around it: discovery, attaching,
// the child's side of its link, announcements, restoring a role after a reset. What only full Thread devices do is in
// router_*.go, leader.go, parent.go, advertise.go, partition.go and link.go.
package mle

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
	"heddle.example/thread/neighbor"
)

// Config is what a node is born with. Zero values of the times mean OpenThread's defaults.
type Config struct {
	Rand  machine.Rand
	Table *neighbor.Table
	Keys  *keys.Manager

	Mode              Mode
	MTD               bool // built without the router's half: can never be a full Thread device
	SupportedChannels uint32
	MeshLocalPrefix   ip6.Network

	ChildTimeout        uint32 // seconds
	SupervisionInterval uint16 // seconds; what a sleepy child asks of its parent
	SupervisionTimeout  uint16 // seconds
	AddressesToRegister int    // of a child with its parent, the mesh-local one included
	ParentSearch        bool
	ParentSearchCheck   time.Duration
	ParentSearchBackoff time.Duration
	ParentSearchRSS     int8

	Restored       *NetworkInfo // of the settings, or nil
	RestoredParent *ParentInfo

	// OnChildGroups is told that a child has registered multicast groups.
	OnChildGroups func(now machine.Time)
	// OnLinkMetrics takes in the value of a Link Metrics Report, Management or Link Probe TLV; nil: not supported.
	OnLinkMetrics func(now machine.Time, c Command, from *neighbor.Neighbor, value []byte, lqi uint8, rssi int8)
	// AppendLinkMetrics appends the value of a Link Metrics Report TLV that answers a query; nil: not supported.
	AppendLinkMetrics func(dst []byte, from *neighbor.Neighbor, query []byte, lqi uint8, rssi int8) (b []byte, ok bool)

	FTD FTDConfig
}

// OpenThread's defaults (src/core/config).
const (
	defaultChildTimeout        = 240
	defaultSupervisionInterval = 129
	defaultSupervisionTimeout  = 190
	defaultAddresses           = 4
	defaultParentSearchCheck   = 9 * time.Minute
	defaultParentSearchBackoff = 10 * time.Hour
	defaultParentSearchRSS     = -65
)

// AttachMode says what an attach is for.
type AttachMode uint8

// The modes of an attach.
const (
	AnyPartition    AttachMode = iota // any that there is
	SamePartition                     // only the one that we were in
	BetterPartition                   // only one that is to be preferred to ours
	DowngradeToREED                   // a router gives up its role
	BetterParent                      // a child looks for a better link
	SelectedParent                    // the one that the parent search chose
)

type attachState uint8

const (
	attachIdle attachState = iota
	attachStart
	attachParentRequest
	attachAnnounce
	attachChildIDRequest
)

type reattachState uint8

const (
	reattachStop    reattachState = iota
	reattachActive                // trying the active dataset after a start
	reattachPending               // trying the pending one
)

// MLE is the machine. All of its methods that take the time are inputs.
type MLE struct {
	// DiscoveryRequested, where set, is called with each Discovery Request that a router hears.
	DiscoveryRequested func(now machine.Time, from ieee802154.ExtAddr, version uint8, joiner bool)

	env    Env
	rand   machine.Rand
	table  *neighbor.Table
	keys   *keys.Manager
	timers timers
	config Config

	role         Role
	mode         Mode
	savedRole    Role         // the role in the settings
	saved        *NetworkInfo // the settings; nil before we were ever attached
	leaderData   LeaderData
	meshLocal    ip6.Network
	meshLocalIID ip6.IID
	rloc16       uint16
	partitionSet bool // PartitionIDChanged was signalled once

	attach        attachState
	attachMode    AttachMode
	reattach      reattachState
	attachCounter uint16
	requests      uint8 // Parent Requests sent in this attempt

	announceChannel uint8
	announceDelay   uint32 // ms

	challenge         [8]byte // of our Parent Request or Child Update Request
	heardParent       bool    // our parent answered the Parent Request of this search
	shortRegistration bool    // the next Child ID Request has only the mesh-local EID
	attachedSleepy    bool
	retrieveData      bool // the network data that we have is not that of our partition
	requestRoute      bool // the next Data Request asks for the Route TLV
	previousParent    uint16
	timeout           uint32 // seconds
	cslTimeout        uint32 // seconds
	cslPeriod         uint16 // 0: no CSL
	cslChannel        uint8
	lastAttach        machine.Time
	supervision       supervision
	delayed           []delayed
	refused           []refusal // partitions that did not take us in lately
	restorer          restorer
	detacher          detacher
	retransmit        retransmitter
	announcer         announceHandler
	announceOn        announceSender
	announceOwn       announceSender
	announceLook      announceLook
	search            parentSearch
	discover          discovery
	counters          Counters
	counted           machine.Time // until when the role times of counters are
	buf               []byte       // of the message that is being written
	plain             []byte       // of the message that is being read
	candidate         candidate

	ftd ftdState
}

// New returns a disabled MLE.
func New(c Config, env Env) *MLE {
	def := func(v *uint32, d uint32) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.ChildTimeout, defaultChildTimeout)
	if c.AddressesToRegister == 0 {
		c.AddressesToRegister = defaultAddresses
	}
	if c.ParentSearchCheck == 0 {
		c.ParentSearchCheck = defaultParentSearchCheck
	}
	if c.ParentSearchBackoff == 0 {
		c.ParentSearchBackoff = defaultParentSearchBackoff
	}
	if c.ParentSearchRSS == 0 {
		c.ParentSearchRSS = defaultParentSearchRSS
	}
	m := &MLE{
		env: env, rand: c.Rand, table: c.Table, keys: c.Keys, config: c,
		mode: c.Mode, timeout: c.ChildTimeout, meshLocal: c.MeshLocalPrefix,
		rloc16: InvalidRLOC16, previousParent: InvalidRLOC16,
		announceDelay: announceTimeout,
		supervision:   supervision{interval: c.SupervisionInterval, timeout: c.SupervisionTimeout},
	}
	m.table.SetMeshLocal(c.MeshLocalPrefix)
	m.rand.Fill(m.meshLocalIID[:])
	m.timers.init()
	m.announceOn.timer, m.announceOwn.timer = timerAnnounceSend, timerAnnounceOwn
	m.initFTD()
	return m
}

// Deadline returns when Expire wants to be called.
func (m *MLE) Deadline() machine.Time { return m.timers.next }

// Expire fires the timers that are due.
func (m *MLE) Expire(now machine.Time) {
	m.ftd.now = now
	for {
		t, ok := m.timers.pop(now)
		if !ok {
			m.tableChanged(now)
			return
		}
		switch t {
		case timerAttach:
			m.attachTimer(now)
		case timerDelayed:
			m.sendDelayed(now)
		case timerRestore:
			m.restoreTimer(now)
		case timerDetach:
			m.detachTimer(now)
		case timerRetransmit:
			m.retransmitTimer(now)
		case timerAnnounce:
			m.announceAttach(now)
		case timerParentSearch:
			m.parentSearchTimer(now)
		case timerDiscover:
			m.discoverTimer(now)
		case timerSupervision:
			m.supervisionTimer(now)
		case timerAnnounceSend:
			m.announceOn.next(m, now)
		case timerAnnounceOwn:
			m.announceOwn.next(m, now)
		case timerAnnounceLook:
			m.announceLookTimer(now)
		case timerTick:
			m.tick(now)
		case timerAdvertise:
			m.advertiseTimer(now)
		}
	}
}

// Role returns what we are.
func (m *MLE) Role() Role { return m.role }

// Mode returns what sort of device we are.
func (m *MLE) Mode() Mode { return m.mode }

// Attaching says whether an attach is under way.
func (m *MLE) Attaching() bool { return m.attach != attachIdle }

// RLOC16 returns our RLOC16, or InvalidRLOC16.
func (m *MLE) RLOC16() uint16 { return m.rloc16 }

// LeaderData returns which partition we are in, with the versions of its network data.
func (m *MLE) LeaderData() LeaderData {
	m.leaderData.DataVersion = m.env.DataVersion()
	m.leaderData.StableDataVersion = m.env.StableDataVersion()
	return m.leaderData
}

// MeshLocalPrefix returns the first half of all addresses that are routable in the mesh.
func (m *MLE) MeshLocalPrefix() ip6.Network { return m.meshLocal }

// MeshLocalEID returns our address that stays the same in the mesh.
func (m *MLE) MeshLocalEID() ip6.Address { return ip6.Join(m.meshLocal, m.meshLocalIID) }

// LinkLocal returns our link-local address.
func (m *MLE) LinkLocal() ip6.Address { return ip6.LinkLocal(m.env.ExtAddress()) }

// RLOC returns our routing locator, if we have one.
func (m *MLE) RLOC() (ip6.Address, bool) {
	if m.rloc16 == InvalidRLOC16 || m.role == Disabled {
		return ip6.Address{}, false
	}
	return ip6.RLOC(m.meshLocal, m.rloc16), true
}

// Timeout returns after how many seconds a parent forgets us.
func (m *MLE) Timeout() uint32 { return m.timeout }

// AttachDuration returns for how many seconds we have been attached, 0 if we are not.
func (m *MLE) AttachDuration(now machine.Time) uint32 {
	if !m.role.Attached() {
		return 0
	}
	return uint32(now.Sub(m.lastAttach) / time.Second)
}

// Parent returns the last parent that we had.
func (m *MLE) Parent() *neighbor.Parent { return &m.table.Parent }

// ParentRLOC16 returns the RLOC16 of our parent, or InvalidRLOC16.
func (m *MLE) ParentRLOC16() uint16 {
	if m.table.Parent.State != neighbor.Valid {
		return InvalidRLOC16
	}
	return m.table.Parent.RLOC16
}

func (m *MLE) linkMargin(rss int8) uint8 { return m.table.Margin(rss) }

func linkLocal(e ieee802154.ExtAddr) ip6.Address { return ip6.LinkLocal(e) }
