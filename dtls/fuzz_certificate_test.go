package dtls

import (
	"bytes"
	"testing"
	"time"

	"heddle.example/machine"
)

// certificateDatagrams is a corpus of real handshakes with certificates, or with raw public keys.
func certificateDatagrams(t testing.TB, change func(x *certWorld, c, s *Config)) (all [][]byte) {
	x := newCertWorld(t, 70, change)
	x.filter = func(d *datagram) bool { all = append(all, d.data); return true }
	ce, _ := x.connect()
	x.dialing.Resume = ce.Resume
	x.connect()
	return all
}

// FuzzCertificate reads Certificate messages, and judges what can be read.
func FuzzCertificate(f *testing.F) {
	ca := newAuthority(f, 1)
	between := ca.under(77, nil)
	c := between.issue("server.example", uri("coaps://server.example")).with(f, between.der)
	f.Add(c.show(nil, false), false)
	f.Add(c.show(nil, true), true)
	f.Add([]byte{0, 0, 0}, false)
	trusts := []Trust{{Roots: pool(ca)}, {Roots: pool(ca), AnyTime: true, AnyName: true}, {Pinned: between.der, Usage: TrustAnchor},
		{Pinned: c.Chain()[0], Usage: DomainIssued}, {Keys: [][]byte{c.PublicKey()}}}
	f.Fuzz(func(t *testing.T, b []byte, raw bool) {
		kept := bytes.Clone(b)
		p, err := parsePeer(b, raw)
		if err != nil || p == nil {
			return
		}
		clear(b) // borrowed
		if p.public == nil || len(p.Chain) > maxChain || (p.Kind() == machine.RPK) != raw || !bytes.Equal(p.body, kept) {
			t.Fatalf("%+v", p)
		}
		p.Server, p.ServerName, p.Now = true, "server.example", machine.Time(testStart.UnixNano())
		for _, trust := range trusts {
			if name, err := trust.Verify(p); err == nil && name != p.Name() {
				t.Errorf("%q", name)
			}
		}
		p.signed(ecdsaSHA384, b, kept)
	})
}

// FuzzCertificateMessages reads what else there is in a handshake with certificates.
func FuzzCertificateMessages(f *testing.F) {
	for _, b := range certificateDatagrams(f, nil) {
		if len(b) > 25 {
			f.Add(b[25:])
		}
	}
	f.Add(certificateRequest)
	ca := newAuthority(f, 1)
	own := ca.issue("a", nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePeer(own.show(nil, false), false)
		if err != nil {
			t.Fatal(err)
		}
		hs := &handshake{auth: &authentication{own: own, peer: p}}
		x := &ecdheECDSA{hs: hs}
		if x.readServer(b) == nil {
			t.Error("somebody signed for us")
		}
		_, _ = new(ecdheECDSA).readClient(b) // needs a group first: must not panic
		x.setGroup(groupP256)
		_, _ = x.readClient(b)
		_ = hs.auth.readRequest(b)
		_ = certificateTypes(b)
		_ = offersSignature(b)
		_ = hostName(reader{b: b})
		var ext extensions
		if ext.decode(b) {
			_ = (&authentication{serverKinds: []machine.SecurityKind{machine.RPK}}).readTypes(&ext)
		}
	})
}

// FuzzReceiveCertificates is FuzzReceive with certificates.
func FuzzReceiveCertificates(f *testing.F) {
	for _, change := range []func(x *certWorld, c, s *Config){nil, raw} {
		var seed []byte
		for _, b := range certificateDatagrams(f, change) {
			if len(b) < 2048 {
				seed = append(append(seed, byte(len(b)>>8), byte(len(b))), b...)
				f.Add(seed)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x := newCertWorld(t, 70, func(_ *certWorld, _, s *Config) { s.MaxHandshakes = 3 })
		x.connect()
		x.start()
		for len(b) >= 2 {
			n := min(int(b[0]&7)<<8|int(b[1]), len(b)-2)
			d, side := b[2:2+n], b[0]
			b = b[2+n:]
			to, from := x.world.server, clientAddr
			if side&0x80 != 0 {
				to, from = x.world.client, serverAddr
			}
			if side&0x40 != 0 {
				from = otherAddr
			}
			to.e.Receive(x.now, 0, machine.Path{Local: to.addr, Remote: from}, d)
			x.drain(to)
			x.run(20 * time.Millisecond)
		}
		x.run(10 * time.Minute)
		if x.world.server.e.idle.n == 0 {
			t.Errorf("no session is left: %+v", x.world.server.e.Stats())
		}
		(&mirror{Engine: x.world.server.e}).check(t)
		(&mirror{Engine: x.world.client.e}).check(t)
	})
}
