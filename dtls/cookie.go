package dtls

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"

	"heddle.example/machine"
)

// cookies makes and checks the cookies of HelloVerifyRequest without storing anything for a client (RFC 6347 section
// 4.2.1). The secret is replaced after cookieLife; the one before stays valid as long.
type cookies struct {
	mac   [2]hash.Hash // current and previous
	since machine.Time
	sum   [sha256.Size]byte
	buf   []byte
}

// cookieLen is less than 32, the most that some constrained clients keep (tinydtls).
const cookieLen = 24

func (c *cookies) rotate(now machine.Time, r machine.Rand) {
	if c.mac[0] != nil && now.Sub(c.since) < cookieLife {
		return
	}
	var secret [32]byte
	r.Fill(secret[:])
	c.mac[1], c.mac[0] = c.mac[0], hmac.New(sha256.New, secret[:])
	if c.mac[1] != nil && now.Sub(c.since) >= 2*cookieLife {
		c.mac[1] = nil
	}
	c.since = now
}

// compute returns the cookie that one of the secrets gives for a hello from path. It covers everything that the client
// must repeat: version, random, session id, suites, compressions, extensions.
func (c *cookies) compute(i int, path machine.Path, m *clientHello) []byte {
	h := c.mac[i]
	h.Reset()
	b := c.buf[:0]
	for _, a := range [...]struct {
		ip   [16]byte
		port uint16
	}{{path.Remote.Addr().As16(), path.Remote.Port()}, {path.Local.Addr().As16(), path.Local.Port()}} {
		b = append(b, a.ip[:]...)
		b = append(b, byte(a.port>>8), byte(a.port))
	}
	b = append(b, byte(path.Link>>24), byte(path.Link>>16), byte(path.Link>>8), byte(path.Link))
	b = append(b, path.Remote.Addr().Zone()...)
	c.buf = b
	h.Write(b)
	h.Write(m.head)
	h.Write(m.tail)
	return h.Sum(c.sum[:0])[:cookieLen]
}

func (c *cookies) valid(path machine.Path, m *clientHello) bool {
	if len(m.cookie) != cookieLen { // the first hello
		return false
	}
	for i := range c.mac {
		if c.mac[i] != nil && hmac.Equal(c.compute(i, path, m), m.cookie) {
			return true
		}
	}
	return false
}
