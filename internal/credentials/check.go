package credentials

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"

	"heddle.example/dtls"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// publicKeyMost bounds what is given as a raw public key: one of secp256r1 has 91 bytes, and PEM about twice as many.
const publicKeyMost = 1024

// Check reports what is wrong with a credential.
func Check(cr server.Credential) error {
	switch {
	case !plain(cr.Endpoint, endpointMost):
		return fmt.Errorf("%w: an endpoint has 1 to %d bytes of UTF-8 without control characters", ErrInvalid, endpointMost)
	case !plain(cr.Identity, identityMost):
		return fmt.Errorf("%w: an identity has 1 to %d bytes of UTF-8 without control characters", ErrInvalid, identityMost)
	}
	switch cr.Mode {
	case machine.PSK:
		if len(cr.Key) < keyLeast || len(cr.Key) > keyMost {
			return fmt.Errorf("%w: a key has %d to %d bytes (%d to %d hexadecimal digits), this one has %d bytes", ErrInvalid, keyLeast, keyMost, 2*keyLeast, 2*keyMost, len(cr.Key))
		}
	case machine.RPK:
		if err := checkPublicKey(cr.Key); err != nil {
			return err
		}
		if cr.Identity != dtls.KeyName(cr.Key) {
			return fmt.Errorf("%w: the identity of a raw public key is its SHA-256; leave it out", ErrInvalid)
		}
	case machine.X509:
		if len(cr.Key) > 0 {
			return fmt.Errorf("%w: mode x509 takes no key: the device's certificate has it", ErrInvalid)
		}
	default:
		return fmt.Errorf("%w: mode %s is not supported; use psk, rpk or x509", ErrInvalid, cr.Mode)
	}
	return nil
}

// checkPublicKey takes what the DTLS layer can use: a SubjectPublicKeyInfo of secp256r1, in its one encoding, so that two
// rows never stand for one key.
func checkPublicKey(spki []byte) error {
	key, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return fmt.Errorf("%w: the public key is no SubjectPublicKeyInfo", ErrInvalid)
	}
	if ec, ok := key.(*ecdsa.PublicKey); !ok || ec.Curve != elliptic.P256() {
		return fmt.Errorf("%w: the public key is not one of the curve P-256 (secp256r1, prime256v1)", ErrInvalid)
	}
	if again, err := x509.MarshalPKIXPublicKey(key); err != nil || string(again) != string(spki) {
		return fmt.Errorf("%w: the public key is not encoded as others encode it: no compressed point, nothing behind it", ErrInvalid)
	}
	return nil
}

// RPK is the credential of a raw public key.
func RPK(endpoint string, spki []byte) server.Credential {
	return server.Credential{Endpoint: endpoint, Identity: dtls.KeyName(spki), Key: spki, Mode: machine.RPK}
}

// X509 is the credential of an endpoint whose certificate has a name; "" is that of the endpoint.
func X509(endpoint, name string) server.Credential {
	if name == "" {
		name = endpoint
	}
	return server.Credential{Endpoint: endpoint, Identity: name, Mode: machine.X509}
}

// ParsePublicKey reads a raw public key as people have it: PEM (BEGIN PUBLIC KEY), hexadecimal digits or base64.
func ParsePublicKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if len(text) > publicKeyMost {
		return nil, fmt.Errorf("%w: the public key is longer than %d characters", ErrInvalid, publicKeyMost)
	}
	var b []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("%w: this PEM is a %s, not a PUBLIC KEY; openssl pkey -pubout makes one of a private key", ErrInvalid, strings.ToLower(block.Type))
		}
		b = block.Bytes
	} else if x, err := hex.DecodeString(text); err == nil {
		b = x
	} else if x, err := base64.StdEncoding.DecodeString(text); err == nil {
		b = x
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: the public key is neither PEM nor hexadecimal digits nor base64", ErrInvalid)
	}
	return b, checkPublicKey(b)
}
