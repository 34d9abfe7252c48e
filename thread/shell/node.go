package shell

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mac"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
)

// Node is what the shell needs of a thread.Node. Getters change nothing. Errors are status.Errors.
type Node interface {
	machine.Machine
	Base
	Link
	Network
	FullThread
	Interface
	Data
	Datasets
	Diagnostics
	MeshDiagnostics
	Past
	Properties
	Commissioning
	BorderAgent
	ExternalCommissioning
	LinkMetrics
	Backbone
	Factory
	ChannelMonitor
	Joining
	UDP
	Resolver
	Discovery
	Registry
	CoAP
	// Do runs f as one input of the node: it is for what the node's rooms offer themselves.
	Do(now machine.Time, cause machine.Cause, f func())
}

// Base is the device.
type Base interface {
	FTD() bool
	Profile() *thread.Profile
	Random() uint32
	VersionString() string
	Platform() string
	Uptime(now machine.Time) time.Duration
	InstanceID() uint32
	LogLevel() uint8
	SetLogLevel(uint8) error
	BufferInfo() info.BufferInfo
	ResetBufferInfo()
	Vendor(field int) string
	SetVendor(field int, s string) error
	DomainName() string
	SetDomainName(name string) error
}

// Link is the radio and its MAC.
type Link interface {
	EUI64() ieee802154.ExtAddr
	ExtAddr() [8]byte
	SetExtAddr(now machine.Time, e [8]byte) error
	PANID() uint16
	SetPANID(now machine.Time, id uint16) error
	Channel() uint8
	SetChannel(now machine.Time, c uint8) error
	ChannelMasks() (supported, preferred uint32)
	PollPeriod() uint32 // milliseconds
	SetPollPeriod(now machine.Time, ms uint32) error
	CSL() (channel uint8, periodUS, timeout uint32) // of our samples as a sleepy child; the time-out in seconds
	SetCSLChannel(now machine.Time, channel uint8) error
	SetCSLPeriod(now machine.Time, us uint32) error
	SetCSLTimeout(now machine.Time, seconds uint32) error
	SendDataRequest(now machine.Time) error
	SendEmptyData(now machine.Time) error
	MACCounters() info.MACCounters
	TxPower() int8
	SetTxPower(now machine.Time, dBm int8) error
	CCAThreshold() int8
	SetCCAThreshold(now machine.Time, dBm int8) error
	Region() uint16
	SetRegion(uint16) error
	Promiscuous() bool
	SetPromiscuous(now machine.Time, on bool) error
	RadioEnabled(now machine.Time, on bool) error
	NoiseFloor() int8
	MAC() *mac.MAC
	RadioFilter() bool
	SetRadioFilter(now machine.Time, on bool) error
	// ActiveScan and EnergyScan end with one Result of the operation; what they find comes before it as Events.
	ActiveScan(now machine.Time, cause machine.Cause, mask uint32, ms uint16) (machine.OpID, error)
	EnergyScan(now machine.Time, cause machine.Cause, mask uint32, ms uint16) (machine.OpID, error)
	Discover(now machine.Time, cause machine.Cause, mask uint32) (machine.OpID, error)
	TimeInQueue() (bins []uint32, binMS uint32)
	MaxTimeInQueue() uint32
	ResetTimeInQueue()
}

// Network is MLE: what every device has.
type Network interface {
	Role() info.Role
	WatchDiscovery(on bool)
	BecomeDetached(now machine.Time) error
	BecomeChild(now machine.Time) error
	Start(now machine.Time, cause machine.Cause) error
	Stop(now machine.Time, cause machine.Cause) error
	Detach(now machine.Time, cause machine.Cause) (machine.OpID, error)
	Mode() info.Mode
	SetMode(now machine.Time, m info.Mode) error
	RLOC16() uint16
	LeaderData() (info.LeaderData, error)
	Singleton() bool
	Parent(now machine.Time) (info.Router, error)
	SearchParent(now machine.Time) error
	ChildTimeout() uint32
	SetChildTimeout(now machine.Time, sec uint32) error
	Supervision() (interval, check uint16)
	SetSupervisionInterval(now machine.Time, sec uint16) error
	SetSupervisionCheck(now machine.Time, sec uint16) error
	SupervisionFailures() uint16
	ResetSupervisionFailures()
	KeySequence() uint32
	SetKeySequence(now machine.Time, seq uint32) error
	KeyGuardTime() uint16 // hours
	SetKeyGuardTime(hours uint16) error
	MLECounters(now machine.Time) info.MLECounters
	ResetMLECounters(now machine.Time)
	AttachTime(now machine.Time) uint32
	NetworkKey() [16]byte
	SetNetworkKey(now machine.Time, k [16]byte) error
	NetworkName() string
	SetNetworkName(now machine.Time, name string) error
	ExtPANID() [8]byte
	SetExtPANID(now machine.Time, id [8]byte) error
	PSKc() [16]byte
	SetPSKc(now machine.Time, k [16]byte) error
	MeshLocal() ip6.Network
	SetMeshLocal(now machine.Time, p ip6.Network) error
	SetMeshLocalIID(now machine.Time, iid [8]byte) error
}

// FullThread is what only a full Thread device has.
type FullThread interface {
	BecomeRouter(now machine.Time) error
	BecomeLeader(now machine.Time) error
	Partition() uint32
	PreferredPartition() uint32
	SetPreferredPartition(uint32) error
	MLE() *mle.MLE
	Table() *neighbor.Table
	SetRouterEligible(now machine.Time, on bool) error
	SetChildRouterLinks(uint8) error
	SetParentPriority(int8) error
	SetPreferredRouterID(uint8) error
	SetRouterIDRange(low, high uint8) error
	ReleaseRouterID(now machine.Time, id uint8) error
	AdvertiseMax() uint32 // milliseconds
	SetMaxChildren(uint16) error
	SetMaxChildAddresses(uint8) error
	Children(now machine.Time) []info.Child     // in the order of the table
	Routers(now machine.Time) []info.Router     // by id
	Neighbors(now machine.Time) []info.Neighbor // children, then routers
	NextHop(rloc16 uint16) (next uint16, cost uint8)
	EIDCache(now machine.Time) []info.CacheEntry
	ContextReuseDelay() uint32
	SetContextReuseDelay(sec uint32)
}

// Interface is the IPv6 layer.
type Interface interface {
	IsUp() bool
	Up(now machine.Time, cause machine.Cause) error
	Down(now machine.Time, cause machine.Cause) error
	Addresses() []thread.Address
	AddAddress(a thread.Address) error
	RemoveAddress(a ip6.Address) error
	LinkLocal() ip6.Address
	MeshLocalEID() ip6.Address
	RLOC() ip6.Address
	MulticastAddresses() []ip6.Address
	Subscribe(a ip6.Address) error
	Unsubscribe(a ip6.Address) error
	IPCounters() info.IPCounters
	ResetIPCounters()
	BorderCounters() info.BorderCounters
	ResetBorderCounters()
	Ping(now machine.Time, cause machine.Cause, c thread.PingConfig) (machine.OpID, error)
	PingStop(now machine.Time, cause machine.Cause)
	UnsecurePorts() []uint16
	AddUnsecurePort(uint16) error
	RemoveUnsecurePort(uint16) error
	RemoveUnsecurePorts()
	Synthesize(ip4 [4]byte) (ip6.Address, error) // through NAT64
}

var _ Node = (*thread.Node)(nil)
