// Package meshcop is the wire format of commissioning: the TLVs of operational datasets and of the management requests that
// change them, steering data, and the keys that come from a passphrase.
//
// Dataset is TLVs as they are on the air, Info the same as fields. What a node does with them is in the machines of packages
// datasets and joining.
//
// Facts come from OpenThread's src/core/meshcop; clause numbers are those of Thread 1.1.1 chapter 8.
package meshcop

// MaxLength is the most bytes of a dataset (OpenThread dataset.h, OT_OPERATIONAL_DATASET_MAX_LENGTH).
const MaxLength = 254

// The types of MeshCoP TLVs (8.10.1).
const (
	Channel             = 0
	PANID               = 1
	ExtPANID            = 2
	NetworkName         = 3
	PSKc                = 4
	NetworkKeyTLV       = 5
	NetworkKeySequence  = 6
	MeshLocalPrefix     = 7
	SteeringDataTLV     = 8
	BorderAgentLocator  = 9
	CommissionerID      = 10
	CommissionerSession = 11
	SecurityPolicyTLV   = 12
	Get                 = 13
	ActiveTimestamp     = 14
	CommissionerUDPPort = 15
	State               = 16
	JoinerDTLS          = 17
	JoinerUDPPort       = 18
	JoinerIID           = 19
	JoinerRouterLocator = 20
	JoinerRouterKEK     = 21
	ProvisioningURL     = 32
	VendorName          = 33
	VendorModel         = 34
	VendorSWVersion     = 35
	VendorData          = 36
	VendorStackVersion  = 37
	UDPEncapsulation    = 48
	IPv6Address         = 49
	PendingTimestamp    = 51
	DelayTimer          = 52
	ChannelMask         = 53
	Count               = 54
	Period              = 55
	ScanDuration        = 56
	EnergyList          = 57
	DomainName          = 59
	WakeupChannel       = 74
	DiscoveryRequest    = 128
	DiscoveryResponse   = 129
	JoinerAdvertisement = 241
)

const (
	FirstChannel   = 11
	LastChannel    = 26
	AllChannels    = 0x07fff800
	NetworkNameMax = 16
	StateReject    = 0xff
	StateAccept    = 1
)
