//go:build peers

package dtls

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
)

// Scandium 4 with certificates and with raw public keys, connection IDs, and resumption: what Leshan 2 has.

type scandiumCert struct {
	suite Suite
	kind  machine.SecurityKind
	its   int // length of its connection ID
	loss  int
}

func scandiumCerts() []scandiumCert {
	return []scandiumCert{
		{ECDHEECDSAWithAES128CCM8, machine.X509, 0, 0}, {ECDHEECDSAWithAES128CCM8, machine.RPK, 0, 0},
		{ECDHEECDSAWithAES128CCM8, machine.X509, 6, 3}, {ECDHEECDSAWithAES128CCM8, machine.RPK, 6, 3},
		{ECDHEECDSAWithAES128CCM, machine.X509, 6, 0}, {ECDHEECDSAWithAES128GCM, machine.RPK, 6, 0},
	}
}

func (c scandiumCert) String() string {
	return fmt.Sprintf("%v/%v/cid=%d/loss=%d", c.suite, c.kind, c.its, c.loss)
}

// files are named by what Californium reads.
func (c scandiumCert) files(t *testing.T) (f certFiles, own *Certificate) {
	f = certificates(t, "us", "urn:dev:scandium")
	for _, name := range []*string{&f.caFile, &f.cert} {
		if err := os.Rename(*name, *name+".pem"); err != nil {
			t.Fatal(err)
		}
		*name += ".pem"
	}
	if c.kind == machine.RPK {
		return f, f.ours.Raw()
	}
	return f, f.ours
}

func (c scandiumCert) check(t *testing.T, f certFiles, e *Established) {
	t.Helper()
	name := f.its.Name()
	if c.kind == machine.RPK {
		name = f.its.Raw().Name()
	}
	if id := e.Path.Security; e.Suite != c.suite || !e.EMS || len(e.PeerCID) != c.its || id.Kind != c.kind || id.Name != name {
		t.Errorf("%+v %+v", e, id)
	}
}

func TestScandiumCertificateClient(t *testing.T) {
	x := scandium(t, 4)
	for _, c := range scandiumCerts() {
		t.Run(c.String(), func(t *testing.T) {
			f, own := c.files(t)
			d := newDriver(t, Config{Certificate: func(string) *Certificate { return own }, Verify: f.trust().Verify, CIDLen: 8, RetransmitInitial: 300 * time.Millisecond})
			lossy(d, c.loss)
			x.task("client %d %v %d true %v %s %s", d.local.Port(), c.suite, c.its, c.kind, f.cert, f.caFile)
			d.until("Established", func() bool { return lastOf[*Established](d) != nil || lastOf[*Refused](d) != nil })
			if r := lastOf[*Refused](d); r != nil {
				t.Fatalf("%+v", r)
			}
			d.drop = nil
			e := lastOf[*Established](d)
			c.check(t, f, e)
			if c.loss > 0 { // its data may have been among the lost datagrams
				return
			}
			d.wait("hello from scandium")
			d.write(e.Session, "hello from us")
			d.until("output", func() bool { return strings.Contains(x.output(), "hello from us") })
			x.task("again")
			d.wait("hello again from scandium")
			e = lastOf[*Established](d)
			if c.check(t, f, e); !e.Resumed {
				t.Errorf("not resumed: %+v", e)
			}
		})
	}
}

func TestScandiumCertificateServer(t *testing.T) {
	x := scandium(t, 4)
	for _, c := range scandiumCerts() {
		t.Run(c.String(), func(t *testing.T) {
			f, own := c.files(t)
			port := freePort(t)
			x.task("server %d %v %d true %v %s %s", port, c.suite, c.its, c.kind, f.cert, f.caFile)
			d := newDriver(t, Config{RetransmitInitial: 300 * time.Millisecond})
			d.until("ready", func() bool { return strings.Contains(x.output(), "ready") })
			lossy(d, c.loss)
			cfg := ClientConfig{Certificate: own, Verify: f.trust().Verify, Suites: []Suite{c.suite}, ServerName: "127.0.0.1"}
			to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
			e := d.dial(to, cfg)
			d.drop = nil
			c.check(t, f, e)
			d.write(e.Session, "hello from us")
			d.wait("hello from us")
			if cfg.Resume = e.Resume; cfg.Resume == nil {
				t.Fatal("nothing to resume with")
			}
			e = d.dial(to, cfg)
			if c.check(t, f, e); !e.Resumed {
				t.Errorf("not resumed: %+v", e)
			}
			d.write(e.Session, "hello again")
			d.wait("hello again")
		})
	}
}
