// Package pemfile reads keys and certificates from files as openssl writes them: PEM, or DER where the file is nothing else.
// Its errors name the file and never show what stands in it.
package pemfile

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"heddle.example/dtls"
	"heddle.example/machine"
)

// most bounds a file: authorities of a whole company need less.
const most = 1 << 20

// read returns the blocks of a file whose type is wanted; a file without PEM is one block.
func read(path string, wanted func(kind string) bool) ([]*pem.Block, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > most:
		return nil, fmt.Errorf("%s is larger than 1 MiB", path)
	}
	if block, _ := pem.Decode(b); block == nil {
		return []*pem.Block{{Bytes: b}}, nil
	}
	var blocks []*pem.Block
	for rest := b; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return blocks, nil
		}
		if wanted(block.Type) {
			blocks = append(blocks, block)
		}
	}
}

// PrivateKey returns the private key of a file, DER: PKCS #8 or SEC 1.
func PrivateKey(path string) ([]byte, error) {
	blocks, err := read(path, func(kind string) bool {
		return kind == "PRIVATE KEY" || kind == "EC PRIVATE KEY" || kind == "ENCRYPTED PRIVATE KEY"
	})
	switch {
	case err != nil:
		return nil, err
	case len(blocks) != 1:
		return nil, fmt.Errorf("%s holds %d private keys; give a file with one", path, len(blocks))
	case blocks[0].Type == "ENCRYPTED PRIVATE KEY" || len(blocks[0].Headers) > 0:
		return nil, fmt.Errorf("%s: the private key has a password; openssl pkey -in %s -out plain.pem takes it away", path, path)
	}
	return blocks[0].Bytes, nil
}

// Certificates returns the certificates of a file, DER, in their order.
func Certificates(path string) ([][]byte, error) {
	blocks, err := read(path, func(kind string) bool { return kind == "CERTIFICATE" })
	if err != nil {
		return nil, err
	}
	var chain [][]byte
	for _, b := range blocks {
		if _, err := x509.ParseCertificate(b.Bytes); err != nil {
			return nil, fmt.Errorf("%s holds a certificate that cannot be read: %w", path, err)
		}
		chain = append(chain, b.Bytes)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return chain, nil
}

// Certificate returns what one proves oneself with: the private key of a file, and the chain of another; "": the key alone, a
// raw public key.
func Certificate(chain, key string) (*dtls.Certificate, error) {
	private, err := PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var certificates [][]byte
	if chain != "" {
		if certificates, err = Certificates(chain); err != nil {
			return nil, err
		}
	}
	return dtls.NewCertificate(private, certificates...)
}

// Roots returns the authorities of a file.
func Roots(path string) (*x509.CertPool, error) {
	chain, err := Certificates(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		pool.AddCert(c)
	}
	return pool, nil
}

// Peer returns what the far end shows, DER: the first certificate of a file (X509), or a public key (RPK).
func Peer(path string) ([]byte, machine.SecurityKind, error) {
	blocks, err := read(path, func(kind string) bool { return kind == "CERTIFICATE" || kind == "PUBLIC KEY" })
	if err != nil {
		return nil, 0, err
	}
	if len(blocks) > 0 {
		b := blocks[0].Bytes
		if _, err := x509.ParseCertificate(b); err == nil {
			return b, machine.X509, nil
		}
		if _, err := x509.ParsePKIXPublicKey(b); err == nil {
			return b, machine.RPK, nil
		}
	}
	return nil, 0, errors.New(path + " holds neither a certificate nor a public key")
}
