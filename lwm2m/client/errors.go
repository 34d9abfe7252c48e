package client

import (
	"errors"

	"heddle.example/coap"
)

// Error is an answer to a server's request other than success. A handler returns one to choose the code; any other
// error is answered 5.00. The reason goes out as the diagnostic payload (RFC 7252 section 5.5.2).
type Error struct {
	Code   coap.Code
	Reason string
}

func (e *Error) Error() string { return "lwm2m client: " + e.Code.String() + ": " + e.Reason }

// BadRequest returns a 4.00: the value or argument cannot be accepted.
func BadRequest(reason string) error { return &Error{coap.BadRequest, reason} }

// NotFound returns a 4.04: the object, instance or resource is not there.
func NotFound(reason string) error { return &Error{coap.NotFound, reason} }

// NotAllowed returns a 4.05: the target does not support the operation.
func NotAllowed(reason string) error { return &Error{coap.MethodNotAllowed, reason} }

// Errors of commands.
var (
	// ErrUnknownServer says that no account has the Short Server ID.
	ErrUnknownServer = errors.New("lwm2m client: no server with this Short Server ID")
	// ErrNotRegistered says that the client is not registered with the server.
	ErrNotRegistered = errors.New("lwm2m client: not registered with this server")
	// ErrExists says that an object of that identifier is there already.
	ErrExists = errors.New("lwm2m client: the object exists already")
	// ErrNoObject says that there is no such object, or that it cannot be removed.
	ErrNoObject = errors.New("lwm2m client: no such object that could be removed")
)

// asError makes an answer of any error.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{coap.InternalServerError, err.Error()}
}
