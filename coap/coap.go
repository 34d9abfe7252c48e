// Package coap encodes and decodes CoAP messages (RFC 7252) for UDP and DTLS, with the values of the Observe (RFC 7641)
// and Block (RFC 7959) options. It holds no state: the message layer is package coap/endpoint.
//
// Decoding borrows the datagram and allocates nothing once Message.Options has grown to its size.
package coap

import "errors"

// Version is the only version of the protocol (RFC 7252 section 3).
const Version = 1

// Limits that a decoder enforces.
const (
	MaxTokenLength = 8   // RFC 7252 section 3
	MaxOptions     = 256 // in one message; ours, so that a datagram full of empty options costs little
)

// Errors of decoding and encoding.
var (
	// ErrVersion says that the datagram has another version and must be silently ignored (RFC 7252 section 3).
	ErrVersion = errors.New("coap: unknown version")
	// ErrShort says that there is not even a header: there is no message to reject.
	ErrShort = errors.New("coap: shorter than a header")
	// ErrFormat is a message format error; a confirmable message is rejected with a Reset (RFC 7252 section 4.2).
	// Type, Code and ID of the message are valid when Decode returns it.
	ErrFormat = errors.New("coap: message format error")
	// ErrTooManyOptions says that a message has more than MaxOptions options.
	ErrTooManyOptions = errors.New("coap: too many options")
	// ErrOptionOrder says that Options are not sorted by number: use Add and Set, which keep the order.
	ErrOptionOrder = errors.New("coap: options are not in order")
	// ErrTooLong says that a token or an option value does not fit its length field.
	ErrTooLong = errors.New("coap: token or option value too long")
)
