package info

// MACCounters count frames, by OpenThread's names (otMacCounters).
type MACCounters struct {
	TxTotal, TxUnicast, TxBroadcast, TxAckRequested, TxAcked, TxNoAckRequested     uint32
	TxData, TxDataPoll, TxBeacon, TxBeaconRequest, TxOther, TxRetry                uint32
	TxDirectMaxRetryExpiry, TxIndirectMaxRetryExpiry                               uint32
	TxErrCCA, TxErrAbort, TxErrBusyChannel                                         uint32
	RxTotal, RxUnicast, RxBroadcast, RxData, RxDataPoll, RxBeacon, RxBeaconRequest uint32
	RxOther, RxAddressFiltered, RxDestAddrFiltered, RxDuplicated                   uint32
	RxErrNoFrame, RxErrUnknownNeighbor, RxErrInvalidSrcAddr, RxErrSec              uint32
	RxErrFCS, RxErrOther                                                           uint32
}

// MLECounters count roles and attachments (otMleCounters). Times are in milliseconds.
type MLECounters struct {
	Roles                   [5]uint16 // by Role
	AttachAttempts          uint16
	PartitionChanges        uint16
	BetterPartitionAttempts uint16
	BetterParentAttempts    uint16
	ParentChanges           uint16
	Times                   [5]uint64 // by Role
	Tracked                 uint64
}

// IPCounters count datagrams (otIpCounters).
type IPCounters struct{ TxSuccess, TxFailed, RxSuccess, RxFailed uint32 }

// Traffic is a number of packets and their bytes.
type Traffic struct{ Packets, Bytes uint64 }

// BorderCounters count what crosses the border (otBorderRoutingCounters).
type BorderCounters struct {
	InUnicast, InMulticast, OutUnicast, OutMulticast         Traffic
	RARx, RATxSuccess, RATxFailed, RSRx, RSTxSuccess, RSFail uint32
}

// QueueInfo is what one kind of message queue holds.
type QueueInfo struct {
	Messages, Buffers uint16
	Bytes             uint32
}

// BufferInfo is how message buffers are used. Heddle has no buffer pool: totals are the profile's.
type BufferInfo struct {
	Total, Free, MaxUsed                                   uint16
	Send, Reassembly, IP6, MPL, MLE, CoAP, CoAPSecure, App QueueInfo
}
