package srp

import (
	"crypto/ecdsa"
	"encoding/binary"
	"slices"
	"strings"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// message is an update before it is signed.
type message struct {
	w    dns.Writer
	host dns.Name
}

// signed adds the signature and returns the message.
func (m *message) signed(id uint16, k *ecdsa.PrivateKey) ([]byte, error) {
	binary.BigEndian.PutUint16(m.w.Bytes(), id)
	sig := make([]byte, sigFixed)
	sig[2] = algorithm
	signature, err := sign(k, digest(sig, m.host, m.w.Bytes()))
	if err != nil {
		return nil, err
	}
	m.w.Begin("\x00", dns.TypeSIG, dns.ClassANY, 0)
	m.w.Append(sig...)
	m.w.Name(m.host)
	m.w.Append(signature...)
	m.w.End()
	return m.w.Bytes(), nil
}

// size is how long the message will be. Its signer's name is a pointer.
func (m *message) size() int { return len(m.w.Bytes()) + 11 + sigFixed + 2 + sigSize }

// prepare makes an update of what is to be told; with single there is at most one service in it.
func (c *Client) prepare(now machine.Time, single bool) (*message, error) {
	if err := c.loadKey(); err != nil {
		return nil, err
	}
	domain := dns.MustName(DefaultDomain)
	host, err := dns.ParseName(c.host.Name + "." + DefaultDomain)
	if err != nil {
		return nil, status.InvalidArgs
	}
	m := &message{host: host}
	w := &m.w
	w.Header(c.id, flagsUpdate)
	w.Question(domain, dns.TypeSOA)
	w.Section(dns.Authority) // the update section stands in its place
	if err := c.appendServices(now, m, single); err != nil {
		return nil, err
	}
	c.appendHost(m)
	w.Section(dns.Additional)
	w.Begin("\x00", dns.TypeOPT, payloadSize, flagDNSSEC)
	w.U16(optionLease)
	w.U16(8)
	w.U32(c.lease)
	w.U32(c.keyLease)
	w.End()
	return m, nil
}

func (c *Client) loadKey() error {
	if c.key != nil {
		return nil
	}
	if k, err := parseKey(c.env.Setting(SettingKey)); err == nil {
		c.key = k
		return nil
	}
	k, raw := newKey(c.rand)
	c.key = k
	c.env.StoreSetting(SettingKey, raw)
	return nil
}

func (c *Client) recordTTL() uint32 {
	lease := c.lease
	if lease == 0 {
		lease = c.leases[0]
	}
	if c.ttl == 0 {
		return lease
	}
	return min(c.ttl, lease)
}

// leasesOf returns what a service is registered for.
func (c *Client) leasesOf(s *Service) (lease, keyLease uint32) {
	lease = interval(s.Lease, c.leases[0])
	return lease, max(interval(s.KeyLease, c.leases[1]), lease)
}

// appendServices writes the services of one message. All of them have the same leases: those of the services that are under
// way already, else those of the first one.
func (c *Client) appendServices(now machine.Time, m *message, single bool) error {
	if c.host.State == ToRemove || c.host.State == Removing {
		for _, s := range c.services {
			s.appended = true
		}
		c.lease, c.keyLease = 0, c.leases[1]
		if c.dropKey {
			c.keyLease = 0
		}
		return nil
	}
	c.lease, c.keyLease = 0, 0
	for _, s := range c.services {
		s.appended = false
		lease, keyLease := c.leasesOf(s)
		switch s.State {
		case Adding, Refreshing:
			c.lease, c.keyLease = lease, keyLease
		case Removing:
			c.keyLease = keyLease
		}
	}
	for _, s := range c.services {
		if s.State != Registered && c.fits(s) {
			if err := c.appendService(m, s); err != nil {
				return err
			}
			if single {
				break
			}
		}
	}
	if !single {
		for _, s := range c.services {
			early := now.Add(seconds(interval(s.Lease, c.leases[0])) / earlyRenewFraction)
			if s.State == Registered && c.fits(s) && s.renew <= early {
				s.State = ToRefresh // so that services come to have one time of renewal
				if err := c.appendService(m, s); err != nil {
					return err
				}
			}
		}
	}
	c.keyLease = interval(c.keyLease, c.leases[1])
	c.lease = min(interval(c.lease, c.leases[0]), c.keyLease)
	return nil
}

// fits reports whether a service has the leases of the message, and gives it those if it has none yet.
func (c *Client) fits(s *Service) bool {
	lease, keyLease := c.leasesOf(s)
	if c.keyLease != 0 && c.keyLease != keyLease {
		return false
	}
	switch s.State {
	case Removed:
		return false
	case ToRemove, Removing:
		c.keyLease = keyLease
		return true
	}
	if c.lease != 0 && c.lease != lease {
		return false
	}
	c.lease, c.keyLease = lease, keyLease
	return true
}

// appendService writes the instructions of a service (RFC 9665 section 3.3.1).
func (c *Client) appendService(m *message, s *Service) error {
	s.appended = true
	removing := s.State == ToRemove || s.State == Removing
	name, err := dns.ParseName(s.Name + "." + DefaultDomain)
	if err != nil {
		return status.InvalidArgs
	}
	instance, err := dns.Labels(name, s.Instance)
	if err != nil {
		return status.InvalidArgs
	}
	w := &m.w
	class, ttl := uint16(dns.ClassIN), c.recordTTL()
	if removing {
		class, ttl = dns.ClassNone, 0
	}
	w.Begin(name, dns.TypePTR, class, ttl)
	w.Name(instance)
	w.End()
	if !removing {
		for _, l := range s.Subtypes {
			sub, err := dns.Labels(name, l, "_sub")
			if err != nil {
				return status.InvalidArgs
			}
			w.Begin(sub, dns.TypePTR, dns.ClassIN, ttl)
			w.Name(instance)
			w.End()
		}
	}
	w.Record(instance, dns.TypeANY, dns.ClassANY, 0, nil)
	if removing {
		return nil
	}
	w.Begin(instance, dns.TypeSRV, dns.ClassIN, ttl)
	w.U16(s.Priority)
	w.U16(s.Weight)
	w.U16(s.Port)
	w.Name(m.host)
	w.End()
	text := s.Text
	if len(text) == 0 {
		text = []byte{0}
	}
	w.Record(instance, dns.TypeTXT, dns.ClassIN, ttl, text)
	if c.keyRecord {
		c.appendKey(m, instance)
	}
	return nil
}

// appendHost writes the instruction of the host.
func (c *Client) appendHost(m *message) {
	w := &m.w
	w.Record(m.host, dns.TypeANY, dns.ClassANY, 0, nil)
	list := c.host.Addresses
	if c.host.Auto {
		list = c.ownAddresses()
		c.registered = slices.Clone(list)
	}
	for _, a := range list {
		w.Record(m.host, dns.TypeAAAA, dns.ClassIN, c.recordTTL(), a[:])
	}
	c.appendKey(m, m.host)
}

// ownAddresses are the preferred addresses of the node but link-local and mesh-local ones, or else its mesh-local identifier.
func (c *Client) ownAddresses() (list []ip6.Address) {
	others, meshLocal := c.env.Addresses()
	for _, a := range others {
		if a.Valid && a.Preferred {
			list = append(list, a.IP)
		}
	}
	if len(list) == 0 {
		list = append(list, meshLocal)
	}
	return list
}

func (c *Client) appendKey(m *message, owner dns.Name) {
	m.w.Begin(owner, dns.TypeKEY, dns.ClassIN, c.recordTTL())
	m.w.U16(keyFlags)
	m.w.Append(keyProtocol, algorithm)
	m.w.Append(publicKey(c.key)...)
	m.w.End()
}

// SplitSubtypes splits what people write: a service's name and its subtypes, with commas between.
func SplitSubtypes(s string) (name string, subtypes []string) {
	parts := strings.Split(s, ",")
	return parts[0], parts[1:]
}
