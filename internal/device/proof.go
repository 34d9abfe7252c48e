package device

import (
	"errors"
	"fmt"

	"heddle.example/dtls"
	"heddle.example/internal/pemfile"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// Proof says what a device without a pre-shared key proves itself with, and whom it believes: files in PEM or DER.
type Proof struct {
	Key         string // the device's private key
	Certificate string // its certificate; "": a raw public key
	Server      string // the server's public key, or the certificate that Usage is about
	Usage       uint8  // resource 15, of a certificate
}

// Given reports whether there is one at all.
func (p *Proof) Given() bool { return p.Key != "" || p.Certificate != "" || p.Server != "" }

// Prove gives an account what stands in the files.
func (p *Proof) Prove(a *client.Account) (err error) {
	if p.Key == "" || p.Server == "" {
		return errors.New("the private key and the server's certificate go together: what the device proves itself with, and whom it believes")
	}
	if a.Key, err = pemfile.PrivateKey(p.Key); err != nil {
		return fmt.Errorf("private key: %w", err)
	}
	var kind machine.SecurityKind
	if a.ServerKey, kind, err = pemfile.Peer(p.Server); err != nil {
		return fmt.Errorf("server's certificate: %w", err)
	}
	if p.Certificate == "" {
		a.Mode = machine.RPK
		if kind == machine.X509 {
			return fmt.Errorf("server's certificate: a device without a certificate needs the server's public key: openssl x509 -in %s -noout -pubkey", p.Server)
		}
		return nil
	}
	if kind == machine.RPK {
		return fmt.Errorf("server's certificate: %s is a public key; a device with a certificate needs a certificate", p.Server)
	}
	chain, err := pemfile.Certificates(p.Certificate)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	a.Mode, a.Identity = machine.X509, ""
	for _, der := range chain {
		a.Identity += string(der)
	}
	usage := dtls.Usage(p.Usage)
	a.CertificateUsage = &usage
	return nil
}
