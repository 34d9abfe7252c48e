package serve

import (
	"encoding/base64"
	"errors"
	"fmt"

	"heddle.example/dtls"
	"heddle.example/internal/api"
	"heddle.example/internal/pemfile"
	"heddle.example/lwm2m/server"
)

// Proof is what the server shows to devices without a pre-shared key, and which authorities of theirs it believes.
type Proof struct {
	Certificate string // file with the chain; "": a raw public key only
	Key         string // file with the private key; "": devices have pre-shared keys only
	Authorities string // file; "": devices have raw public keys
	Listed      bool   // a certificate alone does not register: the endpoint needs credentials of mode x509
}

// open reads the files. Nil without an error: there are none.
func (c *Proof) open(s *server.Config) (*dtls.Certificate, error) {
	switch {
	case c.Key == "" && c.Certificate == "" && c.Authorities == "" && !c.Listed:
		return nil, nil
	case s.DTLS == nil:
		return nil, errors.New("--coaps-key is for --coaps, which is off")
	case c.Key == "":
		return nil, errors.New("--coaps-key is missing: the server needs a private key for certificates and raw public keys; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 makes one")
	case c.Listed && c.Authorities == "":
		return nil, errors.New("--coaps-listed goes with --coaps-ca")
	}
	own, err := pemfile.Certificate(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("--coaps-cert and --coaps-key: %w", err)
	}
	if c.Authorities != "" {
		if s.Roots, err = pemfile.Roots(c.Authorities); err != nil {
			return nil, fmt.Errorf("--coaps-ca: %w", err)
		}
		s.Certified = !c.Listed
	}
	s.DTLS.Certificate = func(string) *dtls.Certificate { return own }
	return own, nil
}

// proofInfo says what devices can know the server by.
func (p *Program) proofInfo(i *api.Info) {
	if p.proof == nil {
		return
	}
	i.PublicKey = base64.StdEncoding.EncodeToString(p.proof.PublicKey())
	if chain := p.proof.Chain(); len(chain) > 0 {
		i.Certificate = base64.StdEncoding.EncodeToString(chain[0])
	}
}

// Proof is what the server shows to devices without a pre-shared key; nil: nothing.
func (p *Program) Proof() *dtls.Certificate { return p.proof }
