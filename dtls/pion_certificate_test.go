package dtls

import (
	"crypto/tls"
	"fmt"
	"testing"

	pion "github.com/pion/dtls/v3"

	"heddle.example/machine"
)

// pion/dtls with certificates, both roles, with and without connection IDs, in small and large datagrams.

var pionCertSuites = map[Suite]pion.CipherSuiteID{
	ECDHEECDSAWithAES128CCM8: pion.TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
	ECDHEECDSAWithAES128CCM:  pion.TLS_ECDHE_ECDSA_WITH_AES_128_CCM,
	ECDHEECDSAWithAES128GCM:  pion.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
}

type pionCert struct {
	pionCase
	ca        *authority
	ours, its *Certificate
}

func newPionCert(t *testing.T, c pionCase, ours, its string) pionCert {
	ca := newAuthority(t, 1)
	between := ca.under(77, nil)
	return pionCert{c, ca, between.issue(ours, dns("heddle.example")).with(t, between.der), ca.issue(its, dns("heddle.example"))}
}

func (c pionCert) config(suite Suite) *pion.Config {
	cfg := c.pionCase.config(PSKWithAES128CCM8)
	cfg.PSK, cfg.PSKIdentityHint, cfg.CipherSuites = nil, nil, []pion.CipherSuiteID{pionCertSuites[suite]}
	cfg.Certificates = []tls.Certificate{{Certificate: c.its.Chain(), PrivateKey: c.its.key}}
	cfg.RootCAs, cfg.ClientCAs, cfg.ClientAuth, cfg.ServerName = pool(c.ca), pool(c.ca), pion.RequireAndVerifyClientCert, "heddle.example"
	return cfg
}

func (c pionCert) driver(t *testing.T, suite Suite) *driver {
	d := newDriver(t, Config{
		Certificate: func(string) *Certificate { return c.ours }, Verify: (&Trust{Roots: pool(c.ca)}).Verify, Suites: []Suite{suite},
		CIDLen: max(c.ourCID, 0), DisableCID: c.ourCID < 0, MTU: c.mtu,
	})
	if c.loss > 0 {
		d.drop = func(n int, out bool) bool { return n%c.loss == 1 && n < 8 }
	}
	return d
}

func forPionCert(t *testing.T, f func(t *testing.T, c pionCase, suite Suite)) {
	for suite := range pionCertSuites {
		for _, c := range pionCases {
			if suite != ECDHEECDSAWithAES128CCM8 && c.name != "plain" && c.name != "CID both" { // records alone differ
				continue
			}
			t.Run(fmt.Sprintf("%v/%s", suite, c.name), func(t *testing.T) {
				t.Parallel()
				f(t, c, suite)
			})
		}
	}
}

func TestPionCertificateClient(t *testing.T) {
	forPionCert(t, func(t *testing.T, pc pionCase, suite Suite) {
		c := newPionCert(t, pc, "us", "urn:dev:pion")
		d := c.driver(t, suite)
		result := make(chan error, 1)
		go func() { result <- pionClient(d.local, c.config(suite)) }()
		d.until("Established", func() bool { return lastOf[*Established](d) != nil || len(result) > 0 })
		e := lastOf[*Established](d)
		if e == nil {
			t.Fatal(<-result)
		}
		c.check(t, e, suite)
		if id := e.Path.Security; id.Kind != machine.X509 || id.Name != "urn:dev:pion" {
			t.Errorf("%+v", id)
		}
		d.wait("hello from pion")
		d.write(e.Session, "hello from us")
		d.until("end of pion", func() bool { return len(result) > 0 })
		if err := <-result; err != nil {
			t.Fatal(err)
		}
	})
}

func TestPionCertificateServer(t *testing.T) {
	forPionCert(t, func(t *testing.T, pc pionCase, suite Suite) {
		c := newPionCert(t, pc, "urn:dev:us", "pion")
		c.server(t, c.config(suite), c.driver(t, suite), suite, ClientConfig{
			Certificate: c.ours, Verify: (&Trust{Roots: pool(c.ca)}).Verify, ServerName: "heddle.example",
		})
	})
}
