package dtls

import (
	"crypto/ecdh"
	"encoding/binary"

	"heddle.example/machine"
)

// group is a named group (RFC 8422 section 5.1.1).
type group uint16

const (
	groupP256   group = 23
	groupX25519 group = 29
)

// groups is in the order of preference.
var groups = [...]struct {
	id    group
	curve ecdh.Curve
}{
	{groupP256, ecdh.P256()},
	{groupX25519, ecdh.X25519()},
}

func (g group) curve() ecdh.Curve {
	for i := range groups {
		if groups[i].id == g {
			return groups[i].curve
		}
	}
	return nil
}

// chooseGroup picks our favourite of the client's groups. A client that names none may get any (RFC 8422 section 4).
func chooseGroup(offered []byte) group {
	if offered == nil {
		return groups[0].id
	}
	for _, g := range groups {
		for i := 0; i+1 < len(offered); i += 2 {
			if group(binary.BigEndian.Uint16(offered[i:])) == g.id {
				return g.id
			}
		}
	}
	return 0
}

func appendGroups(dst []byte) []byte {
	for _, g := range groups {
		dst = binary.BigEndian.AppendUint16(dst, uint16(g.id))
	}
	return dst
}

const namedCurve = 3 // ECCurveType, RFC 8422 section 5.4

// ecdhe is what all exchanges with ephemeral keys on a curve have in common.
type ecdhe struct {
	group group
	own   *ecdh.PrivateKey
	peer  *ecdh.PublicKey
}

func (x *ecdhe) needsServer() bool { return true }
func (x *ecdhe) setGroup(g group)  { x.group = g }

// generate makes a scalar from the machine's own randomness: ecdh's GenerateKey would not use the source given to it.
func (x *ecdhe) generate(r machine.Rand) error {
	curve := x.group.curve()
	if curve == nil {
		return ErrProtocol
	}
	var scalar [32]byte
	for range 64 { // a random 256-bit number is no scalar of P-256 once in 2^32
		r.Fill(scalar[:])
		if k, err := curve.NewPrivateKey(scalar[:]); err == nil {
			x.own = k
			clear(scalar[:])
			return nil
		}
	}
	return ErrProtocol
}

// readPoint refuses points that are not on the curve (RFC 8422 section 5.11).
func (x *ecdhe) readPoint(point []byte) (err error) {
	curve := x.group.curve()
	if curve == nil {
		return errIllegal
	}
	if x.peer, err = curve.NewPublicKey(point); err != nil {
		return errIllegal
	}
	return nil
}

// appendParams makes a key pair and appends its public half with the group's name (RFC 8422 section 5.4).
func (x *ecdhe) appendParams(dst []byte, r machine.Rand) ([]byte, error) {
	if err := x.generate(r); err != nil {
		return dst, err
	}
	dst = append(dst, namedCurve, byte(x.group>>8), byte(x.group))
	return appendVector8(dst, x.own.PublicKey().Bytes()), nil
}

// readParams reads what appendParams makes.
func (x *ecdhe) readParams(r *reader) error {
	typ := r.uint8()
	x.group = group(r.uint16())
	point := r.vector8()
	if r.bad || typ != namedCurve {
		return errMalformed
	}
	return x.readPoint(point)
}

// appendShared appends the shared secret of the curve.
func (x *ecdhe) appendShared(dst []byte) ([]byte, error) {
	z, err := x.own.ECDH(x.peer)
	if err != nil { // X25519 with a point of small order (RFC 8422 section 5.11)
		return dst, errIllegal
	}
	return append(dst, z...), nil
}
