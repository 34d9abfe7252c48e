// Package ecjpake is the password-authenticated key exchange EC-JPAKE on P-256 (draft-cragie-tls-ecjpake-01, RFC 8236 and
// RFC 8235), as mbedTLS has it: two rounds, in each of which both sides prove that they know the logarithms of what they
// send. Who does not know the password learns one thing of a run: that its guess was wrong.
//
// It is a package of its own so that who needs no password links no point arithmetic: dtls.Config.NewPAKE is New.
package ecjpake

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"filippo.io/nistec"

	"heddle.example/machine"
)

// Exchange is one side of a run. It is a dtls.PAKE.
type Exchange struct {
	client   bool
	password scalar

	x1, x2     scalar // ours
	own1, own2 *nistec.P256Point
	peer1      *nistec.P256Point
	peer2      *nistec.P256Point
	peerTwo    *nistec.P256Point // of the second round
}

const pointLen = 65 // uncompressed

// What a peer can get wrong.
var (
	errMalformed  = errors.New("ecjpake: malformed message")
	errProof      = errors.New("ecjpake: a point or proof that is not right")
	errUnexpected = errors.New("ecjpake: out of order")
)

// appendVector appends bytes behind their length in one byte; cutVector takes such off.
func appendVector(dst, b []byte) []byte { return append(append(dst, byte(len(b))), b...) }

func cutVector(b []byte) (v, rest []byte, err error) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, errMalformed
	}
	return b[1 : 1+int(b[0])], b[1+int(b[0]):], nil
}

// New begins a run of a client or of a server.
func New(client bool, password []byte) *Exchange {
	return &Exchange{client: client, password: scalarOf(password)}
}

// name is how a proof names its maker.
func (j *Exchange) name(own bool) string {
	if j.client == own {
		return "client"
	}
	return "server"
}

func multiply(p *nistec.P256Point, s scalar) *nistec.P256Point {
	b := s.bytes()
	q, _ := nistec.NewP256Point().ScalarMult(p, b[:]) // fails for scalars of another length only
	clear(b[:])
	return q
}

func baseMultiply(s scalar) *nistec.P256Point {
	b := s.bytes()
	q, _ := nistec.NewP256Point().ScalarBaseMult(b[:])
	clear(b[:])
	return q
}

func sum(p, q, r *nistec.P256Point) *nistec.P256Point {
	s := nistec.NewP256Point().Add(p, q)
	return s.Add(s, r)
}

// challenge is the hash of a proof: all parts behind their lengths in four bytes.
func challenge(generator, v, x *nistec.P256Point, name string) scalar {
	h := sha256.New()
	var n [4]byte
	for _, p := range [...][]byte{generator.Bytes(), v.Bytes(), x.Bytes(), []byte(name)} {
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write(p)
	}
	return scalarOf(h.Sum(nil))
}

// appendProved appends the point s * generator and the proof that its sender knows s (RFC 8235 section 3).
func (j *Exchange) appendProved(dst []byte, r machine.Rand, generator *nistec.P256Point, s scalar, x *nistec.P256Point) []byte {
	k := randomScalar(r)
	v := multiply(generator, k)
	answer := k.sub(s.mul(challenge(generator, v, x, j.name(true)))).bytes()
	dst = appendVector(dst, x.Bytes())
	dst = appendVector(dst, v.Bytes())
	return appendVector(dst, answer[:])
}

// readProved reads a point of the peer and checks its proof.
func (j *Exchange) readProved(b []byte, generator *nistec.P256Point) (x *nistec.P256Point, rest []byte, err error) {
	var part [3][]byte
	for i := range part {
		if part[i], b, err = cutVector(b); err != nil {
			return nil, nil, err
		}
	}
	point, commitment, answer := part[0], part[1], part[2]
	if len(answer) == 0 || len(answer) > 32 {
		return nil, nil, errMalformed
	}
	if len(point) != pointLen || len(commitment) != pointLen { // not the point at infinity either
		return nil, nil, errProof
	}
	x, err = nistec.NewP256Point().SetBytes(point)
	if err != nil {
		return nil, nil, errProof
	}
	v, err := nistec.NewP256Point().SetBytes(commitment)
	if err != nil {
		return nil, nil, errProof
	}
	h := challenge(generator, v, x, j.name(false))
	p := nistec.NewP256Point().Add(multiply(generator, scalarOf(answer)), multiply(x, h))
	if string(p.Bytes()) != string(commitment) {
		return nil, nil, errProof
	}
	return x, b, nil
}

// AppendRoundOne appends what goes into our hello. It is made once, since a hello is repeated.
func (j *Exchange) AppendRoundOne(dst []byte, r machine.Rand) []byte {
	g := nistec.NewP256Point().SetGenerator()
	if j.own1 == nil {
		j.x1, j.x2 = randomScalar(r), randomScalar(r)
		j.own1, j.own2 = baseMultiply(j.x1), baseMultiply(j.x2)
	}
	dst = j.appendProved(dst, r, g, j.x1, j.own1)
	return j.appendProved(dst, r, g, j.x2, j.own2)
}

// ReadRoundOne takes in the peer's.
func (j *Exchange) ReadRoundOne(b []byte) (err error) {
	g := nistec.NewP256Point().SetGenerator()
	if j.peer1, b, err = j.readProved(b, g); err != nil {
		return err
	}
	if j.peer2, b, err = j.readProved(b, g); err != nil {
		return err
	}
	if len(b) > 0 {
		return errMalformed
	}
	return nil
}

// AppendRoundTwo appends the point that the password is in.
func (j *Exchange) AppendRoundTwo(dst []byte, r machine.Rand) ([]byte, error) {
	if j.peer1 == nil || j.password.zero() {
		return dst, errUnexpected
	}
	g := sum(j.peer1, j.peer2, j.own1)
	s := j.x2.mul(j.password)
	x := multiply(g, s)
	if len(x.Bytes()) != pointLen || len(g.Bytes()) != pointLen {
		return dst, errProof
	}
	return j.appendProved(dst, r, g, s, x), nil
}

// ReadRoundTwo takes in the peer's.
func (j *Exchange) ReadRoundTwo(b []byte) (err error) {
	if j.peer1 == nil || j.own1 == nil {
		return errUnexpected
	}
	g := sum(j.own1, j.own2, j.peer1)
	if len(g.Bytes()) != pointLen {
		return errProof
	}
	if j.peerTwo, b, err = j.readProved(b, g); err == nil && len(b) > 0 {
		j.peerTwo, err = nil, errMalformed
	}
	return err
}

// Secret is the hash of the X coordinate of (peerTwo - x2 * password * peer2) * x2.
func (j *Exchange) Secret() ([32]byte, error) {
	if j.peerTwo == nil {
		return [32]byte{}, errUnexpected
	}
	k := multiply(j.peer2, j.x2.mul(j.password).negate())
	k = multiply(k.Add(k, j.peerTwo), j.x2)
	x, err := k.BytesX()
	if err != nil { // the point at infinity
		return [32]byte{}, errProof
	}
	return sha256.Sum256(x), nil
}

// Wipe forgets the secrets.
func (j *Exchange) Wipe() { j.password, j.x1, j.x2 = scalar{}, scalar{}, scalar{} }
