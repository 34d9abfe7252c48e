package shell

import (
	"crypto/x509"

	"heddle.example/dtls"
)

// What `coaps x509` sets where the user gave nothing, as OpenThread's nodes carry a certificate for tests (cli's
// x509_cert_key.hpp). It proves nothing: whoever has Heddle has the private key. The key of the authority is thrown away.
const (
	testChain = `-----BEGIN CERTIFICATE-----
MIIBVjCB/qADAgECAgECMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMTDkhlZGRsZSB0
ZXN0IENBMCAXDTcwMDEwMTAwMDAwMFoYDzk5OTkxMjMxMjM1OTU5WjAbMRkwFwYD
VQQDExBoZWRkbGUtdGVzdC1ub2RlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
LpRDJxOktpP2XI0aq/1eBk1amaGfdujwVeXjo3gKAuJY4nT3wLrkH6UTT/WGoAWU
3X4V+hmgVvbKB0i6UBUoMqMzMDEwDgYDVR0PAQH/BAQDAgeAMB8GA1UdIwQYMBaA
FBaJv/A6a9+I5Qn2RSvM9BLroaTWMAoGCCqGSM49BAMCA0cAMEQCIDxx+YfFXctH
xL5ZOzY/iF4PW+bMwngMFJTzyhMfO1UmAiAv0AxF1Xg77Tl7u6e52iBZjquUQRSF
16DfF46kt1YGhA==
-----END CERTIFICATE-----
`
	testKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+QDXb1oE+uFPvPMc
FTt8di3DUrqSfttru7abGdZBWoqhRANCAAQulEMnE6S2k/ZcjRqr/V4GTVqZoZ92
6PBV5eOjeAoC4ljidPfAuuQfpRNP9YagBZTdfhX6GaBW9soHSLpQFSgy
-----END PRIVATE KEY-----
`
	testRoot = `-----BEGIN CERTIFICATE-----
MIIBaDCCAQ6gAwIBAgIBATAKBggqhkjOPQQDAjAZMRcwFQYDVQQDEw5IZWRkbGUg
dGVzdCBDQTAgFw03MDAxMDEwMDAwMDBaGA85OTk5MTIzMTIzNTk1OVowGTEXMBUG
A1UEAxMOSGVkZGxlIHRlc3QgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARo
eVjXWYUCSG6+oRSgS2ohUl27+cY32aySzIymtjXbJ2QlalvsoXxuvEogGo8vUcJm
SvyRzqWjGeWCndeYSQ18o0UwQzAOBgNVHQ8BAf8EBAMCAgQwEgYDVR0TAQH/BAgw
BgEB/wIBADAdBgNVHQ4EFgQUFom/8Dpr34jlCfZFK8z0EuuhpNYwCgYIKoZIzj0E
AwIDSAAwRQIgNUI3IQflLleXLlFZ4J1RcioN5RW4uJOHYTRvj6GKn6ECIQDeAHTo
HOZSa+tfo4N1xJME1GpUQtJgDj/VeW32tKoDdg==
-----END CERTIFICATE-----
`
)

func testCertificate() (*dtls.Certificate, *x509.CertPool, error) {
	own, err := dtls.CertificateFromPEM([]byte(testChain), []byte(testKey))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(testRoot))
	return own, roots, err
}
