package bootstrap

import (
	"crypto/x509"
	"fmt"

	"heddle.example/dtls"
	"heddle.example/internal/credentials"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// matchingType is the resource of the Security object that makes the server's certificate a hash of it (E.1).
const matchingType uint16 = 13

// asymmetric reports whether the device has a key pair of its own.
func (s *Server) asymmetric() bool { return s.Mode == machine.RPK || s.Mode == machine.X509 }

// proof is what the device will show.
func (s *Server) proof() (*dtls.Certificate, error) {
	if s.Mode == machine.X509 {
		return dtls.NewCertificate(s.Key, s.Public)
	}
	return dtls.NewCertificate(s.Key)
}

// credential is what this program's own server has to know of a device that is given the account, with this key if it is a PSK.
func (s *Server) credential(endpoint string, key []byte) server.Credential {
	switch s.Mode {
	case machine.RPK:
		return credentials.RPK(endpoint, s.Public)
	case machine.X509:
		if own, err := s.proof(); err == nil { // Check has seen to it
			return credentials.X509(endpoint, own.Name())
		}
		return credentials.X509(endpoint, "")
	}
	return server.Credential{Endpoint: endpoint, Identity: s.identity(endpoint), Key: key, Mode: machine.PSK}
}

// same reports whether a device has the credentials that it needs, whatever the key of a PSK is.
func same(have credentials.Credential, want server.Credential) bool {
	return have.Mode == want.Mode && have.Identity == want.Identity
}

// serverProof checks what a device with a key pair is given.
func (k *checker) serverProof(where string, s *Server) {
	switch {
	case !s.asymmetric():
		k.bad(where+".mode", "mode %s is not supported; use psk, rpk, x509 or none", s.Mode)
		return
	case k.c.Group():
		k.bad(where+".mode", "mode %s is for one device: each has a key of its own", s.Mode)
		return
	case s.Identity != "":
		k.bad(where+".identity", "mode %s takes none: publicKey says who the device is", s.Mode)
	case s.Generate:
		k.bad(where+".generateKey", "is for mode psk")
	case len(s.Key) == 0:
		k.bad(where+".key", "is missing: the device's private key (PKCS #8)")
		return
	case s.Mode == machine.X509 && len(s.Public) == 0:
		k.bad(where+".publicKey", "is missing: the device's certificate (DER)")
		return
	}
	own, err := s.proof()
	switch {
	case err != nil:
		k.bad(where+".key", "%v", err)
	case s.Mode == machine.RPK && string(own.PublicKey()) != string(s.Public):
		k.bad(where+".publicKey", "is not that of the private key")
	}
	if err := s.checkServerPublic(); err != nil {
		k.bad(where+".serverPublicKey", "%v", err)
	}
}

func (s *Server) checkServerPublic() (err error) {
	switch {
	case len(s.ServerPublic) == 0:
		return fmt.Errorf("is missing: without it anybody could be the server")
	case s.Mode == machine.RPK:
		_, err = x509.ParsePKIXPublicKey(s.ServerPublic)
	case !s.hashed():
		_, err = x509.ParseCertificate(s.ServerPublic)
	}
	if err != nil {
		return fmt.Errorf("is no %s in DER", map[machine.SecurityKind]string{machine.RPK: "public key", machine.X509: "certificate"}[s.Mode])
	}
	return nil
}

// hashed reports whether ServerPublic is a hash of a certificate.
func (s *Server) hashed() bool {
	for _, r := range s.Security {
		if n, ok := r.Value.AsInt(); r.ID == matchingType && ok && n != 0 {
			return true
		}
	}
	return false
}
