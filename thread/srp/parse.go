package srp

import (
	"bytes"
	"encoding/binary"
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// The limits of one update.
const (
	maxRecords     = 256
	maxPerHost     = 32 // services
	maxAddresses   = 16
	maxAllSubtypes = 16 // of a service
)

// parser reads an update. Errors are those that OpenThread's server answers with.
type parser struct {
	m      *dns.Message
	domain dns.Name // in lower case
	host   *RegisteredHost
	sig    int // where the record with the signature begins
}

// parseUpdate reads and verifies an update.
func parseUpdate(now machine.Time, m *dns.Message, domain dns.Name) (*RegisteredHost, error) {
	if m.Counts[0] != 1 || m.Question.Name != domain {
		if m.Counts[0] == 1 {
			return nil, status.Security
		}
		return nil, status.Parse
	}
	if m.Question.Type != dns.TypeSOA {
		return nil, status.Parse
	}
	if m.Counts[1] != 0 {
		return nil, status.Failed // RFC 9665 has no prerequisites
	}
	p := &parser{m: m, domain: domain, host: &RegisteredHost{at: now}}
	list, additional, err := p.records()
	if err == nil {
		err = p.discovery(list, now)
	}
	if err == nil {
		err = p.hostDescription(list)
	}
	if err == nil {
		err = p.descriptions(list)
	}
	if err == nil {
		err = p.additional(additional)
	}
	return p.host, err
}

// records reads all records: those of the update, and the additional ones.
func (p *parser) records() (list, additional []dns.Record, err error) {
	at := p.m.Records
	if int(p.m.Counts[2])+int(p.m.Counts[3]) > maxRecords {
		return nil, nil, status.NoBufs
	}
	for i := range int(p.m.Counts[2]) + int(p.m.Counts[3]) {
		r, end, err := dns.ReadRecord(p.m.Bytes, at)
		if err != nil {
			return nil, nil, status.Parse
		}
		if i < int(p.m.Counts[2]) {
			list = append(list, r)
		} else {
			additional = append(additional, r)
			p.sig = at // the last one
		}
		at = end
	}
	return list, additional, nil
}

// ttl takes in a TTL: all records have the same.
func (p *parser) ttl(t uint32) error {
	if t == 0 || p.host.TTL != 0 && p.host.TTL != t {
		return status.Rejected
	}
	p.host.TTL = t
	return nil
}

// base returns the name behind the labels of a subtype, and whether there are some.
func base(n dns.Name) (dns.Name, bool) {
	_, rest := n.Label()
	if l, behind := rest.Label(); l == "_sub" {
		return behind, true
	}
	return n, false
}

// discovery reads the PTR records, which say which names are those of services.
func (p *parser) discovery(list []dns.Record, now machine.Time) error {
	for i := range list {
		r := &list[i]
		switch {
		case !r.Owner.Under(p.domain):
			return status.Security
		case r.Type != dns.TypePTR:
			continue
		}
		if err := p.pointer(r, now); err != nil {
			return err
		}
	}
	for _, s := range p.host.Services {
		if s.Name == "" || s.Deleted && len(s.Subtypes) > 0 {
			return status.Parse
		}
	}
	return nil
}

func (p *parser) pointer(r *dns.Record, now machine.Time) error {
	lower, written, end, err := dns.ReadName(p.m.Bytes, r.At)
	if err != nil || end > r.At+len(r.Data) || len(lower) < 2 {
		return status.Parse
	}
	if r.Class != dns.ClassNone && r.Class != dns.ClassIN {
		return status.Parse
	}
	deleted := r.Class == dns.ClassNone
	of, subtype := base(r.Owner)
	if _, rest := lower.Label(); rest != of {
		return status.Failed // an instance is that of its service
	}
	s := p.host.service(lower)
	if s == nil {
		if len(p.host.Services) >= maxPerHost {
			return status.NoBufs
		}
		s = &RegisteredService{Instance: dns.Name(written), lower: lower, at: now}
		p.host.push(s)
	}
	switch {
	case !subtype && s.Name != "", subtype && slices.Contains(s.lowerSubtypes, r.Owner):
		return status.Failed
	case !subtype:
		s.Name, s.lowerName, s.Deleted = dns.Name(r.Name), r.Owner, deleted
	case !deleted && len(s.Subtypes) >= maxAllSubtypes:
		return status.NoBufs
	case !deleted:
		s.Subtypes, s.lowerSubtypes = append(s.Subtypes, dns.Name(r.Name)), append(s.lowerSubtypes, r.Owner)
	}
	if deleted {
		return nil
	}
	return p.ttl(r.TTL)
}

// clears reports whether a record of class ANY is a well-formed "delete all RRsets from a name" (RFC 2136 section 2.5.3).
func clears(r *dns.Record) bool { return r.Type == dns.TypeANY && r.TTL == 0 && len(r.Data) == 0 }

func (p *parser) setHost(r *dns.Record) error {
	switch h := p.host; {
	case h.Name == "":
		h.Name, h.lower = dns.Name(r.Name), r.Owner
	case h.lower != r.Owner:
		return status.Failed
	}
	return nil
}

// hostDescription reads what is said of the host.
func (p *parser) hostDescription(list []dns.Record) error {
	h := p.host
	for i := range list {
		r := &list[i]
		var err error
		switch {
		case r.Class == dns.ClassANY && !clears(r):
			err = status.Failed
		case r.Class == dns.ClassANY:
			if h.service(r.Owner) == nil {
				err = p.setHost(r)
				h.Addresses = nil
			}
		case r.Type == dns.TypeAAAA:
			err = p.address(r)
		case r.Type == dns.TypeKEY:
			err = p.key(r)
		}
		if err != nil {
			return err
		}
	}
	if h.Name == "" || !h.hasKey {
		return status.Failed
	}
	return nil
}

func (p *parser) address(r *dns.Record) error {
	if r.Class != dns.ClassIN {
		return status.Failed
	}
	if err := p.ttl(r.TTL); err != nil {
		return err
	}
	if err := p.setHost(r); err != nil {
		return err
	}
	if len(r.Data) != 16 {
		return status.Parse
	}
	a := ip6.Address(r.Data)
	if a.IsMulticast() || a.IsUnspecified() || a.IsLoopback() || slices.Contains(p.host.Addresses, a) {
		return nil // of no use to others
	}
	if len(p.host.Addresses) >= maxAddresses {
		return status.NoBufs
	}
	p.host.Addresses = append(p.host.Addresses, a)
	return nil
}

func (p *parser) key(r *dns.Record) error {
	if r.Class != dns.ClassIN {
		return status.Failed
	}
	if err := p.ttl(r.TTL); err != nil {
		return err
	}
	if len(r.Data) != 4+keySize || r.Data[3] != algorithm {
		return status.Parse
	}
	if p.host.hasKey && !bytes.Equal(p.host.Key[:], r.Data[4:]) {
		return status.Security
	}
	p.host.hasKey, p.host.Key = true, [keySize]byte(r.Data[4:])
	return nil
}

// descriptions reads what is said of the services.
func (p *parser) descriptions(list []dns.Record) error {
	for i := range list {
		r := &list[i]
		s := p.host.service(r.Owner)
		if r.Class == dns.ClassANY {
			if s != nil && s.cleared {
				return status.Failed
			}
			if s != nil {
				s.cleared = true
			}
			continue
		}
		if r.Type != dns.TypeSRV && r.Type != dns.TypeTXT {
			continue
		}
		if r.Class != dns.ClassIN {
			return status.Failed
		}
		if err := p.ttl(r.TTL); err != nil {
			return err
		}
		if s == nil {
			return status.Failed
		}
		if r.Type == dns.TypeTXT {
			if !validText(r.Data) {
				return status.Parse
			}
			s.hasTX, s.Text = true, bytes.Clone(r.Data)
			continue
		}
		if err := p.server(r, s); err != nil {
			return err
		}
	}
	for _, s := range p.host.Services {
		if !s.cleared || s.hasSRV != s.hasTX || !s.Deleted && !s.hasSRV {
			return status.Failed
		}
	}
	return nil
}

func (p *parser) server(r *dns.Record, s *RegisteredService) error {
	if len(r.Data) < 7 || s.hasSRV {
		return status.Parse
	}
	n, _, end, err := dns.ReadName(p.m.Bytes, r.At+6)
	switch {
	case err != nil || end > r.At+len(r.Data):
		return status.Parse
	case n != p.host.lower:
		return status.Failed
	}
	s.hasSRV, s.TTL = true, r.TTL
	s.Priority, s.Weight, s.Port = binary.BigEndian.Uint16(r.Data), binary.BigEndian.Uint16(r.Data[2:]), binary.BigEndian.Uint16(r.Data[4:])
	return nil
}

// validText reports whether data is that of a TXT record: strings with their lengths, at least one.
func validText(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for len(b) > 0 {
		if len(b) < 1+int(b[0]) {
			return false
		}
		b = b[1+int(b[0]):]
	}
	return true
}

// additional reads the leases and verifies the signature.
func (p *parser) additional(list []dns.Record) error {
	h := p.host
	if len(list) != 2 {
		return status.Failed
	}
	opt, sig := &list[0], &list[1]
	if opt.Owner != "\x00" || opt.Type != dns.TypeOPT {
		return status.Parse
	}
	lease, keyLease, short, ok := leaseOption(opt.Data)
	if !ok {
		return status.Parse
	}
	h.Lease, h.KeyLease, h.shortLease = lease, keyLease, short
	for _, s := range h.Services {
		s.Deleted = s.Deleted || lease == 0
		if s.KeyLease = keyLease; !s.Deleted {
			s.Lease = lease
		}
	}
	if lease > 0 && len(h.Addresses) == 0 {
		return status.Failed
	}
	if sig.Owner != "\x00" || sig.Type != dns.TypeSIG || len(sig.Data) < sigFixed+1+sigSize {
		return status.Parse
	}
	// Signer and signature follow the fixed part. The signer's name may be a pointer.
	_, signer, end, err := dns.ReadName(p.m.Bytes, sig.At+sigFixed)
	switch {
	case err != nil || end+sigSize != sig.At+len(sig.Data):
		return status.Parse
	case sig.Data[2] != algorithm || sig.Data[0] != 0 || sig.Data[1] != 0:
		return status.Failed
	}
	// What was signed: the message without the last record, and without counting it.
	message := bytes.Clone(p.m.Bytes[:p.sig])
	binary.BigEndian.PutUint16(message[10:], p.m.Counts[3]-1)
	if !verify(h.Key[:], digest(sig.Data, dns.Name(signer), message), p.m.Bytes[end:end+sigSize]) {
		return status.Security
	}
	return nil
}
