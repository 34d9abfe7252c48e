package srp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"math/big"

	"crypto"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// newKey makes a private key of 32 bytes.
func newKey(r machine.Rand) (*ecdsa.PrivateKey, []byte) {
	for {
		var b [32]byte
		r.Fill(b[:])
		if k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b[:]); err == nil {
			return k, b[:]
		}
	}
}

// publicKey returns the key as a KEY record has it: both coordinates.
func publicKey(k *ecdsa.PrivateKey) []byte {
	b, err := k.PublicKey.Bytes()
	if err != nil {
		panic(err) // it is on the curve
	}
	return b[1:] // without the mark of the form
}

// digest hashes what a SIG(0) covers: the SIG record's data without the signature and with its signer's name whole, then the
// message as it was before that record was added (RFC 2931 section 3.1).
func digest(sig []byte, signer dns.Name, message []byte) [32]byte {
	h := sha256.New()
	h.Write(sig[:sigFixed])
	h.Write([]byte(signer))
	h.Write(message)
	return [32]byte(h.Sum(nil))
}

type pair struct{ R, S *big.Int }

// sign makes a signature of 64 bytes. It uses no randomness (RFC 6979).
func sign(k *ecdsa.PrivateKey, d [32]byte) ([]byte, error) {
	der, err := k.Sign(nil, d[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var p pair
	if rest, err := asn1.Unmarshal(der, &p); err != nil || len(rest) > 0 {
		return nil, errors.New("srp: the signature is not encoded as it should be")
	}
	out := make([]byte, sigSize)
	p.R.FillBytes(out[:32])
	p.S.FillBytes(out[32:])
	return out, nil
}

// verify checks a signature against the key of a KEY record.
func verify(key []byte, d [32]byte, signature []byte) bool {
	k, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append([]byte{4}, key...))
	if err != nil || len(signature) != sigSize {
		return false
	}
	der, err := asn1.Marshal(pair{new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])})
	return err == nil && ecdsa.VerifyASN1(k, d[:], der)
}

func parseKey(b []byte) (*ecdsa.PrivateKey, error) {
	return ecdsa.ParseRawPrivateKey(elliptic.P256(), b)
}
