package shell

type diagType uint8

// The types.
const (
	diagExtAddress       diagType = 0
	diagAddress16        diagType = 1
	diagMode             diagType = 2
	diagTimeout          diagType = 3
	diagConnectivity     diagType = 4
	diagRoute            diagType = 5
	diagLeaderData       diagType = 6
	diagNetworkData      diagType = 7
	diagAddresses        diagType = 8
	diagMACCounters      diagType = 9
	diagBatteryLevel     diagType = 14
	diagSupplyVoltage    diagType = 15
	diagChildTable       diagType = 16
	diagChannelPages     diagType = 17
	diagTypeList         diagType = 18
	diagMaxChildTimeout  diagType = 19
	diagEUI64            diagType = 23
	diagVersion          diagType = 24
	diagVendorName       diagType = 25
	diagVendorModel      diagType = 26
	diagVendorSoftware   diagType = 27
	diagStackVersion     diagType = 28
	diagChild            diagType = 29
	diagChildAddresses   diagType = 30
	diagRouterNeighbor   diagType = 31
	diagAnswerIndex      diagType = 32
	diagQueryID          diagType = 33
	diagMLECounters      diagType = 34
	diagVendorURL        diagType = 35
	diagNonPreferredMask diagType = 36
	diagEnhancedRoute    diagType = 37
)
