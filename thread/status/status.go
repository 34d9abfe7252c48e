// Package status holds the errors that a Thread node gives its user, with the numbers and names that OpenThread's command
// line prints for them ("Error 7: InvalidArgs"). All rooms of thread return them, so it imports none.
package status

import "strconv"

// Error is one of OpenThread's errors (include/openthread/error.h). The zero value is no error: functions return a nil
// error instead.
type Error uint8

// The errors, by OpenThread's numbers.
const (
	Failed                     Error = 1
	Drop                       Error = 2
	NoBufs                     Error = 3
	NoRoute                    Error = 4
	Busy                       Error = 5
	Parse                      Error = 6
	InvalidArgs                Error = 7
	Security                   Error = 8
	AddressQuery               Error = 9
	NoAddress                  Error = 10
	Abort                      Error = 11
	NotImplemented             Error = 12
	InvalidState               Error = 13
	NoAck                      Error = 14
	ChannelAccessFailure       Error = 15
	Detached                   Error = 16
	FCS                        Error = 17
	NoFrameReceived            Error = 18
	UnknownNeighbor            Error = 19
	InvalidSourceAddress       Error = 20
	AddressFiltered            Error = 21
	DestinationAddressFiltered Error = 22
	NotFound                   Error = 23
	Already                    Error = 24
	IPv6AddressCreation        Error = 26
	NotCapable                 Error = 27
	ResponseTimeout            Error = 28
	Duplicated                 Error = 29
	ReassemblyTimeout          Error = 30
	NotTMF                     Error = 31
	NotLowpanDataFrame         Error = 32
	LinkMarginLow              Error = 34
	InvalidCommand             Error = 35
	Pending                    Error = 36
	Rejected                   Error = 37
)

var names = [...]string{
	"OK", "Failed", "Drop", "NoBufs", "NoRoute", "Busy", "Parse", "InvalidArgs", "Security", "AddressQuery", "NoAddress",
	"Abort", "NotImplemented", "InvalidState", "NoAck", "ChannelAccessFailure", "Detached", "FcsErr", "NoFrameReceived",
	"UnknownNeighbor", "InvalidSourceAddress", "AddressFiltered", "DestinationAddressFiltered", "NotFound", "Already",
	"ReservedError25", "Ipv6AddressCreationFailure", "NotCapable", "ResponseTimeout", "Duplicated", "ReassemblyTimeout",
	"NotTmf", "NonLowpanDataFrame", "ReservedError33", "LinkMarginLow", "InvalidCommand", "Pending", "Rejected",
}

// Name returns the name in OpenThread's words, as in "InvalidArgs".
func (e Error) Name() string {
	if int(e) < len(names) {
		return names[e]
	}
	return "UnknownErrorType"
}

// Error implements error: "Error 7: InvalidArgs".
func (e Error) Error() string { return "Error " + strconv.Itoa(int(e)) + ": " + e.Name() }
