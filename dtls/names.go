package dtls

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"
)

// matchName says whether a server's certificate is for a name, as RFC 7252 section 9.1.3.3 wants it: the name is that of a
// DNS name or an address, or that of a coap URI, among its alternative names; only a certificate without any is asked for
// its common name, without wildcards.
func matchName(leaf *x509.Certificate, chains [][]*x509.Certificate, name string) error {
	name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"), ".")
	if name == "" {
		return errNoName
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		name = ip.WithZone("").String() // a zone is ours alone
	}
	err := leaf.VerifyHostname(name)
	if err == nil {
		return nil
	}
	for _, u := range leaf.URIs {
		if strings.HasPrefix(u.Scheme, "coap") && strings.EqualFold(u.Hostname(), name) {
			return nil
		}
	}
	if len(leaf.URIs)+len(leaf.DNSNames)+len(leaf.IPAddresses)+len(leaf.EmailAddresses) == 0 && !constrained(chains) &&
		strings.EqualFold(leaf.Subject.CommonName, name) {
		return nil
	}
	return fmt.Errorf("%w: %s instead of %q", errOtherName, namesOf(leaf), name)
}

// constrained reports whether an authority may speak for some names only: common names are not held against that.
func constrained(chains [][]*x509.Certificate) bool {
	for _, chain := range chains {
		for _, c := range chain {
			for _, x := range c.Extensions {
				if x.Id.String() == "2.5.29.30" { // name constraints, RFC 5280 section 4.2.1.10
					return true
				}
			}
		}
	}
	return false
}

// namesOf lists a certificate's names for an operator.
func namesOf(c *x509.Certificate) string {
	var names []string
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	names = append(names, c.DNSNames...)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	if len(names) == 0 {
		return fmt.Sprintf("%q", c.Subject.CommonName)
	}
	return fmt.Sprintf("%q", names)
}
