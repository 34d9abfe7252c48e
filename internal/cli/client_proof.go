package cli

import (
	"github.com/spf13/pflag"

	"heddle.example/dtls"
	"heddle.example/internal/device"
)

// clientProof are the settings of a device with a raw public key or a certificate.
type clientProof struct {
	device.Proof
	trust string // file
}

func (o *clientProof) flags(f *pflag.FlagSet) {
	o.Usage = uint8(dtls.DomainIssued)
	f.StringVar(&o.Key, "key", "", "private key `FILE` (PEM, P-256) instead of --psk; without --cert the device has a raw public key")
	f.StringVar(&o.Certificate, "cert", "", "certificate `FILE` (PEM) of the device, with its chain")
	f.StringVar(&o.Server, "server-cert", "", "`FILE` (PEM) with the server's certificate or public key, or with the authority that --cert-usage says")
	f.Uint8Var(&o.Usage, "cert-usage", o.Usage, "what the certificate of --server-cert is: `0` to 3 of LwM2M's resource 0/x/15; 3: the server's own, 2: its authority; 0 and 1: these, and --trust vouches for it")
	f.StringVar(&o.trust, "trust", "", "`FILE` (PEM) with the authorities that the device believes, for --cert-usage 0 and 1 and for bootstrap")
}
