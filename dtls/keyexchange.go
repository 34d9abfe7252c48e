package dtls

import (
	"errors"

	"heddle.example/machine"
)

// keyExchange is what differs between the key exchanges: the bodies of ServerKeyExchange and ClientKeyExchange and the
// premaster secret that comes of them. One value serves one handshake, on one side. Another exchange is
// another implementation and another row in the table of suites.
type keyExchange interface {
	// appendServer appends the body of ServerKeyExchange; nothing appended: the message is not sent.
	appendServer(dst []byte, r machine.Rand) ([]byte, error)
	// readServer reads the body of ServerKeyExchange. It is not called if the message was not sent.
	readServer(body []byte) error
	// appendClient appends the body of ClientKeyExchange, for a client that claims identity.
	appendClient(dst []byte, r machine.Rand, identity string) ([]byte, error)
	// readClient reads the body of ClientKeyExchange and returns the claimed identity, a slice of body.
	readClient(body []byte) (identity []byte, err error)
	// premaster appends the premaster secret.
	premaster(dst []byte, psk []byte) ([]byte, error)
	// needsServer says that a client cannot go on without ServerKeyExchange.
	needsServer() bool
	// setGroup tells a server's exchange which group was negotiated.
	setGroup(g group)
}

// What a peer can get wrong in a handshake message; the alert that says so is chosen by alertFor.
var (
	errMalformed  = errors.New("malformed handshake message")
	errIllegal    = errors.New("handshake message with a value that is not allowed")
	errUnexpected = errors.New("handshake message out of order")
)
