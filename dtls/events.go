package dtls

import (
	"errors"
	"fmt"
	"time"

	"heddle.example/machine"
)

// Established tells that a handshake is finished: data can be written.
type Established struct {
	Session uint64
	Path    machine.Path // Security is set
	Client  bool         // we dialled
	Resumed bool         // short handshake from an earlier session
	Suite   Suite
	OwnCID  []byte   // what the peer puts into its records; empty: none
	PeerCID []byte   // what we put into our records; empty: none
	Draft   bool     // connection IDs as in the drafts before RFC 9146
	EMS     bool     // extended master secret
	RRC     bool     // return routability checks negotiated
	KeyHash [32]byte // with EC-JPAKE: the SHA-256 of the key block, of which Thread makes its key-encryption key
	Peer    *Peer    // with certificates: who the peer is; nil: it has shown none
	Took    time.Duration
	Resume  *Resumption // of a client: for the next Dial; nil where the server does not resume
}

// Received is a decrypted application datagram.
type Received struct {
	Path machine.Path // where it came from, Security is set; not yet the session's own path after a change of address
	Data []byte
}

// Closed tells that a session, or the handshake that should have made it, has ended. It comes exactly once for each
// session number that Dial or Established gave out.
type Closed struct {
	Session uint64
	Path    machine.Path
	Reason  error
}

// Moved tells that a session has adopted a new address.
type Moved struct {
	Session  uint64
	Old, New machine.Path
}

// Challenge asks the outer machine to make the peer prove that it receives on Path: send something with WriteTo that
// needs an answer, and call Proved when the answer came.
type Challenge struct {
	Session uint64
	Path    machine.Path
	Fresh   bool // the session was restored from disk: the answer also proves that records are no replay
}

// Fresh tells that a restored session has answered a challenge: from now on its paths carry an Identity without Resumed.
type Fresh struct {
	Session uint64
	Path    machine.Path
}

// Refused is for the operator's log only: why a client did not get in. Seen from outside all reasons look the same.
type Refused struct {
	Path     machine.Path
	Identity string
	Reason   error
}

// Reasons of Closed and Refused, and errors of commands.
var (
	ErrUnknownSession  = errors.New("dtls: no such session: dial again")
	ErrHandshaking     = errors.New("dtls: the handshake is not finished: wait for Established")
	ErrClosedLocally   = errors.New("dtls: closed by us")
	ErrCloseNotify     = errors.New("dtls: closed by the peer")
	ErrTimeout         = errors.New("dtls: the peer did not answer the handshake")
	ErrReplaced        = errors.New("dtls: replaced by a newer handshake from the same address")
	ErrEvicted         = errors.New("dtls: ended to make room: raise MaxSessions or MaxHandshakes")
	ErrIdle            = errors.New("dtls: silent for longer than SessionIdleMax")
	ErrInvalidated     = errors.New("dtls: the credentials of this session were changed or removed")
	ErrUnknownIdentity = errors.New("dtls: unknown identity: add its credentials")
	ErrWrongKey        = errors.New("dtls: wrong key for this identity")
	ErrNoSuite         = errors.New("dtls: no cipher suite in common")
	ErrNoCertificate   = errors.New("dtls: the peer shows no certificate: give it one")
	ErrSignature       = errors.New("dtls: the peer does not hold the private key of its certificate")
	ErrUntrusted       = errors.New("dtls: the peer's certificate is not trusted")
	ErrVersion         = errors.New("dtls: the peer does not speak DTLS 1.2")
	ErrProtocol        = errors.New("dtls: the peer broke the protocol")
	ErrVerify          = errors.New("dtls: the peer's Finished is wrong")
	ErrTooLarge        = errors.New("dtls: datagram larger than one record may be: send smaller blocks")
	ErrUnproved        = errors.New("dtls: no more bytes may go to this address before it answered a challenge")
	ErrNotDurable      = errors.New("dtls: sequence numbers cannot be reserved because the store has failed")
	ErrExhausted       = errors.New("dtls: all sequence numbers of this session are used: dial again")
	ErrRestore         = errors.New("dtls: stored session is not readable")
)

// AlertError is a fatal alert of the peer.
type AlertError struct{ Description uint8 }

func (e AlertError) Error() string {
	return fmt.Sprintf("dtls: the peer sent alert %d (%s)", e.Description, alertName(e.Description))
}
