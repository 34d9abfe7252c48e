package dtls

import (
	"slices"

	"heddle.example/machine"
)

// PAKE is one side of EC-JPAKE: the engine knows where its messages go, package dtls/ecjpake what is in them.
type PAKE interface {
	AppendRoundOne(dst []byte, r machine.Rand) []byte
	ReadRoundOne(b []byte) error
	AppendRoundTwo(dst []byte, r machine.Rand) ([]byte, error)
	ReadRoundTwo(b []byte) error
	Secret() ([32]byte, error)
	Wipe()
}

// ecjpakeExchange is the EC-JPAKE key exchange of Thread's commissioning (draft-cragie-tls-ecjpake-01 sections 4 to 8): the
// first round is in the hellos, the second in the key exchange messages. There is no identity: both have the password.
type ecjpakeExchange struct{ j PAKE }

func newECJPAKE() keyExchange { return new(ecjpakeExchange) }

func (x *ecjpakeExchange) needsServer() bool { return true }
func (x *ecjpakeExchange) setGroup(group)    {}

func (x *ecjpakeExchange) appendServer(dst []byte, r machine.Rand) ([]byte, error) {
	return x.j.AppendRoundTwo(append(dst, namedCurve, byte(groupP256>>8), byte(groupP256&0xff)), r)
}

func (x *ecjpakeExchange) readServer(body []byte) error {
	r := reader{b: body}
	if typ, g := r.uint8(), group(r.uint16()); typ != namedCurve || g != groupP256 {
		return errIllegal
	}
	return x.second(r.b)
}

func (x *ecjpakeExchange) second(b []byte) error {
	if x.j.ReadRoundTwo(b) != nil {
		return errIllegal
	}
	return nil
}

func (x *ecjpakeExchange) appendClient(dst []byte, r machine.Rand, _ string) ([]byte, error) {
	return x.j.AppendRoundTwo(dst, r)
}

func (x *ecjpakeExchange) readClient(body []byte) ([]byte, error) {
	return nil, x.second(body)
}

func (x *ecjpakeExchange) premaster(dst []byte, _ []byte) ([]byte, error) {
	s, err := x.j.Secret()
	if err != nil {
		return dst, errIllegal
	}
	return append(dst, s[:]...), nil
}

// newExchange makes the key exchange of the chosen suite.
func (hs *handshake) newExchange() {
	hs.exchange = hs.suite.exchange()
	switch x := hs.exchange.(type) {
	case *ecjpakeExchange:
		x.j = hs.jpake
	case *ecdheECDSA:
		x.hs = hs
		hs.kind = machine.NoSecurity // until the peer has shown something
	}
}

// dialJPAKE makes the first round of a client that offers EC-JPAKE. The hello with the cookie has the same bytes.
func (e *Engine) dialJPAKE(hs *handshake) {
	if slices.Contains(hs.suites, ECJPAKEWithAES128CCM8) {
		hs.jpake = e.cfg.NewPAKE(true, hs.psk)
		hs.jpakeHello = hs.jpake.AppendRoundOne(nil, e.cfg.Rand)
	}
}

// acceptJPAKE takes in the first round of a client, if there is a password for it.
func (e *Engine) acceptJPAKE(s *session, m *clientHello) (ok bool, err error) {
	if m.ext.jpake == nil || e.cfg.JPAKE == nil {
		return false, nil
	}
	password, ok := e.cfg.JPAKE(e.paths.path(s))
	if !ok || len(password) == 0 || len(password) > maxKey {
		return false, nil
	}
	j := e.cfg.NewPAKE(false, password)
	if j.ReadRoundOne(m.ext.jpake) != nil {
		return false, errIllegal
	}
	s.hs.jpake = j
	s.hs.jpakeHello = j.AppendRoundOne(nil, e.cfg.Rand)
	return true, nil
}
