package server

import (
	"bytes"
	"fmt"

	"heddle.example/dtls"
	"heddle.example/machine"
)

// psk is the key look-up of the DTLS layer.
func (s *Server) psk(identity []byte) ([]byte, bool) {
	if s.config.Credentials == nil {
		return nil, false
	}
	c, ok := s.config.Credentials.ByIdentity(identity)
	if !ok || c.Mode != machine.PSK || len(c.Key) == 0 {
		return nil, false
	}
	return c.Key, true
}

// verify is what the DTLS layer asks about a device that has shown a raw public key or a certificate, and proved that the
// private key is its own.
func (s *Server) verify(p *dtls.Peer) (name string, err error) {
	if s.config.Credentials == nil {
		return "", dtls.ErrUntrusted
	}
	if p.Kind() == machine.X509 {
		return s.verifyCertificate(p)
	}
	name = p.Name()
	c, ok := s.config.Credentials.ByIdentity([]byte(name))
	if !ok || c.Mode != machine.RPK || !bytes.Equal(c.Key, p.Key) {
		return "", fmt.Errorf("%w: no endpoint has the raw public key %s: add its credentials", dtls.ErrUntrusted, name)
	}
	return name, nil
}

// verifyCertificate believes the authorities. Which endpoints a name speaks for is decided at its Register.
func (s *Server) verifyCertificate(p *dtls.Peer) (name string, err error) {
	trust := dtls.Trust{Roots: s.config.Roots}
	if name, err = trust.Verify(p); err != nil {
		return "", err
	}
	if !validEndpoint([]byte(name), s.config.Limits.Endpoint) {
		return "", fmt.Errorf("%w: the name in the certificate is no endpoint name", dtls.ErrUntrusted)
	}
	if c, ok := s.config.Credentials.ByIdentity([]byte(name)); ok && c.Mode != machine.X509 || !ok && !s.config.Certified {
		return "", fmt.Errorf("%w: no endpoint has a certificate with the name %q: add its credentials", dtls.ErrUntrusted, name)
	}
	return name, nil
}

// certified reports whether a certificate's name is that of an endpoint without credentials.
func (s *Server) certified(kind machine.SecurityKind) bool {
	return s.config.Certified && kind == machine.X509
}
