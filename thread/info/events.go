package info

import "heddle.example/thread/ip6"

// The values of a node's Events and Results that no other package has a type for.

// ScanResult is one network that a scan or a discovery found.
type ScanResult struct {
	Discovered bool // by a discovery: then there are a name and an extended PAN id
	Name       string
	ExtPAN     [8]byte
	Ext        [8]byte
	PAN        uint16
	Channel    uint8
	RSSI       int8
	LQI        uint8
}

// EnergyResult is the strongest signal on one channel.
type EnergyResult struct {
	Channel uint8
	RSSI    int8
}

// Done is the Result of a command that has nothing to say but how it ended.
type Done struct {
	Err      error
	Detached bool // it was a Detach
}

// ChannelMonitor is how often channels 11 to 26 were busy: 0xffff is always.
type ChannelMonitor struct {
	IntervalMS uint32
	Threshold  int8
	Window     uint32
	Count      uint32 // of samples of each channel
	Occupancy  [16]uint16
}

// FactoryStats are the counters of factory diagnostics.
type FactoryStats struct {
	Received, Sent, Busy, Aborted, Others uint32
	FirstRSSI, LastRSSI                   int8
	FirstLQI, LastLQI                     uint8
}

// Listeners is the Result of a RegisterListeners: the primary's answer, and which groups it has not taken.
type Listeners struct {
	Err    error
	Status uint8
	Failed []ip6.Address
}

// Located is the Result of a Locate: who is behind an anycast locator.
type Located struct {
	Err    error
	Addr   ip6.Address // mesh-local
	RLOC16 uint16
}

// Diagnostic is an answer to a diagnostic request. TLVs are borrowed until the drain is over.
type Diagnostic struct {
	Err  error
	From ip6.Address
	TLVs []byte
}

// DiscoveryRequest is one that was heard.
type DiscoveryRequest struct {
	Ext     [8]byte
	Version uint8
	Joiner  bool
}
