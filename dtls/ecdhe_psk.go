package dtls

import (
	"encoding/binary"

	"heddle.example/machine"
)

// ecdhePSK is the ECDHE_PSK key exchange (RFC 5489 section 2).
type ecdhePSK struct{ ecdhe }

func newECDHEPSK() keyExchange { return new(ecdhePSK) }

func (x *ecdhePSK) appendServer(dst []byte, r machine.Rand) ([]byte, error) {
	return x.appendParams(append(dst, 0, 0), r) // no identity hint
}

func (x *ecdhePSK) readServer(body []byte) error {
	r := reader{b: body}
	r.vector16() // identity hint
	err := x.readParams(&r)
	if !r.done() {
		return errMalformed
	}
	return err
}

func (x *ecdhePSK) appendClient(dst []byte, r machine.Rand, identity string) ([]byte, error) {
	if err := x.generate(r); err != nil {
		return dst, err
	}
	dst = appendVector16(dst, []byte(identity))
	return appendVector8(dst, x.own.PublicKey().Bytes()), nil
}

func (x *ecdhePSK) readClient(body []byte) ([]byte, error) {
	r := reader{b: body}
	identity := r.vector16()
	point := r.vector8()
	if !r.done() {
		return nil, errMalformed
	}
	return identity, x.readPoint(point)
}

// premaster is the shared secret of the curve, then the key, each with its length.
func (x *ecdhePSK) premaster(dst []byte, psk []byte) ([]byte, error) {
	start := len(dst)
	dst, err := x.appendShared(append(dst, 0, 0))
	if err != nil {
		return dst, err
	}
	binary.BigEndian.PutUint16(dst[start:], uint16(len(dst)-start-2))
	return appendVector16(dst, psk), nil
}
