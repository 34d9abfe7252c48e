package dtls

import (
	"crypto/x509"
	"errors"
	"fmt"
)

// What may be wrong with a peer's certificate.
var (
	errLongChain       = errors.New("more certificates than anybody needs")
	errBadCertificate  = fault("it cannot be read")
	errOtherKey        = fault("its key is not for ECDSA on P-256, or one in its chain is too large")
	errCertificateType = fault("it is X.509, and a raw public key was asked for")
	errKeyUsage        = fault("its key is not for signatures")
	errNotPinned       = fault("it is not the one that was pinned")
	errNoName          = fault("nobody said which name to look for: set ClientConfig.ServerName, or Trust.AnyName")
	errOtherName       = fault("it has another name")
)

// fault makes a reason of ErrUntrusted.
func fault(text string) error { return untrusted(text) }

type untrusted string

func (u untrusted) Error() string { return ErrUntrusted.Error() + ": " + string(u) }
func (untrusted) Unwrap() error   { return ErrUntrusted }

// alertForCertificate chooses the alert that tells a peer what is wrong with its certificate (RFC 5246 section 7.2.2); -1:
// the error is another one.
func alertForCertificate(err error) int {
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.Is(err, errOtherKey), errors.Is(err, errCertificateType), errors.Is(err, errKeyUsage):
		return alertUnsupportedCert
	case errors.Is(err, errLongChain), errors.Is(err, errBadCertificate), errors.Is(err, errOtherName):
		return alertBadCertificate
	case errors.As(err, &authority):
		return alertUnknownCA
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return alertExpired
	case errors.As(err, &invalid):
		return alertBadCertificate
	case errors.Is(err, ErrUntrusted):
		return alertCertUnknown
	}
	return -1
}

// distrust makes a reason of ErrUntrusted of what somebody says about a certificate.
func distrust(err error) error {
	if errors.Is(err, ErrUntrusted) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUntrusted, err)
}
