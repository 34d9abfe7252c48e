package mesh

import "heddle.example/thread/status"

// Errors that end a datagram.
const (
	errDrop         = status.Drop
	errNoBufs       = status.NoBufs
	errNoRoute      = status.NoRoute
	errSecurity     = status.Security
	errAddressQuery = status.AddressQuery
	errNoAck        = status.NoAck
	errNotFound     = status.NotFound
	errInvalidState = status.InvalidState
	errParse        = status.Parse
)
