package dtls

import (
	"heddle.example/machine"
)

// ecdheECDSA is the ECDHE_ECDSA key exchange (RFC 8422 section 2.2): a server signs its ephemeral key with the key of its
// certificate, or of its raw public key. Who a client is, its own messages say: authenticate.go.
type ecdheECDSA struct {
	ecdhe
	hs *handshake // of the randoms, and of who is who
}

func newECDHEECDSA() keyExchange { return new(ecdheECDSA) }

// appendServer signs both randoms and the key: RFC 8422 section 5.4.
func (x *ecdheECDSA) appendServer(dst []byte, r machine.Rand) ([]byte, error) {
	start := len(dst)
	dst, err := x.appendParams(dst, r)
	if err != nil {
		return dst, err
	}
	return x.hs.auth.own.appendSignature(dst, hashOf(x.hs.clientRandom[:], x.hs.serverRandom[:], dst[start:]))
}

func (x *ecdheECDSA) readServer(body []byte) error {
	r := reader{b: body}
	err := x.readParams(&r)
	params := body[:len(body)-len(r.b)]
	algorithm := uint16(r.uint16())
	signature := r.vector16()
	if !r.done() {
		return errMalformed
	}
	if err != nil {
		return err
	}
	if !x.hs.auth.peer.signed(algorithm, signature, x.hs.clientRandom[:], x.hs.serverRandom[:], params) {
		return ErrSignature
	}
	return nil
}

func (x *ecdheECDSA) appendClient(dst []byte, r machine.Rand, _ string) ([]byte, error) {
	if err := x.generate(r); err != nil {
		return dst, err
	}
	return appendVector8(dst, x.own.PublicKey().Bytes()), nil
}

func (x *ecdheECDSA) readClient(body []byte) ([]byte, error) {
	r := reader{b: body}
	point := r.vector8()
	if !r.done() {
		return nil, errMalformed
	}
	return nil, x.readPoint(point)
}

// premaster is the shared secret of the curve alone (RFC 8422 section 5.10).
func (x *ecdheECDSA) premaster(dst []byte, _ []byte) ([]byte, error) { return x.appendShared(dst) }
