package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"heddle.example/dtls"
	"heddle.example/internal/pemfile"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// clientProof are the settings of a device with a raw public key or a certificate.
type clientProof struct {
	key, certificate string // files
	server, trust    string // files
	usage            uint8
}

func (o *clientProof) flags(f *pflag.FlagSet) {
	o.usage = uint8(dtls.DomainIssued)
	f.StringVar(&o.key, "key", "", "private key `FILE` (PEM, P-256) instead of --psk; without --cert the device has a raw public key")
	f.StringVar(&o.certificate, "cert", "", "certificate `FILE` (PEM) of the device, with its chain")
	f.StringVar(&o.server, "server-cert", "", "`FILE` (PEM) with the server's certificate or public key, or with the authority that --cert-usage says")
	f.Uint8Var(&o.usage, "cert-usage", o.usage, "what the certificate of --server-cert is: `0` to 3 of LwM2M's resource 0/x/15; 3: the server's own, 2: its authority; 0 and 1: these, and --trust vouches for it")
	f.StringVar(&o.trust, "trust", "", "`FILE` (PEM) with the authorities that the device believes, for --cert-usage 0 and 1 and for bootstrap")
}

func (o *clientProof) given() bool { return o.key != "" || o.certificate != "" || o.server != "" }

// prove gives an account what stands in the files.
func (o *clientProof) prove(a *client.Account) (err error) {
	if o.key == "" || o.server == "" {
		return errors.New("--key and --server-cert go together: what the device proves itself with, and whom it believes")
	}
	if a.Key, err = pemfile.PrivateKey(o.key); err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	var kind machine.SecurityKind
	if a.ServerKey, kind, err = pemfile.Peer(o.server); err != nil {
		return fmt.Errorf("--server-cert: %w", err)
	}
	if o.certificate == "" {
		a.Mode = machine.RPK
		if kind == machine.X509 {
			return fmt.Errorf("--server-cert: %s is a certificate; without --cert the device needs the server's public key: openssl x509 -in %s -noout -pubkey", o.server, o.server)
		}
		return nil
	}
	if kind == machine.RPK {
		return fmt.Errorf("--server-cert: %s is a public key; with --cert the device needs a certificate", o.server)
	}
	chain, err := pemfile.Certificates(o.certificate)
	if err != nil {
		return fmt.Errorf("--cert: %w", err)
	}
	a.Mode, a.Identity = machine.X509, ""
	for _, der := range chain {
		a.Identity += string(der)
	}
	usage := dtls.Usage(o.usage)
	a.CertificateUsage = &usage
	return nil
}
