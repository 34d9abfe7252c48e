package endpoint

import "errors"

// Why a request has no response.
var (
	ErrTimeout   = errors.New("coap: no answer in time: is the peer awake and its address right?")
	ErrReset     = errors.New("coap: the peer rejected the message with a Reset: it does not speak CoAP there, or forgot the exchange")
	ErrCancelled = errors.New("coap: cancelled")
	ErrTooLarge  = errors.New("coap: body larger than the limit: raise MaxBody or ask for less")
	ErrBusy      = errors.New("coap: too many exchanges at once: try again later")
	ErrClosed    = errors.New("coap: the session with the peer is closed")
	ErrOption    = errors.New("coap: the response has a critical option that is not understood")
	ErrBlock     = errors.New("coap: the peer broke the rules of block-wise transfer")
	ErrChanged   = errors.New("coap: the resource kept changing during its block-wise transfer: ask again")
	ErrRequest   = errors.New("coap: not a valid request: check code, options and token")
)
