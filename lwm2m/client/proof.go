package client

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"heddle.example/dtls"
	"heddle.example/machine"
)

// proof is how an account with a raw public key or a certificate proves who the device is, and whom it believes.
type proof struct {
	own   *dtls.Certificate
	trust dtls.Trust
}

// Limits of what a bootstrap server can give: DTLS takes no longer identities and keys, and no longer chains than a
// handshake message holds.
const (
	maxSecret      = 128
	maxCertificate = 4096
)

// secureMode is how device and server of a coaps account prove who they are.
func (a *Account) secureMode() machine.SecurityKind {
	if a.Mode == machine.NoSecurity {
		return machine.PSK
	}
	return a.Mode
}

// usage is resource 15, with its default (LwM2M 1.1 E.1).
func (a *Account) usage() dtls.Usage {
	if a.CertificateUsage == nil {
		return dtls.DomainIssued
	}
	return *a.CertificateUsage
}

// prepare checks what an account proves itself with. A raw public key need not be given: the private key has it.
func (a *account) prepare() error {
	mode := a.secureMode()
	if !a.secure {
		if a.Mode != machine.NoSecurity {
			return fmt.Errorf("lwm2m client: mode %s goes with coaps://, not with %.64q", a.Mode, a.URI)
		}
		return nil
	}
	if mode == machine.PSK {
		if a.Identity == "" || len(a.Key) == 0 {
			return fmt.Errorf("lwm2m client: %s needs an identity and a key", a.URI)
		}
		return nil
	}
	switch {
	case len(a.Key) == 0:
		return fmt.Errorf("lwm2m client: %s needs the device's private key", a.URI)
	case len(a.ServerKey) == 0:
		return fmt.Errorf("lwm2m client: %s needs the server's public key or certificate: without it anybody could be the server", a.URI)
	case len(a.ServerKey) > maxCertificate || len(a.Identity) > maxCertificate || len(a.Key) > maxCertificate:
		return fmt.Errorf("lwm2m client: a key or certificate for %s is longer than %d bytes", a.URI, maxCertificate)
	case mode == machine.RPK:
		return a.prepareRaw()
	case mode == machine.X509:
		return a.prepareCertificate()
	}
	return fmt.Errorf("lwm2m client: security mode %d is not supported", mode)
}

func (a *account) prepareRaw() error {
	own, err := dtls.NewCertificate(a.Key)
	if err != nil {
		return err
	}
	switch {
	case a.Identity == "":
		a.Identity = string(own.PublicKey())
	case a.Identity != string(own.PublicKey()):
		return errors.New("lwm2m client: the public key is not that of the private key")
	}
	if _, err := x509.ParsePKIXPublicKey(a.ServerKey); err != nil {
		return errors.New("lwm2m client: the server's public key is no SubjectPublicKeyInfo")
	}
	a.proof = &proof{own: own, trust: dtls.Trust{Keys: [][]byte{a.ServerKey}}}
	return nil
}

func (a *account) prepareCertificate() error {
	certificates, err := x509.ParseCertificates([]byte(a.Identity))
	if err != nil || len(certificates) == 0 {
		return errors.New("lwm2m client: the device's certificate cannot be read: DER is needed")
	}
	chain := make([][]byte, len(certificates))
	for i, c := range certificates {
		chain[i] = c.Raw
	}
	own, err := dtls.NewCertificate(a.Key, chain...)
	if err != nil {
		return err
	}
	switch {
	case a.usage() > dtls.DomainIssued:
		return fmt.Errorf("lwm2m client: certificate usage %d is not supported: 0 to 3", a.usage())
	case a.MatchingType > dtls.MatchSHA512:
		return fmt.Errorf("lwm2m client: matching type %d is not supported: 0 to 3", a.MatchingType)
	case a.MatchingType == dtls.MatchExact:
		if _, err := x509.ParseCertificate(a.ServerKey); err != nil {
			return errors.New("lwm2m client: the server's certificate cannot be read: DER is needed")
		}
	}
	a.proof = &proof{own: own, trust: dtls.Trust{Pinned: a.ServerKey, Usage: a.usage(), Matching: a.MatchingType}}
	return nil
}

// handshake is what a session with a server, or with one that shares its keys, begins with.
func (c *Client) handshake(a *account, serverName string) dtls.ClientConfig {
	d := dtls.ClientConfig{ServerName: serverName, Suites: a.Suites}
	if a.proof == nil {
		d.Identity, d.Key = a.Identity, a.Key
		return d
	}
	trust := a.proof.trust
	trust.Roots, trust.AnyTime = c.cfg.Roots, c.cfg.NoCalendar
	d.Certificate, d.Verify = a.proof.own, trust.Verify
	return d
}

// serverName is what the certificate of an account's server has to name, and the name that the server is asked for.
func (a *account) serverName() string { return cmp.Or(a.SNI, a.host) }

// proofSum tells whether a session that was stored is one that the account as it is now would have made; of a PSK its
// identity tells.
func (a *account) proofSum() string {
	if a.proof == nil {
		return ""
	}
	h := sha256.New()
	a.hashProof(h.Write)
	return string(h.Sum(nil)[:proofLen])
}

// proofLen is how much of the sum is stored.
const proofLen = 8

// hashProof gives what makes up an account's proof to a hash, each part with its length.
func (a *account) hashProof(write func([]byte) (int, error)) {
	for _, s := range []string{a.Identity, string(a.Key), string(a.ServerKey), a.SNI} {
		_, _ = write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		_, _ = write([]byte(s))
	}
	_, _ = write([]byte{byte(a.secureMode()), byte(a.usage()), byte(a.MatchingType)})
}

// sameProof reports whether two accounts prove themselves, and believe, in the same way.
func (a *account) sameProof(b *account) bool {
	return a.secureMode() == b.secureMode() && a.Identity == b.Identity && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.ServerKey, b.ServerKey) &&
		a.usage() == b.usage() && a.MatchingType == b.MatchingType && a.SNI == b.SNI && slices.Equal(a.Suites, b.Suites)
}
