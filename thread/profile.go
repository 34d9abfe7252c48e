package thread

import "time"

// Profile holds the parameters that OpenThread's builds differ in: those of its test configuration, which scripts in real
// time assume, and the default ones (openthread-node.md 5).
type Profile struct {
	Name string

	ChildTimeout         time.Duration
	ParentSearch         time.Duration
	AddressQueryTimeout  time.Duration
	AddressQueryRetry    time.Duration // the first
	AddressQueryMaxRetry time.Duration
	AddressCache         int
	SnoopEntries         int
	MaxChildren          int
	ChildAddresses       int // that a parent keeps of one child
	ExternalUnicast      int // addresses that a user may add
	ExternalMulticast    int
	SLAACAddresses       int
	SLAACDeprecation     time.Duration
	MACFilter            int
	PendingDelayMin      time.Duration
	PendingDelayDefault  time.Duration
	ChannelManagerDelay  time.Duration // shortest
	JoinerEntries        int
	SRPAutoStart         bool
	MessageBuffers       int

	VendorName, VendorModel, VendorSoftware string
}

// TestProfile is that of OpenThread's test configuration ("toranj").
var TestProfile = Profile{
	Name:                 "test",
	ChildTimeout:         120 * time.Second,
	ParentSearch:         120 * time.Second,
	AddressQueryTimeout:  6 * time.Second,
	AddressQueryRetry:    4 * time.Second,
	AddressQueryMaxRetry: 120 * time.Second,
	AddressCache:         16,
	SnoopEntries:         2,
	MaxChildren:          32,
	ChildAddresses:       10,
	ExternalUnicast:      8,
	ExternalMulticast:    4,
	SLAACAddresses:       4,
	SLAACDeprecation:     30 * time.Second,
	MACFilter:            80,
	PendingDelayMin:      time.Second,
	PendingDelayDefault:  time.Second,
	ChannelManagerDelay:  2 * time.Second,
	JoinerEntries:        4,
	MessageBuffers:       256,
	VendorName:           "RD:OpenThread by Google Nest",
	VendorModel:          "Toranj Simulation",
	VendorSoftware:       "OT-simul-toranj",
}

// DefaultProfile is that of OpenThread's simulation platform without the test configuration.
var DefaultProfile = Profile{
	Name:                 "default",
	ChildTimeout:         240 * time.Second,
	ParentSearch:         9 * time.Minute,
	AddressQueryTimeout:  3 * time.Second,
	AddressQueryRetry:    15 * time.Second,
	AddressQueryMaxRetry: 120 * time.Second,
	AddressCache:         32,
	SnoopEntries:         2,
	MaxChildren:          128,
	ChildAddresses:       4,
	ExternalUnicast:      4,
	ExternalMulticast:    4,
	SLAACAddresses:       4,
	SLAACDeprecation:     300 * time.Second,
	MACFilter:            32,
	PendingDelayMin:      30 * time.Second,
	PendingDelayDefault:  300 * time.Second,
	ChannelManagerDelay:  120 * time.Second,
	JoinerEntries:        2,
	SRPAutoStart:         true,
	MessageBuffers:       44,
}
