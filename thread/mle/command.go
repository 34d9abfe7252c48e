package mle

// Command says what an MLE message is about (Thread 1.4 specification section 4.4; OpenThread mle_types.hpp).
type Command uint8

// The commands of MLE.
const (
	LinkRequest                   Command = 0
	LinkAccept                    Command = 1
	LinkAcceptAndRequest          Command = 2
	LinkReject                    Command = 3
	Advertisement                 Command = 4
	Update                        Command = 5
	UpdateRequest                 Command = 6
	DataRequest                   Command = 7
	DataResponse                  Command = 8
	ParentRequest                 Command = 9
	ParentResponse                Command = 10
	ChildIDRequest                Command = 11
	ChildIDResponse               Command = 12
	ChildUpdateRequest            Command = 13
	ChildUpdateResponse           Command = 14
	Announce                      Command = 15
	DiscoveryRequest              Command = 16
	DiscoveryResponse             Command = 17
	LinkMetricsManagementRequest  Command = 18
	LinkMetricsManagementResponse Command = 19
	LinkProbe                     Command = 20
	TimeSync                      Command = 99
)

var commandNames = [...]string{
	"Link Request", "Link Accept", "Link Accept and Request", "Link Reject", "Advertisement", "Update", "Update Request",
	"Data Request", "Data Response", "Parent Request", "Parent Response", "Child ID Request", "Child ID Response",
	"Child Update Request", "Child Update Response", "Announce", "Discovery Request", "Discovery Response",
	"Link Metrics Management Request", "Link Metrics Management Response", "Link Probe",
}

func (c Command) String() string {
	switch {
	case int(c) < len(commandNames):
		return commandNames[c]
	case c == TimeSync:
		return "Time Sync"
	}
	return "Unknown"
}

// Secured says whether a message with this command is protected: all are, but for discovery, which strangers take part
// in.
func (c Command) Secured() bool { return c != DiscoveryRequest && c != DiscoveryResponse }

// TLV is the type of a type-length-value element of an MLE message (OpenThread mle_tlvs.hpp).
type TLV uint8

// The types of MLE TLVs.
const (
	TLVSourceAddress         TLV = 0
	TLVMode                  TLV = 1
	TLVTimeout               TLV = 2
	TLVChallenge             TLV = 3
	TLVResponse              TLV = 4
	TLVLinkFrameCounter      TLV = 5
	TLVLinkQuality           TLV = 6
	TLVNetworkParameter      TLV = 7
	TLVMLEFrameCounter       TLV = 8
	TLVRoute                 TLV = 9
	TLVAddress16             TLV = 10
	TLVLeaderData            TLV = 11
	TLVNetworkData           TLV = 12
	TLVRequest               TLV = 13
	TLVScanMask              TLV = 14
	TLVConnectivity          TLV = 15
	TLVLinkMargin            TLV = 16
	TLVStatus                TLV = 17
	TLVVersion               TLV = 18
	TLVAddressRegistration   TLV = 19
	TLVChannel               TLV = 20
	TLVPANID                 TLV = 21
	TLVActiveTimestamp       TLV = 22
	TLVPendingTimestamp      TLV = 23
	TLVActiveDataset         TLV = 24
	TLVPendingDataset        TLV = 25
	TLVDiscovery             TLV = 26
	TLVSupervisionInterval   TLV = 27
	TLVWakeupChannel         TLV = 74
	TLVCSLChannel            TLV = 80
	TLVCSLTimeout            TLV = 85
	TLVCSLClockAccuracy      TLV = 86
	TLVLinkMetricsQuery      TLV = 87
	TLVLinkMetricsManagement TLV = 88
	TLVLinkMetricsReport     TLV = 89
	TLVLinkProbe             TLV = 90
	TLVTimeRequest           TLV = 252
	TLVTimeParameter         TLV = 253
	TLVXtalAccuracy          TLV = 254
)

// Bits of the Scan Mask TLV.
const (
	ScanRouters    = 1 << 7
	ScanEndDevices = 1 << 6
)

// StatusError is the one value of the Status TLV.
const StatusError = 1

// Version is the version that we say we are: Thread 1.4.
const Version = 5

// version1p1 is the oldest version there is.
const version1p1 = 2

// Port is the UDP port of MLE.
const Port = 19788
