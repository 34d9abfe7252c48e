// Package joining is how a device without a network key gets one (Thread 1.4 section 8.4): a Joiner that knows only its
// password, the Commissioner that knows the password too, and the JoinerRouter between them, which hands the key over at the
// end. Joiner and commissioner speak CoAP over DTLS with EC-JPAKE; the router relays its datagrams over the management port.
//
// Facts come from OpenThread's src/core/meshcop (joiner.cpp, commissioner.cpp, joiner_router.cpp).
package joining

import (
	"errors"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// Port is the UDP port of joiners, and of joiner routers where the network data names no other.
const Port = 1000

// The types of TLVs that only joining has, or that it reads.
const (
	tlvNetworkKey            = 5
	tlvNetworkKeySequence    = 6
	tlvSteeringData          = 8
	tlvCommissionerID        = 10
	tlvCommissionerSession   = 11
	tlvState                 = 16
	tlvDTLS                  = 17
	tlvJoinerPort            = 18
	tlvJoinerIID             = 19
	tlvJoinerRouter          = 20
	tlvJoinerRouterKEK       = 21
	tlvProvisioningURL       = 32
	tlvVendorName            = 33
	tlvVendorModel           = 34
	tlvVendorSoftware        = 35
	tlvVendorData            = 36
	tlvVendorStack           = 37
	stateAccept, stateReject = 1, 0xff
)

// URIs.
const (
	uriPetition  = "c/lp"
	uriKeepAlive = "c/la"
	uriSet       = "c/cs"
	uriRelayRx   = "c/rx"
	uriRelayTx   = "c/tx"
	uriEntrust   = "c/je"
	uriFinalize  = "c/jf"
)

// How a joining can end.
var (
	ErrSecurity = errors.New("joining: the password is wrong")
	ErrTimeout  = errors.New("joining: no answer")
	ErrNotFound = errors.New("joining: no network wants us")
	ErrAbort    = errors.New("joining: stopped")
)

// milliseconds of the protocol.
const (
	responseTimeout = 4000 * time.Millisecond
	addressDelay    = 100 * time.Millisecond
	entrustDelay    = 50 * time.Millisecond
)

// Poster sends management requests.
type Poster interface {
	// Post sends a request to the management port; done may be nil, and is called once otherwise.
	Post(now machine.Time, to ip6.Address, path string, payload []byte, confirmable bool, done func(now machine.Time, answer []byte, err error))
}

// Certify is told of the messages of a joining that the harness of certification reads in a reference device's log.
type Certify func(now machine.Time, text string, payload []byte)

func (c Certify) tell(now machine.Time, direction, what string, payload []byte) {
	if c != nil {
		c(now, "[THCI] direction="+direction+" | type="+what, payload)
	}
}
