package dtls

import (
	"encoding/binary"

	"heddle.example/machine"
)

// pskExchange is the plain PSK key exchange (RFC 4279 section 2).
type pskExchange struct{}

func newPSK() keyExchange { return pskExchange{} }

// The server has no identity hint to give, so it sends no ServerKeyExchange (section 2).
func (pskExchange) appendServer(dst []byte, _ machine.Rand) ([]byte, error) { return dst, nil }

// readServer reads an identity hint. It is ignored: a client here has one identity for a server (section 5.2).
func (pskExchange) readServer(body []byte) error {
	r := reader{b: body}
	r.vector16()
	if !r.done() {
		return errMalformed
	}
	return nil
}

func (pskExchange) appendClient(dst []byte, _ machine.Rand, identity string) ([]byte, error) {
	return appendVector16(dst, []byte(identity)), nil
}

func (pskExchange) readClient(body []byte) ([]byte, error) {
	r := reader{b: body}
	identity := r.vector16()
	if !r.done() {
		return nil, errMalformed
	}
	return identity, nil
}

// premaster is as many zeros as the key has bytes, then the key, each with its length.
func (pskExchange) premaster(dst []byte, psk []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(psk)))
	dst = append(dst, make([]byte, len(psk))...)
	return appendVector16(dst, psk), nil
}

func (pskExchange) needsServer() bool { return false }
func (pskExchange) setGroup(group)    {}
